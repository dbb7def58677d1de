/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Reading a copy's own headers in the express lane's program: what it is, whose flow it belongs to,
 * and what its checksum covers. All of it at once, before anything is changed, and by plain loads:
 * each call for bytes takes longer than all of them. It must neither decide nor count.
 */
#ifndef VTAP_CLIENT_EXPRESS_INNER_BPF_H
#define VTAP_CLIENT_EXPRESS_INNER_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "express_pass.h"

#define IP_FRAGMENT 0x3fff /* more of them follow, or it is not the first */

struct inner {
	__u64 ethernet[2]; /* the header: both addresses */
	__be16 type;
	__u8 protocol; /* what is behind the IP header */
	bool obscure;  /* it may have a checksum, but that is not seen */
	__u16 check;   /* the checksum of TCP or UDP, as found */
	__u32 payload; /* where that of TCP or UDP begins; 0: neither is seen */
	__u64 source;  /* address and port */
	__u64 destination;
};

/* A product's bits depend on lower ones only: the upper half comes down before the next one. */
static __always_inline __u64 stir(__u64 x)
{
	x *= 0x9e3779b97f4a7c15;
	x ^= x >> 32;
	return x * 0xd6e8feb86659fd93;
}

/*
 * Of a flow of TCP or UDP; the same for both directions, so that one queue and one CPU of the
 * collector's get them, in order. The seed keeps who sends from choosing it.
 */
static __always_inline __u32 flow_hash(const struct inner *in, __u64 seed)
{
	return (__u32)((stir(in->source ^ seed) + stir(in->destination ^ seed)) >> 32);
}

/* at: where the transport's header begins, a constant. */
static __always_inline void read_transport(const struct __sk_buff *skb, __u32 at, struct inner *in)
{
	const void *end = (const void *)(long)skb->data_end;
	const __u16 *word = (const void *)(long)skb->data + at;

	if (in->protocol == IPPROTO_UDP && (const void *)(word + 4) <= end) {
		in->check = word[3];
		in->payload = at + sizeof(struct udphdr);
	} else if (in->protocol == IPPROTO_TCP && (const void *)(word + 9) <= end) {
		in->check = word[8];
		in->payload = at + (bpf_ntohs(word[6]) >> 12) * 4;
	} else {
		in->obscure = in->protocol == IPPROTO_TCP || in->protocol == IPPROTO_UDP ||
			      in->protocol == IPPROTO_SCTP;
		return;
	}
	in->source ^= (__u64)word[0] << 32;
	in->destination ^= (__u64)word[1] << 32;
}

static __always_inline void read_ipv4(const struct __sk_buff *skb, struct inner *in)
{
	const struct iphdr *ip = (const void *)(long)skb->data + ETH_HLEN;

	in->obscure = (const void *)(ip + 1) > (const void *)(long)skb->data_end;
	if (in->obscure)
		return;
	in->protocol = ip->protocol;
	in->source = ip->saddr;
	in->destination = ip->daddr;
	if (ip->frag_off & bpf_htons(IP_FRAGMENT))
		return; /* only what is whole was left to a device */
	if (ip->ihl == sizeof(*ip) / 4)
		read_transport(skb, ETH_HLEN + sizeof(*ip), in);
	else
		in->obscure = true;
}

static __always_inline void read_ipv6(const struct __sk_buff *skb, struct inner *in)
{
	const struct ipv6hdr *ip = (const void *)(long)skb->data + ETH_HLEN;
	const __u32 *from = ip->saddr.in6_u.u6_addr32, *to = ip->daddr.in6_u.u6_addr32;

	in->obscure = (const void *)(ip + 1) > (const void *)(long)skb->data_end;
	if (in->obscure)
		return;
	in->protocol = ip->nexthdr;
	in->source = stir((__u64)from[0] << 32 | from[1]) + ((__u64)from[2] << 32 | from[3]);
	in->destination = stir((__u64)to[0] << 32 | to[1]) + ((__u64)to[2] << 32 | to[3]);
	read_transport(skb, ETH_HLEN + sizeof(*ip), in);
	if (ip->nexthdr == IPPROTO_HOPOPTS || ip->nexthdr == IPPROTO_ROUTING ||
	    ip->nexthdr == IPPROTO_DSTOPTS)
		in->obscure = true;
}

/*
 * What a checksum covers of the IP header, added up. Read again, as few ask for it. Only where a
 * payload was found.
 */
static __always_inline __u32 pseudo_sum(const struct __sk_buff *skb)
{
	const void *end = (const void *)(long)skb->data_end;
	const void *ip = (const void *)(long)skb->data + ETH_HLEN;
	const struct iphdr *ip4 = ip;
	const struct ipv6hdr *ip6 = ip;
	const __u32 *words;
	__u64 sum;
	int i;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if ((const void *)(ip4 + 1) > end)
			return 0;
		sum = (__u64)ip4->saddr + ip4->daddr + bpf_htons(ip4->protocol) +
		      bpf_htons(bpf_ntohs(ip4->tot_len) - sizeof(*ip4));
	} else {
		if ((const void *)(ip6 + 1) > end)
			return 0;
		words = ip6->saddr.in6_u.u6_addr32;
		sum = bpf_htons(ip6->nexthdr) + ip6->payload_len;
#pragma unroll
		for (i = 0; i < 8; i++)
			sum += words[i];
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Zero, if it looks like IP without tags, in a frame of Ethernet. Else why it does not. */
static __always_inline __u32 read_inner(const struct __sk_buff *skb, struct inner *in)
{
	const void *end = (const void *)(long)skb->data_end;
	const __u32 *word = (const void *)(long)skb->data;
	const __u8 *version = (const void *)word + ETH_HLEN;
	const __u16 *type = (const void *)(word + 3);
	bool ipv4;

	*in = (struct inner){};
	if (skb->vlan_present || skb->protocol == bpf_htons(ETH_P_8021Q) ||
	    skb->protocol == bpf_htons(ETH_P_8021AD))
		return EXPRESS_PASS_VLAN;
	ipv4 = skb->protocol == bpf_htons(ETH_P_IP);
	if (!ipv4 && skb->protocol != bpf_htons(ETH_P_IPV6))
		return EXPRESS_PASS_NOT_IP;
	/* not so: a header without Ethernet, or somebody wrote what he liked */
	if ((const void *)(version + 1) > end || *type != skb->protocol ||
	    *version >> 4 != (ipv4 ? 4 : 6))
		return EXPRESS_PASS_UNFAMILIAR;
	in->ethernet[0] = *(const __u64 *)word;
	in->ethernet[1] = word[2];
	in->type = *type;
	if (ipv4)
		read_ipv4(skb, in);
	else
		read_ipv6(skb, in);
	return 0;
}

#endif
