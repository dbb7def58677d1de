/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/status.h"

#include <inttypes.h>
#include <linux/if_ether.h>
#include <stdio.h>

#include "collector/plan.h"
#include "common/json.h"

/* The reason that keeps frames away from readers, or keeps them from being counted. NULL: none. */
static const char *reason_of(const struct subjects *subjects)
{
	for (int i = 0; i < SUBJECTS; i++)
		if (subjects->items[i].reason[0])
			return subjects->items[i].reason;
	return NULL;
}

static void add_endpoint(const struct collector_view *view, struct json_object *to)
{
	const struct collector_vxlan *vxlan = &view->config->vxlan;
	const char *reason = reason_of(view->subjects);
	static const struct rtnl_link_stats64 nothing;
	const struct rtnl_link_stats64 *stats = view->endpoint ? &view->endpoint->stats : &nothing;

	json_add_string(to, "encap", "vxlan");
	json_add_string(to, "device", vxlan->device);
	if (vxlan->vni)
		json_add_number(to, "vni", vxlan->vni);
	else
		json_add_string(to, "vni", "any");
	json_add_number(to, "port", vxlan->port);
	json_add_string(to, "state", reason ? "blocked" : "up");
	json_add_string(to, "reason", reason);
	json_add_number(to, "rx_packets", stats->rx_packets);
	/* vxlan counts its inner frames without their Ethernet header */
	json_add_number(to, "rx_bytes", stats->rx_bytes + stats->rx_packets * ETH_HLEN);
	json_add_number(to, "rx_dropped", stats->rx_dropped);
}

static void add_counter(struct json_object *document, const char *key,
			const struct door_counter *counter)
{
	struct json_object *to = json_add_object(document, key);

	json_add_number(to, "packets", counter->packets);
	json_add_number(to, "bytes", counter->bytes);
}

static void add_time(struct json_object *to, const char *key, time_t when)
{
	char text[32];
	struct tm utc;

	gmtime_r(&when, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	json_add_string(to, key, text);
}

static void add_client(const struct clients *clients, const struct client *client,
		       struct json_object *to)
{
	char address[IP_ADDR_TEXT];

	json_add_string(to, "address", ip_addr_format(&client->address, address));
	json_add_string(to, "encap", "vxlan");
	json_add_number(to, "vni", client->vni);
	json_add_number(to, "packets", client->count.packets);
	json_add_number(to, "bytes", client->count.bytes);
	json_add_decimal(to, "packets_per_s", client->packets_per_s);
	json_add_decimal(to, "bits_per_s", client->bits_per_s);
	add_time(to, "first_seen", clients_wall_first(clients, client));
	add_time(to, "last_seen", clients_wall_last(clients, client));
}

char *collector_status(const struct collector_view *view, bool degraded, double uptime_s)
{
	struct json_object *document = json_start_status("collector", degraded, uptime_s);
	size_t count;
	const struct client *sorted = clients_sorted(view->clients, &count);

	add_endpoint(view, json_append_object(json_add_array(document, "endpoints")));
	add_counter(document, "accepted", &view->totals.accepted);
	add_counter(document, "rejected", &view->totals.rejected);
	add_counter(document, "overflow", &view->totals.overflow);
	add_counter(document, "malformed", &view->totals.malformed);
	struct json_object *clients = json_add_array(document, "clients");
	for (size_t i = 0; i < count; i++)
		add_client(view->clients, &sorted[i], json_append_object(clients));
	return json_finish(document);
}

void collector_summary(const struct collector_view *view, char *text, size_t size)
{
	const char *reason = reason_of(view->subjects);

	if (reason)
		snprintf(text, size, "%s: %s", view->config->vxlan.device, reason);
	else
		snprintf(text, size, "%s is open to %zu allowed networks",
			 view->config->vxlan.device, view->config->allow_count);
}
