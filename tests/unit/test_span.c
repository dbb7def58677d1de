/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spans of time, good and bad.
 */
#include "common/span.h"

#include <check.h>

START_TEST(good_spans)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} good[] = {
	    {"7d", 604800},       {"12h", 43200},
	    {"30min", 1800},      {"90s", 90},
	    {"90", 90},           {"1", 1},
	    {" 2 days ", 172800}, {"1h 30min", 5400},
	    {"1h30m5s", 5405},    {"0d 1s", 1},
	    {"2w", 1209600},      {"1M", 2629800},
	    {"1 month", 2629800}, {"100y", SPAN_SECONDS_MAX},
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		uint64_t seconds = 0;

		ck_assert_msg(span_parse(good[i].text, &seconds), "\"%s\"", good[i].text);
		ck_assert_uint_eq(seconds, good[i].seconds);
	}
}
END_TEST

START_TEST(bad_spans)
{
	static const char *const bad[] = {
	    "",     " ",   "0",     "0d",   "d",      "-1d",  "+1d",
	    "1.5h", "7D",  "5 x",   "1ms",  "1d,",    "101y", "99999999999999999999",
	    "1h -", "7d!", "never", "1\t2", "100y 1", "1e3",  "184467440737095516160s"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint64_t seconds = 77;

		ck_assert_msg(!span_parse(bad[i], &seconds), "\"%s\" gave %ju", bad[i],
			      (uintmax_t)seconds);
		ck_assert_uint_eq(seconds, 77);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("span");
	TCase *tests = tcase_create("span");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, good_spans);
	tcase_add_test(tests, bad_spans);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
