/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small helpers around json-c for the status documents.
 */
#ifndef VTAP_COMMON_JSON_H
#define VTAP_COMMON_JSON_H

#include <json-c/json.h>
#include <stdint.h>

void json_add_string(struct json_object *to, const char *key, const char *value); /* NULL: null */
void json_add_number(struct json_object *to, const char *key, uint64_t value);
void json_add_decimal(struct json_object *to, const char *key,
		      double value); /* one digit behind the point */
/* A new array or object under that key. */
struct json_object *json_add_array(struct json_object *to, const char *key);
struct json_object *json_add_object(struct json_object *to, const char *key);
struct json_object *json_append_object(struct json_object *to);

/* A document that starts as both daemons' do. */
struct json_object *json_start_status(const char *daemon, int degraded, double uptime_s);
/* Its text without a newline, malloc'd; the document is released. NULL: no memory. */
char *json_finish(struct json_object *document);

#endif
