/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables, how they are fitted to a width, and frames of a terminal. */
#include <check.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vtapstat/screen.h"
#include "vtapstat/table.h"
#include "vtapstat/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void prints(const struct table *table, size_t room, bool colour, const char *want)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_int_eq(table_print(table, SIZE_MAX, room, colour, out), 0);
	fclose(out);
	ck_assert_str_eq(text, want);
	free(text);
}

START_TEST(short_rows_and_empty_tables)
{
	static const struct table_column columns[] = {
	    {"A", false, {0}}, {"LONG", true, {0}}, {"C", false, {0}}};
	struct table *table = table_new(columns, 3);

	table_note(table, "no row yet");
	table_remark(table, "no row yet");
	prints(table, 0, false, "A  LONG  C\n");
	table_cell(table, "wide cell", STYLE_GOOD);
	table_cell(table, "", STYLE_PLAIN);
	table_cell(table, "c", STYLE_PLAIN);
	table_note(table, "first");
	table_note(table, "sec\nond");
	table_cell(table, "half", STYLE_PLAIN);
	table_remark(table, "re\tmark");
	prints(table, 0, false,
	       "A          LONG  C\n"
	       "wide cell     -  c\n"
	       "    sec?ond\n"
	       "half       re?mark\n");
	prints(table, 0, true,
	       "\033[1mA\033[0m          \033[1mLONG\033[0m  \033[1mC\033[0m\n"
	       "\033[32mwide cell\033[0m     -  c\n"
	       "    sec?ond\n"
	       "half       \033[33mre?mark\033[0m\n");
	table_free(table);
	table_free(NULL);
}
END_TEST

/* Texts of every size around that of the buffer that lines are gathered in. */
START_TEST(long_texts)
{
	static const struct table_column columns[] = {{"A", false, {0}}, {"B", true, {0}}};
	static char cell[9000], want[4 * sizeof(cell)];

	for (size_t size = 1; size < sizeof(cell); size += size < 4000 || size > 4200 ? 499 : 1) {
		struct table *table = table_new(columns, 2);

		memset(cell, 'x', size);
		cell[size] = '\0';
		table_cell(table, cell, STYLE_PLAIN);
		table_cell(table, "1", STYLE_PLAIN);
		table_note(table, cell);
		table_cell(table, "y", STYLE_PLAIN);
		table_cell(table, "2", STYLE_PLAIN);
		snprintf(want, sizeof(want), "%-*s  B\n%s  1\n    %s\n%-*s  2\n", (int)size, "A",
			 cell, cell, (int)size, "y");
		prints(table, 0, false, want);
		table_free(table);
	}
}
END_TEST

START_TEST(widths_that_fit)
{
	static const struct fit_column columns[] = {
	    {.floor = 0}, {.floor = 4}, {.leaves = 2}, {.floor = 3, .leaves = 1}};
	static const size_t natural[] = {6, 10, 5, 8};
	static const struct {
		size_t room, widths[4];
	} cases[] = {
	    {35, {6, 10, 5, 8}},                     /* 29 and three gaps */
	    {34, {6, 9, 5, 8}},  {24, {6, 4, 5, 3}}, /* as far as cutting goes */
	    {23, {6, 8, 5, 0}}, /* one less: the first leaves, what it leaves is used */
	    {19, {6, 4, 5, 0}},  {18, {6, 10, 0, 0}}, {13, {6, 5, 0, 0}},
	    {12, {6, 4, 0, 0}},  {11, {5, 4, 0, 0}}, /* nothing left but to cut what had better not
							be */
	    {4, {1, 1, 0, 0}},   {0, {1, 1, 0, 0}},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t widths[4];

		memcpy(widths, natural, sizeof(widths));
		fit_columns(columns, widths, 4, cases[i].room);
		for (size_t k = 0; k < 4; k++)
			ck_assert_msg(widths[k] == cases[i].widths[k], "%zu: column %zu is %zu",
				      cases[i].room, k, widths[k]);
	}
}
END_TEST

START_TEST(narrow_tables)
{
	static const struct table_column columns[] = {
	    {"NAME", false, {.floor = 5}}, {"COUNT", true, {0}}, {"MORE", false, {.leaves = 1}}};
	struct table *table = table_new(columns, 3);

	for (const char *const *name = (const char *const[]){"abc", "abcdefgh", NULL}; *name;
	     name++) {
		table_cell(table, *name, STYLE_PLAIN);
		table_cell(table, "12", STYLE_PLAIN);
		table_cell(table, "x", STYLE_PLAIN);
	}
	prints(table, 20, false,
	       "NAME     COUNT  MORE\n"
	       "abc         12  x\n"
	       "abcdef~     12  x\n");
	prints(table, 12, false,
	       "NAME   COUNT\n"
	       "abc       12\n"
	       "abcd~     12\n"
	       "    too narrow for: MORE\n");
	ck_assert(!table_is_wider(table, 21) && table_is_wider(table, 20));
	ck_assert(!table_is_wider(table, 0));
	if (setlocale(LC_CTYPE, "C.UTF-8") != NULL) {
		table_cell(table, "a\xe6\x9d\xb1\xe6\x9d\xb1z",
			   STYLE_PLAIN); /* twice two columns */
		prints(table, 12, false,
		       "NAME   COUNT\n"
		       "abc       12\n"
		       "abcd\xe2\x80\xa6     12\n"
		       "a\xe6\x9d\xb1\xe2\x80\xa6\n"
		       "    too narrow for: MORE\n");
		setlocale(LC_CTYPE, "C");
	}
	table_free(table);
}
END_TEST

START_TEST(widths_of_text)
{
	ck_assert_uint_eq(text_width("abc", 3), 3);
	ck_assert_uint_eq(text_width("\033[1;31mabc\033[0m", 14), 3);
	ck_assert_uint_eq(text_width("\033[2J", 4), 4); /* no colour */
	ck_assert_uint_eq(text_width("\033[31", 4), 4);
	ck_assert_uint_eq(text_width("\033[", 2), 2);
	ck_assert_uint_eq(text_width("\033", 1), 1);
}
END_TEST

START_TEST(screens)
{
	static const struct {
		size_t rows, columns;
		const char *text, *want;
	} cases[] = {
	    {4, 10, "a\nb\nc\n", "a\nb\nc\n"},
	    {4, 10, "a\nb\nc", "a\nb\nc\n"},
	    {4, 10, "a\nb\nc\nd\n", "a\nb\n... 2 more\n"},
	    {4, 10, "a\n\n\n\n\n", "a\n\n... 3 more\n"},
	    {4, 3, "abc\nd\ne\n", "abc\nd\ne\n"}, /* just fits its row */
	    {4, 3, "abcd\ne\n", "abcd\ne\n"},     /* takes two */
	    {4, 3, "abcd\ne\nf\n", "abcd\n...\n"},
	    {4, 3, "a\nbcdefgh\n", "a\n...\n"},
	    {1, 1, "a\nb\n", ".\n"},
	    {0, 0, "a\n", "a\n"},
	    {24, 80, "", ""},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char *frame = screen_frame(cases[i].text, cases[i].rows, cases[i].columns);
		char *to = frame;

		ck_assert_ptr_nonnull(frame);
		ck_assert_int_eq(strncmp(frame, "\033[H", 3), 0);
		ck_assert_str_eq(frame + strlen(frame) - 3, "\033[J");
		frame[strlen(frame) - 3] = '\0';
		/* every line erases what was behind it */
		for (const char *from = frame + 3; *from != '\0'; from++) {
			if (strncmp(from, "\033[K\n", 4) == 0)
				from += 3;
			else
				ck_assert_int_ne(*from, '\n');
			*to++ = *from;
		}
		*to = '\0';
		ck_assert_msg(strcmp(frame, cases[i].want) == 0, "%zu: %s", i, frame);
		free(frame);
	}
	ck_assert_uint_eq(screen_rows("abc\n\033[32mabc\033[0m\nabcd\n", 3), 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table");
	TCase *tcase = tcase_create("table");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, short_rows_and_empty_tables);
	tcase_add_test(tcase, long_texts);
	tcase_add_test(tcase, widths_that_fit);
	tcase_add_test(tcase, narrow_tables);
	tcase_add_test(tcase, widths_of_text);
	tcase_add_test(tcase, screens);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
