/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The account where counters start again, are missing, do not fit each other, or come to their end.
 */
#include "tests/unit/account_rig.h"

#include <check.h>

START_TEST(counters_that_start_again)
{
	start(1, 1);
	copy(0, 10, 100, 10);
	copy(1, 10, 100, 10);
	observe();
	link.stats = (struct link_stats){0}; /* the tunnel was made anew */
	link.ifindex++;
	copy(1, 50, 100, 50);
	observe();
	ck_assert_uint_eq(tunnel.tx_packets, 70);
	ck_assert_uint_eq(streams[1].packets, 60);
	expect_sums();
	filters[1].stats = (struct filter_stats){0}; /* the filter was put again */
	account_restart(&streams[1]);
	copy(1, 70, 100, 70); /* more than before: only the restart tells */
	observe();
	ck_assert_uint_eq(streams[1].packets, 130);
	expect_sums();
	filters[0].stats = (struct filter_stats){0}; /* by somebody else */
	copy(0, 1, 100, 1);
	observe();
	ck_assert_uint_eq(streams[0].packets, 11);
	expect_sums();
}
END_TEST

START_TEST(absent_objects)
{
	start(1, 1);
	copy(1, 10, 100, 10);
	observe();
	account_tunnel(&tunnel, &(struct tunnel_sources){0});
	absent[1] = true;
	observe();
	ck_assert_uint_eq(tunnel.tx_packets, 10);
	ck_assert_uint_eq(streams[1].packets, 10);
	absent[1] = false;
	filters[1].stats = (struct filter_stats){0};
	copy(1, 3, 100, 3);
	observe();
	ck_assert_uint_eq(streams[1].packets, 13);
	expect_sums();
}
END_TEST

/* What a filter counted between the last look and its replacement nobody knows: the tunnel does. */
START_TEST(copies_of_a_replaced_filter)
{
	static const struct {
		size_t ingress, egress;
	} kinds[] = {{0, 1}, {1, 0}, {1, 1}, {0, 2}, {2, 2}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		start(kinds[i].ingress, kinds[i].egress);
		copy(0, 10, 100, 10);
		observe();
		copy(0, 5, 100, 5);
		filters[0].stats = (struct filter_stats){0};
		account_restart(&streams[0]);
		observe();
		expect_sums();
		ck_assert_uint_eq(tunnel.tx_packets, 15);
	}
}
END_TEST

/* A tag that is not in the frame's data at egress is in the copy's: the tunnel sends more bytes. */
START_TEST(more_bytes_than_the_filters_saw)
{
	start(0, 2);
	copy(0, 10, 100, 0);
	link.stats.tx_packets += 10;
	link.stats.tx_bytes += 10 * (104 - HEADER);
	observe();
	ck_assert_uint_eq(streams[0].bytes, 1040);
	expect_sums();
}
END_TEST

START_TEST(nothing_at_all)
{
	start(0, 0);
	account_share(&tunnel, group, 0, 0);
	link.stats.tx_packets = 5;
	observe();
	ck_assert_uint_eq(tunnel.tx_packets, 5);
}
END_TEST

START_TEST(very_large_counters)
{
	start(2, 1);
	for (int i = 0; i < 8; i++) {
		copy((size_t)i % 3, UINT64_C(1) << 50, 1514, (UINT64_C(1) << 50) + 1);
		copy((size_t)(i + 1) % 3, (UINT64_C(1) << 49) + 3, 900, (UINT64_C(1) << 49) - 7);
		observe();
		expect_sums();
	}
}
END_TEST

/* As only a damaged file can bring them. What is shared out is neither more nor less for it. */
START_TEST(numbers_that_overflow)
{
	static const uint64_t owed[] = {1ULL << 63, 1ULL << 63, 1ULL << 62};
	uint64_t dropped = 0;

	start(3, 0);
	for (size_t i = 0; i < count; i++)
		streams[i].owed_packets = streams[i].owed_bytes = owed[i];
	tunnel.pool_packets = tunnel.tx_packets = 100;
	tunnel.pool_bytes = tunnel.tx_bytes = 10000;
	tunnel.pool_lost = 77;
	account_share(&tunnel, group, count, now_ms);
	for (size_t i = 0; i < count; i++) {
		dropped += streams[i].dropped;
		ck_assert_uint_le(streams[i].dropped, 77);
		ck_assert_uint_le(streams[i].packets, 100);
		ck_assert_uint_le(streams[i].bytes, 10000);
	}
	ck_assert_uint_eq(dropped, 77);
	expect_sums();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("account_counters");
	TCase *tests = tcase_create("account_counters");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, counters_that_start_again);
	tcase_add_test(tests, absent_objects);
	tcase_add_test(tests, copies_of_a_replaced_filter);
	tcase_add_test(tests, more_bytes_than_the_filters_saw);
	tcase_add_test(tests, nothing_at_all);
	tcase_add_test(tests, very_large_counters);
	tcase_add_test(tests, numbers_that_overflow);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
