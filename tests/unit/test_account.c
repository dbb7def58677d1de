/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the client says it copied: always as much as its tunnel sent, never less than before.
 */
#include "tests/unit/account_rig.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/message.h"

START_TEST(both_directions)
{
	start(1, 1);
	copy(0, 10, 100, 10);
	copy(1, 20, 1514, 20);
	observe();
	ck_assert_uint_eq(streams[0].packets, 10);
	ck_assert_uint_eq(streams[0].bytes, 1000);
	ck_assert_uint_eq(streams[1].packets, 20);
	ck_assert_uint_eq(streams[1].bytes, 20 * 1514);
	expect_sums();
	copy(1, 1, 60, 1);
	observe();
	ck_assert_uint_eq(streams[0].packets, 10);
	ck_assert_uint_eq(streams[1].packets, 21);
	expect_sums();
}
END_TEST

START_TEST(gro_at_ingress)
{
	start(1, 1);
	/* the filter saw one packet of 40 segments, without the inner headers of 39 */
	filters[0].stats.packets = 1;
	filters[0].stats.bytes = 40 * 1448 + 52;
	link.stats.tx_packets = 40;
	link.stats.tx_bytes = 40 * 1500;
	copy(1, 5, 66, 5);
	observe();
	ck_assert_uint_eq(streams[0].packets, 40);
	ck_assert_uint_eq(streams[0].bytes, 40 * 1514);
	ck_assert_uint_eq(streams[1].packets, 5);
	ck_assert_uint_eq(streams[1].bytes, 5 * 66);
	expect_sums();
}
END_TEST

/* nftables: no Ethernet header either way, a super-packet is one. */
START_TEST(by_nftables)
{
	start(1, 1);
	for (size_t i = 0; i < 2; i++)
		streams[i].layer3 = true;
	filters[0].stats = (struct filter_stats){.packets = 10, .bytes = 10 * 86};
	filters[1].stats = (struct filter_stats){.packets = 3, .bytes = 3 * 1500};
	link.stats.tx_packets = 13;
	link.stats.tx_bytes = 10 * 86 + 3 * 1500;
	account_all_behind_ethernet();
	ck_assert_uint_eq(streams[0].packets, 10);
	ck_assert_uint_eq(streams[0].bytes, 1000);
	ck_assert_uint_eq(streams[1].packets, 3);
	ck_assert_uint_eq(streams[1].bytes, 3 * 1514);
	expect_sums();
	/* one of 40 segments leaves, among the answers to it */
	filters[0].stats.packets += 5;
	filters[0].stats.bytes += 5 * 52;
	filters[1].stats.packets += 1;
	filters[1].stats.bytes += 40 * 1448 + 52;
	link.stats.tx_packets += 45;
	link.stats.tx_bytes += 5 * 52 + 40 * 1500;
	account_all_behind_ethernet();
	ck_assert_uint_eq(streams[0].packets, 15);
	ck_assert_uint_eq(streams[0].bytes, 1000 + 5 * 66);
	ck_assert_uint_eq(streams[1].packets, 43);
	ck_assert_uint_eq(streams[1].bytes, 43 * 1514);
	expect_sums();
}
END_TEST

START_TEST(another_method)
{
	struct stream_account by_tc = {.packets = 7, .bytes = 700, .last = {.packets = 7}};
	struct stream_account now = {.direction = EGRESS, .layer3 = true};

	account_inherit(&now, &by_tc);
	ck_assert(now.layer3 && now.packets == 7 && now.bytes == 700 && !now.last.packets);
	by_tc = now;
	by_tc.last.packets = 3;
	account_inherit(&now, &by_tc);
	ck_assert_uint_eq(now.last.packets, 3);
}
END_TEST

START_TEST(copies_on_their_way_wait)
{
	start(1, 1);
	copy(1, 10, 100, 4); /* six in a queue */
	observe();
	ck_assert_uint_eq(streams[1].packets, 4);
	expect_sums();
	link.stats.tx_packets += 6;
	link.stats.tx_bytes += 6 * 86;
	observe();
	ck_assert_uint_eq(streams[1].packets, 10);
	ck_assert_uint_eq(streams[0].packets, 0);
	expect_sums();
}
END_TEST

START_TEST(several_ingress_streams)
{
	start(3, 0);
	copy(0, 100, 100, 100);
	copy(1, 200, 1000, 200);
	observe();
	expect_sums();
	ck_assert_uint_eq(streams[2].packets, 0);
	ck_assert_uint_gt(streams[1].bytes, 190000);
	ck_assert_uint_lt(streams[1].bytes, 210000);
}
END_TEST

START_TEST(rests_of_estimates_are_forgotten)
{
	start(2, 0);
	copy(0, 10, 100, 0);
	observe();
	ck_assert_uint_ne(streams[0].owed_packets, 0);
	for (int i = 0; i < 9; i++)
		observe();
	ck_assert_uint_ne(streams[0].owed_packets, 0);
	for (int i = 0; i < 3; i++)
		observe();
	ck_assert_uint_eq(streams[0].owed_packets, 0);
	ck_assert_uint_eq(streams[0].owed_bytes, 0);
	copy(1, 10, 100, 10);
	observe();
	ck_assert_uint_eq(streams[0].packets, 0);
	ck_assert_uint_eq(streams[1].packets, 10);
	expect_sums();
}
END_TEST

/* Streams start, stop, lose, restart, and tunnels come and go. */
START_TEST(random_walk)
{
	uint64_t seed = random_seed(6), state = seed;

	for (int walk = 0; walk < 300; walk++) {
		struct stream_account before[STREAMS];
		struct tunnel_account tunnel_before;
		start(random_next(&state) % 3, random_next(&state) % 3);
		for (int step = 0; step < 100 && count; step++) {
			size_t i = random_next(&state) % count;
			uint64_t frames = random_next(&state) % 1000,
				 size = 60 + random_next(&state) % 1455;
			memcpy(before, streams, sizeof(before));
			tunnel_before = tunnel;
			switch (random_next(&state) % 8) {
			case 0:
				filters[i].stats = (struct filter_stats){0};
				if (random_next(&state) % 2)
					account_restart(&streams[i]);
				break;
			case 1:
				link.ifindex++;
				link.stats = (struct link_stats){0};
				break;
			case 2:
				copy(i, frames, size, frames / 2);
				filters[i].stats.overlimits += frames - frames / 2;
				break;
			case 3:
				copy(i, frames, size, frames / 2);
				link.stats.tx_dropped += frames - frames / 2;
				break;
			case 4:
				absent[i] = !absent[i];
				break;
			case 5: /* GRO */
				copy(i, frames, size, frames * 10);
				break;
			default:
				copy(i, frames, size, frames);
			}
			observe();
			ck_assert_uint_ge(tunnel.tx_packets, tunnel_before.tx_packets);
			ck_assert_uint_ge(tunnel.tx_bytes, tunnel_before.tx_bytes);
			for (size_t k = 0; k < count; k++) {
				ck_assert_uint_ge(streams[k].packets, before[k].packets);
				ck_assert_uint_ge(streams[k].bytes, before[k].bytes);
				ck_assert_uint_ge(streams[k].dropped, before[k].dropped);
			}
			uint64_t packets = 0;
			for (size_t k = 0; k < count; k++)
				packets += streams[k].packets;
			ck_assert_msg(packets == tunnel.tx_packets,
				      "VTAP_TEST_SEED=%llu walk %d step %d",
				      (unsigned long long)seed, walk, step);
		}
		expect_sums();
	}
}
END_TEST

/* GRE delivers what is behind the Ethernet header, which the filter counts at egress. */
START_TEST(copies_without_an_ethernet_header)
{
	start(1, 1);
	for (int round = 0; round < 3; round++) {
		filters[0].stats.packets += 10;
		filters[0].stats.bytes += 10 * (100 - HEADER);
		filters[1].stats.packets += 20;
		filters[1].stats.bytes += 20 * 100;
		link.stats.tx_packets += 30;
		link.stats.tx_bytes += 30 * (100 - HEADER);
		account_tunnel(&tunnel, &(struct tunnel_sources){&link, 0, NULL, NULL, NULL, NULL});
		account_stream(&streams[0], &filters[0], 0);
		account_stream(&streams[1], &filters[1], -HEADER);
		account_share(&tunnel, group, count, now_ms += 100);
	}
	ck_assert_uint_eq(streams[0].packets, 30);
	ck_assert_uint_eq(streams[0].bytes, 30 * (100 - HEADER));
	ck_assert_uint_eq(streams[1].packets, 60);
	ck_assert_uint_eq(streams[1].bytes, 60 * (100 - HEADER));
	ck_assert_uint_eq(streams[0].owed_bytes + streams[1].owed_bytes, 0);
	ck_assert_uint_eq(tunnel.tx_bytes, 90 * (100 - HEADER));
}
END_TEST

/* ---- the express lane ------------------------------------------------------------------------ */

START_TEST(by_the_lane)
{
	start(1, 1);
	copy(0, 10, 100, 0);
	copy(1, 20, 200, 0);
	lane.packets = 30;
	lane.bytes = 10 * 100 + 20 * 200;
	observe();
	ck_assert_uint_eq(streams[0].packets, 10);
	ck_assert_uint_eq(streams[0].bytes, 1000);
	ck_assert_uint_eq(streams[1].packets, 20);
	ck_assert_uint_eq(streams[1].bytes, 4000);
	/* some by the kernel's path, and a device that is made anew counts from zero */
	copy(1, 5, 100, 2);
	lane.packets += 3;
	lane.bytes += 300;
	observe();
	link = (struct link){.ifindex = 8};
	copy(1, 1, 100, 1);
	observe();
	ck_assert_uint_eq(streams[1].packets, 26);
	ck_assert_uint_eq(streams[1].bytes, 4600);
	ck_assert_uint_eq(tunnel.tx_packets, 36);
	expect_sums();
	/* what it lost is lost, and somebody's */
	copy(1, 2, 100, 0);
	lane.dropped = 2;
	observe();
	ck_assert_uint_eq(tunnel.tx_dropped, 2);
	ck_assert_uint_eq(streams[1].dropped, 2);
	ck_assert_uint_eq(streams[1].packets, 26);
}
END_TEST

/* Egress was 10 frames of 1514 on the wire, and became 11 of them, with a header more. */
START_TEST(resegmented_copies_are_those_of_egress)
{
	start(1, 2);
	for (int i = 0; i < 3; i++) {
		copy(0, 100, 66, 0);
		copy(1, 10, 1514, 0);
		copy(2, 1, 100, 0);
		lane.packets += 100 + 11 + 1;
		lane.bytes += 100 * 66 + 10 * 1514 + 66 + 100;
		lane.extra_packets += 1;
		lane.extra_bytes += 66;
		observe();
	}
	ck_assert_uint_eq(streams[0].packets, 300);
	ck_assert_uint_eq(streams[0].bytes, 300 * 66);
	ck_assert_uint_eq(streams[1].packets + streams[2].packets, 36);
	expect_sums();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("account");
	TCase *tests = tcase_create("account");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, both_directions);
	tcase_add_test(tests, gro_at_ingress);
	tcase_add_test(tests, by_nftables);
	tcase_add_test(tests, another_method);
	tcase_add_test(tests, copies_on_their_way_wait);
	tcase_add_test(tests, several_ingress_streams);
	tcase_add_test(tests, rests_of_estimates_are_forgotten);
	tcase_add_test(tests, random_walk);
	tcase_add_test(tests, copies_without_an_ethernet_header);
	tcase_add_test(tests, by_the_lane);
	tcase_add_test(tests, resegmented_copies_are_those_of_egress);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
