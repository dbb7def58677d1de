/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What counts as undelivered, and when.
 */
#include "collector/undelivered.h"

#include <check.h>

static struct undelivered undelivered;
static uint64_t second;

static void setup(void)
{
	undelivered = (struct undelivered){.count = 0};
	second = 1000;
}

/* The next second's sample, with this many frames of 10 bytes between door and endpoint. */
static bool sample(uint64_t missing, bool waiting)
{
	const struct door_totals totals = {.accepted = {100 + missing, 1000 + missing * 10},
					   .delivered = {100, 1000}};

	return undelivered_sample(&undelivered, second++ * 1000000000, waiting, &totals);
}

#define assert_settled(packets_)                                             \
	do {                                                                 \
		ck_assert_uint_eq(undelivered.settled.packets, packets_);    \
		ck_assert_uint_eq(undelivered.settled.bytes, (packets_)*10); \
	} while (0)

START_TEST(a_loss_shows_within_seconds)
{
	for (unsigned i = 0; i < UNDELIVERED_CALM; i++)
		sample(0, false);
	for (unsigned i = 1; i < UNDELIVERED_CALM; i++)
		ck_assert(!sample(5, false));
	assert_settled(0);
	ck_assert(sample(5, false));
	assert_settled(5);
	ck_assert(!sample(5, false));
	assert_settled(5);
}
END_TEST

START_TEST(what_is_on_its_way_is_not_lost)
{
	static const unsigned underway[] = {0, 3, 7, 9, 2, 0, 1, 8, 2, 4};

	for (unsigned round = 0; round < 20; round++)
		for (size_t i = 0; i < sizeof(underway) / sizeof(*underway); i++)
			sample(underway[i], false);
	assert_settled(0);
}
END_TEST

START_TEST(waiting_fragments_are_not_lost)
{
	for (unsigned i = 0; i < 5; i++)
		sample(0, false);
	for (unsigned i = 0; i < 60; i++)
		sample(3, true);
	assert_settled(0);
	sample(0, false); /* all of them came */
	for (unsigned i = 0; i < 60; i++)
		sample(0, i % 2);
	assert_settled(0);
}
END_TEST

START_TEST(fragments_given_up_are)
{
	for (unsigned i = 0; i < 5; i++)
		sample(0, false);
	for (unsigned i = 0; i < 30; i++)
		sample(3, true);
	assert_settled(0);
	for (unsigned i = 0; i < UNDELIVERED_CALM; i++)
		sample(3, false);
	assert_settled(3);
}
END_TEST

/* Where fragments are lost all the time, some wait at any time: it shows a minute later. */
START_TEST(steady_loss_shows_late)
{
	for (unsigned i = 0; i < 200; i++)
		sample(i, true);
	assert_settled(199 - UNDELIVERED_SLOTS + 1);
}
END_TEST

START_TEST(many_samples_within_a_second)
{
	const struct door_totals some = {.accepted = {9, 90}}, none = {.accepted = {0, 0}};

	for (unsigned s = 10; s < 14; s++)
		for (uint64_t ms = 0; ms < 1000; ms += 10)
			undelivered_sample(&undelivered, s * UINT64_C(1000000000) + ms * 1000000,
					   false, ms == 500 && s == 12 ? &none : &some);
	assert_settled(0);
	ck_assert_uint_eq(undelivered.count, 4);
	for (unsigned s = 14; s < 18; s++)
		undelivered_sample(&undelivered, s * UINT64_C(1000000000), false, &some);
	assert_settled(9);
}
END_TEST

START_TEST(never_backwards)
{
	undelivered.settled = (struct door_counter){50, 500}; /* of the daemon before */
	for (unsigned i = 0; i < 5; i++)
		ck_assert(!sample(20, false));
	assert_settled(50);
	for (unsigned i = 0; i < 5; i++)
		sample(60, false);
	assert_settled(60);
	/* frames of an interface that had no door yet */
	const struct door_totals more = {.accepted = {5, 50}, .delivered = {6, 60}};
	for (unsigned i = 0; i < 5; i++)
		undelivered_sample(&undelivered, second++ * 1000000000, false, &more);
	assert_settled(60);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("undelivered");
	TCase *tests = tcase_create("undelivered");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_loss_shows_within_seconds);
	tcase_add_test(tests, what_is_on_its_way_is_not_lost);
	tcase_add_test(tests, waiting_fragments_are_not_lost);
	tcase_add_test(tests, fragments_given_up_are);
	tcase_add_test(tests, steady_loss_shows_late);
	tcase_add_test(tests, many_samples_within_a_second);
	tcase_add_test(tests, never_backwards);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
