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

/* Room for so many, if there is memory: what is grown at once leaves no smaller blocks behind. */
void array_reserve(void **items, size_t *capacity, size_t wanted, size_t item_size);

#define ARRAY_RESERVE(array, wanted) \
	array_reserve((void **)&(array)->items, &(array)->capacity, wanted, sizeof(*(array)->items))

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
