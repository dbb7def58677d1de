/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of text cells, printed in aligned columns. Cells may hold anything: text.h makes them
 * harmless.
 */
#ifndef VTAP_VTAPSTAT_TABLE_H
#define VTAP_VTAPSTAT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "vtapstat/fit.h"
#include "vtapstat/style.h"

struct table;

struct table_column {
	const char *title; /* ASCII; kept, not copied */
	bool right;        /* numbers */
	struct fit_column fit;
};

/* NULL: no memory. `columns` are copied. */
struct table *table_new(const struct table_column *columns, size_t count);
void table_free(struct table *table); /* NULL is fine */

/*
 * Cells fill rows from left to right; NULL shows as "-". Memory that is missing makes table_print
 * fail, so that callers need not check each cell.
 */
void table_cell(struct table *table, const char *text, enum style style);
/* A line of its own below the row just filled, and words at its end. */
void table_note(struct table *table, const char *text);
void table_remark(struct table *table, const char *text);

/* Whether it would have to give way in `room` columns of a terminal; never where that is 0. */
bool table_is_wider(const struct table *table, size_t room);

/*
 * Title row and the first `rows` rows, and a line that names the columns that had to be left out to
 * fit into `room` columns of a terminal (0: there is no limit). 0 or -ENOMEM.
 */
int table_print(const struct table *table, size_t rows, size_t room, bool colour, FILE *out);

#endif
