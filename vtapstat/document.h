/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A daemon's answer as a value: is it one, how is the daemon, and the same for people.
 */
#ifndef VTAP_VTAPSTAT_DOCUMENT_H
#define VTAP_VTAPSTAT_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "vtapstat/page.h"

struct document;

/* NULL when the bytes are not a status, be it that they are the daemon's {"error": ...}; why has
 * words. */
struct document *document_parse(const char *bytes, size_t size, char *why, size_t why_size);
void document_free(struct document *document); /* NULL is fine */

const char *document_daemon(const struct document *document); /* "client" or "collector" */
bool document_is_ok(const struct document *document);         /* false: degraded */
/* Gives a client's mirrors the rates since `before` (NULL: none), `seconds` ago; see rates.h. */
void document_add_rates(struct document *document, const struct document *before, double seconds);
/* What people see, malloc'd; NULL: no memory. */
char *document_text(const struct document *document, const struct page_layout *layout,
		    size_t *size);

#endif
