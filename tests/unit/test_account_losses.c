/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the client says that it lost: each packet once, wherever it was.
 */
#include "tests/unit/account_rig.h"

#include <check.h>

START_TEST(losses)
{
	start(1, 1);
	copy(0, 10, 100, 7);
	filters[0].stats.overlimits = 3; /* the tunnel did not take them */
	observe();
	ck_assert_uint_eq(streams[0].dropped, 3);
	ck_assert_uint_eq(streams[0].packets, 7);
	expect_sums();
	copy(1, 10, 100, 8);
	link.stats.tx_dropped += 1; /* taken, and lost in the tunnel */
	link.stats.tx_errors += 1;
	observe();
	ck_assert_uint_eq(streams[1].dropped, 2);
	ck_assert_uint_eq(streams[1].packets, 8);
	ck_assert_uint_eq(tunnel.tx_dropped, 3 + 1);
	ck_assert_uint_eq(tunnel.tx_errors, 1);
	expect_sums();
}
END_TEST

static void expect_losses(uint64_t lost)
{
	uint64_t dropped = 0;

	for (size_t i = 0; i < count; i++)
		dropped += streams[i].dropped;
	ck_assert_uint_eq(dropped, lost);
	ck_assert_uint_eq(tunnel.tx_dropped + tunnel.tx_errors, lost);
	expect_sums();
}

/* The qdisc and the action tell of the same packets. */
START_TEST(capped_packets_are_lost_once)
{
	start(1, 1);
	copy(0, 50, 100, 30);
	filters[0].stats.overlimits = 20;
	cap.drops = 20;
	observe();
	expect_losses(20);
	/* cut super-packets are lost in part without a word from the action */
	copy(0, 50, 100, 20);
	cap.drops += 30;
	observe();
	expect_losses(50);
	/* what is down refuses without the qdisc */
	copy(0, 5, 100, 0);
	filters[0].stats.overlimits += 5;
	observe();
	expect_losses(55);
	ck_assert_uint_eq(streams[0].packets, 50);
}
END_TEST

START_TEST(losses_on_the_hop)
{
	start(0, 1);
	copy(0, 50, 100, 30);
	hop.stats.tx_dropped = 4;
	hop_filter.stats.overlimits = 16;
	cap.drops = 10;
	observe();
	expect_losses(20);
	ck_assert_uint_eq(streams[0].packets, 30);
	/* a veth that tells of its drops: the action that mirrors to it counts them, too */
	copy(0, 50, 100, 30);
	hop.stats.tx_dropped += 4;
	filters[0].stats.overlimits += 4;
	hop_filter.stats.overlimits += 16;
	cap.drops += 10;
	observe();
	expect_losses(40);
	ck_assert_uint_eq(streams[0].packets, 60);
}
END_TEST

/* A copy that the lane could not finish. */
START_TEST(losses_on_the_lane)
{
	start(1, 1);
	copy(0, 10, 100, 7);
	lane.dropped = 3;
	filters[0].stats.overlimits = 3;
	observe();
	expect_losses(3);
	ck_assert_uint_eq(streams[0].packets, 7);
}
END_TEST

static void seen_by(size_t other, uint64_t lost)
{
	if (other == 0)
		hop.stats.tx_dropped = lost;
	else if (other == 1)
		lane.dropped = lost;
	else
		cap.drops = (uint32_t)lost;
}

/* Actions are read last: they have counted what is lost in the meantime, and the others have not.
 */
START_TEST(losses_while_counters_are_read)
{
	uint64_t lost;

	for (size_t other = 0; other < 3; other++) {
		start(0, 1);
		lost = 0;
		for (uint64_t i = 0; i < 20; i++) {
			uint64_t between = i * 7 % 5;
			copy(0, 20, 100, 10);
			lost += 10;
			seen_by(other, lost);
			filters[0].stats.overlimits = lost += between;
			filters[0].stats.packets += between;
			filters[0].stats.bytes += between * 100;
			observe();
			expect_losses(lost);
		}
		seen_by(other, lost);
		observe();
		expect_losses(lost);
		ck_assert_uint_eq(streams[0].packets, 200);
	}
	/* at the filter behind the hop, too */
	start(0, 1);
	copy(0, 20, 100, 10);
	cap.drops = 8;
	hop_filter.stats.overlimits = 10;
	observe();
	cap.drops = 10;
	observe();
	expect_losses(10);
}
END_TEST

START_TEST(all_lost_is_told)
{
	start(1, 0);
	copy(0, 20, 100, 0);
	link.stats.tx_dropped = ACCOUNT_ALL_LOST - 1;
	observe();
	ck_assert_uint_lt(tunnel.lost_in_a_row, ACCOUNT_ALL_LOST);
	link.stats.tx_errors = 5;
	observe();
	ck_assert_uint_ge(tunnel.lost_in_a_row, ACCOUNT_ALL_LOST);
	observe(); /* nothing happens: it is as it was */
	ck_assert_uint_ge(tunnel.lost_in_a_row, ACCOUNT_ALL_LOST);
	copy(0, 1, 100, 1);
	observe();
	ck_assert_uint_eq(tunnel.lost_in_a_row, 0);
}
END_TEST

START_TEST(a_new_device_has_lost_nothing)
{
	start(1, 0);
	copy(0, 20, 100, 0);
	link.stats.tx_dropped = ACCOUNT_ALL_LOST;
	observe();
	ck_assert_uint_ge(tunnel.lost_in_a_row, ACCOUNT_ALL_LOST);
	link.ifindex++;
	link.stats.tx_dropped = 0;
	copy(0, 2 * ACCOUNT_ALL_LOST, 100, 0); /* refused while there was none */
	filters[0].stats.overlimits = 2 * ACCOUNT_ALL_LOST;
	observe();
	ck_assert_uint_eq(tunnel.lost_in_a_row, 0);
	link.stats.tx_dropped = ACCOUNT_ALL_LOST;
	observe();
	ck_assert_uint_ge(tunnel.lost_in_a_row, ACCOUNT_ALL_LOST);
}
END_TEST

START_TEST(a_lane_that_works_is_no_loss)
{
	start(0, 1);
	for (int i = 0; i < 3; i++) {
		copy(0, 20, 100, 0);
		link.stats.tx_errors += 5;
		lane.packets += 15;
		lane.bytes += 1500;
		observe();
	}
	ck_assert_uint_eq(tunnel.lost_in_a_row, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("account_losses");
	TCase *tests = tcase_create("account_losses");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, losses);
	tcase_add_test(tests, capped_packets_are_lost_once);
	tcase_add_test(tests, losses_on_the_hop);
	tcase_add_test(tests, losses_on_the_lane);
	tcase_add_test(tests, losses_while_counters_are_read);
	tcase_add_test(tests, all_lost_is_told);
	tcase_add_test(tests, a_new_device_has_lost_nothing);
	tcase_add_test(tests, a_lane_that_works_is_no_loss);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
