/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/status.h"

#include <stdio.h>

#include "common/json.h"

static const char *reason_of(const struct subjects *subjects, int subject)
{
	const char *reason = subjects->items[subject].reason;
	return reason[0] ? reason : NULL;
}

/* A stream that nftables copies stands and falls with the tables. */
static const char *stream_reason(const struct subjects *subjects, const struct stream *stream)
{
	const char *reason = reason_of(subjects, stream->subject);
	return reason || stream->tables < 0 ? reason : reason_of(subjects, stream->tables);
}

const char *client_method(const struct setup *s, const struct stream *stream)
{
	return s->config->mirrors[stream->mirror].tee ? "tee" : "tc";
}

uint64_t client_stream_repairs(const struct subjects *subjects, const struct stream *stream)
{
	uint64_t repairs = subjects->items[stream->subject].repairs;
	return stream->tables < 0 ? repairs : repairs + subjects->items[stream->tables].repairs;
}

const char *client_lane_off(const struct setup *s, const struct subjects *subjects, size_t i)
{
	const struct lane *lane = &s->lanes[i];

	if (lane->off[0])
		return lane->off;
	if (!lane->express)
		return "its program is not loaded";
	return lane->subject >= 0 ? reason_of(subjects, lane->subject) : NULL;
}

/* IPv6 routers and hosts do not fragment what passes them. */
const char *client_oversize(const struct setup *s, const struct subjects *subjects, size_t i)
{
	const struct client_collector *collector = &s->config->collectors[i];

	if (!s->tunnels[i].too_small)
		return "none";
	if (collector->oversize == OVERSIZE_RESEGMENT && !client_lane_off(s, subjects, i))
		return "resegment";
	return collector->oversize == OVERSIZE_DROP || collector->address.family == AF_INET6
		   ? "drop"
		   : "fragment";
}

bool client_stream_works(const struct subjects *subjects, const struct stream *stream)
{
	return !stream_reason(subjects, stream) && !reason_of(subjects, (int)stream->collector);
}

static void add_lane(const struct setup *s, const struct subjects *subjects, size_t i,
		     struct json_object *to)
{
	const struct express_counts *counts = &s->lanes[i].counts;
	const char *off = client_lane_off(s, subjects, i);

	json_add_string(to, "state", off ? "off" : "on");
	json_add_string(to, "reason", off);
	json_add_number(to, "packets", counts->packets);
	json_add_number(to, "bytes", counts->bytes);
	json_add_number(to, "resegmented", counts->resegmented);
	struct json_object *passed = json_add_object(to, "passed");
	for (enum express_pass p = 0; p < EXPRESS_PASSES; p++)
		json_add_number(passed, express_pass_name(p), counts->passed[p]);
	json_add_number(json_add_object(to, "dropped"), "unfinished", counts->dropped);
}

static void add_collector(const struct setup *s, const struct subjects *subjects, size_t i,
			  struct json_object *to)
{
	const struct client_collector *collector = &s->config->collectors[i];
	const struct tunnel *tunnel = &s->tunnels[i];
	const struct tunnel_account *account = &s->tunnel_accounts[i];
	const char *reason = reason_of(subjects, (int)i);
	char address[IP_ADDR_TEXT];

	json_add_string(to, "name", collector->name);
	json_add_string(to, "address", ip_addr_format(&collector->address, address));
	json_add_string(to, "local",
			tunnel->local.family ? ip_addr_format(&tunnel->local, address) : NULL);
	json_add_string(to, "encap", encap_name(collector->encap));
	json_add_number(to, "vni", collector->vni);
	if (collector->port)
		json_add_number(to, "port", collector->port);
	else
		json_add_string(to, "port", NULL);
	json_add_string(to, "device", collector->device);
	json_add_string(to, "state", reason ? "blocked" : "up");
	json_add_string(to, "reason", reason);
	json_add_number(to, "path_mtu", tunnel->path_mtu);
	json_add_number(to, "needed_mtu", tunnel->needed_mtu);
	json_add_string(to, "oversize", client_oversize(s, subjects, i));
	json_add_number(to, "tx_packets", account->tx_packets);
	json_add_number(to, "tx_bytes", account->tx_bytes);
	json_add_number(to, "tx_dropped", account->tx_dropped);
	json_add_number(to, "tx_errors", account->tx_errors);
	add_lane(s, subjects, i, json_add_object(to, "express"));
}

static void add_mirror(const struct setup *s, const struct subjects *subjects, size_t i,
		       struct json_object *to)
{
	const struct stream *stream = &s->streams[i];
	const struct stream_account *account = &s->stream_accounts[i];
	const char *reason = stream_reason(subjects, stream);
	const char *tunnel_reason = reason_of(subjects, (int)stream->collector);
	const char *collector = s->config->collectors[stream->collector].name;
	char text[SUBJECT_REASON * 2];

	/* a mirror whose copies go nowhere does not mirror */
	if (tunnel_reason) {
		snprintf(text, sizeof(text), "collector %s: %s", collector, tunnel_reason);
		reason = text;
	}
	json_add_string(to, "interface", s->config->mirrors[stream->mirror].interface);
	json_add_string(to, "direction", direction_name(stream->direction));
	json_add_string(to, "method", client_method(s, stream));
	json_add_string(to, "collector", collector);
	json_add_string(to, "state", reason ? "blocked" : "mirroring");
	json_add_string(to, "reason", reason);
	json_add_number(to, "packets", account->packets);
	json_add_number(to, "bytes", account->bytes);
	json_add_number(to, "dropped", account->dropped);
	json_add_number(to, "repairs", client_stream_repairs(subjects, stream));
}

char *client_status(const struct setup *s, const struct subjects *subjects, bool degraded,
		    double uptime_s)
{
	struct json_object *document = json_start_status("client", degraded, uptime_s);
	struct json_object *collectors = json_add_array(document, "collectors");
	struct json_object *mirrors = json_add_array(document, "mirrors");

	for (size_t i = 0; i < s->config->collectors_count; i++)
		add_collector(s, subjects, i, json_append_object(collectors));
	for (size_t i = 0; i < s->streams_count; i++)
		add_mirror(s, subjects, i, json_append_object(mirrors));
	return json_finish(document);
}

void client_summary(const struct setup *s, const struct subjects *subjects, char *text, size_t size)
{
	size_t working = 0;
	const struct subject *blocked = NULL;

	for (size_t i = 0; i < subjects->count && !blocked; i++)
		if (subjects->items[i].reason[0])
			blocked = &subjects->items[i];
	for (size_t i = 0; i < s->streams_count; i++)
		working += client_stream_works(subjects, &s->streams[i]);
	if (blocked)
		snprintf(text, size, "%zu of %zu streams mirrored; %s: %s", working,
			 s->streams_count, blocked->label, blocked->reason);
	else
		snprintf(text, size, "%zu of %zu streams mirrored", working, s->streams_count);
}
