/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an operator is told: reasons, failures, repairs, and their life over a reload.
 */
#include "common/subject.h"

#include <check.h>
#include <errno.h>
#include <string.h>

static struct subjects table;

static void operate(int subject, int error)
{
	struct op op = {.type = OP_LINK_UP,
			.device = {.name = "vtap-soc"},
			.subject = subject,
			.why = "was down"};

	subject_operation(&table, &op, error, error ? "no way" : "");
}

static void fill(void)
{
	table = (struct subjects){0};
	ck_assert_int_eq(subjects_add(&table, "collector %s", "soc"), 0);
	ck_assert_int_eq(subjects_add(&table, "mirror %s", "eth0"), 1);
}

START_TEST(first_reason_counts)
{
	fill();
	subjects_begin(&table);
	ck_assert(!subjects_blocked(&table));
	subject_block(&table, 1, "no %s", "route");
	subject_block(&table, 1, "later");
	ck_assert_str_eq(table.items[1].reason, "no route");
	ck_assert(subjects_blocked(&table));
	subjects_replan(&table);
	ck_assert(!subjects_blocked(&table));
	subjects_clear(&table);
}
END_TEST

START_TEST(failures_outlive_a_new_plan_but_not_a_new_pass)
{
	fill();
	subjects_begin(&table);
	operate(0, -EPERM);
	ck_assert(table.items[0].failed);
	ck_assert(!table.items[1].failed);
	ck_assert_str_eq(table.items[0].reason, "vtap-soc: set up: no way");
	subjects_replan(&table);
	ck_assert_str_eq(table.items[0].reason, "vtap-soc: set up: no way");
	subjects_end(&table);
	subjects_begin(&table);
	ck_assert(!table.items[0].failed);
	ck_assert_str_eq(table.items[0].reason, "");
	subjects_clear(&table);
}
END_TEST

START_TEST(a_failure_is_the_better_reason)
{
	fill();
	subjects_begin(&table);
	subject_block(&table, 0, "all is lost");
	operate(0, -EPERM);
	ck_assert_str_eq(table.items[0].reason, "vtap-soc: set up: no way");
	struct op second = {.type = OP_LINK_DELETE, .device = {.name = "vtap-soc"}, .why = "old"};
	subject_operation(&table, &second, -EPERM, "neither");
	ck_assert_str_eq(table.items[0].reason, "vtap-soc: set up: no way");
	subjects_clear(&table);
}
END_TEST

START_TEST(repairs_are_work_on_what_had_worked)
{
	fill();
	subjects_begin(&table);
	operate(0, 0);
	subjects_end(&table); /* made for the first time */
	ck_assert_uint_eq(table.items[0].repairs, 0);
	subjects_begin(&table);
	subjects_end(&table); /* nothing to do */
	ck_assert_uint_eq(table.items[0].repairs, 0);
	subjects_begin(&table);
	operate(0, 0);
	ck_assert_str_eq(table.items[0].repair, "vtap-soc: set up (was down)");
	operate(0, 0); /* one repair of two operations */
	subjects_end(&table);
	ck_assert_uint_eq(table.items[0].repairs, 1);
	subjects_begin(&table);
	ck_assert_str_eq(table.items[0].repair, "");
	operate(0, 0);
	operate(0, -EPERM); /* not repaired */
	subjects_end(&table);
	ck_assert_uint_eq(table.items[0].repairs, 1);
	ck_assert_uint_eq(table.items[1].repairs, 0);
	subjects_clear(&table);
}
END_TEST

START_TEST(blocked_from_the_start_is_no_repair_later)
{
	fill();
	subjects_begin(&table);
	subject_block(&table, 1, "eth0 does not exist");
	subjects_end(&table);
	subjects_begin(&table);
	operate(1, 0);
	subjects_end(&table);
	ck_assert_uint_eq(table.items[1].repairs, 0);
	subjects_clear(&table);
}
END_TEST

START_TEST(nobody_and_unknown_numbers)
{
	fill();
	subjects_begin(&table);
	operate(-1, -EPERM);
	operate(2, -EPERM);
	subject_block(&table, -1, "x");
	subject_block(&table, 99, "x");
	ck_assert(!subjects_failed(&table));
	ck_assert(!subjects_blocked(&table));
	subjects_end(&table);
	subjects_clear(&table);
}
END_TEST

START_TEST(history_is_inherited_by_label)
{
	struct subjects old = {0};

	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(subjects_add(&old, "mirror %d", i * 7 % 50), i);
		old.items[i].repairs = (uint64_t)(i * 7 % 50);
		old.items[i].worked = true;
	}
	fill();
	ck_assert_int_eq(subjects_add(&table, "mirror 13"), 2);
	ck_assert_int_eq(subjects_add(&table, "mirror 49"), 3);
	subjects_inherit(&table, &old);
	ck_assert_uint_eq(table.items[2].repairs, 13);
	ck_assert_uint_eq(table.items[3].repairs, 49);
	ck_assert_uint_eq(table.items[0].repairs, 0);
	ck_assert(table.items[2].worked && !table.items[0].worked);
	ck_assert_str_eq(table.items[2].label, "mirror 13");
	subjects_clear(&old);
	subjects_inherit(&table, &old); /* of nothing */
	ck_assert_uint_eq(table.items[2].repairs, 13);
	subjects_clear(&table);
}
END_TEST

START_TEST(long_words_are_cut)
{
	char words[1000];

	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	fill();
	ck_assert_int_eq(subjects_add(&table, "%s", words), 2);
	ck_assert_uint_eq(strlen(table.items[2].label), SUBJECT_LABEL - 1);
	subject_block(&table, 2, "%s", words);
	ck_assert_uint_eq(strlen(table.items[2].reason), SUBJECT_REASON - 1);
	subjects_clear(&table);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("subject");
	TCase *tests = tcase_create("subject");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, first_reason_counts);
	tcase_add_test(tests, failures_outlive_a_new_plan_but_not_a_new_pass);
	tcase_add_test(tests, a_failure_is_the_better_reason);
	tcase_add_test(tests, repairs_are_work_on_what_had_worked);
	tcase_add_test(tests, blocked_from_the_start_is_no_repair_later);
	tcase_add_test(tests, nobody_and_unknown_numbers);
	tcase_add_test(tests, history_is_inherited_by_label);
	tcase_add_test(tests, long_words_are_cut);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
