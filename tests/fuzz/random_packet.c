/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fuzz/random_packet.h"

#include <string.h>

#include "tests/unit/message.h"

enum { INNER_MAX = 2 }; /* frames in frames */
enum { UDP = 17, GRE = 47, TCP = 6, ICMP = 1, ICMP6 = 58, FRAGMENT = 44 };

static uint32_t below(struct random_packet *p, uint32_t end)
{
	return (uint32_t)(random_next(&p->random) >> 16) % end;
}

#define ONE_OF(p, list) ((list)[below(p, sizeof(list) / sizeof(*(list)))])

static void put(struct random_packet *p, const void *bytes, size_t size)
{
	if (size > sizeof(p->bytes) - p->size)
		size = sizeof(p->bytes) - p->size;
	if (size)
		memcpy(p->bytes + p->size, bytes, size);
	p->size += size;
}

static void put8(struct random_packet *p, unsigned value)
{
	put(p, &(uint8_t){(uint8_t)value}, 1);
}

static void put16(struct random_packet *p, unsigned value)
{
	put8(p, value >> 8);
	put8(p, value);
}

static void put32(struct random_packet *p, uint32_t value)
{
	put16(p, value >> 16);
	put16(p, value);
}

static void put_filling(struct random_packet *p, size_t size)
{
	for (; size; size--)
		put8(p, (unsigned)p->size);
}

/* Once the packet is whole: the length from `from` on, or now and then another one. */
static void set_length(struct random_packet *p, size_t at, size_t from, size_t less)
{
	size_t length = p->size - from - less;

	if (at + 2 > p->size || below(p, 8) == 0)
		return;
	if (below(p, 16) == 0)
		length += below(p, 40) - 20;
	p->bytes[at] = (uint8_t)(length >> 8);
	p->bytes[at + 1] = (uint8_t)length;
}

static void put_frame(struct random_packet *p, unsigned depth);
static void put_network(struct random_packet *p, unsigned depth, bool *ipv6);

/* ---- behind IP ------------------------------------------------------------------------------- */

static void put_udp(struct random_packet *p, unsigned depth)
{
	static const uint16_t ports[] = {4789, 4789, 4789, 8472, 53};
	static const uint32_t flags[] = {0x08000000, 0x08000000, 0x08000000, 0, 0xffffffff};
	static const uint32_t vnis[] = {42 << 8, 42 << 8, 43 << 8, 0, 0xffffffff};
	size_t start = p->size;

	put16(p, ONE_OF(p, ports));
	put16(p, ONE_OF(p, ports));
	put32(p, below(p, 3000) << 16);
	if (below(p, 4) && depth < INNER_MAX) {
		put32(p, ONE_OF(p, flags));
		put32(p, ONE_OF(p, vnis));
		put_frame(p, depth + 1);
	}
	put_filling(p, below(p, 4) ? 0 : below(p, 64));
	set_length(p, start + 4, start, 0);
}

static void put_gre(struct random_packet *p, unsigned depth)
{
	static const uint16_t flags[] = {0, 0x2000, 0x3000, 0xb000, 0x1000, 0x4000, 1};
	static const uint16_t types[] = {0x6558, 0x6558, 0x0800, 0x86dd, 0x0806};
	uint16_t bits = ONE_OF(p, flags), protocol = ONE_OF(p, types);
	bool ipv6;

	put16(p, bits);
	put16(p, protocol);
	for (uint16_t bit = 0x8000; bit >= 0x1000; bit = (uint16_t)(bit >> 1))
		if (bits & bit && bit != 0x4000)
			put32(p, 42);
	if (depth >= INNER_MAX)
		return;
	if (protocol == 0x6558)
		put_frame(p, depth + 1);
	else
		put_network(p, depth + 1, &ipv6);
}

/* An error that quotes a packet. */
static void put_icmp(struct random_packet *p, unsigned depth, bool ipv6)
{
	static const uint8_t types[] = {3, 11, 12, 8, 1, 2, 128};

	put8(p, ONE_OF(p, types));
	put_filling(p, 7);
	if (depth < INNER_MAX)
		put_network(p, depth + 1, &ipv6);
}

static void put_transport(struct random_packet *p, unsigned depth, unsigned protocol, bool ipv6)
{
	switch (protocol) {
	case UDP:
		put_udp(p, depth);
		break;
	case GRE:
		put_gre(p, depth);
		break;
	case ICMP:
	case ICMP6:
		put_icmp(p, depth, ipv6);
		break;
	case TCP:
		put_filling(p, 12);
		put8(p, (5 + below(p, 4)) << 4);
		put_filling(p, 7 + below(p, 100));
		break;
	default:
		put_filling(p, below(p, 60));
	}
}

/* ---- IP -------------------------------------------------------------------------------------- */

static const uint8_t protocols[] = {UDP, UDP, UDP, GRE, GRE, TCP, ICMP, ICMP6, 132};

static void put_ipv4(struct random_packet *p, unsigned depth)
{
	static const uint32_t hosts[] = {0x0a000009, 0x0a000009, 0x0a00000a, 0x0a000005,
					 0xc0a80707, 0xac100001, 0x08080808};
	static const uint16_t fragments[] = {0, 0, 0, 0x4000, 0x2000, 1, 0x2005, 0x1fff};
	unsigned options = below(p, 4) ? 0 : below(p, 11), protocol = ONE_OF(p, protocols);
	size_t start = p->size;

	put8(p, 0x45 + options);
	put8(p, 0);
	put32(p, below(p, 3000) << 16);
	put16(p, ONE_OF(p, fragments));
	put8(p, 64);
	put8(p, protocol);
	put16(p, 0);
	put32(p, ONE_OF(p, hosts));
	put32(p, ONE_OF(p, hosts));
	put_filling(p, options * 4);
	put_transport(p, depth, protocol, false);
	set_length(p, start + 2, start, 0);
}

static void put_host6(struct random_packet *p)
{
	static const uint16_t nets[] = {0xfd00, 0xfd00, 0xfe80, 0x2001};
	static const uint32_t hosts[] = {9, 9, 10, 5};

	put16(p, ONE_OF(p, nets));
	put(p, (const uint8_t[10]){0}, 10);
	put32(p, ONE_OF(p, hosts));
}

/* The type of the last header is known first, as a chain goes forward. */
static void put_extensions(struct random_packet *p, unsigned count, unsigned last,
			   const uint8_t *types)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned words = types[i] == FRAGMENT ? 0 : below(p, 3);

		put8(p, i + 1 < count ? types[i + 1] : last);
		put8(p, words);
		if (types[i] == FRAGMENT) {
			static const uint16_t offsets[] = {0, 0, 1, 8, 0xfff9};
			put16(p, ONE_OF(p, offsets));
			put32(p, 77);
		} else {
			put_filling(p, types[i] == 51 ? (words + 2) * 4 - 2 : (words + 1) * 8 - 2);
		}
	}
}

static void put_ipv6(struct random_packet *p, unsigned depth)
{
	static const uint8_t extensions[] = {FRAGMENT, FRAGMENT, 0, 43, 60, 51};
	unsigned count = below(p, 2) ? 0 : below(p, 4), protocol = ONE_OF(p, protocols);
	uint8_t types[4];
	size_t start = p->size;

	for (unsigned i = 0; i < count; i++)
		types[i] = ONE_OF(p, extensions);
	put32(p, 0x60000000);
	put16(p, below(p, 3000));
	put8(p, count ? types[0] : protocol);
	put8(p, 64);
	put_host6(p);
	put_host6(p);
	put_extensions(p, count, protocol, types);
	put_transport(p, depth, protocol, true);
	set_length(p, start + 4, start, 40);
}

static void put_network(struct random_packet *p, unsigned depth, bool *ipv6)
{
	*ipv6 = below(p, 2);
	if (*ipv6)
		put_ipv6(p, depth);
	else
		put_ipv4(p, depth);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void put_frame(struct random_packet *p, unsigned depth)
{
	static const uint16_t tags[] = {0x8100, 0x88a8, 0x9100};
	unsigned count = below(p, 4) ? 0 : below(p, 3);
	size_t type;
	bool ipv6;

	/* lo's address: so it is for this host */
	put(p, (const uint8_t[12]){0}, 12);
	if (below(p, 16) == 0)
		p->bytes[p->size > 12 ? p->size - 12 : 0] = (uint8_t)below(p, 256);
	for (unsigned i = 0; i < count; i++) {
		put16(p, ONE_OF(p, tags));
		put16(p, below(p, 4096));
	}
	type = p->size;
	put16(p, 0);
	put_network(p, depth, &ipv6);
	if (type + 2 <= p->size) {
		unsigned value = below(p, 16) == 0 ? 0x0806 : ipv6 ? 0x86dd : 0x0800;
		p->bytes[type] = (uint8_t)(value >> 8);
		p->bytes[type + 1] = (uint8_t)value;
	}
}

void random_packet(struct random_packet *p, uint64_t seed, bool ethernet)
{
	bool ipv6;

	p->size = 0;
	p->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	if (!p->random)
		p->random = 1;
	random_next(&p->random);
	if (ethernet)
		put_frame(p, 0);
	else
		put_network(p, 0, &ipv6);
	if (below(p, 6) == 0)
		p->size = 14 + below(p, (uint32_t)p->size);
	if (p->size > sizeof(p->bytes))
		p->size = sizeof(p->bytes);
}
