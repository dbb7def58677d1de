/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/state.h"

#include <string.h>

#include "common/json.h"

enum { STATE_VERSION = 3, OLDEST_VERSION = 2 };

/* The numbers of an account in a fixed order; what lasts for one sample only is not among them. */
enum {
	TUNNEL_NUMBERS = 8 + TUNNEL_COUNTERS,
	TUNNEL_OLDEST = 8 + EXPRESS_SENT, /* so many are in version 2 */
	STREAM_NUMBERS = 9
};

static void tunnel_numbers(struct tunnel_account *a, uint64_t *numbers[TUNNEL_NUMBERS])
{
	uint64_t *list[8] = {&a->tx_packets,   &a->tx_bytes,   &a->tx_dropped, &a->tx_errors,
			     &a->pool_packets, &a->pool_bytes, &a->pool_lost,  &a->lost_in_a_row};

	memcpy(numbers, list, sizeof(list));
	for (int i = 0; i < TUNNEL_COUNTERS; i++)
		numbers[8 + i] = &a->last[i];
}

static void stream_numbers(struct stream_account *a, uint64_t *numbers[STREAM_NUMBERS])
{
	uint64_t *list[STREAM_NUMBERS] = {&a->packets,      &a->bytes,           &a->dropped,
					  &a->owed_packets, &a->owed_bytes,      &a->last.packets,
					  &a->last.bytes,   &a->last.overlimits, &a->last.drops};

	memcpy(numbers, list, sizeof(list));
}

static void add_numbers(struct json_object *to, const char *key, uint64_t *const numbers[],
			size_t count)
{
	struct json_object *array = json_add_array(to, key);

	for (size_t i = 0; i < count; i++)
		json_object_array_add(array, json_object_new_uint64(*numbers[i]));
}

static void add_lane(struct json_object *to, struct lane *lane)
{
	uint64_t *numbers[LANE_NUMBERS];

	lane_numbers(&lane->counts, numbers);
	add_numbers(to, "lane", numbers, LANE_NUMBERS);
	lane_numbers(&lane->last, numbers);
	add_numbers(to, "lane_last", numbers, LANE_NUMBERS);
}

char *state_text(const struct setup *s)
{
	struct json_object *document = json_object_new_object();
	uint64_t *tunnel[TUNNEL_NUMBERS], *stream[STREAM_NUMBERS];

	json_add_number(document, "version", STATE_VERSION);
	struct json_object *tunnels = json_add_array(document, "tunnels");
	for (size_t i = 0; i < s->config->collectors_count; i++) {
		struct json_object *to = json_append_object(tunnels);
		json_add_string(to, "collector", s->config->collectors[i].name);
		json_add_number(to, "ifindex", s->tunnel_accounts[i].ifindex);
		tunnel_numbers(&s->tunnel_accounts[i], tunnel);
		add_numbers(to, "numbers", tunnel, TUNNEL_NUMBERS);
		add_lane(to, &s->lanes[i]);
	}
	struct json_object *streams = json_add_array(document, "streams");
	for (size_t i = 0; i < s->streams_count; i++) {
		struct json_object *to = json_append_object(streams);
		json_add_string(to, "interface",
				s->config->mirrors[s->streams[i].mirror].interface);
		json_add_string(to, "direction", direction_name(s->streams[i].direction));
		json_add_string(to, "collector",
				s->config->collectors[s->streams[i].collector].name);
		stream_numbers(&s->stream_accounts[i], stream);
		add_numbers(to, "numbers", stream, STREAM_NUMBERS);
	}
	return json_finish(document);
}

static const char *string_of(struct json_object *from, const char *key)
{
	struct json_object *value = NULL;
	const char *text = NULL;

	if (json_object_object_get_ex(from, key, &value))
		text = json_object_get_string(value);
	return text ? text : "";
}

static uint64_t number_of(struct json_object *from, const char *key)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(from, key, &value) ? json_object_get_uint64(value) : 0;
}

static struct json_object *array_of(struct json_object *from, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(from, key, &value) ||
	    !json_object_is_type(value, json_type_array))
		return NULL;
	return value;
}

/* At least so many of them; the others stay as they are. */
static bool take_numbers(struct json_object *from, const char *key, uint64_t *const numbers[],
			 size_t count, size_t least)
{
	struct json_object *array = array_of(from, key);
	size_t there = array ? json_object_array_length(array) : 0;

	if (there < least || there > count)
		return false;
	for (size_t i = 0; i < there; i++)
		*numbers[i] = json_object_get_uint64(json_object_array_get_idx(array, i));
	return true;
}

/* The tunnel is the one of the text: its device has the ifindex of then, and its counters have not
 * started again. */
static bool same_tunnel(struct json_object *from, const struct client_collector *collector,
			const struct snapshot *seen)
{
	const struct link *link = snapshot_link_named(seen, collector->device);

	return strcmp(string_of(from, "collector"), collector->name) == 0 && link &&
	       link->group == owner_group(OWNER_CLIENT) &&
	       (uint64_t)link->ifindex == number_of(from, "ifindex");
}

/* The counts of a lane are there whatever became of the device. */
static void restore_lane(struct setup *s, size_t i, struct json_object *tunnels)
{
	uint64_t *numbers[LANE_NUMBERS];

	for (size_t j = 0; j < json_object_array_length(tunnels); j++) {
		struct json_object *from = json_object_array_get_idx(tunnels, j);
		if (strcmp(string_of(from, "collector"), s->config->collectors[i].name) != 0)
			continue;
		lane_numbers(&s->lanes[i].counts, numbers);
		take_numbers(from, "lane", numbers, LANE_NUMBERS, LANE_OTHERS);
		lane_numbers(&s->lanes[i].last, numbers);
		take_numbers(from, "lane_last", numbers, LANE_NUMBERS, LANE_OTHERS);
	}
}

static bool restore_tunnel(struct setup *s, size_t i, const struct snapshot *seen,
			   struct json_object *tunnels)
{
	uint64_t *numbers[TUNNEL_NUMBERS];

	for (size_t j = 0; j < json_object_array_length(tunnels); j++) {
		struct json_object *from = json_object_array_get_idx(tunnels, j);
		if (!same_tunnel(from, &s->config->collectors[i], seen))
			continue;
		tunnel_numbers(&s->tunnel_accounts[i], numbers);
		if (!take_numbers(from, "numbers", numbers, TUNNEL_NUMBERS, TUNNEL_OLDEST))
			return false;
		s->tunnel_accounts[i].ifindex = number_of(from, "ifindex");
		return true;
	}
	return false;
}

/* The streams stand in the text in the order of its configuration: mostly the same, so the search
 * goes on from the last hit. */
static void restore_stream(struct setup *s, size_t i, struct json_object *streams, size_t *at)
{
	const struct stream *stream = &s->streams[i];
	size_t count = json_object_array_length(streams);
	uint64_t *numbers[STREAM_NUMBERS];

	for (size_t tried = 0; tried < count; tried++) {
		size_t j = (*at + tried) % count;
		struct json_object *from = json_object_array_get_idx(streams, j);
		if (strcmp(string_of(from, "interface"),
			   s->config->mirrors[stream->mirror].interface) != 0 ||
		    strcmp(string_of(from, "direction"), direction_name(stream->direction)) != 0 ||
		    strcmp(string_of(from, "collector"),
			   s->config->collectors[stream->collector].name) != 0)
			continue;
		stream_numbers(&s->stream_accounts[i], numbers);
		take_numbers(from, "numbers", numbers, STREAM_NUMBERS, STREAM_NUMBERS);
		*at = j + 1;
		return;
	}
}

bool state_restore(struct setup *s, const struct snapshot *seen, const char *text)
{
	struct json_object *document = json_tokener_parse(text);
	struct json_object *tunnels = document ? array_of(document, "tunnels") : NULL;
	struct json_object *streams = document ? array_of(document, "streams") : NULL;
	uint64_t version = document ? number_of(document, "version") : 0;
	bool good = tunnels && streams && version >= OLDEST_VERSION && version <= STATE_VERSION;
	size_t next = 0, at = 0;

	for (size_t i = 0; good && i < s->config->collectors_count; i++) {
		restore_lane(s, i, tunnels);
		bool restored = restore_tunnel(s, i, seen, tunnels);
		if (!restored)
			account_skip_express(&s->tunnel_accounts[i], &s->lanes[i].counts);
		for (; next < s->streams_count && s->streams[next].collector == i; next++)
			if (restored)
				restore_stream(s, next, streams, &at);
	}
	json_object_put(document);
	return good;
}
