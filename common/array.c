/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/array.h"

#include <stdlib.h>
#include <string.h>

void array_reserve(void **items, size_t *capacity, size_t wanted, size_t item_size)
{
	void *moved = wanted > *capacity ? reallocarray(*items, wanted, item_size) : NULL;

	if (!moved)
		return;
	*items = moved;
	*capacity = wanted;
}

void *array_add(void **items, size_t *count, size_t *capacity, size_t item_size)
{
	if (*count == *capacity) {
		size_t grown = *capacity ? *capacity * 2 : 8;
		void *moved = reallocarray(*items, grown, item_size);
		if (!moved)
			return NULL;
		*items = moved;
		*capacity = grown;
	}
	void *item = (char *)*items + (*count)++ * item_size;
	memset(item, 0, item_size);
	return item;
}
