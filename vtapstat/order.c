/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every key is read from the JSON once, not at each comparison.
 */
#include "vtapstat/order.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "vtapstat/fields.h"

enum type { MISSING, WHOLE, FRACTION, TEXT, ADDRESS };

struct keyed {
	enum type type;
	union {
		uint64_t whole;
		double fraction;
		const char *text;
		struct ip_addr address;
	};
	size_t position; /* before */
	const struct json_object *element;
};

static bool is_whole(enum list_kind kind)
{
	return kind == LIST_NUMBER || kind == LIST_COUNT || kind == LIST_LOSS || kind == LIST_BYTES;
}

static bool is_fraction(enum list_kind kind)
{
	return kind == LIST_PER_S || kind == LIST_BITS_PER_S;
}

static void read_key(struct keyed *keyed, const struct list_column *column)
{
	const char *text;

	keyed->type = MISSING;
	if (is_whole(column->kind)) {
		if (field_uint(keyed->element, column->key, &keyed->whole))
			keyed->type = WHOLE;
		return;
	}
	if (is_fraction(column->kind)) {
		if (field_double(keyed->element, column->key, &keyed->fraction))
			keyed->type = FRACTION;
		return;
	}
	text = field_string(keyed->element, column->key);
	if (text == NULL)
		return;
	if (column->kind == LIST_ADDRESS && ip_addr_parse(text, &keyed->address)) {
		keyed->type = ADDRESS;
		return;
	}
	keyed->type = TEXT;
	keyed->text = text;
}

/* Both of one type, and not missing. Times need no reading: their texts sort as they do. */
static int compare_values(const struct keyed *a, const struct keyed *b)
{
	switch (a->type) {
	case WHOLE:
		return (a->whole > b->whole) - (a->whole < b->whole);
	case FRACTION:
		return (a->fraction > b->fraction) - (a->fraction < b->fraction);
	case ADDRESS:
		return ip_addr_compare(&a->address, &b->address);
	default:
		return strverscmp(a->text, b->text);
	}
}

static int compare(const void *left, const void *right, void *context)
{
	const struct keyed *a = left, *b = right;
	bool descending = *(const bool *)context;
	int order;

	if (a->type != b->type) /* addresses before what is none, missing ones last */
		return a->type == MISSING || (b->type != MISSING && a->type < b->type) ? 1 : -1;
	order = a->type == MISSING ? 0 : compare_values(a, b);
	if (order != 0)
		return descending ? -order : order;
	return (a->position > b->position) - (a->position < b->position);
}

static bool is_sorted(const struct keyed *keyed, size_t count, bool *descending)
{
	for (size_t i = 1; i < count; i++)
		if (compare(&keyed[i - 1], &keyed[i], descending) > 0)
			return false;
	return true;
}

static int sort(const struct json_object **elements, size_t count, const struct list_column *column,
		bool descending)
{
	struct keyed *keyed = calloc(count, sizeof(*keyed));

	if (keyed == NULL)
		return count > 0 ? -ENOMEM : 0;
	for (size_t i = 0; i < count; i++) {
		keyed[i].position = i;
		keyed[i].element = elements[i];
		read_key(&keyed[i], column);
	}
	if (!is_sorted(keyed, count, &descending)) {
		qsort_r(keyed, count, sizeof(*keyed), compare, &descending);
		for (size_t i = 0; i < count; i++)
			elements[i] = keyed[i].element;
	}
	free(keyed);
	return 0;
}

int order_by(const struct json_object **elements, size_t count, const struct list_column *column,
	     bool reverse)
{
	bool from_the_largest =
	    is_whole(column->kind) || is_fraction(column->kind) || column->kind == LIST_AGE;

	return sort(elements, count, column, from_the_largest != reverse);
}

int order_up(const struct json_object **elements, size_t count, const struct list_column *column)
{
	return sort(elements, count, column, false);
}
