/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON text, byte by byte, and read back by json-c.
 */
#include "common/json_text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

static struct json_text text;

static void expect(const char *wanted)
{
	char *done = json_text_finish(&text);

	ck_assert_ptr_nonnull(done);
	ck_assert_str_eq(done, wanted);
	free(done);
}

START_TEST(values)
{
	static const double decimals[] = {0, 0.04, 0.05, 0.96, 9.95, 1234567.06, -1, 1e300};

	json_text_string(&text, NULL);
	json_text_string(&text, "");
	json_text_string(&text, "a/b \"c\\\" \n\x1f\x7f \xc3\xa4");
	expect("null\"\"\"a/b \\\"c\\\\\\\" \\u000a\\u001f\x7f \xc3\xa4\"");
	json_text_number(&text, 0);
	json_text_literal(&text, " ");
	json_text_number(&text, 1005);
	json_text_literal(&text, " ");
	json_text_number(&text, UINT64_MAX);
	expect("0 1005 18446744073709551615");
	for (size_t i = 0; i < sizeof(decimals) / sizeof(*decimals); i++) {
		json_text_decimal(&text, decimals[i]);
		json_text_literal(&text, " ");
	}
	expect("0.0 0.0 0.1 1.0 10.0 1234567.1 0.0 1844674407370955161.5 ");
}
END_TEST

START_TEST(times)
{
	json_text_time(&text, 1767323045);
	json_text_time(&text, 0);
	json_text_time(&text, 1709251199); /* the end of a 29 February */
	expect("\"2026-01-02T03:04:05Z\"\"1970-01-01T00:00:00Z\"\"2024-02-29T23:59:59Z\"");
}
END_TEST

START_TEST(goes_on_where_json_c_stopped)
{
	enum { MANY = 100000 };
	struct json_object *document = json_object_new_object(), *read, *array;
	char *done;

	json_add_number(document, "first", 1);
	json_text_open(&text, document);
	json_text_literal(&text, ",\"all\":[0");
	for (uint64_t i = 1; i < MANY; i++) {
		json_text_literal(&text, ",");
		json_text_number(&text, i);
	}
	json_text_literal(&text, "]}");
	done = json_text_finish(&text);
	ck_assert_ptr_nonnull(done);
	read = json_tokener_parse(done);
	ck_assert_ptr_nonnull(read);
	ck_assert_int_eq(json_object_get_int(json_object_object_get(read, "first")), 1);
	array = json_object_object_get(read, "all");
	ck_assert_uint_eq(json_object_array_length(array), MANY);
	for (size_t i = 0; i < MANY; i++)
		ck_assert_uint_eq(json_object_get_uint64(json_object_array_get_idx(array, i)), i);
	json_object_put(read);
	free(done);
}
END_TEST

START_TEST(without_memory_there_is_no_text)
{
	text.failed = true;
	json_text_string(&text, "x");
	ck_assert_ptr_null(json_text_finish(&text));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json_text");
	TCase *tests = tcase_create("json_text");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, values);
	tcase_add_test(tests, times);
	tcase_add_test(tests, goes_on_where_json_c_stopped);
	tcase_add_test(tests, without_memory_there_is_no_text);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
