/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A growing buffer and the few kinds of JSON values that a status document has. It must not judge
 * what is written.
 */
#include "common/json_text.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"

enum { ROOM_AT_ONCE = 4096 };

/* Room for `size` more bytes; NULL: no memory. */
static char *reserve(struct json_text *text, size_t size)
{
	size_t room = text->room ? text->room : ROOM_AT_ONCE;
	char *moved;

	if (text->failed)
		return NULL;
	if (text->room - text->size >= size)
		return text->bytes + text->size;
	while (room - text->size < size)
		room *= 2;
	moved = realloc(text->bytes, room);
	if (!moved) {
		text->failed = true;
		return NULL;
	}
	text->bytes = moved;
	text->room = room;
	return moved + text->size;
}

void json_text_put(struct json_text *text, const char *bytes, size_t size)
{
	char *to = reserve(text, size);

	if (!to)
		return;
	memcpy(to, bytes, size);
	text->size += size;
}

void json_text_open(struct json_text *text, struct json_object *document)
{
	char *head = json_finish(document);

	*text = (struct json_text){.failed = !head};
	if (head)
		json_text_put(text, head, strlen(head) - 1);
	free(head);
}

char *json_text_finish(struct json_text *text)
{
	char *done = NULL;

	json_text_put(text, "", 1);
	/* one byte more: whoever sends it adds a newline, in place */
	if (!text->failed)
		done = realloc(text->bytes, text->size + 1);
	if (!done)
		free(text->bytes);
	*text = (struct json_text){0};
	return done;
}

void json_text_string(struct json_text *text, const char *value)
{
	static const char hex[] = "0123456789abcdef";
	char escape[] = "\\u0000";

	if (!value) {
		json_text_literal(text, "null");
		return;
	}
	json_text_literal(text, "\"");
	while (*value) {
		size_t plain = 0;

		while ((unsigned char)value[plain] >= ' ' && value[plain] != '"' &&
		       value[plain] != '\\')
			plain++;
		json_text_put(text, value, plain);
		value += plain;
		if (*value == '"' || *value == '\\') {
			json_text_literal(text, "\\");
			json_text_put(text, value++, 1);
		} else if (*value) {
			escape[4] = hex[*value >> 4];
			escape[5] = hex[*value & 15];
			json_text_put(text, escape, 6);
			value++;
		}
	}
	json_text_literal(text, "\"");
}

/* Writes the digits so that they end before `end`; the place of the first. */
static char *digits(char *end, uint64_t value)
{
	do
		*--end = (char)('0' + value % 10);
	while (value /= 10);
	return end;
}

void json_text_number(struct json_text *text, uint64_t value)
{
	char room[20], *end = room + sizeof(room), *start = digits(end, value);

	json_text_put(text, start, (size_t)(end - start));
}

void json_text_decimal(struct json_text *text, double value)
{
	double tenths = value * 10 + 0.5;
	char room[24], *end = room + sizeof(room), *start = end - 2;
	uint64_t whole;

	if (!(tenths >= 0))
		tenths = 0;
	whole = tenths < 1.8e19 ? (uint64_t)tenths : UINT64_MAX;
	end[-1] = (char)('0' + whole % 10);
	*start = '.';
	start = digits(start, whole / 10);
	json_text_put(text, start, (size_t)(end - start));
}

static void two_digits(char *to, int value)
{
	to[0] = (char)('0' + value / 10 % 10);
	to[1] = (char)('0' + value % 10);
}

void json_text_time(struct json_text *text, time_t when)
{
	char form[] = "\"0000-00-00T00:00:00Z\"";
	struct tm utc;

	if (!gmtime_r(&when, &utc))
		memset(&utc, 0, sizeof(utc));
	two_digits(form + 1, (utc.tm_year + 1900) / 100);
	two_digits(form + 3, (utc.tm_year + 1900) % 100);
	two_digits(form + 6, utc.tm_mon + 1);
	two_digits(form + 9, utc.tm_mday);
	two_digits(form + 12, utc.tm_hour);
	two_digits(form + 15, utc.tm_min);
	two_digits(form + 18, utc.tm_sec);
	json_text_put(text, form, sizeof(form) - 1);
}
