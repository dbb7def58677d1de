/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/express_way.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <string.h>

/* Of the program itself: wrong names would otherwise only show in who is passed on. */
_Static_assert(EXPRESS_PASSED + EXPRESS_PASSES <= EXPRESS_SUMS, "each reason has a sum");
_Static_assert(sizeof(((struct express_slot *)0)->via) == sizeof(struct bpf_redir_neigh),
	       "the kernel reads it");

static bool valid(const struct express_way *way)
{
	if (way->oif < 0 || !way->remote.family || way->local.family != way->remote.family ||
	    !way->via.family || !way->ttl)
		return false;
	if (way->encap == ENCAP_VXLAN)
		return way->vni <= 0xffffff && way->port && way->port_min &&
		       way->port_min <= way->port_max;
	return way->encap == ENCAP_GRETAP;
}

/* Returns the bytes used. */
static size_t put_ipv4(const struct express_way *way, uint8_t *to, uint8_t protocol)
{
	to[0] = 0x45;
	to[1] = way->tos;
	to[8] = way->ttl;
	to[9] = protocol;
	memcpy(to + 12, way->local.bytes, 4);
	memcpy(to + 16, way->remote.bytes, 4);
	return EXPRESS_IPV4;
}

static size_t put_ipv6(const struct express_way *way, uint8_t *to, uint8_t protocol)
{
	to[0] = (uint8_t)(0x60 | way->tos >> 4);
	to[1] = (uint8_t)(way->tos << 4);
	to[6] = protocol;
	to[7] = way->ttl;
	memcpy(to + 8, way->local.bytes, 16);
	memcpy(to + 24, way->remote.bytes, 16);
	return EXPRESS_IPV6;
}

/* No UDP checksum: over IPv4 as RFC 7348 has it, over IPv6 as RFC 6935 allows. */
static size_t put_vxlan(const struct express_way *way, uint8_t *to)
{
	const uint16_t port = htons(way->port);
	const uint32_t vni = htonl(way->vni << 8);

	memcpy(to + 2, &port, sizeof(port));
	to[8] = 0x08; /* there is a VNI */
	memcpy(to + 12, &vni, sizeof(vni));
	return EXPRESS_VXLAN;
}

static size_t put_gre(const struct express_way *way, uint8_t *to)
{
	const uint16_t type = htons(0x6558); /* transparent Ethernet bridging */
	const uint32_t key = htonl(way->vni);

	memcpy(to + 2, &type, sizeof(type));
	if (!way->vni)
		return EXPRESS_GRE;
	to[0] = 0x20; /* there is a key */
	memcpy(to + 4, &key, sizeof(key));
	return EXPRESS_GRE + EXPRESS_GRE_KEY;
}

static uint32_t half_words(const uint8_t *bytes, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	return (sum & 0xffff) + (sum >> 16);
}

static void put_headers(const struct express_way *way, struct express_slot *out)
{
	const uint8_t protocol = way->encap == ENCAP_VXLAN ? IPPROTO_UDP : IPPROTO_GRE;
	uint8_t *to = (uint8_t *)out->header;
	size_t size;

	out->room = BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN) | BPF_F_ADJ_ROOM_ENCAP_L2_ETH;
	if (way->remote.family == AF_INET) {
		out->room |= BPF_F_ADJ_ROOM_ENCAP_L3_IPV4;
		size = put_ipv4(way, to, protocol);
		out->sum = half_words(to, size);
	} else {
		out->room |= BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
		size = put_ipv6(way, to, protocol);
	}
	if (way->encap == ENCAP_VXLAN) {
		out->room |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
		size += put_vxlan(way, to + size);
		out->port_min = way->port_min;
		out->port_span = (uint16_t)(way->port_max - way->port_min);
	} else {
		out->room |= BPF_F_ADJ_ROOM_ENCAP_L4_GRE;
		size += put_gre(way, to + size);
	}
	out->outer = (uint32_t)size;
}

int express_way_slot(const struct express_way *way, struct express_slot *out)
{
	*out = (struct express_slot){
	    .hop_entry = (uint32_t)way->hop_entry,
	    .hop_exit = (uint32_t)way->hop_exit,
	    .reason = EXPRESS_PASS_OFF,
	};
	if (!way->oif)
		return 0;
	if (!valid(way))
		return -EINVAL;
	if (way->checksum && way->encap == ENCAP_VXLAN) {
		out->reason = EXPRESS_PASS_OUTER;
		return 0;
	}
	out->oif = (uint32_t)way->oif;
	out->mtu = way->mtu;
	out->resegment = way->resegment;
	out->finishes = way->finishes;
	out->via.family = way->via.family;
	memcpy(out->via.address, way->via.bytes, ip_addr_size(&way->via));
	put_headers(way, out);
	return 0;
}
