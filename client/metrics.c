/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/metrics.h"

#include <string.h>

#include "client/status.h"

struct view {
	const struct setup *setup;
	const struct subjects *subjects;
};

struct metric {
	enum metrics_type type;
	const char *name, *help;
	uint64_t (*value)(const struct view *view, size_t i);
};

/* ---- collectors ------------------------------------------------------------------------------ */

static uint64_t collector_up(const struct view *v, size_t i)
{
	return !v->subjects->items[i].reason[0];
}

static uint64_t path_mtu(const struct view *v, size_t i)
{
	return (uint64_t)v->setup->tunnels[i].path_mtu;
}

static uint64_t needed_mtu(const struct view *v, size_t i)
{
	return (uint64_t)v->setup->tunnels[i].needed_mtu;
}

static uint64_t tx_packets(const struct view *v, size_t i)
{
	return v->setup->tunnel_accounts[i].tx_packets;
}

static uint64_t tx_bytes(const struct view *v, size_t i)
{
	return v->setup->tunnel_accounts[i].tx_bytes;
}

static uint64_t tx_dropped(const struct view *v, size_t i)
{
	return v->setup->tunnel_accounts[i].tx_dropped;
}

static uint64_t tx_errors(const struct view *v, size_t i)
{
	return v->setup->tunnel_accounts[i].tx_errors;
}

static uint64_t lane_on(const struct view *v, size_t i)
{
	return !client_lane_off(v->setup, v->subjects, i);
}

static uint64_t lane_packets(const struct view *v, size_t i)
{
	return v->setup->lanes[i].counts.packets;
}

static uint64_t lane_bytes(const struct view *v, size_t i)
{
	return v->setup->lanes[i].counts.bytes;
}

static uint64_t lane_resegmented(const struct view *v, size_t i)
{
	return v->setup->lanes[i].counts.resegmented;
}

static const struct metric collector_metrics[] = {
    {METRICS_GAUGE, "vtap_client_collector_up",
     "Whether the tunnel to the collector works (1) or is blocked (0).", collector_up},
    {METRICS_GAUGE, "vtap_client_collector_path_mtu_bytes",
     "MTU of the path to the collector; 0: there is none.", path_mtu},
    {METRICS_GAUGE, "vtap_client_collector_needed_mtu_bytes",
     "MTU with which no copy would be too big for the path.", needed_mtu},
    {METRICS_COUNTER, "vtap_client_collector_tx_packets_total",
     "Packets sent to the collector, by whatever path.", tx_packets},
    {METRICS_COUNTER, "vtap_client_collector_tx_bytes_total",
     "Bytes sent to the collector, by whatever path.", tx_bytes},
    {METRICS_COUNTER, "vtap_client_collector_tx_dropped_packets_total",
     "Packets dropped by the tunnel device.", tx_dropped},
    {METRICS_COUNTER, "vtap_client_collector_tx_errors_total",
     "Packets the tunnel device could not send.", tx_errors},
    {METRICS_GAUGE, "vtap_client_express_on",
     "Whether copies take the express lane (1) or the kernel's path (0).", lane_on},
    {METRICS_COUNTER, "vtap_client_express_packets_total",
     "Frames sent by the express lane, as they are delivered.", lane_packets},
    {METRICS_COUNTER, "vtap_client_express_bytes_total",
     "Bytes of these frames, Ethernet header included.", lane_bytes},
    {METRICS_COUNTER, "vtap_client_express_resegmented_packets_total",
     "Of these, frames that were made smaller to fit the path.", lane_resegmented},
};

static void write_collector_info(const struct view *v, struct metrics_text *text)
{
	metrics_family(text, METRICS_GAUGE, "vtap_client_collector_info",
		       "Configuration of the collector; the value is always 1.");
	for (size_t i = 0; i < v->setup->config->collectors_count; i++) {
		const struct client_collector *c = &v->setup->config->collectors[i];
		char vni[METRICS_NUMBER], port[METRICS_NUMBER];
		char address[IP_ADDR_TEXT], local[IP_ADDR_TEXT];
		const struct metrics_label labels[] = {
		    {"collector", c->name},
		    {"address", ip_addr_format(&c->address, address)},
		    {"local", ip_addr_format(&v->setup->tunnels[i].local, local)},
		    {"encap", encap_name(c->encap)},
		    {"vni", metrics_number(c->vni, vni)},
		    {"port", c->encap == ENCAP_VXLAN ? metrics_number(c->port, port) : ""},
		    {"device", c->device},
		    {NULL, NULL}};

		metrics_sample(text, labels, 1);
	}
}

static void write_oversize(const struct view *v, struct metrics_text *text)
{
	static const char *const handlings[] = {"none", "resegment", "fragment", "drop"};

	metrics_family(text, METRICS_GAUGE, "vtap_client_collector_oversize",
		       "What happens to copies of full-size frames: 1 for what does, 0 for the "
		       "others; \"none\": they fit.");
	for (size_t i = 0; i < v->setup->config->collectors_count; i++) {
		const struct client_collector *c = &v->setup->config->collectors[i];
		const char *now = client_oversize(v->setup, v->subjects, i);

		for (size_t k = 0; k < sizeof(handlings) / sizeof(handlings[0]); k++) {
			const struct metrics_label labels[] = {
			    {"collector", c->name}, {"handling", handlings[k]}, {NULL, NULL}};

			metrics_sample(text, labels, strcmp(now, handlings[k]) == 0);
		}
	}
}

/* Of the lanes: what went on to the kernel's path, and what could not. */
static void write_lanes(const struct view *v, struct metrics_text *text)
{
	size_t count = v->setup->config->collectors_count;

	metrics_family(text, METRICS_COUNTER, "vtap_client_express_passed_packets_total",
		       "Frames that the express lane passed on to the kernel's path.");
	for (size_t i = 0; i < count; i++)
		for (enum express_pass p = 0; p < EXPRESS_PASSES; p++) {
			const struct metrics_label labels[] = {
			    {"collector", v->setup->config->collectors[i].name},
			    {"reason", express_pass_name(p)},
			    {NULL, NULL}};
			metrics_sample(text, labels, v->setup->lanes[i].counts.passed[p]);
		}
	metrics_family(text, METRICS_COUNTER, "vtap_client_express_dropped_packets_total",
		       "Copies that the express lane lost.");
	for (size_t i = 0; i < count; i++) {
		const struct metrics_label labels[] = {
		    {"collector", v->setup->config->collectors[i].name},
		    {"reason", "unfinished"},
		    {NULL, NULL}};
		metrics_sample(text, labels, v->setup->lanes[i].counts.dropped);
	}
}

static void write_collectors(const struct view *v, struct metrics_text *text)
{
	if (!v->setup->config->collectors_count)
		return;
	write_collector_info(v, text);
	write_oversize(v, text);
	for (size_t m = 0; m < sizeof(collector_metrics) / sizeof(collector_metrics[0]); m++) {
		const struct metric *metric = &collector_metrics[m];

		metrics_family(text, metric->type, metric->name, metric->help);
		for (size_t i = 0; i < v->setup->config->collectors_count; i++) {
			const struct metrics_label labels[] = {
			    {"collector", v->setup->config->collectors[i].name}, {NULL, NULL}};

			metrics_sample(text, labels, metric->value(v, i));
		}
	}
	write_lanes(v, text);
}

/* ---- mirrors --------------------------------------------------------------------------------- */

static uint64_t mirror_up(const struct view *v, size_t i)
{
	return client_stream_works(v->subjects, &v->setup->streams[i]);
}

static uint64_t packets(const struct view *v, size_t i)
{
	return v->setup->stream_accounts[i].packets;
}

static uint64_t bytes(const struct view *v, size_t i)
{
	return v->setup->stream_accounts[i].bytes;
}

static uint64_t dropped(const struct view *v, size_t i)
{
	return v->setup->stream_accounts[i].dropped;
}

static uint64_t repairs(const struct view *v, size_t i)
{
	return client_stream_repairs(v->subjects, &v->setup->streams[i]);
}

static const struct metric mirror_metrics[] = {
    {METRICS_GAUGE, "vtap_client_mirror_up",
     "Whether frames are copied to the collector (1) or the mirror or its tunnel is blocked (0).",
     mirror_up},
    {METRICS_COUNTER, "vtap_client_mirror_packets_total", "Frames copied, as on the wire.",
     packets},
    {METRICS_COUNTER, "vtap_client_mirror_bytes_total",
     "Bytes of the frames copied, Ethernet header included.", bytes},
    {METRICS_COUNTER, "vtap_client_mirror_dropped_packets_total",
     "Copies lost before they were sent.", dropped},
    {METRICS_COUNTER, "vtap_client_mirror_repairs_total",
     "How often something of the mirror was put back.", repairs},
};

static void write_mirrors(const struct view *v, struct metrics_text *text)
{
	const struct setup *s = v->setup;

	for (size_t m = 0; m < sizeof(mirror_metrics) / sizeof(mirror_metrics[0]); m++) {
		const struct metric *metric = &mirror_metrics[m];

		if (s->streams_count)
			metrics_family(text, metric->type, metric->name, metric->help);
		for (size_t i = 0; i < s->streams_count; i++) {
			const struct stream *stream = &s->streams[i];
			const struct metrics_label labels[] = {
			    {"interface", s->config->mirrors[stream->mirror].interface},
			    {"direction", direction_name(stream->direction)},
			    {"method", client_method(s, stream)},
			    {"collector", s->config->collectors[stream->collector].name},
			    {NULL, NULL}};

			metrics_sample(text, labels, metric->value(v, i));
		}
	}
}

void client_metrics(const struct setup *setup, const struct subjects *subjects, bool degraded,
		    uint64_t started_s, struct metrics_text *text)
{
	const struct view view = {.setup = setup, .subjects = subjects};

	metrics_start(text, "client", degraded, started_s);
	write_collectors(&view, text);
	write_mirrors(&view, text);
}
