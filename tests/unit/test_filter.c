/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filter programs run on packets made here: what is a copy, or about one, stays out, what is
 * production goes in.
 */
#include "tests/unit/filter_rig.h"

#include <check.h>

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
	tcase_add_test(tests, copies_in_gre);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
