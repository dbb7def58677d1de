/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For how long the machine was asleep, by clocks made up here.
 */
#include "collector/sleeps.h"

#include <check.h>
#include <stdlib.h>

#define SECOND UINT64_C(1000000000)

static struct door_sleeps sleeps;
static uint64_t mono, boot;

static void setup(void)
{
	sleeps = (struct door_sleeps){.count = 0};
	mono = 1000 * SECOND;
	boot = 1500 * SECOND; /* asleep before anybody looked */
}

static void look_after(uint64_t awake_s, uint64_t asleep_s)
{
	mono += awake_s * SECOND;
	boot += (awake_s + asleep_s) * SECOND;
	sleeps_note(&sleeps, mono, boot);
}

static void assert_slept(uint64_t mono_s, uint64_t seconds)
{
	ck_assert_uint_eq(sleeps_since(&sleeps, mono_s * SECOND), seconds * SECOND);
}

START_TEST(nothing_is_known_at_first)
{
	ck_assert_uint_eq(sleeps_since(NULL, 7), 0);
	assert_slept(7, 0);
	look_after(0, 0);
	assert_slept(7, 0);
	assert_slept(1000, 0);
}
END_TEST

/* Between two looks it is not known when; what came after the first one came after the sleep. */
START_TEST(each_moment_has_slept_since_it_was)
{
	look_after(0, 0);
	look_after(10, 0);
	look_after(10, 3600); /* after 1010 s */
	assert_slept(1000, 3600);
	assert_slept(1010, 3600);
	assert_slept(1011, 0);
	assert_slept(1020, 0);
	look_after(100, 0);
	look_after(10, 60); /* after 1120 s */
	assert_slept(1010, 3660);
	assert_slept(1011, 60);
	assert_slept(1120, 60);
	assert_slept(1121, 0);
}
END_TEST

START_TEST(noise_is_no_sleep)
{
	look_after(0, 0);
	for (unsigned i = 0; i < 1000; i++) {
		look_after(1, 0);
		sleeps_note(&sleeps, mono, boot + (i % 3) * 100000);
	}
	ck_assert_uint_eq(sleeps.count, 1);
	assert_slept(1000, 0);
	/* short ones add up */
	for (unsigned i = 1; i <= 10; i++)
		sleeps_note(&sleeps, mono, boot + i * SECOND / 50);
	ck_assert_uint_ge(sleeps_since(&sleeps, mono - 1), SECOND / 10);
}
END_TEST

START_TEST(the_oldest_go)
{
	look_after(0, 0);
	for (unsigned i = 0; i < 100; i++)
		look_after(10, 5);
	ck_assert_uint_eq(sleeps.count, DOOR_SLEEPS);
	assert_slept(1990, 5);
	assert_slept(1991, 0);
	assert_slept(1980, 10);
	assert_slept(1000, 5 * (DOOR_SLEEPS - 1));
	/* a count that nobody could have written */
	sleeps.count = UINT64_MAX;
	assert_slept(1990, 5);
	look_after(10, 5);
	assert_slept(1990, 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sleeps");
	TCase *tests = tcase_create("sleeps");
	SRunner *runner;

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, nothing_is_known_at_first);
	tcase_add_test(tests, each_moment_has_slept_since_it_was);
	tcase_add_test(tests, noise_is_no_sleep);
	tcase_add_test(tests, the_oldest_go);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
