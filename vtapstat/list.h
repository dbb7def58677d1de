/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An array of JSON objects as a table: which field each column shows and how, in which order. A
 * value.
 */
#ifndef VTAP_VTAPSTAT_LIST_H
#define VTAP_VTAPSTAT_LIST_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "vtapstat/fit.h"
#include "vtapstat/page.h"

enum list_kind {
	LIST_TEXT,
	LIST_STATE, /* a word */
	LIST_ADDRESS,
	LIST_NUMBER, /* all digits */
	LIST_COUNT,
	LIST_LOSS, /* a count that had better be 0 */
	LIST_BYTES,
	LIST_PER_S,
	LIST_BITS_PER_S,
	LIST_AGE, /* of a time such as 2026-01-02T03:04:05Z */
};

enum list_when {
	LIST_ALWAYS,
	LIST_IF_ANY,  /* shown when one element has it */
	LIST_IF_SENT, /* shown when the first element has it, be it null */
};

struct list_column {
	const char *title;
	const char *key;
	enum list_kind kind;
	enum list_when when;
	struct fit_column fit;
};

enum { LIST_COLUMNS_MAX = 16, LIST_ORDER_MAX = 2 };

struct list {
	const char *key; /* of the array */
	const struct list_column *columns;
	size_t columns_count;              /* at most LIST_COLUMNS_MAX */
	const char *order[LIST_ORDER_MAX]; /* keys; none: as the daemon lists them */
	const char *none;                  /* said when the array is empty */
};

/* The column that a title ("last-seen", in any case) or a JSON key names; NULL: none. */
const struct list_column *list_find(const struct list *list, const char *name);
/* A column's title as one types it: "last-seen". */
void list_print_name(const struct list_column *column, FILE *out);

/*
 * The table in at most `room` rows of a terminal (SIZE_MAX: all of it); what does not fit is said
 * in the last one. `sort` is a column's name, '-' in front reverses; one that the list does not
 * have and NULL leave the usual order. 0 or -ENOMEM.
 */
int list_print(const struct list *list, const struct json_object *status, const char *sort,
	       size_t room, struct page *page);

#endif
