/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of text cells, printed in aligned columns. Cells may hold anything: what could move a
 * terminal's cursor or hide is shown as "?".
 */
#ifndef VTAP_VTAPSTAT_TABLE_H
#define VTAP_VTAPSTAT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct table;

struct table_column {
	const char *title; /* kept, not copied */
	bool right;        /* numbers */
};

/* NULL: no memory. `columns` is kept, not copied. */
struct table *table_new(const struct table_column *columns, size_t count);
void table_free(struct table *table); /* NULL is fine */

/*
 * Cells fill rows from left to right; NULL shows as "-". Memory that is missing makes table_print
 * fail, so that callers need not check each cell.
 */
void table_cell(struct table *table, const char *text);
void table_note(struct table *table,
		const char *text); /* a line of its own below the row just filled */

/* Title row and rows, two blanks between columns. 0 or -ENOMEM. */
int table_print(const struct table *table, FILE *out);

/* Prints hostile text as table cells are: one harmless line. */
void table_print_text(const char *text, FILE *out);
/* Columns of a terminal that a harmless text of `size` bytes takes. */
size_t table_text_width(const char *text, size_t size);

#endif
