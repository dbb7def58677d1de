/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door's client table: walk, copy, forget. Knows neither the program nor how the table was
 * found.
 */
#ifndef VTAP_COLLECTOR_DOOR_TABLE_H
#define VTAP_COLLECTOR_DOOR_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "collector/config.h"
#include "collector/door.h"
#include "collector/door_slot.h"
#include "common/addr.h"

/* The table as the program has it, mapped: see door_slot.h. All zero: none. */
struct door_table {
	struct door_head *head;
	struct door_bucket *buckets; /* with the head in place of the first */
	uint32_t count;              /* of buckets, without the head */
	size_t size;
};

/* Maps the table behind the descriptor `fd`, which stays the caller's. 0 or a negative errno. */
int door_table_open(struct door_table *table, int fd);
void door_table_close(struct door_table *table);

typedef int (*door_table_fn)(void *ctx, const struct door_client *client);

/* Before anything else: what a daemon was about to do when it was killed. */
void door_table_prepare(struct door_table *table, uint64_t secret);
/* Calls fn for each client once; stops when it returns non-zero and returns that. */
int door_table_each(const struct door_table *table, door_table_fn fn, void *ctx);
/*
 * Moves the sums of those that have left, and the clients that the configuration allows, into a
 * table that no program uses yet; -E2BIG when not all of them have room. Programs may go on with
 * the one before: door_table_late moves what they count in it, and gives clients that are not in
 * the other one yet to `put`, which is false when there is no room.
 */
int door_table_copy(struct door_table *from, struct door_table *to,
		    const struct collector_config *config);
typedef bool (*door_table_put_fn)(void *ctx, const struct door_late *late);
void door_table_late(struct door_table *from, struct door_table *to,
		     const struct collector_config *config, door_table_put_fn put, void *ctx);
/* Waits for programs that run now. */
void door_table_wait(void);
/* Takes out the clients that the configuration does not allow. */
void door_table_purge(struct door_table *table, const struct collector_config *config);
/* See door_forget. */
void door_table_forget(struct door_table *table, const struct door_client *clients, size_t count);

#endif
