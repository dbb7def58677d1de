/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Growing arrays: `struct { T *items; size_t count, capacity; }`, grown by doubling.
 */
#ifndef VTAP_COMMON_ARRAY_H
#define VTAP_COMMON_ARRAY_H

#include <stddef.h>

/* Grows `items` so that one more fits and returns the new item, zeroed; NULL: no memory, nothing
 * changed. */
void *array_add(void **items, size_t *count, size_t *capacity, size_t item_size);

#define ARRAY_ADD(array)                                                         \
	array_add((void **)&(array)->items, &(array)->count, &(array)->capacity, \
		  sizeof(*(array)->items))

#define ARRAY_OF(type)           \
	struct {                 \
		type *items;     \
		size_t count;    \
		size_t capacity; \
	}

#endif
