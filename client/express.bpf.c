/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The express lane: runs at the tc egress of a tunnel's device on clones of production's packets.
 * It puts the outer headers in front of a copy and hands it to the underlay's neighbour; aggregates
 * stay aggregates. What it cannot do goes on to the kernel's tunnel, untouched: a copy is dropped
 * only if it fails after it was changed. Packets are those of somebody else: nothing in them is
 * trusted.
 *
 * Two things the tunnel would do are left out. The outer packet is never ECN-capable, as a mark set
 * on its way would end up in the inner one. And the outer id is a count, as the copy fits the path.
 */
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "express_inner.bpf.h"
#include "express_pass.h"
#include "express_shared.h"

#define LENGTH_MAX 65535 /* of an outer packet, as its headers say it */

struct way {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(value_size, sizeof(struct express_slot));
};

/* The loader makes the maps: these say it again, for who loads the object with other tools. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct way);
} vtap_ways SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EXPRESS_SUMS);
	__type(key, __u32);
	__type(value, struct express_sum);
} vtap_counts SEC(".maps");

/* A copy, as it will be delivered. */
struct copy {
	__u32 length;  /* bytes of the skb */
	__u32 headers; /* of an aggregate: what each segment has in front of its payload */
	__u32 segment; /* of an aggregate: payload of each but the last */
	__u32 whole;   /* the same, on the wire */
	__u64 room;
	bool smaller; /* than on the wire */
};

/* Each reason has a sum of its own to be looked up: where the program is verified without
 * CAP_PERFMON, a place in memory may not be computed. */
static __always_inline void count_passed(const struct __sk_buff *skb, __u32 reason)
{
	__u32 index = EXPRESS_PASSED + reason;
	struct express_sum *sum = bpf_map_lookup_elem(&vtap_counts, &index);

	if (sum) {
		sum->packets += skb->gso_size && skb->gso_segs ? skb->gso_segs : 1;
		sum->bytes += skb->len;
	}
}

/* What is written in front of a copy's payload: both Ethernet headers and what is between them. */
struct outer {
	__u64 ethernet[2]; /* from the third byte on */
	__u64 header[EXPRESS_OUTER_MAX / 8 + 2];
};

/* On to the tunnel. It may run ahead of the filters and as one of them: not twice for a copy. */
static __always_inline int pass(const struct __sk_buff *skb, __u32 reason)
{
	count_passed(skb, reason);
	return TC_ACT_OK;
}

/* An aggregate: whether its segments fit as they are, or can be made to. Zero, or why not. */
static __always_inline __u32 fit_segments(const struct __sk_buff *skb, const struct inner *in,
					  const struct express_slot *slot, struct copy *copy)
{
	const __u32 grows = slot->outer + ETH_HLEN;

	copy->segment = copy->whole = skb->gso_size;
	copy->headers = in->payload;
	if (!copy->headers || copy->headers > copy->length)
		return EXPRESS_PASS_UNFAMILIAR;
	if (slot->outer + copy->headers + copy->segment <= slot->mtu) {
		copy->room |= BPF_F_ADJ_ROOM_FIXED_GSO;
		return 0;
	}
	/* The kernel takes what the headers grow by off the segments. Datagrams stay whole. */
	if (!slot->resegment || in->protocol != IPPROTO_TCP || copy->segment <= 2 * grows ||
	    slot->outer + copy->headers + copy->segment - grows > slot->mtu)
		return EXPRESS_PASS_TOO_BIG;
	copy->segment -= grows;
	copy->smaller = true;
	return 0;
}

/*
 * A single frame whose checksum production left to the device has the sum of the pseudo header in
 * its place. The tunnel's device fills it in; here it would stay so up to the reader, where devices
 * hand such frames over as they are: a veth, or a virtio interface that takes tunnels' packets. No
 * helper calls skb_checksum_help(), and a sum written here would be summed over once more, as the
 * mark that it is missing stays. With slot->finishes the kernel fills it in on the way to the
 * underlay's interface (validate_xmit_skb), or that is hardware, as bpf_skb_adjust_room() has made
 * the frame a tunnel's (skb->encapsulation), and then none of this is asked.
 *
 * One of 65,536 others looks the same, and only takes the other path; so does what is not looked
 * into, as extension headers.
 */
static __always_inline bool unfinished(const struct __sk_buff *skb, const struct inner *in)
{
	return in->obscure || (in->payload && in->check == pseudo_sum(skb));
}

static __always_inline __u32 fit(const struct __sk_buff *skb, const struct inner *in,
				 const struct express_slot *slot, struct copy *copy)
{
	copy->length = skb->len;
	copy->room = slot->room;
	if (copy->length + slot->outer > LENGTH_MAX)
		return EXPRESS_PASS_TOO_BIG;
	if (skb->gso_size)
		return fit_segments(skb, in, slot, copy);
	if (copy->length + slot->outer > slot->mtu)
		return EXPRESS_PASS_TOO_BIG;
	return !slot->finishes && unfinished(skb, in) ? EXPRESS_PASS_CHECKSUM : 0;
}

/*
 * The hash by which the source port is chosen, and a queue of the underlay's interface, on either
 * path: the copy has it from now on. The kernel looks into what is neither TCP nor UDP.
 */
static __always_inline __u32 mark_flow(struct __sk_buff *skb, const struct inner *in,
				       const struct express_slot *slot)
{
	__u32 hash;

	if (!in->payload)
		return bpf_get_hash_recalc(skb);
	hash = flow_hash(in, slot->seed) | 1;
	bpf_set_hash(skb, hash);
	return hash;
}

/* What udp_flow_src_port() makes of the hash. */
static __always_inline __u16 source_port(const struct express_slot *slot, __u32 hash)
{
	hash ^= hash << 16;
	return slot->port_min + (__u16)(((__u64)hash * slot->port_span) >> 32);
}

/* Fills in what is not the same in all packets. `ip`: bytes of the IP header, a constant. */
static __always_inline void finish(__u8 *header, const struct express_slot *slot, __u32 ip,
				   __u32 size, __u32 length, __u16 id, __u16 port)
{
	struct udphdr *udp = (void *)(header + ip);
	__u32 sum;

	if (ip == EXPRESS_IPV4) {
		struct iphdr *ip4 = (void *)header;

		ip4->tot_len = bpf_htons(length + size);
		ip4->id = bpf_htons(id);
		sum = slot->sum + length + size + id;
		sum = (sum & 0xffff) + (sum >> 16);
		sum = (sum & 0xffff) + (sum >> 16);
		ip4->check = bpf_htons(~sum & 0xffff);
	} else {
		((struct ipv6hdr *)header)->payload_len = bpf_htons(length + size - ip);
	}
	if (size == ip + EXPRESS_VXLAN) {
		udp->source = bpf_htons(port);
		udp->len = bpf_htons(length + size - ip);
	}
}

/*
 * `ip` and `size`, the outer headers', are constants. The copy has got its room: the Ethernet
 * header is in front of it, and goes behind it. Of the outer one the neighbour writes the rest; the
 * kernel only wants no group's address there. False: the room is not there.
 *
 * All of it is written by one call: a program that writes into packets directly has each clone
 * copied before it begins, those that it passes on, too. It is put together in few stores, as each
 * first one to a place on the stack waits for the processor where CAP_PERFMON is missing.
 */
static __always_inline bool write_outer(struct __sk_buff *skb, const struct inner *in,
					const struct express_slot *slot, __u32 ip, __u32 size,
					__u32 length, __u16 id, __u16 port)
{
	struct outer outer;
	__u8 *frame = (__u8 *)outer.ethernet + 2, *header = (__u8 *)outer.header;
	__u32 i;

	outer.ethernet[0] = 0;
	outer.ethernet[1] = bpf_cpu_to_be64(ip == EXPRESS_IPV4 ? ETH_P_IP : ETH_P_IPV6);
#pragma unroll
	for (i = 0; i < EXPRESS_OUTER_MAX / 8; i++)
		if (i < (size + 7) / 8)
			outer.header[i] = slot->header[i];
	finish(header, slot, ip, size, length, id, port);
	__builtin_memcpy(header + size, in->ethernet, ETH_HLEN - sizeof(__be16));
	*(__be16 *)(header + size + ETH_HLEN - sizeof(__be16)) = in->type;
	return bpf_skb_store_bytes(skb, 0, frame, ETH_HLEN + size + ETH_HLEN, 0) == 0;
}

static __always_inline bool write_any(struct __sk_buff *skb, const struct inner *in,
				      const struct express_slot *slot, __u32 length, __u16 id,
				      __u16 port)
{
	switch (slot->outer) {
	case EXPRESS_IPV4 + EXPRESS_VXLAN:
		return write_outer(skb, in, slot, EXPRESS_IPV4, EXPRESS_IPV4 + EXPRESS_VXLAN,
				   length, id, port);
	case EXPRESS_IPV6 + EXPRESS_VXLAN:
		return write_outer(skb, in, slot, EXPRESS_IPV6, EXPRESS_IPV6 + EXPRESS_VXLAN,
				   length, id, port);
	case EXPRESS_IPV4 + EXPRESS_GRE:
		return write_outer(skb, in, slot, EXPRESS_IPV4, EXPRESS_IPV4 + EXPRESS_GRE, length,
				   id, port);
	case EXPRESS_IPV6 + EXPRESS_GRE:
		return write_outer(skb, in, slot, EXPRESS_IPV6, EXPRESS_IPV6 + EXPRESS_GRE, length,
				   id, port);
	case EXPRESS_IPV4 + EXPRESS_GRE + EXPRESS_GRE_KEY:
		return write_outer(skb, in, slot, EXPRESS_IPV4,
				   EXPRESS_IPV4 + EXPRESS_GRE + EXPRESS_GRE_KEY, length, id, port);
	case EXPRESS_IPV6 + EXPRESS_GRE + EXPRESS_GRE_KEY:
		return write_outer(skb, in, slot, EXPRESS_IPV6,
				   EXPRESS_IPV6 + EXPRESS_GRE + EXPRESS_GRE_KEY, length, id, port);
	}
	return false;
}

/* To ask for the time takes as long as all of the headers: one copy for each eighth frame of a
 * CPU's does, however many frames it is. Those after it see what it found. */
static __always_inline void grow_old(struct express_slot *slot, __u64 before, __u64 now)
{
	if ((before ^ now) >> 3 && bpf_ktime_get_coarse_ns() >= slot->until)
		slot->old = 1;
}

static __always_inline void count(struct express_sum *sum, const struct copy *copy, bool at_hop)
{
	__u64 frames = 1, extra = 0;

	if (copy->segment && copy->length > copy->headers)
		frames = (copy->length - copy->headers + copy->segment - 1) / copy->segment;
	sum->packets += frames;
	sum->bytes += copy->length + (frames - 1) * copy->headers;
	if (!copy->smaller)
		return;
	sum->resegmented += frames;
	if (at_hop && copy->whole && copy->length > copy->headers)
		extra = frames - (copy->length - copy->headers + copy->whole - 1) / copy->whole;
	sum->extra_packets += extra;
	sum->extra_bytes += extra * copy->headers;
}

static __always_inline int encapsulate(struct __sk_buff *skb, const struct inner *in,
				       struct express_slot *slot, struct express_sum *sum,
				       const struct copy *copy, __u32 hash)
{
	const __u16 id = (__u16)sum->packets + (__u16)hash;
	__u64 before;
	long error;

	error = bpf_skb_adjust_room(skb, slot->outer + ETH_HLEN, BPF_ADJ_ROOM_MAC, copy->room);
	/* the kernel makes the room first, and may then find no memory to put an aggregate of
	 * several buffers into one */
	if (error && skb->len == copy->length)
		return pass(skb, error == -EALREADY ? EXPRESS_PASS_TUNNEL : EXPRESS_PASS_REFUSED);
	if (error || !write_any(skb, in, slot, copy->length, id, source_port(slot, hash))) {
		sum->dropped++;
		return TC_ACT_SHOT;
	}
	before = sum->packets;
	count(sum, copy, slot->hop_entry && skb->ifindex == slot->hop_entry);
	grow_old(slot, before, sum->packets);
	return bpf_redirect_neigh(slot->oif, (struct bpf_redir_neigh *)&slot->via,
				  sizeof(struct bpf_redir_neigh), 0);
}

SEC("tc")
int vtap_express(struct __sk_buff *skb)
{
	struct express_slot *slot = NULL;
	struct express_sum *sum;
	struct copy copy = {};
	struct inner in;
	__u32 zero = 0, reason, hash;
	void *way;

	way = bpf_map_lookup_elem(&vtap_ways, &zero);
	if (way)
		slot = bpf_map_lookup_elem(way, &zero);
	if (!slot) {
		count_passed(skb, EXPRESS_PASS_OFF);
		return TC_ACT_OK;
	}
	/* it was here before */
	if (slot->hop_exit && skb->ingress_ifindex == slot->hop_exit)
		return TC_ACT_OK;
	if (!slot->oif)
		return pass(skb, slot->reason);
	sum = bpf_map_lookup_elem(&vtap_counts, &zero); /* EXPRESS_TAKEN */
	if (!sum)
		return TC_ACT_OK;
	if (slot->old)
		return pass(skb, EXPRESS_PASS_UNATTENDED);
	reason = read_inner(skb, &in);
	if (reason)
		return pass(skb, reason);
	hash = mark_flow(skb, &in, slot);
	reason = hash ? fit(skb, &in, slot, &copy) : EXPRESS_PASS_UNFAMILIAR;
	if (reason)
		return pass(skb, reason);
	return encapsulate(skb, &in, slot, sum, &copy, hash);
}

char vtap_license[] SEC("license") = "Dual BSD/GPL";
