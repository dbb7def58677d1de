/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers that are being read: their text, their readers, and how many there can be.
 */
#include "common/answers.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct answers answers;

static void set_up(void)
{
	answers_init(&answers);
}

static void tear_down(void)
{
	ck_assert(TAILQ_EMPTY(&answers.list));
	ck_assert_uint_eq(answers.size, 0);
}

START_TEST(ends_with_a_newline)
{
	struct answer *answer = answers_make(&answers, strdup("{}"), 7);

	ck_assert_str_eq(answer->text, "{}\n");
	ck_assert_uint_eq(answer->size, 3);
	ck_assert_uint_eq(answer->made_ms, 7);
	answers_release(&answers, answer);
}
END_TEST

START_TEST(no_text_is_an_error)
{
	struct answer *answer = answers_make(&answers, NULL, 0);

	ck_assert_str_eq(answer->text, "{\"error\": \"out of memory\"}\n");
	ck_assert_uint_eq(answer->size, strlen(answer->text));
	answers_release(&answers, answer);
}
END_TEST

START_TEST(goes_with_its_last_reader)
{
	struct answer *answer = answers_make(&answers, strdup("shared"), 0);

	answer->readers++;
	answers_release(&answers, answer);
	ck_assert_ptr_eq(TAILQ_FIRST(&answers.list), answer);
	answers_release(&answers, answer);
}
END_TEST

static char *text_of(size_t size)
{
	char *text = malloc(size + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', size);
	text[size] = '\0';
	return text;
}

START_TEST(the_oldest_is_in_the_way)
{
	struct answer *first = answers_make(&answers, text_of(ANSWERS_SIZE_MAX / 2), 0);
	struct answer *second = answers_make(&answers, text_of(ANSWERS_SIZE_MAX / 2 - 2), 0);
	struct answer *third;

	ck_assert_uint_eq(answers.size, ANSWERS_SIZE_MAX);
	ck_assert_ptr_null(answers_in_the_way(&answers));
	third = answers_make(&answers, strdup(""), 0);
	ck_assert_ptr_eq(answers_in_the_way(&answers), first);
	answers_release(&answers, first);
	ck_assert_ptr_null(answers_in_the_way(&answers));
	answers_release(&answers, third);
	answers_release(&answers, second);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("answers");
	TCase *tests = tcase_create("answers");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, ends_with_a_newline);
	tcase_add_test(tests, no_text_is_an_error);
	tcase_add_test(tests, goes_with_its_last_reader);
	tcase_add_test(tests, the_oldest_is_in_the_way);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
