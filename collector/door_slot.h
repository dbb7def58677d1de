/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The client table, as the eBPF program and its loader share it: what a client's slot looks like,
 * and where it is looked for. Layout and arithmetic only.
 *
 * The table is an array that the daemon maps. A client has one slot, of one cache line, as with
 * many clients it is such misses that a packet's cost is made of. The slot is in the bucket that
 * the client's hash names, in one of its ways; where all of them are taken, in one of the buckets
 * behind.
 *
 * Who changes what: the program alone makes a free slot a client's, under a lock. The daemon alone
 * makes a client's slot LEAVING; when no program runs any more that saw it before, it takes the
 * counts and frees it. So each frame is counted in a slot that somebody reads.
 */
#ifndef VTAP_COLLECTOR_DOOR_SLOT_H
#define VTAP_COLLECTOR_DOOR_SLOT_H

#include <linux/types.h>

#include "door_shared.h"

enum {
	DOOR_WAYS = 8,
	DOOR_REACH = 16, /* buckets, at most, that are looked into for one client */
	DOOR_TRIES = 16, /* to take a slot while others take some */
};

/* A slot of which all is zero was never used: what is looked for is in no later way of the bucket.
 */
#define DOOR_SLOT_LIVE    (1ull << 48)
#define DOOR_SLOT_LEAVING (1ull << 49)
#define DOOR_SLOT_LEFT    (1ull << 50) /* was used, is free */

struct door_slot {
	__u64 owner; /* VNI, family, encapsulation and state: see door_slot_owner */
	__u64 address[2];
	struct door_sum sum;
	__u64 first_boot_ns;
	__u64 last_mono_ns;
	__u64 zero;
};

struct door_bucket {
	struct door_slot ways[DOOR_WAYS];
};

/* What came after mono_ns came with asleep_ns more of CLOCK_BOOTTIME than of CLOCK_MONOTONIC. */
struct door_sleep {
	__u64 mono_ns;
	__u64 asleep_ns;
};

enum { DOOR_SLEEPS = 16 };

struct door_sleeps {
	__u64 awake_ns; /* CLOCK_MONOTONIC when a daemon looked last */
	__u64 count;
	struct door_sleep latest[DOOR_SLEEPS]; /* oldest first */
};

/* The map's first element, in the room of a bucket; the buckets follow. */
struct door_head {
	__u64 secret;  /* so that nobody can choose addresses that share a bucket */
	__u64 clients; /* how many slots are taken */
	__u64 version; /* how many were ever taken */
	__u64 reach;   /* the farthest that a client was put behind its first bucket */
	/* the daemon's own: */
	struct door_sum forgotten; /* what those sent that have left */
	struct door_sleeps sleeps;
};
_Static_assert(sizeof(struct door_head) <= sizeof(struct door_bucket), "the first bucket's room");

/* Twice the room, so that a client has its slot in the first line looked at, mostly. */
static inline __u32 door_buckets(__u32 max_clients)
{
	return (max_clients * 2 + DOOR_WAYS - 1) / DOOR_WAYS;
}

static inline __u64 door_slot_owner(const struct door_key *key)
{
	return key->vni | (__u64)key->family << 32 | (__u64)key->encap << 40 | DOOR_SLOT_LIVE;
}

static inline __u64 door_slot_hash(__u64 secret, __u64 owner, const __u64 address[2])
{
	__u64 hash = (address[0] ^ secret) * 0x9e3779b97f4a7c15;

	hash = (hash ^ hash >> 32 ^ address[1]) * 0xbf58476d1ce4e5b9;
	hash = (hash ^ hash >> 29 ^ owner) * 0x94d049bb133111eb;
	return hash ^ hash >> 32;
}

/* The `nth` bucket to look into, as an index into the map. */
static inline __u32 door_slot_bucket(__u64 hash, __u32 nth, __u32 buckets)
{
	__u32 first = (__u32)((hash >> 32) * buckets >> 32);

	return 1 + (nth ? (first + nth) % buckets : first);
}

/* The `nth` way to look at in a bucket. */
static inline __u32 door_slot_way(__u64 hash, __u32 nth)
{
	return (__u32)(hash + nth) % DOOR_WAYS;
}

#endif
