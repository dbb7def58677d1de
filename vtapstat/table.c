/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aligned columns. Knows nothing of what the cells mean, of terminals or of JSON. Widths are those
 * of characters in the locale's encoding.
 */

#include "vtapstat/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

struct cell {
	char *text;
	size_t width;
};

struct row {
	struct cell *cells; /* as many as there are columns */
	char *note;
};

struct table {
	const struct table_column *columns;
	size_t columns_count;
	struct row *rows;
	size_t rows_count;
	size_t rows_capacity;
	size_t filled; /* cells of the last row */
	bool no_memory;
};

/* Length of the character at `text`, 0 when it is not one that a terminal simply shows. */
static size_t shown_character(const char *text, size_t size, size_t *width)
{
	mbstate_t state = {0};
	wchar_t c;
	size_t length = mbrtowc(&c, text, size, &state);
	int columns;

	if (length == 0 || length > size)
		return 0;
	/* zero width: combining and direction marks, which can make text look like another */
	columns = iswprint((wint_t)c) ? wcwidth(c) : 0;
	if (columns <= 0)
		return 0;
	*width = (size_t)columns;
	return length;
}

/* malloc'd; one "?" for each byte that is not part of a shown character. */
static char *harmless(const char *text)
{
	size_t size = strlen(text);
	char *out = malloc(size + 1);
	size_t width, length;
	size_t at = 0;

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < size; i += length) {
		length = shown_character(text + i, size - i, &width);
		if (length > 0) {
			memcpy(out + at, text + i, length);
			at += length;
		} else {
			out[at++] = '?';
			length = 1;
		}
	}
	out[at] = '\0';
	return out;
}

size_t table_text_width(const char *text, size_t size)
{
	size_t total = 0;
	size_t width, length;

	for (size_t i = 0; i < size; i += length) {
		width = 1;
		length = shown_character(text + i, size - i, &width);
		if (length == 0)
			length = 1;
		total += width;
	}
	return total;
}

void table_print_text(const char *text, FILE *out)
{
	char *clean = harmless(text);

	if (clean != NULL)
		fputs(clean, out);
	free(clean);
}

struct table *table_new(const struct table_column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->columns = columns;
	table->columns_count = count;
	table->filled = count;
	return table;
}

void table_free(struct table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; i < table->rows_count; i++) {
		for (size_t k = 0; k < table->columns_count; k++)
			free(table->rows[i].cells[k].text);
		free(table->rows[i].cells);
		free(table->rows[i].note);
	}
	free(table->rows);
	free(table);
}

static bool add_row(struct table *table)
{
	struct row *row;

	if (table->rows_count == table->rows_capacity) {
		size_t capacity = table->rows_capacity == 0 ? 16 : 2 * table->rows_capacity;
		struct row *rows = reallocarray(table->rows, capacity, sizeof(*rows));

		if (rows == NULL)
			return false;
		table->rows = rows;
		table->rows_capacity = capacity;
	}
	row = &table->rows[table->rows_count];
	row->note = NULL;
	row->cells = calloc(table->columns_count, sizeof(*row->cells));
	if (row->cells == NULL)
		return false;
	table->rows_count++;
	table->filled = 0;
	return true;
}

void table_cell(struct table *table, const char *text)
{
	struct cell *cell;

	if (table->no_memory)
		return;
	if (table->filled == table->columns_count && !add_row(table)) {
		table->no_memory = true;
		return;
	}
	cell = &table->rows[table->rows_count - 1].cells[table->filled++];
	cell->text = harmless(text != NULL && text[0] != '\0' ? text : "-");
	if (cell->text == NULL)
		table->no_memory = true;
	else
		cell->width = table_text_width(cell->text, strlen(cell->text));
}

void table_note(struct table *table, const char *text)
{
	struct row *row;

	if (table->no_memory || table->rows_count == 0)
		return;
	row = &table->rows[table->rows_count - 1];
	free(row->note);
	row->note = harmless(text);
	if (row->note == NULL)
		table->no_memory = true;
}

static void print_cell(const struct table_column *column, const char *text, size_t text_width,
		       size_t width, bool last, FILE *out)
{
	int padding = (int)(width - text_width);

	if (column->right)
		fprintf(out, "%*s%s", padding, "", text);
	else
		fprintf(out, "%s%*s", text, last ? 0 : padding, "");
	fputs(last ? "\n" : "  ", out);
}

static void print_rows(const struct table *table, const size_t *widths, FILE *out)
{
	size_t count = table->columns_count;

	for (size_t k = 0; k < count; k++) {
		const char *title = table->columns[k].title;

		print_cell(&table->columns[k], title, strlen(title), widths[k], k + 1 == count,
			   out);
	}
	for (size_t i = 0; i < table->rows_count; i++) {
		const struct row *row = &table->rows[i];

		for (size_t k = 0; k < count; k++) {
			const struct cell *cell = &row->cells[k];

			print_cell(&table->columns[k], cell->text != NULL ? cell->text : "",
				   cell->width, widths[k], k + 1 == count, out);
		}
		if (row->note != NULL)
			fprintf(out, "    %s\n", row->note);
	}
}

int table_print(const struct table *table, FILE *out)
{
	size_t *widths;

	if (table->no_memory)
		return -ENOMEM;
	widths = calloc(table->columns_count, sizeof(*widths));
	if (widths == NULL)
		return -ENOMEM;
	for (size_t k = 0; k < table->columns_count; k++) {
		widths[k] = strlen(table->columns[k].title);
		for (size_t i = 0; i < table->rows_count; i++) {
			if (table->rows[i].cells[k].width > widths[k])
				widths[k] = table->rows[i].cells[k].width;
		}
	}
	print_rows(table, widths, out);
	free(widths);
	return 0;
}
