/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GRE at the door: packets made up here, as test_door.c has it for VXLAN.
 */
#include "door_rig.h"

#include <string.h>

enum { TEB = 0x6558, CHECKSUM = 0x8000, ROUTING = 0x4000, KEY = 0x2000, SEQUENCE = 0x1000 };

static void gre(unsigned flags, unsigned protocol, uint32_t key)
{
	put16(flags);
	put16(protocol);
	if (flags & CHECKSUM)
		put32(0xbeef0000);
	if (flags & KEY)
		put32(key);
	if (flags & SEQUENCE)
		put32(1);
}

static void gre4(const char *source, unsigned flags, unsigned protocol, uint32_t key, size_t inner)
{
	ipv4(source, 0, 0, 47);
	gre(flags, protocol, key);
	put_zeros(inner);
	done();
}

static void gre6(const char *source, unsigned flags, unsigned protocol, uint32_t key, size_t inner)
{
	ipv6(source, 47);
	gre(flags, protocol, key);
	put_zeros(inner);
	done();
}

static void open_for(enum encap encap, enum underlay underlay)
{
	config.endpoints[encap].enabled = true;
	config.endpoints[encap].underlay = underlay;
	configure();
}

static int none(void *ctx, const struct door_client *client)
{
	(void)ctx, (void)client;
	return 1;
}

START_TEST(without_an_endpoint_it_is_not_the_doors)
{
	gre4("8.8.8.8", KEY, TEB, 42, 100); /* not even allowed */
	ck_assert_int_eq(run(), PASS);
	open_for(ENCAP_GRETAP, UNDERLAY_IPV4);
	gre4("8.8.8.8", KEY, 0x0800, 42, 100); /* gre, and only gretap is open */
	ck_assert_int_eq(run(), PASS);
	gre6("2001:db8::bad", KEY, TEB, 42, 100); /* over IPv6 */
	ck_assert_int_eq(run(), PASS);
	gre4("8.8.8.8", KEY | 1, TEB, 42, 100); /* PPTP's version */
	ck_assert_int_eq(run(), PASS);
	gre4("8.8.8.8", ROUTING, TEB, 42, 100); /* no tunnel of the kernel's takes that */
	ck_assert_int_eq(run(), PASS);
	assert_untouched();
	ck_assert_int_eq(door_each_client(door, none, NULL), 0);
}
END_TEST

START_TEST(counts_frames)
{
	static const unsigned flags[] = {0, KEY, CHECKSUM, SEQUENCE, CHECKSUM | KEY | SEQUENCE};

	open_for(ENCAP_GRETAP, UNDERLAY_IPV4);
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		gre4("10.0.0.5", flags[i], TEB, 7, 100);
		ck_assert_int_eq(run(), PASS);
	}
	assert_client("10.0.0.5", 0, 3, 300);
	assert_client("10.0.0.5", 7, 2, 200);
	ck_assert_int_eq(find("10.0.0.5", 7).encap, ENCAP_GRETAP);
	gre4("8.8.8.8", KEY, TEB, 7, 100);
	ck_assert_int_eq(run(), SHOT);
	assert_counter(totals().accepted, 5, 500);
	assert_counter(totals().rejected, 1, 100);
	gre4("10.0.0.5", KEY, TEB, 4294967295, 14);
	ck_assert_int_eq(run(), PASS);
	assert_client("10.0.0.5", 4294967295, 1, 14);
}
END_TEST

START_TEST(counts_packets_without_an_ethernet_header)
{
	open_for(ENCAP_GRE, UNDERLAY_IPV6);
	gre6("fd00::5", KEY, 0x0800, 7, 100);
	ck_assert_int_eq(run(), PASS);
	gre6("fd00::5", KEY, 0x86dd, 7, 50);
	ck_assert_int_eq(run(), PASS);
	gre6("fd00::5", KEY, 0x0806, 7, 28); /* ARP */
	ck_assert_int_eq(run(), PASS);
	assert_client("fd00::5", 7, 3, 178);
	ck_assert_int_eq(find("fd00::5", 7).encap, ENCAP_GRE);
	gre6("2001:db8::bad", 0, 0x0800, 0, 100);
	ck_assert_int_eq(run(), SHOT);
	assert_counter(totals().rejected, 1, 100);
}
END_TEST

START_TEST(one_source_by_each_way)
{
	open_for(ENCAP_GRETAP, UNDERLAY_IPV4);
	open_for(ENCAP_GRE, UNDERLAY_IPV4);
	gre4("10.0.0.5", KEY, TEB, 42, 100);
	ck_assert_int_eq(run(), PASS);
	gre4("10.0.0.5", KEY, 0x0800, 42, 86);
	ck_assert_int_eq(run(), PASS);
	plain4("10.0.0.5", 42, 60);
	ck_assert_int_eq(run(), PASS);
	ck_assert_uint_eq(clients_count(), 3);
	assert_counter(totals().accepted, 3, 246);
	/* closing an endpoint takes its clients out of the table */
	config.endpoints[ENCAP_GRE].enabled = false;
	configure();
	ck_assert_uint_eq(clients_count(), 2);
}
END_TEST

/* The inner IP header has the length that GRE's lacks. */
START_TEST(first_fragments_count_the_whole_frame)
{
	open_for(ENCAP_GRETAP, UNDERLAY_IPV4);
	open_for(ENCAP_GRE, UNDERLAY_IPV4);
	ipv4("10.0.0.5", 0, 0x2000, 47);
	gre(KEY, TEB, 42);
	put_zeros(12);
	put16(0x0800);
	put16(0x4500);
	put16(1500);
	put_zeros(1400);
	done();
	ck_assert_int_eq(run(), PASS);
	ipv4("10.0.0.6", 0, 0x2000, 47);
	gre(0, 0x86dd, 0);
	put32(0x60000000);
	put16(1460);
	put_zeros(1400);
	done();
	ck_assert_int_eq(run(), PASS);
	assert_client("10.0.0.5", 42, 1, 1514);
	assert_client("10.0.0.6", 0, 1, 1500);
	ipv4("10.0.0.5", 0, 100, 47); /* a later one */
	put_zeros(300);
	done();
	ck_assert_int_eq(run(), PASS);
	assert_counter(totals().accepted, 2, 3014);
}
END_TEST

START_TEST(malformed)
{
	open_for(ENCAP_GRETAP, UNDERLAY_IPV4);
	open_for(ENCAP_GRE, UNDERLAY_IPV4);
	gre4("10.0.0.5", KEY, TEB, 42, 13); /* no room for an Ethernet header */
	ck_assert_int_eq(run(), SHOT);
	gre4("10.0.0.5", KEY, 0x0800, 42, 0);
	ck_assert_int_eq(run(), SHOT);
	gre4("10.0.0.5", KEY, TEB, 42, 100);
	set16(ip_at + 2, 500); /* longer than it is */
	ck_assert_int_eq(run(), SHOT);
	ck_assert_uint_eq(totals().malformed.packets, 3);
	ck_assert_uint_eq(clients_count(), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, without_an_endpoint_it_is_not_the_doors);
	tcase_add_test(tests, counts_frames);
	tcase_add_test(tests, counts_packets_without_an_ethernet_header);
	tcase_add_test(tests, one_source_by_each_way);
	tcase_add_test(tests, first_fragments_count_the_whole_frame);
	tcase_add_test(tests, malformed);
}

int main(void)
{
	return run_suite("door_gre", add_tests);
}
