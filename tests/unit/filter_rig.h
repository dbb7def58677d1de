/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of filters: packets, and what a filter says of them.
 */
#ifndef VTAP_TESTS_FILTER_RIG_H
#define VTAP_TESTS_FILTER_RIG_H

#include "client/filter.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"

enum { PORT = 4789, ETH = 14, ANY = 40000 };

static struct client_config config;
static struct client_collector collectors[2];

static uint8_t packet[2048];
static size_t size;

static inline void setup(void)
{
	memset(collectors, 0, sizeof(collectors));
	ck_assert(ip_addr_parse("10.0.0.9", &collectors[0].address));
	ck_assert(ip_addr_parse("fd00::9", &collectors[1].address));
	collectors[0].port = PORT;
	collectors[1].port = PORT;
	config = (struct client_config){.collectors = collectors, .collectors_count = 2};
}

static inline void put(const void *data, size_t length)
{
	ck_assert_uint_le(size + length, sizeof(packet));
	memcpy(packet + size, data, length);
	size += length;
}

static inline void put16(unsigned value)
{
	uint16_t wire = htons((uint16_t)value);

	put(&wire, 2);
}

static inline void put_zeros(size_t length)
{
	static const uint8_t zeros[256];

	put(zeros, length);
}

/* The Ethernet header up to the type, with that many tags. */
static inline void start(unsigned tags, unsigned type)
{
	size = 0;
	put("\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	for (; tags; tags--) {
		put16(tags == 2 ? 0x88a8 : 0x8100);
		put16(100 + tags);
	}
	put16(type);
}

static inline void put_addr(const char *text)
{
	struct ip_addr addr;

	ck_assert(ip_addr_parse(text, &addr));
	put(addr.bytes, ip_addr_size(&addr));
}

static inline void put_ip4(const char *from, const char *to, unsigned protocol, unsigned fragment)
{
	put16(0x4500);
	put16(100);
	put16(1);
	put16(fragment);
	put16(64 << 8 | protocol);
	put16(0);
	put_addr(from);
	put_addr(to);
}

static inline void put_ip6(const char *from, const char *to, unsigned next)
{
	put("\x60\0\0\0\0\x64", 6);
	put16(next << 8 | 64);
	put_addr(from);
	put_addr(to);
}

static inline void put_fragment(unsigned next, unsigned offset)
{
	put16(next << 8);
	put16(offset);
	put_zeros(4);
}

static inline void put_ports(unsigned from, unsigned to)
{
	put16(from);
	put16(to);
	put_zeros(60);
}

static inline void udp4(unsigned tags, const char *from, const char *to, unsigned port)
{
	start(tags, 0x0800);
	put_ip4(from, to, 17, 0);
	put_ports(ANY, port);
}

static inline void udp6(unsigned tags, const char *from, const char *to, unsigned port)
{
	start(tags, 0x86dd);
	put_ip6(from, to, 17);
	put_ports(ANY, port);
}

static inline bool passes(enum direction direction, enum filter_layer layer, const char *user)
{
	struct filter_program program;
	char error[FILTER_ERROR_TEXT] = "";

	ck_assert_msg(filter_build(&config, direction, layer, user, &program, error) == 0, "%s",
		      error);
	struct bpf_insn *insns = calloc(program.count, sizeof(*insns));
	for (size_t i = 0; i < program.count; i++)
		insns[i] = (struct bpf_insn){program.insns[i].code, program.insns[i].jt,
					     program.insns[i].jf, program.insns[i].k};
	ck_assert_int_ne(bpf_validate(insns, (int)program.count), 0);
	bool yes = bpf_filter(insns, packet, (unsigned)size, (unsigned)size) != 0;
	free(insns);
	filter_free(&program);
	return yes;
}

static inline bool mirrored_by(enum direction direction, const char *user)
{
	return passes(direction, FILTER_ETHERNET, user);
}

static inline bool egress(void)
{
	return mirrored_by(EGRESS, "");
}

static inline bool ingress(void)
{
	return mirrored_by(INGRESS, "");
}

static inline void gre4(unsigned tags, const char *from, const char *to, unsigned fragment)
{
	start(tags, 0x0800);
	put_ip4(from, to, 47, fragment);
	put_zeros(60);
}

static inline void gre6(unsigned tags, const char *from, const char *to, bool fragment)
{
	start(tags, 0x86dd);
	put_ip6(from, to, fragment ? 44 : 47);
	if (fragment)
		put_fragment(47, 8);
	put_zeros(60);
}

#endif
