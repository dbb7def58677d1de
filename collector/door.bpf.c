/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The door: runs at the tc ingress of the underlay's interfaces, drops tunnel packets whose source
 * is not allowed, and counts the frames of those that are, per source address and VNI or key. It
 * must leave every other packet alone and always lets later filters run (TC_ACT_UNSPEC).
 *
 * The end of the cut: runs where segments of aggregates come back; see door_cut.bpf.h.
 *
 * The seal: runs at the tc ingress of the tunnel endpoint, behind its readers. It counts the frames
 * that got there, in the door's measure, and drops all of them.
 *
 * Needs Linux 5.17 (bpf_loop).
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "door_cut.bpf.h"
#include "door_gre.bpf.h"
#include "door_packet.bpf.h"
#include "door_rejected.bpf.h"
#include "door_shared.h"
#include "door_table.bpf.h"

#define VLAN_VID_MASK 0x0fff
#define AF_INET       2
#define AF_INET6      10

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct door_sums);
} vtap_totals SEC(".maps");

/* Written by the daemon while the program runs, a word at a time. */
volatile struct door_rules vtap_rules;
volatile __u64 vtap_here[DOOR_HERE][2];

/* A list is put in place of the one before as a whole. */
struct allow_list {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, DOOR_ALLOW_MAX);
	__uint(key_size, sizeof(struct door_prefix)); /* of an inner map the types are not there */
	__uint(value_size, sizeof(__u8));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct allow_list);
} vtap_allow SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct door_settled);
} vtap_settled SEC(".maps");

static __always_inline void add(struct door_sum *to, const struct door_sum *sum)
{
	to->packets += sum->packets;
	to->bytes += sum->bytes;
}

static __always_inline struct door_admission admission(void)
{
	const union {
		__u64 word;
		struct door_admission admit;
	} now = {.word = *(volatile __u64 *)&vtap_rules.admit};

	return now.admit;
}

static __always_inline bool allowed(const struct door_key *key)
{
	struct door_prefix prefix = {.family = key->family};
	__u32 zero = 0;
	void *list = bpf_map_lookup_elem(&vtap_allow, &zero);

	__builtin_memcpy(prefix.address, key->address, sizeof(prefix.address));
	prefix.length = DOOR_PREFIX_FAMILY +
			(key->family == DOOR_IPV4 ? sizeof(__be32) : sizeof(prefix.address)) * 8;
	return list && bpf_map_lookup_elem(list, &prefix);
}

/* Multicast, broadcast, and what else no route is needed for to end here. */
static __always_inline bool ends_here(__be32 to)
{
	const __u32 first = bpf_ntohl(to) >> 24;

	return first == 0 || first >= 224;
}

static __always_inline bool is_here(const __u64 to[2])
{
	const __u32 place = door_here_place(to);

	return vtap_here[place][0] == to[0] && vtap_here[place][1] == to[1];
}

/*
 * Whether this host would forward the packet: then it is none of the collector's business. Not
 * asked of what is for one of this host's addresses, as it costs a route look-up where forwarding
 * is on.
 */
static __noinline int passes_by(struct __sk_buff *skb, const struct door_key *key)
{
	struct bpf_fib_lookup fib = {.ifindex = skb->ifindex};
	struct ipv6hdr ip6;
	struct iphdr ip;
	long result;

	fib.l4_protocol = key->encap == DOOR_ENCAP_VXLAN ? IPPROTO_UDP : IPPROTO_GRE;
	if (key->family == DOOR_IPV4) {
		if (load(skb, 0, &ip, sizeof(ip)) || ends_here(ip.daddr))
			return false;
		fib.family = AF_INET;
		fib.tos = ip.tos;
		fib.ipv4_src = ip.saddr;
		fib.ipv4_dst = ip.daddr;
	} else {
		if (load(skb, 0, &ip6, sizeof(ip6)) || ip6.daddr.s6_addr[0] == 0xff)
			return false;
		fib.family = AF_INET6;
		__builtin_memcpy(fib.ipv6_src, &ip6.saddr, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, &ip6.daddr, sizeof(fib.ipv6_dst));
	}
	result = bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	return result == BPF_FIB_LKUP_RET_SUCCESS || result == BPF_FIB_LKUP_RET_NO_NEIGH ||
	       result == BPF_FIB_LKUP_RET_FRAG_NEEDED;
}

static __noinline int reject(const struct door_key *key, const struct door_sum *sum,
			     struct door_sums *totals)
{
	add(&totals->rejected, sum);
	note_rejected(key, sum);
	return TC_ACT_SHOT;
}

/* A source that is not in the table, or not where it is looked for first. */
static __noinline int admit_new(struct __sk_buff *skb, const struct door_key *key,
				const struct door_sum *sum, struct door_sums *totals)
{
	if (!allowed(key))
		return reject(key, sum, totals);
	add(&totals->accepted, sum);
	if (!table_add(key, sum))
		add(&totals->overflow, sum);
	return onward(skb, key, sum, &totals->line);
}

static __always_inline int admit(struct __sk_buff *skb, const struct door_key *key,
				 const struct door_sum *sum, struct door_sums *totals)
{
	if (!table_count(key, sum))
		return admit_new(skb, key, sum, totals);
	add(&totals->accepted, sum);
	return onward(skb, key, sum, &totals->line);
}

static __always_inline int drop_malformed(const struct door_sum *sum, struct door_sums *totals)
{
	add(&totals->malformed, sum);
	return TC_ACT_SHOT;
}

/* vni: NULL: any of them. */
static __noinline bool is_shut(__be16 port, const __u32 *vni)
{
	int i;

	for (i = 0; i < DOOR_SHUT_MAX; i++) {
		const union {
			__u64 word;
			struct door_shut shut;
		} now = {.word = *(volatile __u64 *)&vtap_rules.shut[i]};

		if (port && now.shut.port == port &&
		    (!vni || now.shut.any_vni || now.shut.vni == *vni))
			return true;
	}
	return false;
}

static __always_inline bool is_tunnel(__be16 port, const struct door_admission *rules)
{
	if (port == rules->port && port)
		return true;
	return rules->flags & DOOR_SOME_SHUT && is_shut(port, NULL);
}

static __always_inline int judge_vxlan(struct __sk_buff *skb, struct packet *packet,
				       const struct tunnel_header *header,
				       const struct door_admission *rules)
{
	struct door_sum sum = {.packets = 1, .bytes = skb->len};
	const bool open = header->udp.dest == rules->port;
	struct door_sums *totals;
	__u32 zero = 0;

	totals = bpf_map_lookup_elem(&vtap_totals, &zero);
	if (!totals)
		return TC_ACT_UNSPEC;
	packet->key.encap = DOOR_ENCAP_VXLAN;
	if (!is_here(packet->to) && passes_by(skb, &packet->key))
		return TC_ACT_UNSPEC;
	if (!measure(skb, packet, header, &sum))
		return open ? drop_malformed(&sum, totals) : TC_ACT_UNSPEC;
	packet->key.vni = bpf_ntohl(header->vxlan.vni) >> 8;
	if (rules->flags & DOOR_SOME_SHUT) {
		if (is_shut(header->udp.dest, &packet->key.vni))
			return reject(&packet->key, &sum, totals);
		if (!open)
			return TC_ACT_UNSPEC;
	}
	if (rules->flags & DOOR_ENFORCE_VNI && packet->key.vni != rules->vni)
		return reject(&packet->key, &sum, totals);
	return admit(skb, &packet->key, &sum, totals);
}

static __noinline int judge_gre(struct __sk_buff *skb, struct packet *packet)
{
	const struct door_admission rules = admission();
	struct door_sum sum = {.packets = 1, .bytes = skb->len};
	struct door_sums *totals;
	__be16 protocol = 0;
	__u32 inner = 0;
	__u32 zero = 0;

	totals = bpf_map_lookup_elem(&vtap_totals, &zero);
	if (!totals || !rules.gre ||
	    !read_gre(skb, packet, rules.gre | rules.gre >> 4, &protocol, &inner))
		return TC_ACT_UNSPEC;
	if (!is_here(packet->to) && passes_by(skb, &packet->key))
		return TC_ACT_UNSPEC;
	if (!measure_gre(skb, packet, protocol, inner, &sum))
		return drop_malformed(&sum, totals);
	if (DOOR_GRE_SHUT(gre_bit(&packet->key)) & rules.gre)
		return reject(&packet->key, &sum, totals);
	return admit(skb, &packet->key, &sum, totals);
}

SEC("tc")
int vtap_door(struct __sk_buff *skb)
{
	struct tunnel_header header = {};
	struct door_admission rules;
	struct packet packet = {};
	__u32 zero = 0;
	bool whole = false;
	__be16 port;
	const struct door_cutter *cutter;
	struct door_sums *totals;

	cutter = bpf_map_lookup_elem(&vtap_cutter, &zero);
	if (cutter && on_its_way(skb, cutter)) {
		totals = bpf_map_lookup_elem(&vtap_totals, &zero);
		return totals ? come_back(skb, &totals->line) : TC_ACT_UNSPEC;
	}
	if (skb->pkt_type == PACKET_OTHERHOST)
		return TC_ACT_UNSPEC;
	/* A VLAN device's frame: it passes the door at that device's own ingress. */
	if (skb->vlan_present && skb->vlan_tci & VLAN_VID_MASK)
		return TC_ACT_UNSPEC;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (!read_ipv4(skb, &packet, &header, &whole))
			return TC_ACT_UNSPEC;
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (!read_ipv6(skb, &packet))
			return TC_ACT_UNSPEC;
	} else {
		return TC_ACT_UNSPEC;
	}
	if (packet.protocol == IPPROTO_GRE)
		return judge_gre(skb, &packet);
	if (!whole)
		whole = !load_linear(skb, BPF_HDR_START_NET, packet.udp, &header, sizeof(header));
	if (!whole && load(skb, packet.udp, &header.udp, sizeof(header.udp)))
		return TC_ACT_UNSPEC;
	rules = admission();
	if (!is_tunnel(header.udp.dest, &rules))
		return TC_ACT_UNSPEC;
	port = header.udp.dest;
	if (!whole && load(skb, packet.udp, &header, sizeof(header))) {
		header.udp.dest = port; /* what fails clears it all */
		header.vxlan.flags = 0; /* too short: counted as malformed */
	}
	return judge_vxlan(skb, &packet, &header, &rules);
}

/* At the other end of the veth pair. */
SEC("tc")
int vtap_cut_end(struct __sk_buff *skb)
{
	const struct door_cutter *cutter;
	__u32 zero = 0;

	cutter = bpf_map_lookup_elem(&vtap_cutter, &zero);
	if (!cutter || !on_its_way(skb, cutter) || skb->gso_size)
		return TC_ACT_SHOT;
	return bpf_redirect(skb->cb[CB_IFINDEX], BPF_F_INGRESS);
}

static __always_inline int seal(struct __sk_buff *skb, __be16 protocol)
{
	struct door_sum sum;
	struct door_sums *totals;
	__u32 zero = 0;

	totals = bpf_map_lookup_elem(&vtap_totals, &zero);
	if (totals) {
		measure_delivered(skb, protocol, &sum);
		add(&totals->delivered, &sum);
	}
	return TC_ACT_SHOT;
}

SEC("tc")
int vtap_seal(struct __sk_buff *skb)
{
	return seal(skb, 0);
}

/* For an endpoint whose packets have no Ethernet header. */
SEC("tc")
int vtap_seal_bare(struct __sk_buff *skb)
{
	return seal(skb, skb->protocol);
}

/*
 * The daemon's own, run by it alone: counts what came in by the program before this one for a
 * client that is not in this one's table yet. 1: there is no room.
 */
SEC("tc")
int vtap_put(struct __sk_buff *skb)
{
	struct door_late late = {};

	if (bpf_skb_load_bytes(skb, 0, &late, sizeof(late)))
		return 1;
	return !table_count(&late.key, &late.sum) && !table_add(&late.key, &late.sum);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
