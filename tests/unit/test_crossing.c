/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the counters of door and endpoint say about each other.
 */
#include "collector/crossing.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	uint64_t taken, admitted;
	enum crossing_state state;
} cases[] = {
    {0, 0, CROSSING_GOOD},     {9, 0, CROSSING_GOOD}, {10, 0, CROSSING_PAST},
    {100, 80, CROSSING_PAST},  {0, 9, CROSSING_GOOD}, {0, 10, CROSSING_STRANDED},
    {3, 100, CROSSING_GOOD}, /* receive offload glues frames together */
    {100, 100, CROSSING_GOOD},
};

static bool judge(struct crossing *crossing, int ifindex, uint64_t taken, uint64_t admitted)
{
	return crossing_judge(crossing,
			      &(struct crossing_counts){admitted, taken, admitted, {ifindex}});
}

START_TEST(judges)
{
	struct crossing crossing = {0};

	ck_assert(!judge(&crossing, 7, 1000, 5000));
	bool changed = judge(&crossing, 7, 1000 + cases[_i].taken, 5000 + cases[_i].admitted);
	if (cases[_i].state == CROSSING_PAST) { /* once is no evidence */
		ck_assert_int_eq(crossing.state, CROSSING_GOOD);
		changed |=
		    judge(&crossing, 7, 1000 + 2 * cases[_i].taken, 5000 + 2 * cases[_i].admitted);
	}
	ck_assert_int_eq(crossing.state, cases[_i].state);
	ck_assert_int_eq(changed, cases[_i].state != CROSSING_GOOD);
}
END_TEST

START_TEST(few_at_a_time_add_up)
{
	struct crossing crossing = {0};

	for (uint64_t i = 0; i <= CROSSING_FRAMES; i++)
		ck_assert_int_eq(judge(&crossing, 7, 0, i), i == CROSSING_FRAMES);
	ck_assert(judge(&crossing, 7, 1, CROSSING_FRAMES + 1));
	ck_assert_int_eq(crossing.state, CROSSING_GOOD);
}
END_TEST

START_TEST(another_endpoint_proves_nothing)
{
	struct crossing crossing = {0};

	judge(&crossing, 7, 1000, 1000);
	ck_assert(!judge(&crossing, 8, 0, 2000));
	ck_assert(!judge(&crossing, 8, 5, 2005));
	ck_assert_int_eq(crossing.state, CROSSING_GOOD);
	/* nor does what was said of others */
	ck_assert(judge(&crossing, 8, 5, 3000));
	ck_assert_int_eq(crossing.state, CROSSING_STRANDED);
	ck_assert(judge(&crossing, 9, 0, 4000));
	ck_assert_int_eq(crossing.state, CROSSING_GOOD);
}
END_TEST

/* Be it one of several that is another one, and whatever their numbers come to. */
START_TEST(each_endpoint_counts)
{
	static const int others[][ENCAPS] = {{2, 1, 3}, {1, 31, 34}, {1, 32, 4}, {0, 32, 4}};
	struct crossing crossing = {0};
	struct crossing_counts now = {0, 0, 0, {1, 32, 3}};

	crossing_judge(&crossing, &now);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		memcpy(now.ifindexes, others[i], sizeof(now.ifindexes));
		now.admitted_before = now.admitted_after += 100; /* and none arrived there */
		ck_assert(!crossing_judge(&crossing, &now));
		ck_assert_int_eq(crossing.state, CROSSING_GOOD);
	}
}
END_TEST

/* What was let in before the first reading and arrived after it. */
START_TEST(frames_on_their_way_prove_nothing)
{
	struct crossing crossing = {0};

	judge(&crossing, 7, 1000, 2000);
	ck_assert(!judge(&crossing, 7, 2500, 3000));
	ck_assert(!judge(&crossing, 7, 3500, 4000));
	ck_assert(!judge(&crossing, 7, 4600, 5000));
	ck_assert(!judge(&crossing, 7, 5600, 6000));
	ck_assert_int_eq(crossing.state, CROSSING_GOOD);
}
END_TEST

/* Under load the door counts on while the endpoint is read, now for longer and now for shorter. */
START_TEST(slow_readings_prove_nothing)
{
	static const struct crossing_counts readings[] = {{1000, 1000, 1300, {7}},
							  {2000, 2000, 2000, {7}},
							  {3000, 3300, 3300, {7}},
							  {4000, 4000, 4500, {7}}};
	struct crossing crossing = {0};

	for (size_t i = 0; i < sizeof(readings) / sizeof(*readings); i++)
		ck_assert(!crossing_judge(&crossing, &readings[i]));
	ck_assert_int_eq(crossing.state, CROSSING_GOOD);
	/* none arrived, but all that is certain is that some came while it was read */
	ck_assert(!crossing_judge(&crossing, &(struct crossing_counts){4500, 4000, 4600, {7}}));
	ck_assert_int_eq(crossing.state, CROSSING_GOOD);
	ck_assert(crossing_judge(&crossing, &(struct crossing_counts){4511, 4000, 4600, {7}}));
	ck_assert_int_eq(crossing.state, CROSSING_STRANDED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crossing");
	TCase *tests = tcase_create("crossing");
	SRunner *runner = srunner_create(suite);

	tcase_add_loop_test(tests, judges, 0, sizeof(cases) / sizeof(*cases));
	tcase_add_test(tests, frames_on_their_way_prove_nothing);
	tcase_add_test(tests, slow_readings_prove_nothing);
	tcase_add_test(tests, few_at_a_time_add_up);
	tcase_add_test(tests, another_endpoint_proves_nothing);
	tcase_add_test(tests, each_endpoint_counts);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
