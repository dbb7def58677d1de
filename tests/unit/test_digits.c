/* SPDX-License-Identifier: BSD-2-Clause */
/* Digits, against printf's. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/digits.h"

START_TEST(digits)
{
	static const uint64_t values[] = {0, 9, 10, 99, 100, 1005, 999999, UINT64_MAX};
	char text[DIGITS_MAX + 1], want[DIGITS_MAX + 1];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		*digits_put(text, values[i]) = '\0';
		snprintf(want, sizeof(want), "%llu", (unsigned long long)values[i]);
		ck_assert_str_eq(text, want);
	}
	*digits_put_padded(text, 7, 3) = '\0';
	ck_assert_str_eq(text, "007");
	*digits_put_padded(text, 1234, 2) = '\0';
	ck_assert_str_eq(text, "34");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("digits");
	TCase *tcase = tcase_create("digits");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, digits);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
