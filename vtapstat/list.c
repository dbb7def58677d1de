/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Only the rows that are shown are made: of 65,536 clients a terminal shows 30.
 */
#include "vtapstat/list.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/digits.h"
#include "common/utc.h"
#include "vtapstat/fields.h"
#include "vtapstat/order.h"
#include "vtapstat/screen.h"
#include "vtapstat/table.h"
#include "vtapstat/units.h"

/* A list as it is shown now. */
struct shown {
	const struct list_column *columns[LIST_COLUMNS_MAX];
	size_t columns_count;
	const struct json_object **elements;
	size_t count;
};

/* ---- names of columns ---------------------------------------------------------------------- */

static char plain(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	if (c == ' ' || c == '_')
		return '-';
	return c;
}

static bool is_same(const char *a, const char *b)
{
	while (*a != '\0' && plain(*a) == plain(*b))
		a++, b++;
	return *a == *b;
}

const struct list_column *list_find(const struct list *list, const char *name)
{
	for (size_t k = 0; k < list->columns_count; k++)
		if (is_same(list->columns[k].title, name) || is_same(list->columns[k].key, name))
			return &list->columns[k];
	return NULL;
}

void list_print_name(const struct list_column *column, FILE *out)
{
	for (const char *c = column->title; *c != '\0'; c++)
		putc(plain(*c), out);
}

/* ---- cells --------------------------------------------------------------------------------- */

static bool is_right(enum list_kind kind)
{
	return kind != LIST_TEXT && kind != LIST_STATE && kind != LIST_ADDRESS;
}

static enum style state_style(const char *state)
{
	return state == NULL || strcmp(state, "blocked") == 0 ? STYLE_BAD : STYLE_GOOD;
}

static void cell_whole(struct table *table, const struct json_object *element,
		       const struct list_column *column)
{
	char text[UNITS_TEXT];
	uint64_t value;

	if (!field_uint(element, column->key, &value)) {
		table_cell(table, NULL, STYLE_PLAIN);
		return;
	}
	if (column->kind == LIST_NUMBER)
		*digits_put(text, value) = '\0';
	else if (column->kind == LIST_BYTES)
		units_bytes(value, text);
	else
		units_count(value, text);
	table_cell(table, text, column->kind == LIST_LOSS && value > 0 ? STYLE_WARN : STYLE_PLAIN);
}

static void cell_fraction(struct table *table, const struct json_object *element,
			  const struct list_column *column)
{
	char text[UNITS_TEXT];
	double value;

	if (!field_double(element, column->key, &value))
		table_cell(table, NULL, STYLE_PLAIN);
	else if (column->kind == LIST_PER_S)
		table_cell(table, units_per_s(value, text), STYLE_PLAIN);
	else
		table_cell(table, units_bits_per_s(value, text), STYLE_PLAIN);
}

/* A time that is not one, or is yet to come because the clock was set, shows as it was written. */
static void cell_age(struct table *table, const char *time_text, time_t now)
{
	char age[UNITS_TEXT], text[UNITS_TEXT + 8];
	time_t then;

	if (time_text == NULL || !utc_parse(time_text, &then) || then > now) {
		table_cell(table, time_text, STYLE_PLAIN);
		return;
	}
	stpcpy(stpcpy(text, units_duration((uint64_t)(now - then), age)), " ago");
	table_cell(table, text, STYLE_PLAIN);
}

static void add_cell(struct table *table, const struct json_object *element,
		     const struct list_column *column, time_t now)
{
	const char *text;

	switch (column->kind) {
	case LIST_TEXT:
	case LIST_ADDRESS:
		table_cell(table, field_string(element, column->key), STYLE_PLAIN);
		break;
	case LIST_STATE:
		text = field_string(element, column->key);
		table_cell(table, text, state_style(text));
		break;
	case LIST_PER_S:
	case LIST_BITS_PER_S:
		cell_fraction(table, element, column);
		break;
	case LIST_AGE:
		cell_age(table, field_string(element, column->key), now);
		break;
	default:
		cell_whole(table, element, column);
		break;
	}
}

/* "blocked: no route", malloc'd, where the element has a reason, else why its express lane is off;
 * else NULL. */
static char *reason_of(const struct json_object *element)
{
	const char *reason = field_string(element, "reason");
	bool blocked = reason != NULL && reason[0] != '\0';
	char *note;

	if (!blocked)
		reason = field_string(element, "express.reason");
	if (reason == NULL)
		return NULL;
	const char *state = blocked ? field_string(element, "state") : "express lane off";
	if (asprintf(&note, "%s: %s", state != NULL ? state : "-", reason) < 0)
		return NULL;
	return note;
}

/* ---- which columns, which rows, in which order ---------------------------------------------- */

static bool is_shown(const struct list_column *column, const struct shown *shown)
{
	if (column->when == LIST_IF_SENT)
		return field_exists(shown->elements[0], column->key);
	if (column->when == LIST_ALWAYS)
		return true;
	for (size_t i = 0; i < shown->count; i++)
		if (field_string(shown->elements[i], column->key) != NULL)
			return true;
	return false;
}

static int put_in_order(const struct list *list, const char *sort, struct shown *shown)
{
	bool reverse = sort != NULL && sort[0] == '-';
	const struct list_column *column = NULL;
	int error = 0;

	if (sort != NULL)
		column = list_find(list, sort + reverse);
	for (size_t i = LIST_ORDER_MAX; i-- > 0 && error == 0;)
		if (list->order[i] != NULL)
			error = order_up(shown->elements, shown->count,
					 list_find(list, list->order[i]));
	if (column != NULL && error == 0)
		error = order_by(shown->elements, shown->count, column, reverse);
	return error;
}

static struct table *make_table(const struct list *list, const char *sort, struct shown *shown)
{
	struct table_column columns[LIST_COLUMNS_MAX] = {{0}};
	const struct list_column *sorted =
	    sort != NULL ? list_find(list, sort + (sort[0] == '-')) : NULL;

	for (size_t k = 0; k < list->columns_count && k < LIST_COLUMNS_MAX; k++) {
		const struct list_column *column = &list->columns[k];
		struct table_column *to = &columns[shown->columns_count];

		if (!is_shown(column, shown))
			continue;
		*to = (struct table_column){
		    .title = column->title, .right = is_right(column->kind), .fit = column->fit};
		if (column == sorted) /* that is what one wants to see */
			to->fit.leaves = 0;
		shown->columns[shown->columns_count++] = column;
	}
	return table_new(columns, shown->columns_count);
}

/* Rows of the terminal that one element takes. */
static size_t element_rows(const struct json_object *element, size_t columns)
{
	char *note = reason_of(element);
	size_t rows = 1;

	if (note != NULL)
		rows += (3 + strlen(note)) / (columns > 0 ? columns : SIZE_MAX) + 1;
	free(note);
	return rows;
}

/* How many elements fit below the titles; where it is not all of them, a row is kept to say so. */
static size_t how_many_fit(const struct shown *shown, size_t room, size_t columns)
{
	size_t used = 1;

	if (room == SIZE_MAX)
		return shown->count;
	for (size_t i = 0; i < shown->count; i++) {
		size_t more = i + 1 < shown->count ? 1 : 0;
		size_t rows = element_rows(shown->elements[i], columns);

		if (used + rows + more > room)
			return i;
		used += rows;
	}
	return shown->count;
}

/* ---- printing ------------------------------------------------------------------------------ */

static void add_row(struct table *table, const struct shown *shown, size_t i, time_t now)
{
	char *note = reason_of(shown->elements[i]);

	for (size_t k = 0; k < shown->columns_count; k++)
		add_cell(table, shown->elements[i], shown->columns[k], now);
	if (note != NULL)
		table_note(table, note);
	free(note);
}

/* In one row: advice only where there is room for it. */
static void print_more(size_t count, size_t columns, FILE *out)
{
	static const char advice[] = ": --sort, or a higher window";
	char digits[UNITS_TEXT];
	size_t width = strlen("... and  more") + strlen(units_digits(count, digits));
	bool wide = columns == 0 || width + strlen(advice) <= columns;

	fprintf(out, "... and %s more%s\n", digits, wide ? advice : "");
}

static int print_shown(const struct list *list, const char *sort, size_t room, struct shown *shown,
		       struct page *page)
{
	const struct page_layout *layout = page->layout;
	size_t fit = how_many_fit(shown, room, layout->columns);
	struct table *table = make_table(list, sort, shown);
	int error;

	if (table == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < fit; i++)
		add_row(table, shown, i, layout->now);
	/* the columns that it leaves out take a row too */
	if (room != SIZE_MAX && room > 0 && table_is_wider(table, layout->columns))
		fit = how_many_fit(shown, room - 1, layout->columns);
	error = table_print(table, fit, layout->columns, layout->colour, page->out);
	if (fit < shown->count)
		print_more(shown->count - fit, layout->columns, page->out);
	table_free(table);
	return error;
}

int list_print(const struct list *list, const struct json_object *status, const char *sort,
	       size_t room, struct page *page)
{
	struct shown shown = {.count = field_count(status, list->key)};
	int error;

	if (shown.count == 0) {
		fprintf(page->out, "%s\n", list->none);
		return 0;
	}
	shown.elements = calloc(shown.count, sizeof(struct json_object *));
	if (shown.elements == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < shown.count; i++)
		shown.elements[i] = field_element(status, list->key, i);
	error = put_in_order(list, sort, &shown);
	if (error == 0)
		error = print_shown(list, sort, room, &shown, page);
	free(shown.elements);
	return error;
}
