/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON written straight into a buffer, for what comes by the ten thousand: an object of json-c's
 * for each value would take a hundred times the memory of the text, and most of the time. Who
 * writes sets the punctuation.
 */
#ifndef VTAP_COMMON_JSON_TEXT_H
#define VTAP_COMMON_JSON_TEXT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct json_text {
	char *bytes; /* no NUL at the end until json_text_finish */
	size_t size, room;
	bool failed; /* no memory: what is put is dropped */
};

/* Starts with an object of json-c's that stays open: its last brace is left out. The document is
 * released. */
void json_text_open(struct json_text *text, struct json_object *document);
/* The text, malloc'd, the caller's; NULL: no memory. */
char *json_text_finish(struct json_text *text);

void json_text_put(struct json_text *text, const char *bytes, size_t size);
#define json_text_literal(text, literal) json_text_put(text, literal, sizeof(literal) - 1)
/* Quoted; NULL: null. The value is UTF-8. */
void json_text_string(struct json_text *text, const char *value);
void json_text_number(struct json_text *text, uint64_t value);
/* Not negative, rounded to one digit behind the point, like json_add_decimal. */
void json_text_decimal(struct json_text *text, double value);
/* "2026-01-02T03:04:05Z", quoted; the year is that of four digits. */
void json_text_time(struct json_text *text, time_t when);

#endif
