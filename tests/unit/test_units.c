/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers as people read them, at every edge where the unit or the number of digits changes. */
#include <check.h>
#include <stdlib.h>

#include "vtapstat/units.h"

START_TEST(counts_and_bytes)
{
	static const struct {
		uint64_t value;
		const char *count, *bytes;
	} cases[] = {
	    {0, "0", "0 B"},
	    {9999, "9999", "9999 B"},
	    {10000, "10.0k", "10.0 kB"},
	    {12345, "12.3k", "12.3 kB"},
	    {99949, "99.9k", "99.9 kB"},
	    {99950, "100k", "100 kB"},
	    {999499, "999k", "999 kB"},
	    {999500, "1.00M", "1.00 MB"},
	    {34250, "34.3k", "34.3 kB"}, /* halves go up */
	    {1000000, "1.00M", "1.00 MB"},
	    {99949999, "99.9M", "99.9 MB"},
	    {99950000, "100M", "100 MB"},
	    {999499999999999999, "999P", "999 PB"},
	    {999500000000000000, "1.00E", "1.00 EB"},
	    {1234567890, "1.23G", "1.23 GB"},
	    {9994999999, "9.99G", "9.99 GB"},
	    {9995000001, "10.0G", "10.0 GB"},
	    {1000000000000, "1.00T", "1.00 TB"},
	    {UINT64_MAX, "18.4E", "18.4 EB"},
	};
	char text[UNITS_TEXT];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_str_eq(units_count(cases[i].value, text), cases[i].count);
		ck_assert_str_eq(units_bytes(cases[i].value, text), cases[i].bytes);
	}
	ck_assert_str_eq(units_digits(0, text), "0");
	ck_assert_str_eq(units_digits(999, text), "999");
	ck_assert_str_eq(units_digits(9950, text), "9,950");
	ck_assert_str_eq(units_digits(123456, text), "123,456");
	ck_assert_str_eq(units_digits(UINT64_MAX, text), "18,446,744,073,709,551,615");
}
END_TEST

START_TEST(rates)
{
	static const struct {
		double value;
		const char *per_s, *bits;
	} cases[] = {
	    {0, "0", "0 bit/s"},
	    {-1, "0", "0 bit/s"},
	    {0.44, "0.4", "0 bit/s"},
	    {9.94, "9.9", "10 bit/s"},
	    {9.96, "10", "10 bit/s"},
	    {999.4, "999", "999 bit/s"},
	    {999.6, "1.00k", "1.00 kbit/s"},
	    {999.5, "1.00k", "1.00 kbit/s"},
	    {12.5, "13", "13 bit/s"},
	    {1234.5, "1.23k", "1.23 kbit/s"},
	    {12349.9, "12.3k", "12.3 kbit/s"}, /* rounded once */
	    {9.99e17, "999P", "999 Pbit/s"},
	    {1e18, "1.00E", "1.00 Ebit/s"},
	    {1.8e19, "18.0E", "18.0 Ebit/s"},
	    {1.234e23, "123Z", "123 Zbit/s"},
	    {1e11, "100G", "100 Gbit/s"},
	    {1e300, "100Y", "100 Ybit/s"},
	};
	char text[UNITS_TEXT];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_str_eq(units_per_s(cases[i].value, text), cases[i].per_s);
		ck_assert_str_eq(units_bits_per_s(cases[i].value, text), cases[i].bits);
	}
}
END_TEST

START_TEST(durations)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} cases[] = {
	    {0, "0s"},         {59, "59s"},       {60, "1m 0s"},
	    {3599, "59m 59s"}, {3600, "1h 0m"},   {86399, "23h 59m"},
	    {86400, "1d 0h"},  {273605, "3d 4h"}, {UINT64_MAX, "213503982334601d 7h"},
	};
	char text[UNITS_TEXT];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(units_duration(cases[i].seconds, text), cases[i].text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("units");
	TCase *tcase = tcase_create("units");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, counts_and_bytes);
	tcase_add_test(tcase, rates);
	tcase_add_test(tcase, durations);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
