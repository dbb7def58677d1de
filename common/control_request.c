/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket's protocol as values: bytes in, what they ask for or the text of a refusal
 * out. No socket. Requests are bytes from anyone who can open the socket: nothing in them is
 * trusted, not even to be UTF-8.
 */
#include "common/control.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The first line without its newline and the blanks around it; size stays what it is when there is
 * no newline. */
static const char *trim(const char *bytes, size_t *size)
{
	const char *end = memchr(bytes, '\n', *size);

	if (end == NULL)
		end = bytes + *size;
	while (end > bytes && is_blank(end[-1]))
		end--;
	while (bytes < end && is_blank(*bytes))
		bytes++;
	*size = (size_t)(end - bytes);
	return bytes;
}

enum control_request control_request_parse(const char *bytes, size_t size)
{
	static const char status[] = "status";

	if (size > CONTROL_REQUEST_MAX)
		size = CONTROL_REQUEST_MAX;
	if (size == 0)
		return CONTROL_MORE;
	if (memchr(bytes, '\n', size) == NULL)
		return size < CONTROL_REQUEST_MAX ? CONTROL_MORE : CONTROL_TOO_LONG;
	bytes = trim(bytes, &size);
	if (size == sizeof(status) - 1 && memcmp(bytes, status, size) == 0)
		return CONTROL_STATUS;
	return CONTROL_UNKNOWN;
}

/* Bytes beyond ASCII are written as the Latin-1 characters they would be: valid JSON whatever they
 * were meant to be. */
static void quote(FILE *out, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c >= 0x20 && c < 0x7f)
			fputc(c, out);
		else
			fprintf(out, "\\u%04x", (unsigned int)c);
	}
}

char *control_error(enum control_request request, const char *bytes, size_t size)
{
	char *text = NULL;
	size_t text_size;
	FILE *out = open_memstream(&text, &text_size);

	if (out == NULL)
		return NULL;
	fputs("{\"error\": \"", out);
	switch (request) {
	case CONTROL_MORE:
		fprintf(out, "no complete request within %d s", CONTROL_TIMEOUT_S);
		break;
	case CONTROL_TOO_LONG:
		fprintf(out, "request longer than %d bytes", CONTROL_REQUEST_MAX);
		break;
	case CONTROL_STATUS:
	case CONTROL_UNKNOWN:
		if (size > CONTROL_REQUEST_MAX)
			size = CONTROL_REQUEST_MAX;
		if (size > 0)
			bytes = trim(bytes, &size);
		fputs("unknown request \\\"", out);
		quote(out, bytes, size);
		fputs("\\\"; known: status", out);
		break;
	}
	fputs("\"}", out);
	if (ferror(out) | fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
