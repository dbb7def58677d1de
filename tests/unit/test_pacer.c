/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When passes are due: the rules in pacer.h, on a clock made up here.
 */
#include "common/pacer.h"

#include <check.h>

START_TEST(first_event_is_due_at_once)
{
	struct pacer p = {0};

	pacer_event(&p, 12345);
	ck_assert_uint_eq(pacer_wait_ms(&p, 12345), 0);
}
END_TEST

START_TEST(event_in_silence_is_due_at_once)
{
	struct pacer p = {0};

	pacer_done(&p, 1000, true);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1000), PACER_RESYNC_MS);
	pacer_event(&p, 1000 + PACER_GATHER_MS);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1000 + PACER_GATHER_MS), 0);
}
END_TEST

START_TEST(events_right_after_a_pass_are_gathered)
{
	struct pacer p = {0};

	pacer_done(&p, 1000, true);
	for (uint64_t now = 1000; now < 1000 + PACER_GATHER_MS; now++) {
		pacer_event(&p, now);
		/* always the same moment: a stream of events does not put it off */
		ck_assert_uint_eq(now + pacer_wait_ms(&p, now), 1000 + PACER_GATHER_MS);
	}
}
END_TEST

START_TEST(resync_when_nothing_happens)
{
	struct pacer p = {0};

	pacer_done(&p, 1000, true);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1000 + PACER_RESYNC_MS - 1), 1);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1000 + PACER_RESYNC_MS), 0);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1000 + 2 * PACER_RESYNC_MS), 0);
}
END_TEST

START_TEST(failures_back_off)
{
	static const uint64_t waits[] = {100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000, 10000};
	struct pacer p = {0};
	uint64_t now = 5;

	for (unsigned i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		pacer_done(&p, now, false);
		ck_assert_uint_eq(pacer_wait_ms(&p, now), waits[i]);
		now += waits[i];
	}
	pacer_done(&p, now, true);
	ck_assert_uint_eq(pacer_wait_ms(&p, now), PACER_RESYNC_MS);
	pacer_done(&p, now, false);
	ck_assert_uint_eq(pacer_wait_ms(&p, now), PACER_RETRY_MS);
}
END_TEST

START_TEST(events_bring_a_retry_forward)
{
	struct pacer p = {0};

	for (int i = 0; i < 9; i++)
		pacer_done(&p, 1000, false);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1000), PACER_RETRY_MAX_MS);
	pacer_event(&p, 1000);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1000), PACER_RETRY_EVENT_MS);
	pacer_event(&p, 1500); /* not put off by more of them */
	ck_assert_uint_eq(pacer_wait_ms(&p, 1500), PACER_RETRY_EVENT_MS - 500);
	pacer_done(&p, 3000, false);
	pacer_event(&p, 3000 + PACER_RETRY_EVENT_MS + 1);
	ck_assert_uint_eq(pacer_wait_ms(&p, 3000 + PACER_RETRY_EVENT_MS + 1), 0);
}
END_TEST

START_TEST(events_never_put_a_pass_off)
{
	struct pacer p = {0};

	pacer_done(&p, 1000, false);
	pacer_event(&p, 1000);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1000), PACER_RETRY_MS);
	pacer_event(&p, 1099);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1099), 1);
	pacer_event(&p, 2000);
	ck_assert_uint_eq(pacer_wait_ms(&p, 2000), 0);
}
END_TEST

/* Whatever comes: passes run, and no more often than the rest time lets them. */
START_TEST(steady_stream)
{
	struct pacer p = {0};
	unsigned passes = 0;

	for (uint64_t now = 0; now < 10000; now++) {
		pacer_event(&p, now);
		if (pacer_wait_ms(&p, now))
			continue;
		passes++;
		pacer_done(&p, now, true);
	}
	ck_assert_uint_eq(passes, 10000 / PACER_GATHER_MS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pacer");
	TCase *tests = tcase_create("pacer");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, first_event_is_due_at_once);
	tcase_add_test(tests, event_in_silence_is_due_at_once);
	tcase_add_test(tests, events_right_after_a_pass_are_gathered);
	tcase_add_test(tests, resync_when_nothing_happens);
	tcase_add_test(tests, failures_back_off);
	tcase_add_test(tests, events_bring_a_retry_forward);
	tcase_add_test(tests, events_never_put_a_pass_off);
	tcase_add_test(tests, steady_stream);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
