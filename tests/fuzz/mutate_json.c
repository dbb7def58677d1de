/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fuzz/mutate_json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/message.h"

/* Where a value is: a member of an object, or an element of an array. */
struct place {
	struct json_object *parent;
	const char *key; /* NULL: of an array */
	size_t index;
	struct json_object *value;
};

static uint64_t random_state;

static size_t below(size_t end)
{
	return end ? random_next(&random_state) % end : 0;
}

/* Calls for each value below `from` in order; `wanted` counts down to the one it is. */
static bool find(struct json_object *from, size_t *wanted, struct place *place)
{
	if (json_object_is_type(from, json_type_object)) {
		json_object_object_foreach(from, key, value)
		{
			if (!(*wanted)--) {
				*place = (struct place){from, key, 0, value};
				return true;
			}
			if (find(value, wanted, place))
				return true;
		}
	} else if (json_object_is_type(from, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(from); i++) {
			struct json_object *value = json_object_array_get_idx(from, i);
			if (!(*wanted)--) {
				*place = (struct place){from, NULL, i, value};
				return true;
			}
			if (find(value, wanted, place))
				return true;
		}
	}
	return false;
}

static bool choose(struct json_object *document, struct place *place)
{
	size_t total = SIZE_MAX, wanted = total;

	find(document, &wanted, place);
	size_t count = total - wanted;
	wanted = below(count);
	return count && find(document, &wanted, place);
}

static struct json_object *new_text(void)
{
	static const char *const texts[] = {
	    "",
	    "ok",
	    "degraded",
	    "client",
	    "collector",
	    "up",
	    "blocked",
	    "eth10",
	    "10.0.0.5",
	    "fe80::1",
	    "2026-01-02T03:04:05Z",
	    "9999-99-99T99:99:99Z",
	    "\033[2J\033]0;x\a",
	    "line\nline\r\t",
	    "\xc3\xa4\xe4\xb8\xad\xf0\x9f\x98\x80",
	    "e\xcc\x81\xe2\x80\xae\xe2\x80\xac", /* turned round, and back */
	    "\xff\xfe\xc2",
	    "a text longer than any column would like it to be"};
	char text[64];
	size_t size = below(sizeof(text));

	if (below(4))
		return json_object_new_string(texts[below(sizeof(texts) / sizeof(*texts))]);
	for (size_t i = 0; i < size; i++)
		text[i] = (char)random_next(&random_state);
	return json_object_new_string_len(text, (int)size);
}

static struct json_object *new_value(void)
{
	static const double fractions[] = {0, -1, 0.05, 1e15, 1e300, 1e-300, 9.223372036854776e18};

	switch (below(8)) {
	case 0:
		return NULL;
	case 1:
		return json_object_new_boolean((int)below(2));
	case 2:
		return json_object_new_uint64(random_next(&random_state) >> below(64));
	case 3:
		return json_object_new_int64((int64_t)random_next(&random_state));
	case 4:
		return json_object_new_double(fractions[below(7)]);
	case 5:
		return json_object_new_array();
	case 6:
		return json_object_new_object();
	default:
		return new_text();
	}
}

static void put(const struct place *place, struct json_object *value)
{
	if (place->key)
		json_object_object_add(place->parent, place->key, value);
	else
		json_object_array_put_idx(place->parent, place->index, value);
}

static void change(struct json_object *document)
{
	struct place place, other;
	struct json_object *copy = NULL;

	if (!choose(document, &place))
		return;
	switch (below(5)) {
	case 0: /* gone */
		if (place.key)
			json_object_object_del(place.parent, place.key);
		else
			json_object_array_del_idx(place.parent, place.index, 1);
		break;
	case 1: /* twice */
		if (!place.key && json_object_deep_copy(place.value, &copy, NULL) == 0)
			json_object_array_add(place.parent, copy);
		break;
	case 2: /* as another one */
		if (choose(document, &other) && other.value &&
		    json_object_deep_copy(other.value, &copy, NULL) == 0)
			put(&place, copy);
		break;
	default:
		put(&place, new_value());
	}
}

size_t mutate_json(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *document = NULL;
	size_t length = 0;

	random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	if (tokener && below(8))
		document = json_tokener_parse_ex(tokener, (const char *)data, (int)size);
	json_tokener_free(tokener);
	for (size_t n = 1 + below(4); document && n; n--)
		change(document);
	const char *text =
	    document ? json_object_to_json_string_length(document, JSON_C_TO_STRING_PLAIN, &length)
		     : NULL;
	if (text && length <= max_size)
		memcpy(data, text, length);
	else
		length = LLVMFuzzerMutate(data, size, max_size);
	json_object_put(document);
	return length;
}
