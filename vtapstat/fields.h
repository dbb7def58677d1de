/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields of a daemon's JSON as table cells. A field that is missing or of another type than
 * expected is a "-", never an error: a newer daemon may have other fields than we know.
 */
#ifndef VTAP_VTAPSTAT_FIELDS_H
#define VTAP_VTAPSTAT_FIELDS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vtapstat/table.h"

const char *field_string(const struct json_object *object, const char *key); /* NULL: none */
bool field_uint(const struct json_object *object, const char *key, uint64_t *out);
bool field_double(const struct json_object *object, const char *key, double *out);
const struct json_object *field_object(const struct json_object *object, const char *key);
/* Elements of an array field; 0 when there is none. */
size_t field_count(const struct json_object *object, const char *key);
const struct json_object *field_element(const struct json_object *object, const char *key,
					size_t i);

/* Each adds one cell. */
void cell_string(struct table *table, const struct json_object *object, const char *key);
void cell_number(struct table *table, const struct json_object *object,
		 const char *key); /* all digits */
void cell_count(struct table *table, const struct json_object *object, const char *key);
void cell_bytes(struct table *table, const struct json_object *object, const char *key);
void cell_per_s(struct table *table, const struct json_object *object, const char *key);
void cell_bits_per_s(struct table *table, const struct json_object *object, const char *key);

/* "blocked: no route" below the row that was just filled, where `object` has a reason. */
void note_reason(struct table *table, const struct json_object *object);

#endif
