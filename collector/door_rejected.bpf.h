/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The sources that are rejected most, in the door's program: see door_shared.h. It must not decide
 * who is.
 */
#ifndef VTAP_COLLECTOR_DOOR_REJECTED_BPF_H
#define VTAP_COLLECTOR_DOOR_REJECTED_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "door_packet.bpf.h"
#include "door_shared.h"
#include "door_table.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DOOR_REJECTED_SETS);
	__type(key, __u32);
	__type(value, struct door_rejected_set);
} vtap_rejected SEC(".maps");

static __always_inline __u32 set_of(const __u64 address[2])
{
	__u64 hash = (address[0] ^ vtap_secret) * 0x9e3779b97f4a7c15;

	hash = (hash ^ hash >> 32 ^ address[1]) * 0xbf58476d1ce4e5b9;
	return (hash ^ hash >> 32) % DOOR_REJECTED_SETS;
}

/* Keeps account of one more. */
static __always_inline void note_rejected(const struct door_key *key, const struct door_sum *sum)
{
	struct door_rejected_source *least, *way;
	struct door_rejected_set *set;
	__u64 address[2];
	__u32 index;
	int i;

	__builtin_memcpy(address, key->address, sizeof(address));
	if (key->family == DOOR_IPV4)
		map_ipv4((__u32)(bpf_htonl(1) == 1 ? address[0] >> 32 : address[0]), address);
	index = set_of(address);
	set = bpf_map_lookup_elem(&vtap_rejected, &index);
	if (!set)
		return;
	least = &set->ways[0];
	for (i = 0; i < DOOR_REJECTED_WAYS; i++) {
		way = &set->ways[i];
		if (way->address[0] == address[0] && way->address[1] == address[1])
			goto found;
		if (way->score < least->score)
			least = way;
	}
	way = least;
	way->address[0] = address[0];
	way->address[1] = address[1];
	way->inherited = way->score;
	way->bytes = 0;
found:
	way->score += sum->packets;
	way->bytes += sum->bytes;
	way->last_mono_ns = bpf_ktime_get_coarse_ns();
}

#endif
