/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/status.h"

#include <inttypes.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>

#include "collector/plan.h"
#include "common/json.h"
#include "common/json_text.h"
#include "common/utc.h"

const char *collector_reason(const struct collector_view *view, enum encap encap)
{
	const struct subject *subjects = view->subjects->items;

	if (subjects[encap].reason[0])
		return subjects[encap].reason;
	return subjects[SUBJECT_DOOR].reason[0] ? subjects[SUBJECT_DOOR].reason : NULL;
}

/* Of each frame, what the kernel's device does not count: its Ethernet header, but for gretap over
 * IPv4 (ip_tunnel_rcv). */
static unsigned uncounted(const struct collector_view *view, enum encap encap)
{
	if (encap == ENCAP_GRETAP && view->config->endpoints[encap].underlay == UNDERLAY_IPV4)
		return 0;
	return encap_keeps_ethernet(encap) ? ETH_HLEN : 0;
}

struct collector_received collector_received(const struct collector_view *view, enum encap encap)
{
	const struct link *endpoint = view->endpoints[encap];

	if (!endpoint)
		return (struct collector_received){0};
	return (struct collector_received){
	    .packets = endpoint->stats.rx_packets,
	    .bytes = endpoint->stats.rx_bytes + endpoint->stats.rx_packets * uncounted(view, encap),
	    .dropped = endpoint->stats.rx_dropped};
}

static void add_endpoint(const struct collector_view *view, enum encap encap,
			 struct json_object *to)
{
	const struct collector_endpoint *endpoint = &view->config->endpoints[encap];
	const char *reason = collector_reason(view, encap);
	const struct collector_received received = collector_received(view, encap);

	json_add_string(to, "encap", encap_name(encap));
	json_add_string(to, "device", endpoint->device);
	if (endpoint->vni)
		json_add_number(to, "vni", endpoint->vni);
	else
		json_add_string(to, "vni", "any");
	if (endpoint->port)
		json_add_number(to, "port", endpoint->port);
	else
		json_add_string(to, "port", NULL);
	json_add_string(to, "state", reason ? "blocked" : "up");
	json_add_string(to, "reason", reason);
	json_add_number(to, "rx_packets", received.packets);
	json_add_number(to, "rx_bytes", received.bytes);
	json_add_number(to, "rx_dropped", received.dropped);
}

static void add_endpoints(const struct collector_view *view, struct json_object *to)
{
	for (enum encap e = ENCAP_VXLAN; e < ENCAPS; e++)
		if (view->config->endpoints[e].enabled)
			add_endpoint(view, e, json_append_object(to));
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
	json_text_literal(text, ",\"encap\":");
	json_text_string(text, encap_name(client->encap));
	json_text_literal(text, ",\"vni\":");
	json_text_number(text, client->vni);
	put_counter(text, &client->count);
	json_text_literal(text, ",\"packets_per_s\":");
	json_text_decimal(text, client->packets_per_s);
	json_text_literal(text, ",\"bits_per_s\":");
	json_text_decimal(text, client->bits_per_s);
	json_text_literal(text, ",\"first_seen\":");
	json_text_time(text, clients_wall(view->clients, client->first_boot_ns));
	json_text_literal(text, ",\"last_seen\":");
	json_text_time(text, clients_wall(view->clients, client->last_boot_ns));
	json_text_literal(text, "}");
}

static void add_time(struct json_object *to, const char *key, time_t when)
{
	char text[UTC_TEXT];

	json_add_string(to, key, utc_format(when, text));
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
		add_time(entry, "last_seen", clients_wall(view->clients, source->last_boot_ns));
	}
}

/* The clients come last: there may be 65,536 of them, so they are written as text at once. */
char *collector_status(const struct collector_view *view, bool degraded, double uptime_s)
{
	struct json_object *document = json_start_status("collector", degraded, uptime_s);
	struct json_text text;
	size_t count;
	const struct client *sorted = clients_sorted(view->clients, &count);

	add_endpoints(view, json_add_array(document, "endpoints"));
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
	char open[3 * IFNAMSIZ + 8] = "";

	for (enum encap e = ENCAP_VXLAN; e < ENCAPS; e++) {
		const struct collector_endpoint *endpoint = &view->config->endpoints[e];
		const char *reason = endpoint->enabled ? collector_reason(view, e) : NULL;

		if (reason) {
			snprintf(text, size, "%s: %s", endpoint->device, reason);
			return;
		}
		if (endpoint->enabled)
			snprintf(open + strlen(open), sizeof(open) - strlen(open), "%s%s",
				 *open ? ", " : "", endpoint->device);
	}
	snprintf(text, size, "%s %s open to %zu allowed networks", open,
		 strchr(open, ',') ? "are" : "is", view->config->allow_count);
}
