/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of clients: which one wins, and what is there twice.
 */
#include "collector/names.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct names names;
static char told[256];

static void add(const char *address, uint32_t vni, const char *text, int line)
{
	struct ip_addr addr;

	ck_assert(ip_addr_parse(address, &addr));
	ck_assert_int_eq(names_add(&names, &addr, vni, text, line), 0);
}

static const char *find(const char *address, uint32_t vni)
{
	struct ip_addr addr;
	const char *text;

	ck_assert(ip_addr_parse(address, &addr));
	text = names_find(&names, &addr, vni);
	return text ? text : "(none)";
}

static void same_client(void *ctx, const struct name *name, const struct name *earlier)
{
	ck_assert_ptr_eq(ctx, &names);
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s is %s; ", name->text,
		 earlier->text);
	ck_assert_int_gt(name->line, earlier->line);
}

static void same_name(void *ctx, const struct name *name, const struct name *earlier)
{
	ck_assert_ptr_eq(ctx, &names);
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s on %d and %d; ", name->text,
		 earlier->line, name->line);
}

static void sort(void)
{
	told[0] = 0;
	names_sort(&names, same_client, same_name, &names);
}

START_TEST(most_specific_wins)
{
	ck_assert_str_eq(find("10.0.0.5", 42), "(none)");
	sort();
	add("10.0.0.5", 0, "site", 1);
	add("10.0.0.5", 42, "web-1", 2);
	add("10.0.0.5", 43, "web-2", 3);
	add("fd00::5", 7, "six", 4);
	add("10.0.0.6", 42, "other", 5);
	sort();
	ck_assert_str_eq(told, "");
	ck_assert_str_eq(find("10.0.0.5", 42), "web-1");
	ck_assert_str_eq(find("10.0.0.5", 43), "web-2");
	ck_assert_str_eq(find("10.0.0.5", 44), "site");
	ck_assert_str_eq(find("10.0.0.6", 42), "other");
	ck_assert_str_eq(find("10.0.0.6", 43), "(none)");
	ck_assert_str_eq(find("fd00::5", 7), "six");
	ck_assert_str_eq(find("fd00::5", 8), "(none)");
	ck_assert_str_eq(find("10.0.0.4", 42), "(none)");
	names_clear(&names);
	ck_assert_str_eq(find("10.0.0.5", 42), "(none)");
}
END_TEST

START_TEST(what_is_there_twice)
{
	add("10.0.0.5", 42, "a", 1);
	add("10.0.0.6", 0, "b", 2);
	add("10.0.0.7", 1, "a", 3);
	add("10.0.0.6", 0, "c", 4);
	add("10.0.0.5", 0, "d", 5);
	sort();
	ck_assert_str_eq(told, "a on 1 and 3; c is b; ");
	names_clear(&names);
}
END_TEST

START_TEST(many)
{
	enum { MANY = 65536 };
	char text[32];

	for (unsigned i = 0; i < MANY; i++) {
		unsigned n = i * 40503u % MANY;

		snprintf(text, sizeof(text), "10.0.%u.%u", n >> 8, n & 255);
		add(text, n % 3, text, (int)i + 1);
	}
	sort();
	ck_assert_str_eq(told, "");
	for (unsigned n = 0; n < MANY; n++) {
		snprintf(text, sizeof(text), "10.0.%u.%u", n >> 8, n & 255);
		ck_assert_str_eq(find(text, n % 3), text);
		ck_assert_str_eq(find(text, 99), n % 3 ? "(none)" : text);
	}
	names_clear(&names);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("names");
	TCase *tests = tcase_create("names");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, most_specific_wins);
	tcase_add_test(tests, what_is_there_twice);
	tcase_add_test(tests, many);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
