/* SPDX-License-Identifier: BSD-2-Clause */
#include "vtapstat/rates.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "vtapstat/fields.h"

static bool has_same(const struct json_object *a, const struct json_object *b, const char *key)
{
	const char *x = field_string(a, key);
	const char *y = field_string(b, key);

	return x != NULL && y != NULL && strcmp(x, y) == 0;
}

static bool is_same_mirror(const struct json_object *a, const struct json_object *b)
{
	return has_same(a, b, "interface") && has_same(a, b, "direction") &&
	       has_same(a, b, "collector");
}

static void add_rate(struct json_object *mirror, const struct json_object *before, double seconds,
		     const char *key, double factor, const char *rate_key)
{
	struct json_object *rate = NULL;
	uint64_t new, old;

	if (before != NULL && seconds > 0 && field_uint(mirror, key, &new) &&
	    field_uint(before, key, &old) && new >= old)
		rate = json_object_new_double((double)(new - old) * factor / seconds);
	json_object_object_add(mirror, rate_key, rate);
}

/* A mirror keeps its place from one answer to the next; a changed configuration costs one look's
 * rates. */
void rates_add(struct json_object *status, const struct json_object *before, double seconds)
{
	for (size_t i = 0; i < field_count(status, "mirrors"); i++) {
		struct json_object *mirror = field_element(status, "mirrors", i);
		const struct json_object *old = NULL;

		if (!json_object_is_type(mirror, json_type_object))
			continue;
		if (i < field_count(before, "mirrors"))
			old = field_element(before, "mirrors", i);
		if (!is_same_mirror(mirror, old))
			old = NULL;
		add_rate(mirror, old, seconds, "packets", 1, "packets_per_s");
		add_rate(mirror, old, seconds, "bytes", 8, "bits_per_s");
	}
}
