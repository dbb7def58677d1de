/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a daemon's answer. It comes over a socket that somebody else may have made: everything in
 * it is checked, and strings are printed only through text.c, which makes them harmless.
 */
#include "vtapstat/document.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "vtapstat/fields.h"
#include "vtapstat/rates.h"
#include "vtapstat/style.h"
#include "vtapstat/text.h"
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

void document_add_rates(struct document *document, const struct document *before, double seconds)
{
	if (document->client)
		rates_add(document->status,
			  before != NULL && before->client ? before->status : NULL, seconds);
}

static int print(const struct document *document, struct page *page)
{
	const char *version = field_string(document->status, "version");
	enum style style = document->ok ? STYLE_GOOD : STYLE_BAD;
	bool colour = page->layout->colour;
	char uptime[UNITS_TEXT] = "-";
	double seconds;

	fprintf(page->out, "%s ", document_daemon(document));
	text_print(version != NULL ? version : "-", page->out);
	if (field_double(document->status, "uptime_s", &seconds) && seconds < 1e15)
		units_duration((uint64_t)seconds, uptime);
	fprintf(page->out, "  %s%s%s  up %s", style_on(style, colour),
		document->ok ? "ok" : "degraded", style_off(style, colour), uptime);
	return document->client ? view_client(document->status, page)
				: view_collector(document->status, page);
}

char *document_text(const struct document *document, const struct page_layout *layout, size_t *size)
{
	struct page page;

	if (page_open(&page, layout) < 0)
		return NULL;
	return page_close(&page, print(document, &page), size);
}
