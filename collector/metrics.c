/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/metrics.h"

#define PREFIX "vtap_collector_"

/* ---- the endpoints --------------------------------------------------------------------------- */

struct endpoint_metric {
	enum metrics_type type;
	const char *name, *help;
	uint64_t (*value)(const struct collector_view *view, enum encap encap);
};

static uint64_t is_up(const struct collector_view *view, enum encap encap)
{
	return collector_reason(view, encap) == NULL;
}

static uint64_t rx_packets(const struct collector_view *view, enum encap encap)
{
	return collector_received(view, encap).packets;
}

static uint64_t rx_bytes(const struct collector_view *view, enum encap encap)
{
	return collector_received(view, encap).bytes;
}

static uint64_t rx_dropped(const struct collector_view *view, enum encap encap)
{
	return collector_received(view, encap).dropped;
}

static void write_info(const struct collector_view *view, enum encap encap,
		       struct metrics_text *text)
{
	const struct collector_endpoint *endpoint = &view->config->endpoints[encap];
	char vni[METRICS_NUMBER], port[METRICS_NUMBER];
	const struct metrics_label info[] = {
	    {"device", endpoint->device},
	    {"encap", encap_name(encap)},
	    {"vni", endpoint->vni ? metrics_number(endpoint->vni, vni) : "any"},
	    {"port", endpoint->port ? metrics_number(endpoint->port, port) : ""},
	    {NULL, NULL}};

	metrics_sample(text, info, 1);
}

static void write_endpoints(const struct collector_view *view, struct metrics_text *text)
{
	static const struct endpoint_metric metrics[] = {
	    {METRICS_GAUGE, PREFIX "endpoint_up",
	     "Whether the endpoint gets frames and they are counted (1) or not (0).", is_up},
	    {METRICS_COUNTER, PREFIX "endpoint_rx_packets_total",
	     "Frames that appeared on the endpoint.", rx_packets},
	    {METRICS_COUNTER, PREFIX "endpoint_rx_bytes_total",
	     "Bytes of the frames that appeared on the endpoint, Ethernet header included.",
	     rx_bytes},
	    {METRICS_COUNTER, PREFIX "endpoint_rx_dropped_packets_total",
	     "Frames dropped at the endpoint.", rx_dropped},
	};
	const struct collector_endpoint *endpoints = view->config->endpoints;

	metrics_family(text, METRICS_GAUGE, PREFIX "endpoint_info",
		       "Configuration of the endpoint; the value is always 1.");
	for (enum encap e = ENCAP_VXLAN; e < ENCAPS; e++)
		if (endpoints[e].enabled)
			write_info(view, e, text);
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		metrics_family(text, metrics[i].type, metrics[i].name, metrics[i].help);
		for (enum encap e = ENCAP_VXLAN; e < ENCAPS; e++) {
			const struct metrics_label device[] = {{"device", endpoints[e].device},
							       {NULL, NULL}};
			if (endpoints[e].enabled)
				metrics_sample(text, device, metrics[i].value(view, e));
		}
	}
}

/* ---- totals ---------------------------------------------------------------------------------- */

struct total {
	const char *packets, *packets_help;
	const char *bytes, *bytes_help;
	struct door_counter count;
};

/* The four strings of a struct total. */
#define TOTAL(name, what)                                                            \
	PREFIX name "_packets_total", "Number of " what, PREFIX name "_bytes_total", \
	    "Bytes of " what

static void write_totals(const struct collector_view *view, struct metrics_text *text)
{
	const struct door_totals *door = &view->totals;
	const struct total totals[] = {
	    {TOTAL("accepted", "frames let in from allowed sources."), door->accepted},
	    {TOTAL("rejected", "frames dropped, as their source is not allowed."), door->rejected},
	    {TOTAL("overflow", "frames let in from clients for which the table had no room."),
	     door->overflow},
	    {TOTAL("forgotten", "frames let in from clients that have left the table since."),
	     door->forgotten},
	    {TOTAL("undelivered", "frames let in that did not reach the endpoint."),
	     view->undelivered},
	    {TOTAL("malformed", "packets dropped, as they are no valid tunnel packets."),
	     door->malformed},
	};

	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		const struct total *total = &totals[i];

		metrics_single(text, METRICS_COUNTER, total->packets, total->packets_help,
			       total->count.packets);
		metrics_single(text, METRICS_COUNTER, total->bytes, total->bytes_help,
			       total->count.bytes);
	}
}

/* ---- clients --------------------------------------------------------------------------------- */

static uint64_t packets(const struct clients *clients, const struct client *client)
{
	(void)clients;
	return client->count.packets;
}

static uint64_t bytes(const struct clients *clients, const struct client *client)
{
	(void)clients;
	return client->count.bytes;
}

static uint64_t first_seen(const struct clients *clients, const struct client *client)
{
	return (uint64_t)clients_wall(clients, client->first_boot_ns);
}

static uint64_t last_seen(const struct clients *clients, const struct client *client)
{
	return (uint64_t)clients_wall(clients, client->last_boot_ns);
}

static const struct {
	enum metrics_type type;
	const char *name, *help;
	uint64_t (*value)(const struct clients *clients, const struct client *client);
} client_metrics[] = {
    {METRICS_COUNTER, PREFIX "client_packets_total",
     "Frames from the client, as on its monitored interfaces.", packets},
    {METRICS_COUNTER, PREFIX "client_bytes_total",
     "Bytes of frames from the client, Ethernet header included.", bytes},
    {METRICS_GAUGE, PREFIX "client_first_seen_timestamp_seconds",
     "When the client's first frame came, in seconds since unix epoch.", first_seen},
    {METRICS_GAUGE, PREFIX "client_last_seen_timestamp_seconds",
     "When the client's last frame came, in seconds since unix epoch.", last_seen},
};

static void write_client(const struct collector_view *view, const struct client *client, size_t m,
			 struct metrics_text *text)
{
	const char *name = names_find(&view->config->names, &client->address, client->vni);
	char address[IP_ADDR_TEXT], vni[METRICS_NUMBER];
	const struct metrics_label labels[] = {
	    {"address", ip_addr_format(&client->address, address)},
	    {"encap", encap_name(client->encap)},
	    {"vni", metrics_number(client->vni, vni)},
	    {"name", name ? name : ""}, /* an empty label is as good as none */
	    {NULL, NULL}};

	metrics_sample(text, labels, client_metrics[m].value(view->clients, client));
}

static void write_clients(const struct collector_view *view, struct metrics_text *text)
{
	size_t count;
	const struct client *clients = clients_sorted(view->clients, &count);

	metrics_single(text, METRICS_GAUGE, PREFIX "clients", "Clients in the table.", count);
	metrics_single(text, METRICS_GAUGE, PREFIX "max_clients",
		       "Clients that the table has room for.", view->config->max_clients);
	if (!view->config->metrics.clients || !count)
		return;
	for (size_t m = 0; m < sizeof(client_metrics) / sizeof(client_metrics[0]); m++) {
		metrics_family(text, client_metrics[m].type, client_metrics[m].name,
			       client_metrics[m].help);
		for (size_t i = 0; i < count; i++)
			write_client(view, &clients[i], m, text);
	}
}

void collector_metrics(const struct collector_view *view, bool degraded, uint64_t started_s,
		       struct metrics_text *text)
{
	metrics_start(text, "collector", degraded, started_s);
	write_endpoints(view, text);
	write_totals(view, text);
	write_clients(view, text);
}
