/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typed access to JSON that somebody else wrote. The objects stay their document's.
 */

#include "vtapstat/fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FIELD_KEY = 32 };

static struct json_object *field(const struct json_object *object, const char *key)
{
	struct json_object *value = NULL;
	const char *dot;
	char outer[FIELD_KEY];

	json_object_object_get_ex(object, key, &value); /* NULL from what is no object, too */
	dot = value == NULL ? strchr(key, '.') : NULL;
	if (dot == NULL)
		return value;
	snprintf(outer, sizeof(outer), "%.*s", (int)(dot - key), key);
	json_object_object_get_ex(object, outer, &value);
	return field(value, dot + 1);
}

bool field_exists(const struct json_object *object, const char *key)
{
	return json_object_object_get_ex(object, key, NULL);
}

const char *field_string(const struct json_object *object, const char *key)
{
	struct json_object *value = field(object, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

bool field_uint(const struct json_object *object, const char *key, uint64_t *out)
{
	const struct json_object *value = field(object, key);

	/* json-c reads numbers beyond either end as the end */
	if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
		return false;
	*out = json_object_get_uint64(value);
	return true;
}

bool field_double(const struct json_object *object, const char *key, double *out)
{
	const struct json_object *value = field(object, key);
	double number;

	if (!json_object_is_type(value, json_type_int) &&
	    !json_object_is_type(value, json_type_double))
		return false;
	number = json_object_get_double(value);
	if (!isfinite(number) || number < 0)
		return false;
	*out = number;
	return true;
}

struct json_object *field_object(const struct json_object *object, const char *key)
{
	struct json_object *value = field(object, key);

	return json_object_is_type(value, json_type_object) ? value : NULL;
}

size_t field_count(const struct json_object *object, const char *key)
{
	const struct json_object *value = field(object, key);

	return json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;
}

struct json_object *field_element(const struct json_object *object, const char *key, size_t i)
{
	return json_object_array_get_idx(field(object, key), i);
}
