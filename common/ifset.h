/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of interface indexes, kept sorted.
 */
#ifndef VTAP_COMMON_IFSET_H
#define VTAP_COMMON_IFSET_H

#include <stdbool.h>

#include "common/array.h"

struct ifset {
	int *items;
	size_t count;
	size_t capacity;
};

bool ifset_has(const struct ifset *set, int ifindex);
int ifset_add(struct ifset *set, int ifindex);     /* 0, also when it was there; or -ENOMEM */
void ifset_remove(struct ifset *set, int ifindex); /* no matter whether it was there */
void ifset_clear(struct ifset *set);

#endif
