/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * GRE in the door's program: RFC 2784 with the key of RFC 2890. It must neither judge nor count.
 */
#ifndef VTAP_COLLECTOR_DOOR_GRE_BPF_H
#define VTAP_COLLECTOR_DOOR_GRE_BPF_H

#include "door_packet.bpf.h"

#define GRE_CHECKSUM  0x8000
#define GRE_ROUTING   0x4000
#define GRE_KEY       0x2000
#define GRE_SEQUENCE  0x1000
#define GRE_VERSION   0x0007
#define GRE_WORD      4
#define ETH_P_BRIDGED 0x6558 /* transparent Ethernet bridging: what gretap sends */

struct gre_header {
	__be16 flags;
	__be16 protocol;
};

static __always_inline __u8 gre_bit(const struct door_key *key)
{
	return DOOR_GRE_BIT(key->encap - DOOR_ENCAP_GRETAP, key->family);
}

/*
 * Fills the packet's key, and where its inner packet begins. False: it is not the door's business,
 * as the kernel's tunnels would not take it either (gre_parse_header), or no endpoint has it.
 */
static __always_inline bool read_gre(struct __sk_buff *skb, struct packet *packet, __u8 wanted,
				     __be16 *protocol, __u32 *inner)
{
	struct gre_header gre;
	__be32 key = 0;
	__u32 at = packet->udp + sizeof(gre);

	if (load(skb, packet->udp, &gre, sizeof(gre)) ||
	    gre.flags & bpf_htons(GRE_VERSION | GRE_ROUTING))
		return false;
	packet->key.encap =
	    gre.protocol == bpf_htons(ETH_P_BRIDGED) ? DOOR_ENCAP_GRETAP : DOOR_ENCAP_GRE;
	if (!(wanted & gre_bit(&packet->key)))
		return false;
	if (gre.flags & bpf_htons(GRE_CHECKSUM))
		at += GRE_WORD;
	if (gre.flags & bpf_htons(GRE_KEY)) {
		if (load(skb, at, &key, sizeof(key)))
			return false;
		at += GRE_WORD;
	}
	if (gre.flags & bpf_htons(GRE_SEQUENCE))
		at += GRE_WORD;
	packet->key.vni = bpf_ntohl(key);
	*protocol = gre.protocol == bpf_htons(ETH_P_BRIDGED) ? 0 : gre.protocol;
	*inner = at;
	return true;
}

/*
 * The true frames of a GRE packet, as measure() has it. Its header has no length: that of a first
 * fragment's whole packet is in the inner IP header. `protocol`: of an inner packet that has no
 * Ethernet header; 0: it has one.
 */
static __always_inline bool measure_gre(struct __sk_buff *skb, const struct packet *packet,
					__be16 protocol, __u32 at, struct door_sum *sum)
{
	struct inner inner = {.from = BPF_HDR_START_NET, .at = at, .protocol = protocol};
	__u32 length;

	if (packet->end > skb->len || packet->end < at + (protocol ? 1 : ETH_HLEN))
		return false;
	length = packet->end - at;
	if (skb->gso_size) {
		measure_aggregate(skb, &inner, length, sum);
		return true;
	}
	if (packet->more && !read_inner(skb, &inner) && inner.end > length)
		length = inner.end;
	sum->packets = 1;
	sum->bytes = length;
	return true;
}

#endif
