/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/ifset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t place(const struct ifset *set, int ifindex)
{
	size_t low = 0, high = set->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (set->items[middle] < ifindex)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool ifset_has(const struct ifset *set, int ifindex)
{
	size_t at = place(set, ifindex);
	return at < set->count && set->items[at] == ifindex;
}

int ifset_add(struct ifset *set, int ifindex)
{
	size_t at = place(set, ifindex);
	if (at < set->count && set->items[at] == ifindex)
		return 0;
	if (!ARRAY_ADD(set))
		return -ENOMEM;
	memmove(&set->items[at + 1], &set->items[at], (set->count - 1 - at) * sizeof(*set->items));
	set->items[at] = ifindex;
	return 0;
}

void ifset_remove(struct ifset *set, int ifindex)
{
	size_t at = place(set, ifindex);

	if (at == set->count || set->items[at] != ifindex)
		return;
	set->count--;
	memmove(&set->items[at], &set->items[at + 1], (set->count - at) * sizeof(*set->items));
}

void ifset_clear(struct ifset *set)
{
	free(set->items);
	*set = (struct ifset){0};
}
