/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filter programs run on packets made here: what is a copy stays out, what is production goes
 * in, and the user's words count for the rest.
 */
#include "client/filter.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"

enum { PORT = 4789, ETH = 14, ANY = 40000 };

static struct client_config config;
static struct client_collector collectors[2];

static uint8_t packet[2048];
static size_t size;

static void setup(void)
{
	memset(collectors, 0, sizeof(collectors));
	ck_assert(ip_addr_parse("10.0.0.9", &collectors[0].address));
	ck_assert(ip_addr_parse("fd00::9", &collectors[1].address));
	collectors[0].port = PORT;
	collectors[1].port = PORT;
	config = (struct client_config){.collectors = collectors, .collectors_count = 2};
}

/* ---- packets --------------------------------------------------------------------------------- */

static void put(const void *data, size_t length)
{
	ck_assert_uint_le(size + length, sizeof(packet));
	memcpy(packet + size, data, length);
	size += length;
}

static void put16(unsigned value)
{
	uint16_t wire = htons((uint16_t)value);

	put(&wire, 2);
}

static void put_zeros(size_t length)
{
	static const uint8_t zeros[256];

	put(zeros, length);
}

/* The Ethernet header up to the type, with that many tags. */
static void start(unsigned tags, unsigned type)
{
	size = 0;
	put("\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	for (; tags; tags--) {
		put16(tags == 2 ? 0x88a8 : 0x8100);
		put16(100 + tags);
	}
	put16(type);
}

static void put_addr(const char *text)
{
	struct ip_addr addr;

	ck_assert(ip_addr_parse(text, &addr));
	put(addr.bytes, ip_addr_size(&addr));
}

static void put_ip4(const char *from, const char *to, unsigned protocol, unsigned fragment)
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

static void put_ip6(const char *from, const char *to, unsigned next)
{
	put("\x60\0\0\0\0\x64", 6);
	put16(next << 8 | 64);
	put_addr(from);
	put_addr(to);
}

static void put_fragment(unsigned next, unsigned offset)
{
	put16(next << 8);
	put16(offset);
	put_zeros(4);
}

static void put_ports(unsigned from, unsigned to)
{
	put16(from);
	put16(to);
	put_zeros(60);
}

static void udp4(unsigned tags, const char *from, const char *to, unsigned port)
{
	start(tags, 0x0800);
	put_ip4(from, to, 17, 0);
	put_ports(ANY, port);
}

static void udp6(unsigned tags, const char *from, const char *to, unsigned port)
{
	start(tags, 0x86dd);
	put_ip6(from, to, 17);
	put_ports(ANY, port);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static bool passes(enum direction direction, enum filter_layer layer, const char *user)
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

static bool mirrored_by(enum direction direction, const char *user)
{
	return passes(direction, FILTER_ETHERNET, user);
}

static bool egress(void)
{
	return mirrored_by(EGRESS, "");
}

static bool ingress(void)
{
	return mirrored_by(INGRESS, "");
}

START_TEST(copies_that_leave)
{
	for (unsigned tags = 0; tags <= 2; tags++) {
		udp4(tags, "10.0.0.1", "10.0.0.9", PORT);
		ck_assert_msg(!egress(), "%u tags", tags);
		udp6(tags, "fd00::1", "fd00::9", PORT);
		ck_assert_msg(!egress(), "%u tags", tags);
	}
}
END_TEST

START_TEST(fragments_of_copies_that_leave)
{
	static const unsigned offsets[] = {0x2000, 0x20b9, 0x00b9, 0x1000};

	for (unsigned tags = 0; tags <= 2; tags++) {
		for (size_t i = 0; i < 4; i++) {
			start(tags, 0x0800);
			put_ip4("10.0.0.1", "10.0.0.9", 17, offsets[i]);
			put_ports(i ? 0x1234 : ANY, i ? 0x5678 : PORT);
			ck_assert_msg(!egress(), "%u tags, IPv4 fragment %#x", tags, offsets[i]);
		}
		for (unsigned offset = 0; offset < 3000; offset += 1448) {
			start(tags, 0x86dd);
			put_ip6("fd00::1", "fd00::9", 44);
			put_fragment(17, offset | 1);
			put_ports(offset ? 0x1234 : ANY, offset ? 0x5678 : PORT);
			ck_assert_msg(!egress(), "%u tags, IPv6 fragment at %u", tags, offset);
		}
	}
}
END_TEST

START_TEST(production_to_the_collector)
{
	for (unsigned tags = 0; tags <= 2; tags++) {
		udp4(tags, "10.0.0.1", "10.0.0.9", PORT + 1);
		ck_assert_msg(egress(), "%u tags", tags);
		udp6(tags, "fd00::1", "fd00::9", PORT + 1);
		ck_assert_msg(egress(), "%u tags", tags);
		udp4(tags, "10.0.0.1", "10.0.0.10", PORT); /* somebody else's VXLAN */
		ck_assert_msg(egress(), "%u tags", tags);
		udp6(tags, "fd00::1", "fd00::a", PORT);
		ck_assert_msg(egress(), "%u tags", tags);
		start(tags, 0x0800);
		put_ip4("10.0.0.1", "10.0.0.9", 6, 0);
		put_ports(ANY, PORT);
		ck_assert_msg(egress(), "TCP, %u tags", tags);
		start(tags, 0x86dd);
		put_ip6("fd00::1", "fd00::9", 44); /* a first fragment to another port */
		put_fragment(17, 1);
		put_ports(ANY, PORT + 1);
		ck_assert_msg(egress(), "%u tags", tags);
		start(tags, 0x0806);
		put_zeros(46);
		ck_assert_msg(egress() && ingress(), "ARP, %u tags", tags);
	}
}
END_TEST

START_TEST(copies_that_arrive)
{
	for (unsigned tags = 0; tags <= 2; tags++) {
		udp4(tags, "192.0.2.5", "10.0.0.1", PORT); /* from anyone */
		ck_assert(!ingress());
		udp6(tags, "2001:db8::5", "fd00::1", PORT);
		ck_assert(!ingress());
		udp4(tags, "192.0.2.5", "10.0.0.1", PORT + 1);
		ck_assert(ingress());
		udp6(tags, "2001:db8::5", "fd00::1", PORT + 1);
		ck_assert(ingress());
		start(tags, 0x86dd);
		put_ip6("2001:db8::5", "fd00::1", 44);
		put_fragment(17, 1);
		put_ports(ANY, PORT);
		ck_assert(!ingress());
		start(tags, 0x0800);
		put_ip4("10.0.0.9", "10.0.0.1", 17, 0x00b9); /* the collector mirrors too */
		put_ports(1, 2);
		ck_assert(!ingress());
		start(tags, 0x0800);
		put_ip4("192.0.2.5", "10.0.0.9", 17, 0x00b9); /* another client's, flooded */
		put_ports(1, 2);
		ck_assert(!ingress());
		start(tags, 0x86dd);
		put_ip6("2001:db8::5", "fd00::9", 44);
		put_fragment(17, 0x05a8);
		put_ports(1, 2);
		ck_assert(!ingress());
		start(tags, 0x0800);
		put_ip4("192.0.2.5", "10.0.0.1", 17,
			0x00b9); /* somebody's fragments are production */
		put_ports(1, 2);
		ck_assert(ingress());
	}
}
END_TEST

/* Inner header of an ICMP error: a datagram of ours to the collector. */
static void icmp4(unsigned tags, unsigned type, const char *to, unsigned port, unsigned fragment)
{
	start(tags, 0x0800);
	put_ip4("192.0.2.254", "10.0.0.1", 1, 0);
	put16(type << 8 | 4);
	put_zeros(6);
	put_ip4("10.0.0.1", to, 17, fragment);
	put_ports(ANY, port);
}

static void icmp6(unsigned tags, unsigned type, const char *to, unsigned port)
{
	start(tags, 0x86dd);
	put_ip6("2001:db8::fe", "fd00::1", 58);
	put16(type << 8);
	put_zeros(6);
	put_ip6("fd00::1", to, 17);
	put_ports(ANY, port);
}

START_TEST(errors_about_copies)
{
	static const unsigned types[] = {3, 11, 12};

	for (unsigned tags = 0; tags <= 2; tags++) {
		for (size_t i = 0; i < 3; i++) {
			icmp4(tags, types[i], "10.0.0.9", PORT, 0);
			ck_assert(!ingress());
			icmp4(tags, types[i], "10.0.0.9", PORT + 1, 0);
			ck_assert(ingress());
			icmp4(tags, types[i], "10.0.0.10", PORT, 0);
			ck_assert(ingress());
		}
		icmp4(tags, 11, "10.0.0.9", 1, 0x00b9);
		ck_assert(!ingress());
		icmp4(tags, 0, "10.0.0.9", PORT, 0); /* an echo reply with these bytes in it */
		ck_assert(ingress());
		for (unsigned type = 1; type <= 4; type++) {
			icmp6(tags, type, "fd00::9", PORT);
			ck_assert(!ingress());
			icmp6(tags, type, "fd00::9", PORT + 1);
			ck_assert(ingress());
			icmp6(tags, type, "fd00::a", PORT);
			ck_assert(ingress());
		}
		icmp6(tags, 129, "fd00::9", PORT);
		ck_assert(ingress());
	}
}
END_TEST

START_TEST(one_collector_of_either_family)
{
	for (size_t i = 0; i < 2; i++) {
		config.collectors = &collectors[i];
		config.collectors_count = 1;
		udp4(0, "10.0.0.1", "10.0.0.9", PORT);
		ck_assert_int_eq(egress(), i == 1);
		udp6(0, "fd00::1", "fd00::9", PORT);
		ck_assert_int_eq(egress(), i == 0);
	}
}
END_TEST

START_TEST(words_of_the_user)
{
	static const struct {
		const char *words;
		bool plain, tagged;
	} rows[] = {
	    {"", true, true},
	    {"udp port 53", true, false},
	    {"tcp", false, false},
	    {"vlan", false, true},
	    {"vlan and udp port 53", false, true},
	    {"not vlan", true, false},
	    {"vlan 7", false, false},
	    {"vlan 101 or tcp", false, true},
	    {"udp port 53 or (vlan and udp port 53)", true, true},
	    {"not udp", false, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (enum direction d = INGRESS; d < DIRECTIONS; d++) {
			udp4(0, "10.0.0.1", "192.0.2.1", 53);
			ck_assert_msg(mirrored_by(d, rows[i].words) == rows[i].plain, "%s",
				      rows[i].words);
			udp4(1, "10.0.0.1", "192.0.2.1", 53);
			ck_assert_msg(mirrored_by(d, rows[i].words) == rows[i].tagged, "%s tagged",
				      rows[i].words);
		}
		for (unsigned tags = 0; tags <= 2; tags++) { /* and no words let a copy through */
			udp4(tags, "10.0.0.1", "10.0.0.9", PORT);
			ck_assert_msg(!mirrored_by(EGRESS, rows[i].words), "%s", rows[i].words);
		}
	}
}
END_TEST

static void gre4(unsigned tags, const char *from, const char *to, unsigned fragment)
{
	start(tags, 0x0800);
	put_ip4(from, to, 47, fragment);
	put_zeros(60);
}

static void gre6(unsigned tags, const char *from, const char *to, bool fragment)
{
	start(tags, 0x86dd);
	put_ip6(from, to, fragment ? 44 : 47);
	if (fragment)
		put_fragment(47, 8);
	put_zeros(60);
}

START_TEST(copies_in_gre)
{
	collectors[0].encap = ENCAP_GRETAP;
	collectors[1].encap = ENCAP_GRE;
	for (unsigned tags = 0; tags <= 2; tags++) {
		for (unsigned fragment = 0; fragment < 0x20b9; fragment += 0x2000) {
			gre4(tags, "10.0.0.1", "10.0.0.9", fragment);
			ck_assert_msg(!egress() && !ingress(), "%u tags", tags);
			gre4(tags, "10.0.0.9", "10.0.0.1", fragment);
			ck_assert_msg(egress() && !ingress(), "%u tags", tags);
			gre4(tags, "10.0.0.8", "10.0.0.1", fragment); /* production's own */
			ck_assert_msg(egress() && ingress(), "%u tags", tags);
		}
		for (int fragment = 0; fragment < 2; fragment++) {
			gre6(tags, "fd00::1", "fd00::9", fragment);
			ck_assert_msg(!egress() && !ingress(), "%u tags", tags);
			gre6(tags, "fd00::9", "fd00::1", fragment);
			ck_assert_msg(egress() && !ingress(), "%u tags", tags);
			gre6(tags, "fd00::8", "fd00::1", fragment);
			ck_assert_msg(egress() && ingress(), "%u tags", tags);
		}
		udp4(tags, "10.0.0.1", "10.0.0.9", PORT); /* no VXLAN: production */
		ck_assert(egress() && ingress());
		start(tags, 0x0800); /* an ICMP error about a copy */
		put_ip4("10.0.0.7", "10.0.0.1", 1, 0);
		put("\3\4\0\0\0\0\0\0", 8);
		put_ip4("10.0.0.1", "10.0.0.9", 47, 0);
		put_zeros(8);
		ck_assert(!ingress());
		start(tags, 0x86dd);
		put_ip6("fd00::7", "fd00::1", 58);
		put("\2\0\0\0\0\0\5\0", 8);
		put_ip6("fd00::1", "fd00::9", 47);
		put_zeros(8);
		ck_assert(!ingress());
	}
}
END_TEST

/* What is behind the Ethernet header, as interfaces without one have it. */
static bool passes_bare(enum direction direction, const char *user)
{
	memmove(packet, packet + ETH, size -= ETH);
	return passes(direction, FILTER_IP, user);
}

START_TEST(packets_without_an_ethernet_header)
{
	struct filter_program program;
	char error[FILTER_ERROR_TEXT] = "";

	collectors[1].encap = ENCAP_GRE;
	udp4(0, "10.0.0.1", "10.0.0.9", PORT);
	ck_assert(!passes_bare(EGRESS, ""));
	udp4(0, "10.0.0.1", "10.0.0.9", PORT + 1);
	ck_assert(passes_bare(EGRESS, "udp"));
	udp4(0, "10.0.0.1", "10.0.0.9", PORT + 1);
	ck_assert(!passes_bare(EGRESS, "tcp"));
	gre6(0, "fd00::1", "fd00::9", false);
	ck_assert(!passes_bare(EGRESS, ""));
	gre6(0, "fd00::9", "fd00::1", true);
	ck_assert(!passes_bare(INGRESS, ""));
	gre6(0, "fd00::8", "fd00::1", false);
	ck_assert(passes_bare(INGRESS, "ip6 src host fd00::8"));
	ck_assert_int_eq(
	    filter_build(&config, EGRESS, FILTER_IP, "ether host 2:0:0:0:0:1", &program, error),
	    -EINVAL);
	ck_assert_str_ne(error, "");
	ck_assert_uint_eq(program.count, 0);
}
END_TEST

START_TEST(short_packets)
{
	/* a load behind the end ends a classic program with "no": nothing is mirrored, nothing
	 * breaks */
	udp4(0, "10.0.0.1", "192.0.2.1", 53);
	for (size = ETH + 34; size > 0; size--) {
		egress();
		ingress();
	}
}
END_TEST

START_TEST(bad_words)
{
	char error[FILTER_ERROR_TEXT] = "";
	struct filter_program program;

	ck_assert_int_eq(filter_check("not a filter (", error), -EINVAL);
	ck_assert_str_ne(error, "");
	error[0] = '\0';
	ck_assert_int_eq(
	    filter_build(&config, EGRESS, FILTER_ETHERNET, "tcp prot 80", &program, error),
	    -EINVAL);
	ck_assert_str_ne(error, "");
	ck_assert_ptr_null(program.insns);
	ck_assert_uint_eq(program.count, 0);
	ck_assert_int_eq(filter_check("", error), 0);
	ck_assert_int_eq(filter_check("tcp port 80", error), 0);
}
END_TEST

/* What libpcap accepts for its own interpreter, and the kernel refuses. */
START_TEST(not_for_the_kernel)
{
	static const char *const filters[][2] = {
	    {"ip6 protochain 17", "loop"},
	    {"not ip protochain 6", "loop"},
	    {"ether[0xfffff004] = 3", "before"},
	    {"geneve or (greater 60 and mpls)", "memory"},
	};
	struct filter_program program;
	char error[FILTER_ERROR_TEXT];

	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		ck_assert_int_eq(filter_check(filters[i][0], error), -EINVAL);
		ck_assert_msg(strstr(error, filters[i][1]), "%s: %s", filters[i][0], error);
		ck_assert_int_eq(
		    filter_build(&config, EGRESS, FILTER_ETHERNET, filters[i][0], &program, error),
		    -EINVAL);
		ck_assert_ptr_null(program.insns);
	}
	ck_assert_int_eq(filter_check("ip6 proto 17", error), 0);
	ck_assert_int_eq(filter_check("geneve and ip and tcp port 80", error), 0);
	ck_assert_int_eq(filter_check("ip[len - 4:4] = 7 or ip[0] & 0xf > 5", error), 0);
}
END_TEST

/* Frames that end before a second tag would, or had, or look as if: not a tag's business. */
START_TEST(tags_are_where_tags_are)
{
	start(0, 0x88b5);
	ck_assert(egress() && ingress());
	/* IPv4, and at the place of a second tag what looks like one */
	start(0, 0x0800);
	put_ip4("10.0.0.1", "10.0.0.2", 6, 0);
	put_zeros(60);
	memcpy(packet + 16, "\x81\x00", 2);
	memcpy(packet + 20, "\x08\x00", 2);
	memcpy(packet + 22 + 6, "\x20\x01", 2);
	packet[22 + 9] = 17;
	memcpy(packet + 22 + 16, "\x0a\x00\x00\x09", 4);
	ck_assert(egress() && ingress());
}
END_TEST

START_TEST(program_too_long)
{
	char *words = NULL, error[FILTER_ERROR_TEXT] = "";
	struct filter_program program;
	size_t length;
	FILE *out = open_memstream(&words, &length);

	fprintf(out, "ether[0] = 1");
	for (int i = 0; i < 5000; i++)
		fprintf(out, " or ip[%d:4] = %d", i % 60, i + 1);
	fclose(out);
	ck_assert_int_ne(filter_build(&config, EGRESS, FILTER_ETHERNET, words, &program, error), 0);
	ck_assert_str_ne(error, "");
	ck_assert_ptr_null(program.insns);
	free(words);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("filter");
	TCase *tests = tcase_create("filter");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, copies_that_leave);
	tcase_add_test(tests, fragments_of_copies_that_leave);
	tcase_add_test(tests, production_to_the_collector);
	tcase_add_test(tests, copies_that_arrive);
	tcase_add_test(tests, errors_about_copies);
	tcase_add_test(tests, one_collector_of_either_family);
	tcase_add_test(tests, words_of_the_user);
	tcase_add_test(tests, short_packets);
	tcase_add_test(tests, copies_in_gre);
	tcase_add_test(tests, packets_without_an_ethernet_header);
	tcase_add_test(tests, bad_words);
	tcase_add_test(tests, not_for_the_kernel);
	tcase_add_test(tests, tags_are_where_tags_are);
	tcase_add_test(tests, program_too_long);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
