/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The client table in the door's program: counting for a client, and making a place for a new one.
 * It must not decide who is one. See door_slot.h.
 */
#ifndef VTAP_COLLECTOR_DOOR_TABLE_BPF_H
#define VTAP_COLLECTOR_DOOR_TABLE_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "door_slot.h"

const volatile __u64 vtap_secret; /* that of the table */
const volatile __u32 vtap_buckets;
const volatile __u32 vtap_max_clients;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* page aligned, too: a slot is a cache line */
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct door_bucket);
} vtap_clients SEC(".maps");

struct table_lock {
	struct bpf_spin_lock lock;
};

/* Not in the table itself, as a map with a lock in it cannot be mapped. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct table_lock);
} vtap_lock SEC(".maps");

struct table_search {
	struct door_sum sum;
	__u64 owner;
	__u64 address[2];
	__u64 hash;
	__u64 version; /* of the table, before */
	__u64 reach;
	__u32 free;     /* the first bucket that has room; 0: none */
	__u32 free_nth; /* which one of those to look into it is */
	__u32 found;
};

/*
 * Not static, so that the verifier looks at them once, by themselves, and not for each way that a
 * packet can take to them. It also wants to see that they can do with no argument.
 */
int table_count(const struct door_key *key, const struct door_sum *sum);
int table_look_whole(__u32 index, struct table_search *search);
int table_take(const struct table_search *search);
int table_add(const struct door_key *key, const struct door_sum *sum);

static __always_inline void table_search_begin(struct table_search *search,
					       const struct door_key *key,
					       const struct door_sum *sum)
{
	search->sum = *sum;
	search->owner = door_slot_owner(key);
	__builtin_memcpy(search->address, key->address, sizeof(search->address));
	search->hash = door_slot_hash(vtap_secret, search->owner, search->address);
}

/*
 * Looks for the client in one bucket, and counts. `whole`: also behind a slot that was never used,
 * to be sure; returns whether there is room.
 */
static __always_inline bool table_look(struct door_bucket *bucket, struct table_search *search,
				       bool whole)
{
	struct door_slot *slot;
	bool room = false;
	__u32 i;

	for (i = 0; i < DOOR_WAYS; i++) {
		slot = &bucket->ways[door_slot_way(search->hash, i)];
		if (slot->owner == search->owner && slot->address[0] == search->address[0] &&
		    slot->address[1] == search->address[1]) {
			__sync_fetch_and_add(&slot->sum.packets, search->sum.packets);
			__sync_fetch_and_add(&slot->sum.bytes, search->sum.bytes);
			slot->last_mono_ns = bpf_ktime_get_coarse_ns();
			search->found = true;
			break;
		}
		if (!slot->owner && !whole)
			break;
		room |= !slot->owner || slot->owner == DOOR_SLOT_LEFT;
	}
	return room;
}

/* False: not in the first bucket, which is where nearly all are. */
__noinline int table_count(const struct door_key *key, const struct door_sum *sum)
{
	struct table_search search = {};
	struct door_bucket *bucket;
	__u32 index;

	if (!key || !sum)
		return false;
	table_search_begin(&search, key, sum);
	index = door_slot_bucket(search.hash, 0, vtap_buckets);
	bucket = bpf_map_lookup_elem(&vtap_clients, &index);
	if (!bucket)
		return false;
	table_look(bucket, &search, false);
	return search.found;
}

/* Whether there is room. */
__noinline int table_look_whole(__u32 index, struct table_search *search)
{
	struct door_bucket *bucket = bpf_map_lookup_elem(&vtap_clients, &index);

	return bucket && search && table_look(bucket, search, true);
}

/* 1 ends the search: as far as anybody was put, and as far as there is no room. */
static long table_search_step(__u32 nth, void *ctx)
{
	struct table_search *search = ctx;
	__u32 index;

	if ((nth > search->reach && search->free) || nth >= vtap_buckets)
		return 1;
	index = door_slot_bucket(search->hash, nth, vtap_buckets);
	if (table_look_whole(index, search) && !search->free) {
		search->free = index;
		search->free_nth = nth;
	}
	return search->found ? 1 : 0;
}

/* 1: a slot was taken; 0: none is free; -1: meanwhile somebody took one, maybe for this client. */
__noinline int table_take(const struct table_search *search)
{
	const __u64 boot_ns = bpf_ktime_get_boot_ns(), mono_ns = bpf_ktime_get_coarse_ns();
	struct door_bucket *bucket;
	__u32 zero = 0, index, i;
	struct door_head *head;
	struct table_lock *lock;
	struct door_slot *slot;
	int taken = -1;

	if (!search)
		return 0;
	index = search->free;
	lock = bpf_map_lookup_elem(&vtap_lock, &zero);
	head = bpf_map_lookup_elem(&vtap_clients, &zero);
	bucket = bpf_map_lookup_elem(&vtap_clients, &index);
	if (!lock || !head || !bucket)
		return 0;
	bpf_spin_lock(&lock->lock);
	if (head->version != search->version)
		goto out;
	taken = 0;
	if (head->clients >= vtap_max_clients)
		goto out;
	for (i = 0; i < DOOR_WAYS; i++) {
		slot = &bucket->ways[door_slot_way(search->hash, i)];
		if (slot->owner && slot->owner != DOOR_SLOT_LEFT)
			continue;
		slot->address[0] = search->address[0];
		slot->address[1] = search->address[1];
		slot->sum = search->sum;
		slot->first_boot_ns = boot_ns;
		slot->last_mono_ns = mono_ns;
		/* A barrier: who sees the owner, or the version, sees all of it. */
		__sync_lock_test_and_set(&slot->owner, search->owner);
		__sync_fetch_and_add(&head->clients, 1);
		if (head->reach < search->free_nth)
			head->reach = search->free_nth;
		__sync_fetch_and_add(&head->version, 1);
		taken = 1;
		break;
	}
out:
	bpf_spin_unlock(&lock->lock);
	return taken;
}

/*
 * Counts for a client that table_count did not find; false: there is no room for it. Looking for it
 * takes no lock: if in the end nobody has taken a slot since before, it is nowhere.
 */
__noinline int table_add(const struct door_key *key, const struct door_sum *sum)
{
	struct table_search search = {};
	struct door_head *head;
	__u32 zero = 0, tries;
	int taken;

	head = bpf_map_lookup_elem(&vtap_clients, &zero);
	if (!head || !key || !sum)
		return false;
	table_search_begin(&search, key, sum);
	for (tries = 0; tries < DOOR_TRIES; tries++) {
		search.version = __sync_fetch_and_add(&head->version, 0);
		search.reach = head->reach;
		search.free = 0;
		bpf_loop(DOOR_REACH, table_search_step, &search, 0);
		if (search.found)
			return true;
		if (!search.free)
			return false;
		taken = table_take(&search);
		if (taken >= 0)
			return taken;
	}
	return false;
}

#endif
