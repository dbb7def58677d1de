/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields of a daemon's JSON. A field that is missing or of another type than expected is simply not
 * there, never an error: a newer daemon may have other fields than we know. "express.state" is the
 * field "state" of the object that is the field "express".
 */
#ifndef VTAP_VTAPSTAT_FIELDS_H
#define VTAP_VTAPSTAT_FIELDS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the object itself, be it null. */
bool field_exists(const struct json_object *object, const char *key);
/* The values: NULL or false: there is none. Numbers below 0 are none. */
const char *field_string(const struct json_object *object, const char *key);
bool field_uint(const struct json_object *object, const char *key, uint64_t *out);
bool field_double(const struct json_object *object, const char *key, double *out);
struct json_object *field_object(const struct json_object *object, const char *key);
/* Elements of an array field; 0 when there is none. */
size_t field_count(const struct json_object *object, const char *key);
struct json_object *field_element(const struct json_object *object, const char *key, size_t i);

#endif
