/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the express lane's eBPF program and its loader share: the layout of the maps. A change of
 * the counts' layout makes an upgraded daemon start them anew.
 */
#ifndef VTAP_CLIENT_EXPRESS_SHARED_H
#define VTAP_CLIENT_EXPRESS_SHARED_H

#include <linux/types.h>

/* What stands between the outer and the inner Ethernet header; bytes. */
enum {
	EXPRESS_IPV4 = 20,
	EXPRESS_IPV6 = 40,
	EXPRESS_VXLAN = 8 + 8, /* UDP and VXLAN */
	EXPRESS_GRE = 4,
	EXPRESS_GRE_KEY = 4,
	EXPRESS_OUTER_MAX = EXPRESS_IPV6 + EXPRESS_VXLAN,
};

/*
 * The way as the program uses it: the only element of a map of its own, of which nothing but the
 * time is ever written again, with `old` at zero. vtap_ways has that map as its only element: a new
 * way is a new map there, put in place of the old one at once, and whoever still uses the old one
 * may go on. None: nowhere, through no hop.
 */
struct express_slot {
	__u32 oif;    /* 0: all is passed on, for `reason` */
	__u32 reason; /* enum express_pass */
	__u64 until;  /* by the kernel's monotonic clock, ns: later nobody answers for the way */
	__u64 room;   /* flags of bpf_skb_adjust_room */
	__u64 seed;   /* of the flows' hash */
	__u32 outer;  /* bytes used of header */
	__u32 mtu;
	__u32 sum; /* of the half words of an IPv4 header that are the same in all packets */
	__u32 resegment;
	__u32 finishes; /* what is unfinished will not leave so */
	__u32 hop_entry;
	__u32 hop_exit;
	__u16 port_min;
	__u16 port_span;
	/* as struct bpf_redir_neigh */
	struct {
		__u32 family;
		__u8 address[16];
	} via;
	__u32 old;                           /* `until` is past */
	__u64 header[EXPRESS_OUTER_MAX / 8]; /* lengths, id, checksum and source port are zero */
};

/*
 * vtap_counts, one of each per CPU, kept over a restart: the first is of what was encapsulated,
 * those behind it of what was passed on, for each enum express_pass. There is room for reasons yet
 * to come.
 */
enum { EXPRESS_TAKEN, EXPRESS_PASSED, EXPRESS_SUMS = EXPRESS_PASSED + 15 };

struct express_sum {
	__u64 packets;
	__u64 bytes;
	__u64 resegmented;   /* of packets */
	__u64 extra_packets; /* beyond those on the wire, of copies met at the hop's entry */
	__u64 extra_bytes;
	__u64 dropped;
};

#endif
