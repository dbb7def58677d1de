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

static void spend(struct pacer *p, uint64_t now, uint64_t cost)
{
	for (int i = 0; i < PACER_BURST; i++)
		pacer_done(p, now, cost, true);
}

START_TEST(event_in_silence_is_due_at_once)
{
	struct pacer p = {0};

	spend(&p, 1000, 0);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1000), PACER_RESYNC_MS);
	pacer_event(&p, 1000 + PACER_GATHER_MS);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1000 + PACER_GATHER_MS), 0);
}
END_TEST

/* What breaks tells of it in several events: each is looked at, up to a number. */
START_TEST(a_few_passes_follow_at_once)
{
	struct pacer p = {0};

	for (int i = 0; i < PACER_BURST; i++) {
		pacer_event(&p, 1000);
		ck_assert_uint_eq(pacer_wait_ms(&p, 1000), 0);
		pacer_done(&p, 1000, 0, true);
	}
	pacer_event(&p, 1000);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1000), PACER_GATHER_MS);
}
END_TEST

START_TEST(events_after_a_burst_are_gathered)
{
	struct pacer p = {0};

	spend(&p, 1000, 0);
	for (uint64_t now = 1000; now < 1000 + PACER_GATHER_MS; now++) {
		pacer_event(&p, now);
		/* always the same moment: a stream of events does not put it off */
		ck_assert_uint_eq(now + pacer_wait_ms(&p, now), 1000 + PACER_GATHER_MS);
	}
}
END_TEST

START_TEST(rest_earns_the_burst_back)
{
	struct pacer p = {0};
	uint64_t now = 1000 + 3 * PACER_GATHER_MS;

	spend(&p, 1000, 0);
	for (int i = 0; i < 3; i++) {
		pacer_event(&p, now);
		ck_assert_uint_eq(pacer_wait_ms(&p, now), 0);
		pacer_done(&p, now, 0, true);
	}
	pacer_event(&p, now);
	ck_assert_uint_ne(pacer_wait_ms(&p, now), 0);
}
END_TEST

START_TEST(expensive_passes_rest_longer)
{
	struct pacer p = {0};

	spend(&p, 1000, 3);
	pacer_event(&p, 1000);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1000), 3 * PACER_SHARE);
	spend(&p, 1000, 1000000); /* and never so long that a mirror waits for it */
	pacer_event(&p, 1000);
	ck_assert_uint_le(pacer_wait_ms(&p, 1000), PACER_GATHER_MAX_MS);
}
END_TEST

START_TEST(resync_when_nothing_happens)
{
	struct pacer p = {0};

	pacer_done(&p, 1000, 0, true);
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
		pacer_done(&p, now, 0, false);
		ck_assert_uint_eq(pacer_wait_ms(&p, now), waits[i]);
		now += waits[i];
	}
	pacer_done(&p, now, 0, true);
	ck_assert_uint_eq(pacer_wait_ms(&p, now), PACER_RESYNC_MS);
	pacer_done(&p, now, 0, false);
	ck_assert_uint_eq(pacer_wait_ms(&p, now), PACER_RETRY_MS);
}
END_TEST

START_TEST(events_bring_a_retry_forward)
{
	struct pacer p = {0};

	for (int i = 0; i < 9; i++)
		pacer_done(&p, 1000, 0, false);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1000), PACER_RETRY_MAX_MS);
	pacer_event(&p, 1000);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1000), PACER_RETRY_EVENT_MS);
	pacer_event(&p, 1500); /* not put off by more of them */
	ck_assert_uint_eq(pacer_wait_ms(&p, 1500), PACER_RETRY_EVENT_MS - 500);
	pacer_done(&p, 3000, 0, false);
	pacer_event(&p, 3000 + PACER_RETRY_EVENT_MS + 1);
	ck_assert_uint_eq(pacer_wait_ms(&p, 3000 + PACER_RETRY_EVENT_MS + 1), 0);
}
END_TEST

START_TEST(events_never_put_a_pass_off)
{
	struct pacer p = {0};

	pacer_done(&p, 1000, 0, false);
	pacer_event(&p, 1000);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1000), PACER_RETRY_MS);
	pacer_event(&p, 1099);
	ck_assert_uint_eq(pacer_wait_ms(&p, 1099), 1);
	pacer_event(&p, 2000);
	ck_assert_uint_eq(pacer_wait_ms(&p, 2000), 0);
}
END_TEST

static unsigned passes_in_a_stream(uint64_t cost, uint64_t until)
{
	struct pacer p = {0};
	unsigned passes = 0;

	for (uint64_t now = 0; now < until; now++) {
		pacer_event(&p, now);
		if (pacer_wait_ms(&p, now))
			continue;
		passes++;
		pacer_done(&p, now, cost, true);
	}
	return passes;
}

/* Whatever comes: passes run, and no more often than the rest time lets them. */
START_TEST(steady_stream)
{
	ck_assert_uint_eq(passes_in_a_stream(0, 10000), PACER_BURST - 1 + 10000 / PACER_GATHER_MS);
	ck_assert_uint_eq(passes_in_a_stream(2, 10000),
			  PACER_BURST - 1 + 10000 / (2 * PACER_SHARE));
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
	tcase_add_test(tests, a_few_passes_follow_at_once);
	tcase_add_test(tests, events_after_a_burst_are_gathered);
	tcase_add_test(tests, rest_earns_the_burst_back);
	tcase_add_test(tests, expensive_passes_rest_longer);
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
