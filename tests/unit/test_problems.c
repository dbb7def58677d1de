/* SPDX-License-Identifier: BSD-2-Clause */
/* Problems are all kept, in order, with file and line. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/problems.h"

START_TEST(file_and_line)
{
	struct problems problems = {0};

	ck_assert_str_eq(problems_text(&problems, 0), "");
	problems_add(&problems, "client.conf", 7, "port %d is not in 1..%s", 70000, "65535");
	problems_add(&problems, "client.conf", 0, "no collector");
	ck_assert_uint_eq(problems.count, 2);
	ck_assert_str_eq(problems_text(&problems, 0),
			 "client.conf:7: port 70000 is not in 1..65535");
	ck_assert_str_eq(problems_text(&problems, 1), "client.conf: no collector");
	ck_assert_str_eq(problems_text(&problems, 2), "");
	problems_clear(&problems);
	ck_assert_uint_eq(problems.count, 0);
	problems_add(&problems, "x", 1, "again");
	ck_assert_str_eq(problems_text(&problems, 0), "x:1: again");
	problems_clear(&problems);
	problems_clear(&problems);
}
END_TEST

START_TEST(many_and_long)
{
	struct problems problems = {0};
	char word[5000], want[5100];

	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	for (int i = 1; i <= 1000; i++)
		problems_add(&problems, "f", i, "%s", word);
	ck_assert_uint_eq(problems.count, 1000);
	for (size_t i = 0; i < 1000; i++) {
		snprintf(want, sizeof(want), "f:%zu: %s", i + 1, word);
		ck_assert_str_eq(problems_text(&problems, i), want);
	}
	problems_clear(&problems);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("problems");
	TCase *tcase = tcase_create("problems");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, file_and_line);
	tcase_add_test(tcase, many_and_long);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
