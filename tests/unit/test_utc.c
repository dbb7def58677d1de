/* SPDX-License-Identifier: BSD-2-Clause */
/* Times both ways, against the C library's, and what is no time. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utc.h"

static const time_t first = -62167219200, last = 253402300799; /* years 0 to 9999 */

static void same_as_libc(time_t when)
{
	char text[UTC_TEXT], want[64];
	time_t back = 0;
	struct tm tm;

	/* a ck_assert for each would take longer than all the rest */
	if (!gmtime_r(&when, &tm))
		ck_abort_msg("%lld is beyond gmtime", (long long)when);
	snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (strcmp(utc_format(when, text), want) != 0)
		ck_abort_msg("%s is not %s", text, want);
	if (!utc_parse(text, &back) || back != when)
		ck_abort_msg("%s is read as %lld", text, (long long)back);
}

/* 86,399 s are one less than a day, so that every hour and minute comes; each day of 10,000 years
 * would take longer. */
START_TEST(both_ways)
{
	for (time_t when = first; when <= last; when += (time_t)86399 * 29)
		same_as_libc(when);
	for (time_t when = 0; when < (time_t)86400 * 366 * 8; when += 86399)
		same_as_libc(when);
	same_as_libc(first);
	same_as_libc(-1);
	same_as_libc(0);
	same_as_libc(1709251199); /* the end of a 29 February */
	same_as_libc(1709251200);
	same_as_libc(last);
}
END_TEST

START_TEST(beyond)
{
	static const time_t none[] = {first - 1, last + 1, INT64_MIN, INT64_MAX};
	char text[UTC_TEXT];

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_str_eq(utc_format(none[i], text), "0000-00-00T00:00:00Z");
}
END_TEST

START_TEST(no_times)
{
	static const char *const none[] = {
	    "",
	    "2026",
	    "2026-01-02T03:04:05",
	    "2026-01-02T03:04:05Z ",
	    " 2026-01-02T03:04:05Z",
	    "2026-01-02 03:04:05Z",
	    "2026-1-02T03:04:05Z",
	    "2026-01-02T03:04: 5Z",
	    "2026-01-02T03:04:+5Z",
	    "0000-00-00T00:00:00Z",
	    "2026-00-02T03:04:05Z",
	    "2026-13-02T03:04:05Z",
	    "2026-01-00T03:04:05Z",
	    "2026-01-32T03:04:05Z",
	    "2026-02-29T03:04:05Z",
	    "2100-02-29T03:04:05Z",
	    "2026-12-32T03:04:05Z",
	    "2026-01-02T24:04:05Z",
	    "2026-01-02T03:60:05Z",
	    "2026-01-02T03:04:61Z",
	};
	time_t when = 7, next;

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_msg(!utc_parse(none[i], &when), "%s", none[i]);
	ck_assert_int_eq(when, 7);
	ck_assert(utc_parse("2016-12-31T23:59:60Z", &when));
	ck_assert(utc_parse("2017-01-01T00:00:00Z", &next));
	ck_assert_int_eq(when, next);
	ck_assert(utc_parse("2000-02-29T00:00:00Z", &when));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("utc");
	TCase *tcase = tcase_create("utc");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, both_ways);
	tcase_add_test(tcase, beyond);
	tcase_add_test(tcase, no_times);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
