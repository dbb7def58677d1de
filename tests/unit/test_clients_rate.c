/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rates of the clients, over samples made up here.
 */
#include "tests/unit/client_samples.h"

#include <check.h>

START_TEST(rate_of_a_steady_stream)
{
	struct door_client seen;

	sample(NULL, 0);
	pass(0.5);
	seen = client_of("10.0.0.5", 42, 0, 0);
	for (int i = 1; i <= 5; i++) {
		pass(1.003);
		seen.count.packets += 1003;
		seen.count.bytes += 1003 * 500;
		seen.last_mono_ns = now.mono_ns;
		sample(&seen, 1);
		if (i > 1) {
			assert_near(only()->packets_per_s, 1000);
			assert_near(only()->bits_per_s, 1000 * 500 * 8);
		}
	}
	ck_assert_uint_eq(only()->count.packets, 5 * 1003);
	ck_assert_uint_eq(only()->count.bytes, 5 * 1003 * 500);
}
END_TEST

START_TEST(rate_of_a_new_client_counts_all_its_frames)
{
	struct door_client seen;

	sample(NULL, 0);
	pass(0.2);
	seen = client_of("10.0.0.5", 42, 300, 30000);
	pass(0.8);
	sample(&seen, 1);
	assert_near(only()->packets_per_s, 300);
}
END_TEST

START_TEST(rate_interval_is_at_least_a_second)
{
	struct door_client seen = client_of("10.0.0.5", 42, 1000, 100000);

	sample(&seen, 1);
	for (int i = 0; i < 9; i++) { /* status requests in between; 0.9 s in all */
		pass(0.1);
		seen.count.packets += i == 4 ? 500 : 0;
		sample(&seen, 1);
		ck_assert_double_eq(only()->packets_per_s, 0);
	}
	pass(0.1);
	sample(&seen, 1);
	assert_near(only()->packets_per_s, 500);
	pass(0.1);
	sample(&seen, 1);
	assert_near(only()->packets_per_s, 500);
}
END_TEST

/* 65,536 clients are not read in no time, and now it takes this long, now that. */
START_TEST(rate_takes_the_time_of_reading_into_account)
{
	static const double late[] = {0, 0.2, 0, 0.1, 0.001, 0.3, 0.05};
	struct door_client seen = client_of("10.0.0.5", 42, 0, 0);
	uint64_t start = now.mono_ns;

	for (size_t i = 0; i < sizeof(late) / sizeof(*late); i++) {
		double at = (double)(now.mono_ns - start) / 1e9 + late[i];

		seen.count.packets = (uint64_t)(at * 10000);
		seen.count.bytes = seen.count.packets * 100;
		sample_late(&seen, 1, late[i]);
		if (i) {
			assert_near(only()->packets_per_s, 10000);
			assert_near(only()->bits_per_s, 8e6);
		}
		pass(1);
	}
}
END_TEST

/* Whatever the moments at which somebody asks: a timer that is early or late, requests between. */
START_TEST(rate_at_any_time)
{
	struct door_client seen = client_of("10.0.0.5", 42, 0, 0);
	uint64_t start = now.mono_ns, random = 1, rates = 0;

	sample(&seen, 1);
	for (int i = 0; i < 10000; i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		pass(0.003 + (double)(random >> 40) / (1 << 24) * (i % 7 ? 0.2 : 1.5));
		seen.count.packets = (now.mono_ns - start) / 1000000; /* 1000 a second */
		seen.last_mono_ns = now.mono_ns;
		sample(&seen, 1);
		if (now.mono_ns >= start + 2 * SECOND) {
			assert_near(only()->packets_per_s, 1000);
			rates++;
		}
	}
	ck_assert_uint_gt(rates, 9000);
}
END_TEST

/* An event loop's timer of one second may end after 0.996 of them: that interval counts. */
START_TEST(rate_of_an_early_timer)
{
	struct door_client seen = client_of("10.0.0.5", 42, 0, 0);

	sample(&seen, 1);
	pass(0.996);
	seen.count.packets = 996;
	sample(&seen, 1);
	assert_near(only()->packets_per_s, 1000);
}
END_TEST

START_TEST(rate_falls_to_zero_in_silence)
{
	struct door_client seen = client_of("10.0.0.5", 42, 0, 0);

	sample(&seen, 1);
	pass(1);
	seen.count = (struct door_counter){1000, 64000};
	sample(&seen, 1);
	assert_near(only()->packets_per_s, 1000);
	pass(1);
	sample(&seen, 1);
	ck_assert_double_eq(only()->packets_per_s, 0);
	ck_assert_double_eq(only()->bits_per_s, 0);
	ck_assert_uint_eq(only()->count.packets, 1000);
}
END_TEST

START_TEST(rate_ignores_the_past_of_a_door_taken_over)
{
	struct door_client seen = client_of("10.0.0.5", 42, 1000000, 64000000);

	sample(&seen, 1);
	ck_assert_double_eq(only()->packets_per_s, 0);
	pass(1);
	seen.count.packets += 10;
	sample(&seen, 1);
	assert_near(only()->packets_per_s, 10);
	clients_free(&table);
	/* taken over after a first, empty sample */
	pass(1);
	sample(NULL, 0);
	pass(1);
	sample(&seen, 1);
	ck_assert_double_eq(only()->packets_per_s, 0);
	ck_assert_uint_eq(only()->count.packets, 1000010);
}
END_TEST

START_TEST(rate_takes_no_notice_of_wall_clock_and_suspend)
{
	struct door_client seen = client_of("10.0.0.5", 42, 0, 0);

	sample(&seen, 1);
	pass(1);
	now.boot_ns += 3600 * SECOND;
	now.real_ns -= 7 * 3600 * (int64_t)SECOND;
	seen.count.packets += 100;
	sample(&seen, 1);
	assert_near(only()->packets_per_s, 100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clients_rate");
	TCase *tests = tcase_create("clients_rate");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, rate_of_a_steady_stream);
	tcase_add_test(tests, rate_of_a_new_client_counts_all_its_frames);
	tcase_add_test(tests, rate_interval_is_at_least_a_second);
	tcase_add_test(tests, rate_takes_the_time_of_reading_into_account);
	tcase_add_test(tests, rate_at_any_time);
	tcase_add_test(tests, rate_of_an_early_timer);
	tcase_add_test(tests, rate_falls_to_zero_in_silence);
	tcase_add_test(tests, rate_ignores_the_past_of_a_door_taken_over);
	tcase_add_test(tests, rate_takes_no_notice_of_wall_clock_and_suspend);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
