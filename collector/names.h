/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names that the configuration gives to clients, by outer source address and, if it says so,
 * VNI. Thousands of them are looked up in every answer.
 */
#ifndef VTAP_COLLECTOR_NAMES_H
#define VTAP_COLLECTOR_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

struct name {
	struct ip_addr address;
	uint32_t vni; /* 0: any */
	int line;     /* in the configuration */
	char *text;   /* the list's */
};

struct names {
	struct name *items; /* by address, then VNI, once names_sort was called */
	size_t count, capacity;
};

/* Copies the text. 0 or -ENOMEM. */
int names_add(struct names *names, const struct ip_addr *address, uint32_t vni, const char *text,
	      int line);
typedef void (*names_twice_fn)(void *ctx, const struct name *name, const struct name *earlier);
/* Prepares for names_find, and tells of neighbours in the list that have one address and VNI, or
 * one text. */
void names_sort(struct names *names, names_twice_fn same_client, names_twice_fn same_name,
		void *ctx);
/* The name of the address with this VNI, else of the address with any, else NULL. */
const char *names_find(const struct names *names, const struct ip_addr *address, uint32_t vni);
void names_clear(struct names *names);

#endif
