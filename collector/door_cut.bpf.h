/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The way by which aggregates become frames again. What GRO merged on the underlay is sent out of
 * one end of a veth pair of the collector's own that has no offloads, so that the kernel cuts it as
 * it would for any such device; the segments come out of the other end, and from there back to the
 * interface that they had come in by. The door has counted them by then and lets them pass: what
 * gets lost on the way was let in and not delivered.
 *
 * The way leads through the CPU's backlog, and what comes next from the interface must not
 * overtake: while something is on its way on a CPU, what that CPU lets in follows it.
 *
 * It must neither judge nor count. What comes back as an aggregate is dropped: nothing goes round
 * twice.
 */
#ifndef VTAP_COLLECTOR_DOOR_CUT_BPF_H
#define VTAP_COLLECTOR_DOOR_CUT_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "door_packet.bpf.h"
#include "door_shared.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct door_cutter);
} vtap_cutter SEC(".maps");

/*
 * What a packet on its way carries, in skb->cb: segments inherit it, and neither the backlog nor
 * the veth pair touches it. The secret tells it from what a driver left there, or somebody put
 * there to get round the door.
 */
enum { CB_SECRET, CB_SECRET_HIGH, CB_IFINDEX, CB_NUMBER, CB_FRAMES };
#define FRAMES_SHIFT 8 /* below: the packet type, which the veth pair judges by its own address */
#define AGGREGATE    0x80
#define TYPE_MASK    0x7f

static __always_inline bool on_its_way(const struct __sk_buff *skb,
				       const struct door_cutter *cutter)
{
	return skb->cb[CB_SECRET] == (__u32)cutter->secret &&
	       skb->cb[CB_SECRET_HIGH] == (__u32)(cutter->secret >> 32) && cutter->secret;
}

/* A link without Ethernet headers cannot send to a veth. */
static __always_inline bool has_ethernet(struct __sk_buff *skb)
{
	struct ipv6hdr ip6;
	struct iphdr ip;
	__u32 length;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (load(skb, 0, &ip, sizeof(ip)))
			return false;
		length = bpf_ntohs(ip.tot_len);
	} else {
		if (load(skb, 0, &ip6, sizeof(ip6)))
			return false;
		length = sizeof(ip6) + bpf_ntohs(ip6.payload_len);
	}
	return skb->len >= length + ETH_HLEN;
}

static __noinline int cut(struct __sk_buff *skb, const struct door_sum *sum, struct door_line *line)
{
	const struct door_cutter *cutter;
	__u32 zero = 0;

	cutter = bpf_map_lookup_elem(&vtap_cutter, &zero);
	if (!cutter || !cutter->ifindex || !has_ethernet(skb))
		return TC_ACT_UNSPEC;
	line->sent++;
	skb->cb[CB_SECRET] = cutter->secret;
	skb->cb[CB_SECRET_HIGH] = cutter->secret >> 32;
	skb->cb[CB_IFINDEX] = skb->ifindex;
	skb->cb[CB_NUMBER] = line->sent;
	skb->cb[CB_FRAMES] = (__u32)sum->packets << FRAMES_SHIFT | (skb->pkt_type & TYPE_MASK) |
			     (skb->gso_size ? AGGREGATE : 0);
	return bpf_redirect(cutter->ifindex, 0);
}

/* What was let in goes on. */
static __always_inline int onward(struct __sk_buff *skb, const struct door_key *key,
				  const struct door_sum *sum, struct door_line *line)
{
	if (key->encap != DOOR_ENCAP_VXLAN || (!skb->gso_size && line->sent == line->returned))
		return TC_ACT_UNSPEC;
	return cut(skb, sum, line);
}

/*
 * GRO has verified the checksums of what it merged. Linux 6.1 gets the outer one wrong when
 * it cuts (by the length of the UDP and VXLAN headers): none is better, and cheaper. Every endpoint
 * that has IPv6 takes datagrams without one.
 */
static __noinline int drop_checksum(struct __sk_buff *skb)
{
	struct packet packet = {};
	struct iphdr ip;
	__be16 none = 0;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (load(skb, 0, &ip, sizeof(ip)))
			return -1;
		packet.udp = ip.ihl * 4;
	} else if (!read_ipv6(skb, &packet)) {
		return -1;
	}
	return bpf_skb_store_bytes(skb, ETH_HLEN + packet.udp + offsetof(struct udphdr, check),
				   &none, sizeof(none), 0);
}

/* Back at the interface. The last segment says that nothing before it is still on its way; if it
 * was lost, the next packet to come will. */
static __noinline int come_back(struct __sk_buff *skb, struct door_line *line)
{
	const __u32 number = skb->cb[CB_NUMBER], frames = skb->cb[CB_FRAMES] >> FRAMES_SHIFT;
	const __u32 type = skb->cb[CB_FRAMES] & TYPE_MASK;

	if (line->number != number) {
		line->number = number;
		line->seen = 0;
	}
	if (++line->seen >= frames)
		line->returned = number;
	skb->cb[CB_SECRET] = 0;
	skb->cb[CB_SECRET_HIGH] = 0;
	if (skb->cb[CB_FRAMES] & AGGREGATE)
		drop_checksum(skb);
	if (skb->pkt_type != type)
		bpf_skb_change_type(skb, type);
	return TC_ACT_UNSPEC;
}

#endif
