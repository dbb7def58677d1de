/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of the account: a tunnel, the filters of its streams, and what they count.
 */
#ifndef VTAP_TESTS_ACCOUNT_RIG_H
#define VTAP_TESTS_ACCOUNT_RIG_H

#include "client/account.h"

#include <check.h>
#include <errno.h>
#include <string.h>

enum { STREAMS = 4, HEADER = 14 };

/* A tunnel and its streams as the kernel has them, and the books about them. */
static struct link link;
static struct qdisc cap;
static struct link hop;
static struct filter hop_filter;
static struct express_counts lane;
static struct filter filters[STREAMS];
static bool absent[STREAMS];
static struct tunnel_account tunnel;
static struct stream_account streams[STREAMS];
static struct stream_account *group[STREAMS];
static size_t count;
static uint64_t now_ms;

static inline void start(size_t ingress, size_t egress)
{
	link = (struct link){.ifindex = 7};
	cap = (struct qdisc){0};
	hop = (struct link){0};
	hop_filter = (struct filter){0};
	lane = (struct express_counts){0};
	memset(filters, 0, sizeof(filters));
	memset(absent, 0, sizeof(absent));
	memset(streams, 0, sizeof(streams));
	tunnel = (struct tunnel_account){0};
	count = ingress + egress;
	now_ms = 1000;
	for (size_t i = 0; i < count; i++) {
		streams[i].direction = i < ingress ? INGRESS : EGRESS;
		group[i] = &streams[i];
	}
}

/* The frames are `size` bytes with their header; the tunnel sends `out` of them. */
static inline void copy(size_t i, uint64_t frames, uint64_t size, uint64_t out)
{
	filters[i].stats.packets += frames;
	filters[i].stats.bytes += frames * (size - (streams[i].direction == INGRESS ? HEADER : 0));
	link.stats.tx_packets += out;
	link.stats.tx_bytes += out * (size - HEADER);
}

static inline void observe(void)
{
	account_tunnel(&tunnel,
		       &(struct tunnel_sources){&link, HEADER, &cap, &hop, &hop_filter, &lane});
	for (size_t i = 0; i < count; i++)
		account_stream(&streams[i], absent[i] ? NULL : &filters[i],
			       streams[i].direction == INGRESS ? HEADER : 0);
	account_share(&tunnel, group, count, now_ms);
	now_ms += 100;
}

static inline void account_all_behind_ethernet(void)
{
	account_tunnel(&tunnel,
		       &(struct tunnel_sources){&link, HEADER, &cap, &hop, &hop_filter, &lane});
	for (size_t i = 0; i < count; i++)
		account_stream(&streams[i], &filters[i], HEADER);
	account_share(&tunnel, group, count, now_ms);
	now_ms += 100;
}

static inline void expect_sums(void)
{
	uint64_t packets = 0, bytes = 0;

	for (size_t i = 0; i < count; i++) {
		packets += streams[i].packets;
		bytes += streams[i].bytes;
	}
	ck_assert_uint_eq(packets, tunnel.tx_packets);
	ck_assert_uint_eq(bytes, tunnel.tx_bytes);
}

#endif
