/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cutting comes before leaving out, and is undone as far as a column that was left out made room.
 */
#include "vtapstat/fit.h"

#include <stdbool.h>

static size_t total(const size_t *widths, size_t count)
{
	size_t sum = 0;

	for (size_t k = 0; k < count; k++)
		if (widths[k] > 0)
			sum += widths[k] + (sum > 0 ? FIT_GAP : 0);
	return sum;
}

/* By how much the columns can be cut, all together. */
static size_t slack(const struct fit_column *columns, const size_t *widths, size_t count)
{
	size_t sum = 0;

	for (size_t k = 0; k < count; k++)
		if (columns[k].floor > 0 && widths[k] > columns[k].floor)
			sum += widths[k] - columns[k].floor;
	return sum;
}

/* The column to leave out next, or count. */
static size_t next_to_leave(const struct fit_column *columns, const size_t *widths, size_t count)
{
	size_t next = count;

	for (size_t k = 0; k < count; k++)
		if (widths[k] > 0 && columns[k].leaves > 0 &&
		    (next == count || columns[k].leaves < columns[next].leaves))
			next = k;
	return next;
}

/* One column off the widest of those that may be cut; false when none can. */
static bool cut_widest(const struct fit_column *columns, size_t *widths, size_t count, bool any)
{
	size_t widest = count;

	for (size_t k = 0; k < count; k++) {
		size_t floor = any ? 1 : columns[k].floor;

		if (floor > 0 && widths[k] > floor &&
		    (widest == count || widths[k] > widths[widest]))
			widest = k;
	}
	if (widest == count)
		return false;
	widths[widest]--;
	return true;
}

void fit_columns(const struct fit_column *columns, size_t *widths, size_t count, size_t room)
{
	while (total(widths, count) > room + slack(columns, widths, count)) {
		size_t next = next_to_leave(columns, widths, count);

		if (next == count)
			break;
		widths[next] = 0;
	}
	while (total(widths, count) > room && cut_widest(columns, widths, count, false))
		;
	while (total(widths, count) > room && cut_widest(columns, widths, count, true))
		;
}
