/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door's client table by its descriptor: walk, copy, purge. Knows neither the program nor how
 * the table was found.
 */
#ifndef VTAP_COLLECTOR_DOOR_TABLE_H
#define VTAP_COLLECTOR_DOOR_TABLE_H

#include <stddef.h>

#include "collector/config.h"
#include "collector/door_shared.h"
#include "common/addr.h"

struct ip_addr door_key_address(const struct door_key *key);
struct door_rules door_rules_of(const struct collector_config *config);

/* per_cpu has an element for each possible CPU, `cpus` of them. */
typedef int (*door_table_fn)(void *ctx, const struct door_key *key,
			     const struct door_value *per_cpu);

/* Calls fn for each entry once; stops when it returns non-zero and returns that. fn must not
 * delete. */
int door_table_each(int fd, size_t cpus, door_table_fn fn, void *ctx);
/* Copies the clients that the configuration allows; -E2BIG when not all of them have room. */
int door_table_copy(int from, int to, size_t cpus, const struct collector_config *config);
/* Deletes the clients that the configuration does not allow. */
int door_table_purge(int fd, size_t cpus, const struct collector_config *config);

#endif
