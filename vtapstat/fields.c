/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typed access to JSON that somebody else wrote. The objects stay their document's.
 */

#include "vtapstat/fields.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "vtapstat/units.h"

static struct json_object *field(const struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, key, &value);
	return value;
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

const struct json_object *field_object(const struct json_object *object, const char *key)
{
	const struct json_object *value = field(object, key);

	return json_object_is_type(value, json_type_object) ? value : NULL;
}

size_t field_count(const struct json_object *object, const char *key)
{
	const struct json_object *value = field(object, key);

	return json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;
}

const struct json_object *field_element(const struct json_object *object, const char *key, size_t i)
{
	return json_object_array_get_idx(field(object, key), i);
}

void cell_string(struct table *table, const struct json_object *object, const char *key)
{
	table_cell(table, field_string(object, key));
}

void cell_number(struct table *table, const struct json_object *object, const char *key)
{
	char text[UNITS_TEXT];
	uint64_t value;

	if (!field_uint(object, key, &value)) {
		table_cell(table, NULL);
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu64, value);
	table_cell(table, text);
}

void cell_count(struct table *table, const struct json_object *object, const char *key)
{
	char text[UNITS_TEXT];
	uint64_t value;

	table_cell(table, field_uint(object, key, &value) ? units_count(value, text) : NULL);
}

void cell_bytes(struct table *table, const struct json_object *object, const char *key)
{
	char text[UNITS_TEXT];
	uint64_t value;

	table_cell(table, field_uint(object, key, &value) ? units_bytes(value, text) : NULL);
}

void cell_per_s(struct table *table, const struct json_object *object, const char *key)
{
	char text[UNITS_TEXT];
	double value;

	table_cell(table, field_double(object, key, &value) ? units_per_s(value, text) : NULL);
}

void cell_bits_per_s(struct table *table, const struct json_object *object, const char *key)
{
	char text[UNITS_TEXT];
	double value;

	table_cell(table, field_double(object, key, &value) ? units_bits_per_s(value, text) : NULL);
}

void note_reason(struct table *table, const struct json_object *object)
{
	const char *state = field_string(object, "state");
	const char *reason = field_string(object, "reason");
	char *note;

	if (reason == NULL || reason[0] == '\0')
		return;
	if (asprintf(&note, "%s: %s", state != NULL ? state : "-", reason) < 0)
		return;
	table_note(table, note);
	free(note);
}
