/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a daemon's answer. It comes over a socket that somebody else may have made: everything in
 * it is checked, and strings are printed only through table.c, which makes them harmless.
 */
#include "vtapstat/document.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "vtapstat/fields.h"
#include "vtapstat/table.h"
#include "vtapstat/units.h"
#include "vtapstat/view.h"

struct document {
	struct json_object *status;
	bool client; /* else collector */
	bool ok;
};

/* False unless the bytes are one JSON value (NULL for "null") and nothing else but white space. */
static bool parse(const char *bytes, size_t size, struct json_object **value, char *why,
		  size_t why_size)
{
	struct json_tokener *tokener = size <= INT_MAX ? json_tokener_new() : NULL;
	enum json_tokener_error error;

	if (tokener == NULL) {
		snprintf(why, why_size, "no memory to read the answer");
		return false;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	*value = json_tokener_parse_ex(tokener, bytes, (int)size);
	error = json_tokener_get_error(tokener);
	if (error == json_tokener_continue)
		snprintf(why, why_size, "the answer is incomplete");
	else if (error != json_tokener_success)
		snprintf(why, why_size, "the answer is not JSON: %s",
			 json_tokener_error_desc(error));
	json_tokener_free(tokener);
	if (error != json_tokener_success)
		json_object_put(*value);
	return error == json_tokener_success;
}

static bool is_one_of(const char *text, const char *a, const char *b)
{
	return text != NULL && (strcmp(text, a) == 0 || strcmp(text, b) == 0);
}

static bool check(const struct json_object *status, char *why, size_t why_size)
{
	const char *error = field_string(status, "error");

	if (error != NULL) {
		snprintf(why, why_size, "the daemon says: %s", error);
		return false;
	}
	if (!is_one_of(field_string(status, "daemon"), "client", "collector") ||
	    !is_one_of(field_string(status, "state"), "ok", "degraded")) {
		snprintf(why, why_size, "the answer is not a vtap status");
		return false;
	}
	return true;
}

struct document *document_parse(const char *bytes, size_t size, char *why, size_t why_size)
{
	struct document *document;
	struct json_object *status;

	if (!parse(bytes, size, &status, why, why_size))
		return NULL;
	if (!check(status, why, why_size)) {
		json_object_put(status);
		return NULL;
	}
	document = calloc(1, sizeof(*document));
	if (document == NULL) {
		snprintf(why, why_size, "no memory to read the answer");
		json_object_put(status);
		return NULL;
	}
	document->status = status;
	document->client = strcmp(field_string(status, "daemon"), "client") == 0;
	document->ok = strcmp(field_string(status, "state"), "ok") == 0;
	return document;
}

void document_free(struct document *document)
{
	if (document == NULL)
		return;
	json_object_put(document->status);
	free(document);
}

const char *document_daemon(const struct document *document)
{
	return document->client ? "client" : "collector";
}

bool document_is_ok(const struct document *document)
{
	return document->ok;
}

int document_print(const struct document *document, time_t now, FILE *out)
{
	const char *version = field_string(document->status, "version");
	char uptime[UNITS_TEXT] = "-";
	double seconds;

	fprintf(out, "%s ", document_daemon(document));
	table_print_text(version != NULL ? version : "-", out);
	if (field_double(document->status, "uptime_s", &seconds) && seconds < 1e15)
		units_duration((uint64_t)seconds, uptime);
	fprintf(out, "  %s  up %s", document->ok ? "ok" : "degraded", uptime);
	if (document->client) {
		fputc('\n', out);
		return view_client(document->status, out);
	}
	return view_collector(document->status, now, out);
}
