/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/status.h"

#include <inttypes.h>
#include <linux/if_ether.h>
#include <stdio.h>

#include "collector/plan.h"
#include "common/json.h"
#include "common/json_text.h"

/* The reason that keeps frames away from readers, or keeps them from being counted. NULL: none. */
static const char *reason_of(const struct subjects *subjects)
{
	for (int i = 0; i < SUBJECTS; i++)
		if (subjects->items[i].reason[0])
			return subjects->items[i].reason;
	return NULL;
}

struct collector_received collector_received(const struct link *endpoint)
{
	if (!endpoint)
		return (struct collector_received){0};
	/* vxlan counts its inner frames without their Ethernet header */
	return (struct collector_received){.packets = endpoint->stats.rx_packets,
					   .bytes = endpoint->stats.rx_bytes +
						    endpoint->stats.rx_packets * ETH_HLEN,
					   .dropped = endpoint->stats.rx_dropped};
}

static void add_endpoint(const struct collector_view *view, struct json_object *to)
{
	const struct collector_vxlan *vxlan = &view->config->vxlan;
	const char *reason = reason_of(view->subjects);
	const struct collector_received received = collector_received(view->endpoint);

	json_add_string(to, "encap", "vxlan");
	json_add_string(to, "device", vxlan->device);
	if (vxlan->vni)
		json_add_number(to, "vni", vxlan->vni);
	else
		json_add_string(to, "vni", "any");
	json_add_number(to, "port", vxlan->port);
	json_add_string(to, "state", reason ? "blocked" : "up");
	json_add_string(to, "reason", reason);
	json_add_number(to, "rx_packets", received.packets);
	json_add_number(to, "rx_bytes", received.bytes);
	json_add_number(to, "rx_dropped", received.dropped);
}

static void add_counter(struct json_object *document, const char *key,
			const struct door_counter *counter)
{
	struct json_object *to = json_add_object(document, key);

	json_add_number(to, "packets", counter->packets);
	json_add_number(to, "bytes", counter->bytes);
}

static void put_counter(struct json_text *text, const struct door_counter *counter)
{
	json_text_literal(text, ",\"packets\":");
	json_text_number(text, counter->packets);
	json_text_literal(text, ",\"bytes\":");
	json_text_number(text, counter->bytes);
}

static void put_client(struct json_text *text, const struct collector_view *view,
		       const struct client *client)
{
	char address[IP_ADDR_TEXT];

	json_text_literal(text, "{\"address\":");
	json_text_string(text, ip_addr_format(&client->address, address));
	json_text_literal(text, ",\"name\":");
	json_text_string(text, names_find(&view->config->names, &client->address, client->vni));
	json_text_literal(text, ",\"encap\":\"vxlan\",\"vni\":");
	json_text_number(text, client->vni);
	put_counter(text, &client->count);
	json_text_literal(text, ",\"packets_per_s\":");
	json_text_decimal(text, client->packets_per_s);
	json_text_literal(text, ",\"bits_per_s\":");
	json_text_decimal(text, client->bits_per_s);
	json_text_literal(text, ",\"first_seen\":");
	json_text_time(text, clients_wall_first(view->clients, client));
	json_text_literal(text, ",\"last_seen\":");
	json_text_time(text, clients_wall_last(view->clients, client));
	json_text_literal(text, "}");
}

static void add_time(struct json_object *to, const char *key, time_t when)
{
	char text[32];
	struct tm utc;

	gmtime_r(&when, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	json_add_string(to, key, text);
}

static void add_rejected(const struct collector_view *view, struct json_object *to)
{
	for (size_t i = 0; i < view->rejected->count; i++) {
		const struct rejected_source *source = &view->rejected->top[i];
		struct json_object *entry = json_append_object(to);
		char address[IP_ADDR_TEXT];

		json_add_string(entry, "address", ip_addr_format(&source->address, address));
		json_add_number(entry, "packets", source->count.packets);
		json_add_number(entry, "bytes", source->count.bytes);
		add_time(
		    entry, "last_seen",
		    (time_t)(((int64_t)source->last_boot_ns + view->clients->real_minus_boot_ns) /
			     1000000000));
	}
}

/* The clients come last: there may be 65,536 of them, so they are written as text at once. */
char *collector_status(const struct collector_view *view, bool degraded, double uptime_s)
{
	struct json_object *document = json_start_status("collector", degraded, uptime_s);
	struct json_text text;
	size_t count;
	const struct client *sorted = clients_sorted(view->clients, &count);

	add_endpoint(view, json_append_object(json_add_array(document, "endpoints")));
	add_counter(document, "accepted", &view->totals.accepted);
	add_counter(document, "rejected", &view->totals.rejected);
	add_counter(document, "overflow", &view->totals.overflow);
	add_counter(document, "malformed", &view->totals.malformed);
	add_counter(document, "forgotten", &view->totals.forgotten);
	add_counter(document, "undelivered", &view->undelivered);
	add_rejected(view, json_add_array(document, "rejected_sources"));
	json_text_open(&text, document);
	json_text_literal(&text, ",\"clients\":[");
	for (size_t i = 0; i < count; i++) {
		if (i)
			json_text_literal(&text, ",");
		put_client(&text, view, &sorted[i]);
	}
	json_text_literal(&text, "]}");
	return json_text_finish(&text);
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
