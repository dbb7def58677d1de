/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/json.h"

#include <stdio.h>
#include <string.h>

void json_add_string(struct json_object *to, const char *key, const char *value)
{
	json_object_object_add(to, key, value ? json_object_new_string(value) : NULL);
}

void json_add_number(struct json_object *to, const char *key, uint64_t value)
{
	json_object_object_add(to, key, json_object_new_uint64(value));
}

void json_add_decimal(struct json_object *to, const char *key, double value)
{
	char text[64];

	snprintf(text, sizeof(text), "%.1f", value);
	json_object_object_add(to, key, json_object_new_double_s(value, text));
}

struct json_object *json_add_array(struct json_object *to, const char *key)
{
	struct json_object *array = json_object_new_array();
	json_object_object_add(to, key, array);
	return array;
}

struct json_object *json_add_object(struct json_object *to, const char *key)
{
	struct json_object *object = json_object_new_object();
	json_object_object_add(to, key, object);
	return object;
}

struct json_object *json_append_object(struct json_object *to)
{
	struct json_object *object = json_object_new_object();
	json_object_array_add(to, object);
	return object;
}

struct json_object *json_start_status(const char *daemon, int degraded, double uptime_s)
{
	struct json_object *document = json_object_new_object();

	json_add_string(document, "daemon", daemon);
	json_add_string(document, "version", PACKAGE_VERSION);
	json_add_string(document, "state", degraded ? "degraded" : "ok");
	json_add_decimal(document, "uptime_s", uptime_s);
	return document;
}

char *json_finish(struct json_object *document)
{
	const char *text = json_object_to_json_string_ext(
	    document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	char *copy = text ? strdup(text) : NULL;

	json_object_put(document);
	return copy;
}
