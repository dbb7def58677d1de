/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door's program on packets made up here (BPF_PROG_TEST_RUN); it is attached nowhere. Needs
 * CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, else it is skipped (exit code 77).
 */
#include "door_rig.h"

#include <arpa/inet.h>
#include <string.h>

START_TEST(counts_plain_frames)
{
	plain4("10.0.0.5", 42, 60);
	ck_assert_int_eq(run(), PASS);
	plain4("10.0.0.5", 42, 1514);
	ck_assert_int_eq(run(), PASS);
	plain4("10.0.0.5", 43, 100);
	ck_assert_int_eq(run(), PASS);
	plain4("192.168.7.255", 42, 14);
	ck_assert_int_eq(run(), PASS);
	plain6("fd00::5", 42, 333);
	ck_assert_int_eq(run(), PASS);
	ck_assert_uint_eq(clients_count(), 4);
	assert_client("10.0.0.5", 42, 2, 1574);
	assert_client("10.0.0.5", 43, 1, 100);
	assert_client("192.168.7.255", 42, 1, 14);
	assert_client("fd00::5", 42, 1, 333);
	assert_counter(totals().accepted, 5, 1574 + 100 + 14 + 333);
	assert_counter(totals().rejected, 0, 0);
	assert_counter(totals().overflow, 0, 0);
	assert_counter(totals().malformed, 0, 0);
}
END_TEST

START_TEST(steps_over_ip_options)
{
	for (size_t options = 4; options <= 40; options += 4) {
		ipv4("10.0.0.5", options, 0, 17);
		udp(PORT, 0);
		vxlan(42);
		put_zeros(100);
		done();
		ck_assert_int_eq(run(), PASS);
	}
	assert_client("10.0.0.5", 42, 10, 1000);
}
END_TEST

/* hop-by-hop, routing, destination options, AH, an atomic fragment, UDP */
START_TEST(steps_over_ipv6_extensions)
{
	ipv6("fd00::5", 0);
	put8(43);
	put8(1);
	put_zeros(14);
	put8(60);
	put8(0);
	put_zeros(6);
	put8(51);
	put8(2);
	put_zeros(22);
	put8(44);
	put8(4);
	put_zeros(22);
	put8(17);
	put_zeros(7);
	udp(PORT, 0);
	vxlan(42);
	put_zeros(70);
	done();
	ck_assert_int_eq(run(), PASS);
	assert_client("fd00::5", 42, 1, 70);
}
END_TEST

/* However many: else they were a way round the allow-list. */
START_TEST(no_way_round_by_many_extensions)
{
	ipv6("2001:db8::bad", 60);
	for (int i = 0; i < 180; i++) {
		put8(i < 179 ? 60 : 17);
		put_zeros(7);
	}
	udp(PORT, 0);
	vxlan(42);
	put_zeros(70);
	done();
	ck_assert_int_eq(run(), SHOT);
	assert_counter(totals().rejected, 1, 70);
}
END_TEST

START_TEST(first_fragment_counts_the_whole_datagram)
{
	ipv4("10.0.0.5", 0, 0x2000, 17);
	udp(PORT, 16 + 1514);
	vxlan(42);
	put_zeros(1464);
	done();
	ck_assert_int_eq(run(), PASS);
	assert_client("10.0.0.5", 42, 1, 1514);
	ipv6("fd00::5", 44);
	put8(17);
	put8(0);
	put16(0x0001);
	put32(77);
	udp(PORT, 16 + 1514);
	vxlan(42);
	put_zeros(1416);
	done();
	ck_assert_int_eq(run(), PASS);
	assert_client("fd00::5", 42, 1, 1514);
	ipv4("172.16.0.1", 0, 0x2000, 17);
	udp(PORT, 16 + 1514);
	vxlan(42);
	put_zeros(1464);
	done();
	ck_assert_int_eq(run(), SHOT);
	assert_counter(totals().rejected, 1, 1514);
}
END_TEST

/* Their payload may look like anything. */
START_TEST(later_fragments_pass_uncounted)
{
	ipv4("10.0.0.5", 0, 185, 17);
	udp(PORT, 100);
	vxlan(42);
	put_zeros(84);
	done();
	ck_assert_int_eq(run(), PASS);
	ipv4("172.16.0.1", 0, 0x2000 | 185, 17);
	udp(PORT, 100);
	vxlan(42);
	put_zeros(84);
	done();
	ck_assert_int_eq(run(), PASS);
	ipv6("fd00::5", 44);
	put8(17);
	put8(0);
	put16(185 << 3);
	put32(77);
	udp(PORT, 100);
	vxlan(42);
	put_zeros(84);
	done();
	ck_assert_int_eq(run(), PASS);
	assert_untouched();
}
END_TEST

START_TEST(leaves_other_traffic_alone)
{
	ipv4("172.16.0.1", 0, 0, 17);
	udp(PORT + 1, 0);
	vxlan(42);
	put_zeros(60);
	done();
	ck_assert_int_eq(run(), PASS);
	ipv4("172.16.0.1", 0, 0, 17); /* a short one */
	udp(53, 0);
	put_zeros(3);
	done();
	ck_assert_int_eq(run(), PASS);
	ipv4("172.16.0.1", 0, 0, 17); /* the tunnel's port as the source */
	udp(0, 0);
	vxlan(42);
	set16(udp_at, PORT);
	done();
	ck_assert_int_eq(run(), PASS);
	ipv4("172.16.0.1", 0, 0, 6);
	udp(PORT, 100);
	put_zeros(60);
	done();
	ck_assert_int_eq(run(), PASS);
	ipv6("2001:db8::bad", 58);
	udp(PORT, 100);
	put_zeros(60);
	done();
	ck_assert_int_eq(run(), PASS);
	ipv4("172.16.0.1", 0, 0, 17); /* cut off within the UDP header */
	put_zeros(5);
	udp_at = 0;
	done();
	ck_assert_int_eq(run(), PASS);
	ethernet(0x0806);
	put_zeros(46);
	ck_assert_int_eq(run(), PASS);
	ethernet(0x8100); /* a tag within: not IP */
	put16(5);
	put16(0x0800);
	put_zeros(60);
	ck_assert_int_eq(run(), PASS);
	plain4("172.16.0.1", 42, 60);
	packet[ip_at] = 0x44; /* no such IHL */
	ck_assert_int_eq(run(), PASS);
	plain4("172.16.0.1", 42, 60);
	memset(packet, 2, 6); /* for another host */
	ck_assert_int_eq(run(), PASS);
	assert_untouched();
}
END_TEST

START_TEST(rejects_who_is_not_allowed)
{
	plain4("11.0.0.5", 42, 60);
	ck_assert_int_eq(run(), SHOT);
	plain4("192.168.8.0", 42, 70);
	ck_assert_int_eq(run(), SHOT);
	plain6("2001:db8::5", 42, 80);
	ck_assert_int_eq(run(), SHOT);
	plain6("a00::", 42, 90); /* as bytes it starts like 10.0.0.0 */
	ck_assert_int_eq(run(), SHOT);
	ck_assert_uint_eq(clients_count(), 0);
	assert_counter(totals().rejected, 4, 60 + 70 + 80 + 90);
	assert_counter(totals().accepted, 0, 0);
}
END_TEST

static void assert_malformed(const char *what)
{
	ck_assert_msg(run() == SHOT, "%s", what);
	ck_assert_msg(totals().malformed.packets == 1, "%s", what);
	ck_assert_msg(totals().accepted.packets == 0 && totals().rejected.packets == 0, "%s", what);
	ck_assert_uint_eq(clients_count(), 0);
	teardown();
	setup();
}

START_TEST(drops_malformed_packets)
{
	plain4("10.0.0.5", 42, 60);
	packet[udp_at + 8] = 0;
	assert_malformed("no I flag");
	plain4("10.0.0.5", 42, 13);
	assert_malformed("a runt");
	plain6("fd00::5", 42, 0);
	assert_malformed("no frame at all");
	plain4("10.0.0.5", 42, 60);
	set16(udp_at + 4, 16 + 61);
	assert_malformed("UDP length behind the end of the packet");
	plain4("10.0.0.5", 42, 60);
	set16(ip_at + 2, 2000);
	set16(udp_at + 4, 1980);
	assert_malformed("IP length behind the end of the packet");
	ipv4("10.0.0.5", 0, 0, 17);
	udp(PORT, 0);
	put32(0x08000000);
	done();
	assert_malformed("half a VXLAN header");
	ipv6("fd00::5", 17);
	udp(PORT, 0);
	done();
	assert_malformed("no VXLAN header");
	plain4("10.0.0.5", 42, 60);
	set16(ip_at + 2, 0);
	assert_malformed("no IP length, and no aggregate");
}
END_TEST

/* They are for the receiver to ignore, says RFC 7348. The device drops them, which shows there. */
START_TEST(reserved_bits_are_let_in)
{
	plain4("10.0.0.5", 42, 60);
	packet[udp_at + 8] = 0x88;
	ck_assert_int_eq(run(), PASS);
	packet[udp_at + 15] = 1;
	ck_assert_int_eq(run(), PASS);
	assert_client("10.0.0.5", 42, 2, 120);
}
END_TEST

/* Padding of the outer Ethernet frame, or behind the datagram, is not the frame's. */
START_TEST(padding_does_not_count)
{
	plain4("10.0.0.5", 42, 60);
	put_zeros(8);
	ck_assert_int_eq(run(), PASS);
	plain4("10.0.0.5", 42, 60);
	set16(udp_at + 4, 16 + 50);
	ck_assert_int_eq(run(), PASS);
	assert_client("10.0.0.5", 42, 2, 110);
}
END_TEST

START_TEST(enforces_the_vni_where_the_device_cannot)
{
	plain4("10.0.0.5", 43, 60); /* a device of one family sees to it by itself */
	ck_assert_int_eq(run(), PASS);
	config.endpoints[ENCAP_VXLAN].underlay = UNDERLAY_DUAL;
	configure();
	ck_assert_uint_eq(clients_count(), 0);
	ck_assert_int_eq(run(), SHOT);
	plain4("10.0.0.5", 42, 70);
	ck_assert_int_eq(run(), PASS);
	ck_assert_uint_eq(clients_count(), 1);
	assert_client("10.0.0.5", 42, 1, 70);
	assert_counter(totals().rejected, 1, 60);
	config.endpoints[ENCAP_VXLAN].vni = 0;
	configure();
	plain4("10.0.0.5", 16777215, 80);
	ck_assert_int_eq(run(), PASS);
	assert_client("10.0.0.5", 16777215, 1, 80);
}
END_TEST

static void shut_is(int verdict4789, int verdict4790, int other_vni)
{
	plain4("10.0.0.5", 42, 100);
	ck_assert_int_eq(run(), verdict4789);
	set16(udp_at + 2, 4790);
	ck_assert_int_eq(run(), verdict4790);
	plain4("10.0.0.5", 43, 100);
	set16(udp_at + 2, 4790);
	ck_assert_int_eq(run(), other_vni);
}

/* While a device goes and another one comes, neither gets anything, and nobody else is disturbed.
 */
START_TEST(shut_for_what_comes_and_goes)
{
	struct door_rules rules = {.admit.flags = DOOR_SOME_SHUT};

	shut_is(PASS, PASS, PASS); /* the old one's is open, the new one's is somebody else's */
	assert_counter(totals().accepted, 1, 100);
	rules.shut[0] = (struct door_shut){.port = htons(PORT), .vni = 42};
	rules.shut[1] = (struct door_shut){.port = htons(4790), .vni = 42};
	door_set_rules(door, &rules, &config);
	shut_is(SHOT, SHOT, PASS);
	assert_counter(totals().accepted, 1, 100);
	assert_counter(totals().rejected, 2, 200);
	rules.shut[0].any_vni = true;
	rules.shut[1].any_vni = true;
	door_set_rules(door, &rules, &config);
	shut_is(SHOT, SHOT, SHOT);
	assert_counter(totals().rejected, 5, 500);
	/* the new one is there: only what it takes is looked at */
	config.endpoints[ENCAP_VXLAN].port = 4790;
	configure();
	shut_is(PASS, PASS, PASS);
	assert_client("10.0.0.5", 42, 2, 200);
	assert_client("10.0.0.5", 43, 1, 100);
	assert_counter(totals().accepted, 3, 300);
	assert_counter(totals().rejected, 5, 500);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, counts_plain_frames);
	tcase_add_test(tests, steps_over_ip_options);
	tcase_add_test(tests, steps_over_ipv6_extensions);
	tcase_add_test(tests, no_way_round_by_many_extensions);
	tcase_add_test(tests, first_fragment_counts_the_whole_datagram);
	tcase_add_test(tests, later_fragments_pass_uncounted);
	tcase_add_test(tests, leaves_other_traffic_alone);
	tcase_add_test(tests, rejects_who_is_not_allowed);
	tcase_add_test(tests, drops_malformed_packets);
	tcase_add_test(tests, reserved_bits_are_let_in);
	tcase_add_test(tests, padding_does_not_count);
	tcase_add_test(tests, enforces_the_vni_where_the_device_cannot);
	tcase_add_test(tests, shut_for_what_comes_and_goes);
}

int main(void)
{
	return run_suite("door", add_tests);
}
