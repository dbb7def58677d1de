/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Reading a tunnel packet in the door's program: where its headers are, whose it is, and how many
 * frames of the monitored wire are in it. It must neither judge nor count.
 */
#ifndef VTAP_COLLECTOR_DOOR_PACKET_BPF_H
#define VTAP_COLLECTOR_DOOR_PACKET_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "door_shared.h"

#define IP_MF           0x2000
#define IP_OFFSET       0x1fff
#define IP6_MF          0x0001
#define IP6_OFFSET      0xfff8
#define VXLAN_VNI_VALID 0x08000000
#define TUNNEL_HEADER   (sizeof(struct udphdr) + sizeof(struct vxlan_header))
#define VLAN_HLEN       4
#define EXTENSIONS_LIMIT \
	(65536 / 8) /* that many fit into the biggest packet: no way round the door */

struct vxlan_header {
	__be32 flags;
	__be32 vni;
};

struct fragment_header {
	__u8 next;
	__u8 reserved;
	__be16 offset;
	__be32 id;
};

struct tunnel_header {
	struct udphdr udp;
	struct vxlan_header vxlan;
};

/* An IP packet, or the first fragment of one. Offsets count from the outer network header. */
struct packet {
	struct door_key key;
	__u64 to[2];   /* the destination, IPv4 mapped into IPv6 */
	__u8 protocol; /* IPPROTO_UDP or IPPROTO_GRE, whose header is at `udp` */
	__u32 udp;
	__u32 end;
	bool more; /* fragments follow */
};

/* from: BPF_HDR_START_NET or BPF_HDR_START_MAC, where the offset counts from */
static __always_inline long load_linear(struct __sk_buff *skb, __u32 from, __u32 offset, void *to,
					__u32 size)
{
	return bpf_skb_load_bytes_relative(skb, offset, to, size, from);
}

/*
 * Relative to the network header, as devices without a MAC header have none to skip. That helper
 * reads linear data only, and drivers leave what follows the UDP header in page fragments: pull it
 * in, as the tunnel device would anyway.
 */
static __always_inline long load_from(struct __sk_buff *skb, __u32 from, __u32 offset, void *to,
				      __u32 size)
{
	__u32 pull = offset + size + ETH_HLEN;

	if (!load_linear(skb, from, offset, to, size))
		return 0;
	if (pull > skb->len)
		pull = skb->len;
	if (bpf_skb_pull_data(skb, pull))
		return -1;
	return load_linear(skb, from, offset, to, size);
}

static __always_inline long load(struct __sk_buff *skb, __u32 offset, void *to, __u32 size)
{
	return load_from(skb, BPF_HDR_START_NET, offset, to, size);
}

/* Where an IP packet ends. Length 0: an aggregate of more than 64 KiB (BIG TCP), or nonsense. */
static __always_inline __u32 packet_end(struct __sk_buff *skb, __u32 length)
{
	if (length || !skb->gso_size)
		return length;
	return skb->len - ETH_HLEN;
}

struct chain {
	__u32 from; /* as load_from has it */
	__u32 offset;
	__u8 next;
	bool more;
	bool failed; /* unreadable, or a later fragment */
};

struct walk {
	struct __sk_buff *skb;
	struct chain *chain;
};

/* One IPv6 extension header; 1 ends the chain. */
static long walk_step(__u32 index, void *ctx)
{
	struct chain *chain = ((struct walk *)ctx)->chain;
	struct fragment_header header; /* the others start with the same two bytes: next, length */

	switch (chain->next) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
		break;
	default:
		return 1;
	}
	if (load_from(((struct walk *)ctx)->skb, chain->from, chain->offset, &header,
		      sizeof(header))) {
		chain->failed = true;
		return 1;
	}
	if (chain->next == IPPROTO_FRAGMENT) {
		chain->offset += sizeof(header);
		chain->more = header.offset & bpf_htons(IP6_MF);
		if (header.offset & bpf_htons(IP6_OFFSET)) {
			chain->failed = true;
			return 1;
		}
	} else if (chain->next == IPPROTO_AH) {
		chain->offset += (header.reserved + 2) * 4;
	} else {
		chain->offset += (header.reserved + 1) * 8;
	}
	chain->next = header.next;
	return 0;
}

/* From the first header behind the fixed one to one that is no extension. */
static __noinline int walk_extensions(struct __sk_buff *skb, struct chain *chain)
{
	struct walk walk = {.skb = skb, .chain = chain};

	bpf_loop(EXTENSIONS_LIMIT, walk_step, &walk, 0);
	return 0;
}

static __always_inline void map_ipv4(__be32 address, __u64 mapped[2])
{
	const __u32 words[4] = {0, 0, bpf_htonl(0xffff), address};

	__builtin_memcpy(mapped, words, sizeof(words));
}

/*
 * The header of an IPv4 packet, and what follows it if that has no options: most packets take one
 * load. *whole: `header` is the packet's, else it has yet to be loaded.
 */
static __always_inline bool read_ipv4(struct __sk_buff *skb, struct packet *packet,
				      struct tunnel_header *header, bool *whole)
{
	struct {
		struct iphdr ip;
		struct tunnel_header tunnel;
	} start;

	*whole = !load_linear(skb, BPF_HDR_START_NET, 0, &start, sizeof(start));
	if (!*whole && load(skb, 0, &start.ip, sizeof(start.ip)))
		return false;
	if (start.ip.protocol != IPPROTO_UDP && start.ip.protocol != IPPROTO_GRE)
		return false;
	if (start.ip.version != 4 || start.ip.ihl < 5 || start.ip.frag_off & bpf_htons(IP_OFFSET))
		return false;
	packet->protocol = start.ip.protocol;
	if (start.ip.ihl > 5)
		*whole = false;
	*header = start.tunnel;
	__builtin_memcpy(packet->key.address, &start.ip.saddr, sizeof(start.ip.saddr));
	packet->key.family = DOOR_IPV4;
	map_ipv4(start.ip.daddr, packet->to);
	packet->udp = start.ip.ihl * 4;
	packet->end = packet_end(skb, bpf_ntohs(start.ip.tot_len));
	packet->more = start.ip.frag_off & bpf_htons(IP_MF);
	return true;
}

static __always_inline bool read_ipv6(struct __sk_buff *skb, struct packet *packet)
{
	struct chain chain = {.from = BPF_HDR_START_NET, .offset = sizeof(struct ipv6hdr)};
	struct ipv6hdr ip;

	if (load(skb, 0, &ip, sizeof(ip)) || ip.version != 6)
		return false;
	chain.next = ip.nexthdr;
	if (chain.next != IPPROTO_UDP && chain.next != IPPROTO_GRE) {
		if (chain.next == IPPROTO_TCP)
			return false;
		walk_extensions(skb, &chain);
		if (chain.failed || (chain.next != IPPROTO_UDP && chain.next != IPPROTO_GRE))
			return false;
	}
	packet->protocol = chain.next;
	__builtin_memcpy(packet->key.address, &ip.saddr, sizeof(ip.saddr));
	packet->key.family = DOOR_IPV6;
	__builtin_memcpy(packet->to, &ip.daddr, sizeof(packet->to));
	packet->udp = chain.offset;
	packet->end = packet_end(skb, ip.payload_len ? sizeof(ip) + bpf_ntohs(ip.payload_len) : 0);
	packet->more = chain.more;
	return true;
}

struct inner {
	__u32 from; /* where its first byte is: as load_from has it */
	__u32 at;
	__be16 protocol; /* 0: it begins with an Ethernet header, else with what this names */
	__u32 headers; /* Ethernet, VLAN tags, IP and what of TCP or UDP is repeated in each segment
			*/
	__u32 end;     /* where the IP header says that the frame ends; 0: it does not say */
	bool transport; /* headers has the TCP or UDP header in it */
};

/* The headers of an inner frame. */
static __noinline int read_inner(struct __sk_buff *skb, struct inner *inner)
{
	const __u32 from = inner->from, at = inner->at;
	struct chain chain = {.from = from};
	__u32 link = ETH_HLEN - sizeof(__be16);
	__u8 offset_byte = 0;
	struct ipv6hdr ip6;
	struct iphdr ip;
	__be16 type = 0;
	int tags;

	if (inner->protocol) {
		type = inner->protocol;
		link = 0;
	}
	for (tags = 0; tags <= 2 && !inner->protocol; tags++) {
		if (load_from(skb, from, at + link, &type, sizeof(type)))
			return -1;
		link += sizeof(type);
		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		link += sizeof(type);
	}
	if (type == bpf_htons(ETH_P_IP)) {
		if (load_from(skb, from, at + link, &ip, sizeof(ip)))
			return -1;
		chain.offset = at + link + ip.ihl * 4;
		chain.next = ip.protocol;
		inner->end = ip.tot_len ? link + bpf_ntohs(ip.tot_len) : 0;
	} else if (type == bpf_htons(ETH_P_IPV6)) {
		if (load_from(skb, from, at + link, &ip6, sizeof(ip6)))
			return -1;
		chain.offset = at + link + sizeof(ip6);
		chain.next = ip6.nexthdr;
		inner->end = ip6.payload_len ? link + sizeof(ip6) + bpf_ntohs(ip6.payload_len) : 0;
		walk_extensions(skb, &chain);
	} else {
		return -1;
	}
	if (chain.next == IPPROTO_TCP) {
		if (load_from(skb, from, chain.offset + 12, &offset_byte, sizeof(offset_byte)))
			return -1;
		chain.offset += (offset_byte >> 4) * 4;
		inner->transport = true;
	} else if (chain.next == IPPROTO_UDP) {
		chain.offset += sizeof(struct udphdr);
		inner->transport = true;
	}
	inner->headers = chain.offset - at;
	return 0;
}

/*
 * The wire frames in an aggregate of which `length` bytes are inner ones. gso_segs is
 * 0 on some devices, so it is the last resort. Two kinds: one inner packet glued together from
 * several (every further segment had the same headers), or, where nobody had the tunnel's port
 * open, whole datagrams in a row (every one has a VXLAN header).
 */
static __noinline int measure_aggregate(struct __sk_buff *skb, struct inner *inner, __u32 length,
					struct door_sum *sum)
{
	__u64 segment = skb->gso_size;
	__u64 frames = skb->gso_segs;
	__u64 payload;

	if (frames == 0)
		frames = 1;
	sum->packets = frames;
	sum->bytes = length;
	if (segment == 0 || read_inner(skb, inner) || inner->headers > length)
		return 0;
	if (inner->end && inner->end < length &&
	    inner->end + sizeof(struct vxlan_header) <= segment) {
		payload = length + sizeof(struct vxlan_header);
		frames = (payload + segment - 1) / segment;
		sum->packets = frames;
		sum->bytes = payload - frames * sizeof(struct vxlan_header);
		return 0;
	}
	payload = length - inner->headers;
	if (inner->transport && payload)
		frames = (payload + segment - 1) / segment;
	sum->packets = frames;
	sum->bytes = length + (frames - 1) * inner->headers;
	return 0;
}

/*
 * The true wire frames of a tunnel packet; false: by its own headers it is none. Reserved bits make
 * it no less one (RFC 7348: ignored on receipt), although the kernel's device drops it.
 */
static __always_inline bool measure(struct __sk_buff *skb, const struct packet *packet,
				    const struct tunnel_header *header, struct door_sum *sum)
{
	__u32 datagram = bpf_ntohs(header->udp.len);

	if (!(header->vxlan.flags & bpf_htonl(VXLAN_VNI_VALID)))
		return false;
	if (packet->end > skb->len || packet->end < packet->udp + TUNNEL_HEADER)
		return false;
	if (skb->gso_size)
		datagram = packet->end - packet->udp;
	else if (!packet->more && datagram > packet->end - packet->udp)
		return false;
	if (datagram < TUNNEL_HEADER + ETH_HLEN)
		return false;
	if (skb->gso_size) {
		struct inner inner = {.from = BPF_HDR_START_NET, .at = packet->udp + TUNNEL_HEADER};
		measure_aggregate(skb, &inner, datagram - TUNNEL_HEADER, sum);
	} else {
		/* In a first fragment too: the UDP length is that of the whole datagram. */
		sum->packets = 1;
		sum->bytes = datagram - TUNNEL_HEADER;
	}
	return true;
}

/* The wire frames of what the tunnel device took out of its packets. */
static __always_inline void measure_delivered(struct __sk_buff *skb, __be16 protocol,
					      struct door_sum *sum)
{
	struct inner inner = {.from = protocol ? BPF_HDR_START_NET : BPF_HDR_START_MAC,
			      .protocol = protocol};

	sum->packets = 1;
	sum->bytes = skb->len;
	if (skb->gso_size)
		measure_aggregate(skb, &inner, skb->len, sum);
	/* the outermost tag was taken out of the frame before */
	if (skb->vlan_present)
		sum->bytes += sum->packets * VLAN_HLEN;
}

#endif
