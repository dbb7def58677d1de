/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A growing buffer and the few kinds of JSON values that a status document has. It must not judge
 * what is written.
 */
#include "common/json_text.h"

#include <stdlib.h>
#include <string.h>

#include "common/digits.h"
#include "common/json.h"
#include "common/utc.h"

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

void json_text_number(struct json_text *text, uint64_t value)
{
	char room[DIGITS_MAX];

	json_text_put(text, room, (size_t)(digits_put(room, value) - room));
}

void json_text_decimal(struct json_text *text, double value)
{
	double tenths = value * 10 + 0.5;
	char room[DIGITS_MAX + 2], *end;
	uint64_t whole;

	if (!(tenths >= 0))
		tenths = 0;
	whole = tenths < 1.8e19 ? (uint64_t)tenths : UINT64_MAX;
	end = digits_put(room, whole / 10);
	*end++ = '.';
	end = digits_put(end, whole % 10);
	json_text_put(text, room, (size_t)(end - room));
}

void json_text_time(struct json_text *text, time_t when)
{
	char time[UTC_TEXT];

	json_text_literal(text, "\"");
	json_text_put(text, utc_format(when, time), UTC_TEXT - 1);
	json_text_literal(text, "\"");
}
