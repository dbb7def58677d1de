/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aligned columns. Knows nothing of what the cells mean, of terminals or of JSON. All text is in
 * one growing buffer: a table may have half a million cells, and an allocation for each would show.
 */
#include "vtapstat/table.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vtapstat/text.h"

#define NOWHERE SIZE_MAX

struct cell {
	size_t at; /* in the table's text */
	size_t width;
	enum style style;
};

struct row {
	size_t note, remark; /* in the table's text, or NOWHERE */
};

struct table {
	struct table_column *columns;
	size_t columns_count;
	char *text;
	size_t text_size, text_capacity;
	struct row *rows;
	struct cell *cells; /* columns_count for each row */
	size_t rows_count, rows_capacity;
	size_t filled; /* cells of the last row */
	bool no_memory;
};

struct table *table_new(const struct table_column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->columns = calloc(count, sizeof(*columns));
	if (table->columns == NULL) {
		free(table);
		return NULL;
	}
	memcpy(table->columns, columns, count * sizeof(*columns));
	table->columns_count = count;
	table->filled = count;
	return table;
}

void table_free(struct table *table)
{
	if (table == NULL)
		return;
	free(table->columns);
	free(table->text);
	free(table->rows);
	free(table->cells);
	free(table);
}

/* Where the harmless text is, or NOWHERE: no memory. */
static size_t add_text(struct table *table, const char *text, size_t *width)
{
	size_t size = strlen(text) + 1;
	size_t at = table->text_size;

	if (size > table->text_capacity - at) {
		size_t capacity = 2 * (table->text_capacity + size) + 1024;
		char *bytes = realloc(table->text, capacity);

		if (bytes == NULL) {
			table->no_memory = true;
			return NOWHERE;
		}
		table->text = bytes;
		table->text_capacity = capacity;
	}
	*width = text_clean(text, table->text + at);
	table->text_size += strlen(table->text + at) + 1;
	return at;
}

static bool reserve_row(struct table *table)
{
	size_t capacity = table->rows_capacity == 0 ? 16 : 2 * table->rows_capacity;
	struct row *rows;
	struct cell *cells;

	if (table->rows_count < table->rows_capacity)
		return true;
	rows = reallocarray(table->rows, capacity, sizeof(*rows));
	if (rows == NULL)
		return false;
	table->rows = rows;
	cells = reallocarray(table->cells, capacity, table->columns_count * sizeof(*cells));
	if (cells == NULL)
		return false;
	table->cells = cells;
	table->rows_capacity = capacity;
	return true;
}

static bool add_row(struct table *table)
{
	struct cell *cells;

	if (!reserve_row(table))
		return false;
	cells = table->cells + table->rows_count * table->columns_count;
	for (size_t k = 0; k < table->columns_count; k++)
		cells[k] = (struct cell){.at = NOWHERE};
	table->rows[table->rows_count++] = (struct row){NOWHERE, NOWHERE};
	table->filled = 0;
	return true;
}

void table_cell(struct table *table, const char *text, enum style style)
{
	struct cell cell = {.style = style};

	if (table->no_memory)
		return;
	if (table->filled == table->columns_count && !add_row(table)) {
		table->no_memory = true;
		return;
	}
	cell.at = add_text(table, text != NULL && text[0] != '\0' ? text : "-", &cell.width);
	table->cells[(table->rows_count - 1) * table->columns_count + table->filled++] = cell;
}

static struct row *last_row(struct table *table)
{
	return table->no_memory || table->rows_count == 0 ? NULL
							  : &table->rows[table->rows_count - 1];
}

void table_note(struct table *table, const char *text)
{
	struct row *row = last_row(table);
	size_t width;

	if (row != NULL)
		row->note = add_text(table, text, &width);
}

void table_remark(struct table *table, const char *text)
{
	struct row *row = last_row(table);
	size_t width;

	if (row != NULL)
		row->remark = add_text(table, text, &width);
}

/* ---- printing ------------------------------------------------------------------------------ */

/* What is to be printed is gathered: stdio's calls for each cell would take longer than the cells.
 */
struct line {
	FILE *out;
	bool colour;
	bool begun;
	size_t blanks; /* owed to the next text, so that no line ends with one */
	size_t size;
	char bytes[4096];
};

static void put_out(struct line *line)
{
	fwrite_unlocked(line->bytes, 1, line->size, line->out);
	line->size = 0;
}

static void put_bytes(struct line *line, const char *bytes, size_t size)
{
	if (size > sizeof(line->bytes) - line->size)
		put_out(line);
	if (size > sizeof(line->bytes)) {
		fwrite_unlocked(bytes, 1, size, line->out);
		return;
	}
	memcpy(line->bytes + line->size, bytes, size);
	line->size += size;
}

static void put_string(struct line *line, const char *string)
{
	put_bytes(line, string, strlen(string));
}

static void put_blanks(struct line *line)
{
	static const char blanks[] =
	    "                                                                ";
	size_t size = sizeof(blanks) - 1;

	for (; line->blanks > size; line->blanks -= size)
		put_bytes(line, blanks, size);
	put_bytes(line, blanks, line->blanks);
	line->blanks = 0;
}

static void end_line(struct line *line)
{
	put_string(line, "\n");
	line->blanks = 0;
	line->begun = false;
}

static void put_text(struct line *line, const char *text, size_t size, bool cut, enum style style)
{
	put_blanks(line);
	put_string(line, style_on(style, line->colour));
	put_bytes(line, text, size);
	if (cut)
		put_string(line, text_ellipsis());
	put_string(line, style_off(style, line->colour));
}

/* `taken` columns, in a column of `width`; what is wider is cut. */
static void put_cell(struct line *line, const struct table_column *column, size_t width,
		     const char *text, size_t taken, enum style style)
{
	bool cut = taken > width;
	size_t size, padding;

	if (width == 0)
		return;
	size = cut ? text_fit(text, width - 1, &taken) : strlen(text);
	padding = width - taken - cut;
	line->blanks += line->begun ? FIT_GAP : 0;
	line->begun = true;
	if (column->right)
		line->blanks += padding;
	put_text(line, text, size, cut, style);
	if (!column->right)
		line->blanks += padding;
}

static void print_row(const struct table *table, size_t i, const size_t *widths, struct line *line)
{
	const struct cell *cells = table->cells + i * table->columns_count;
	const struct row *row = &table->rows[i];

	for (size_t k = 0; k < table->columns_count; k++)
		if (cells[k].at != NOWHERE)
			put_cell(line, &table->columns[k], widths[k], table->text + cells[k].at,
				 cells[k].width, cells[k].style);
	if (row->remark != NOWHERE) {
		const char *remark = table->text + row->remark;

		line->blanks += FIT_GAP;
		put_text(line, remark, strlen(remark), false, STYLE_WARN);
	}
	end_line(line);
	if (row->note != NOWHERE) {
		put_string(line, "    ");
		put_string(line, table->text + row->note);
		end_line(line);
	}
}

static void print_titles(const struct table *table, const size_t *widths, struct line *line)
{
	for (size_t k = 0; k < table->columns_count; k++) {
		const char *title = table->columns[k].title;

		put_cell(line, &table->columns[k], widths[k], title, strlen(title), STYLE_TITLE);
	}
	end_line(line);
}

static void print_left_out(const struct table *table, const size_t *widths, FILE *out)
{
	const char *before = "    too narrow for: ";

	for (size_t k = 0; k < table->columns_count; k++) {
		if (widths[k] > 0)
			continue;
		fprintf(out, "%s%s", before, table->columns[k].title);
		before = ", ";
	}
	if (before[0] == ',')
		putc('\n', out);
}

/* What each column takes; malloc'd, NULL: no memory. */
static size_t *natural_widths(const struct table *table, size_t rows)
{
	size_t *widths = calloc(table->columns_count, sizeof(*widths));
	const struct cell *cell = table->cells;

	if (widths == NULL)
		return NULL;
	for (size_t k = 0; k < table->columns_count; k++)
		widths[k] = strlen(table->columns[k].title);
	for (size_t i = 0; i < rows && i < table->rows_count; i++)
		for (size_t k = 0; k < table->columns_count; k++, cell++)
			if (cell->width > widths[k])
				widths[k] = cell->width;
	return widths;
}

bool table_is_wider(const struct table *table, size_t room)
{
	size_t *widths = natural_widths(table, table->rows_count);
	size_t total = 0;

	if (widths == NULL)
		return false;
	for (size_t k = 0; k < table->columns_count; k++)
		total += widths[k] + (k > 0 ? FIT_GAP : 0);
	free(widths);
	return room > 0 && total > room;
}

static int fit(const struct table *table, size_t *widths, size_t room)
{
	struct fit_column *columns = calloc(table->columns_count, sizeof(*columns));

	if (columns == NULL)
		return -ENOMEM;
	for (size_t k = 0; k < table->columns_count; k++)
		columns[k] = table->columns[k].fit;
	fit_columns(columns, widths, table->columns_count, room);
	free(columns);
	return 0;
}

int table_print(const struct table *table, size_t rows, size_t room, bool colour, FILE *out)
{
	struct line line;
	size_t *widths = table->no_memory ? NULL : natural_widths(table, rows);
	int error = 0;

	if (widths == NULL)
		return -ENOMEM;
	if (room > 0)
		error = fit(table, widths, room);
	if (error == 0) {
		line.out = out;
		line.colour = colour;
		line.begun = false;
		line.blanks = line.size = 0;
		print_titles(table, widths, &line);
		for (size_t i = 0; i < rows && i < table->rows_count; i++)
			print_row(table, i, widths, &line);
		put_out(&line);
		print_left_out(table, widths, out);
	}
	free(widths);
	return error;
}
