/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door's client table by its descriptor: walk, copy, purge. Knows neither the program nor how
 * the table was found.
 */
#ifndef VTAP_COLLECTOR_DOOR_TABLE_H
#define VTAP_COLLECTOR_DOOR_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "collector/config.h"
#include "collector/door.h"
#include "collector/door_shared.h"
#include "common/addr.h"

struct ip_addr door_key_address(const struct door_key *key);
enum encap door_key_encap(const struct door_key *key);
struct door_rules door_rules_of(const struct collector_config *config);

/*
 * One entry of the table is no client's: its key is all zero, and it holds the sums of the clients
 * that have left. So the two live and are handed over together, and what the clients and it have
 * counted is always what was accepted, less overflow.
 */
enum { DOOR_TABLE_OWN = 1 }; /* entries beside the clients' */

/* An entry as read at read_mono_ns. per_cpu has an element for each possible CPU. */
struct door_entry {
	const struct door_key *key;
	const struct door_value *per_cpu;
	uint64_t read_mono_ns;
};

typedef int (*door_table_fn)(void *ctx, const struct door_entry *entry);

/* Before anything else: makes the entry that is no client's. */
int door_table_prepare(int fd, size_t cpus);
/* Calls fn for each client once; stops when it returns non-zero and returns that. fn must not
 * delete. */
int door_table_each(int fd, size_t cpus, door_table_fn fn, void *ctx);
/* Copies the sums of those that have left, and the clients that the configuration allows; -E2BIG
 * when not all of them have room. */
int door_table_copy(int from, int to, size_t cpus, const struct collector_config *config);
/* Deletes the clients that the configuration does not allow. */
int door_table_purge(int fd, size_t cpus, const struct collector_config *config);
/* See door_forget. */
int door_table_forget(int fd, size_t cpus, const struct door_client *clients, size_t count);
/* What clients sent that were deleted. */
int door_table_forgotten(int fd, size_t cpus, struct door_sum *sum);

#endif
