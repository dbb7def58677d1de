/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A status in a terminal: what gives way where it is narrow or low.
 */
#include "tests/unit/document_rig.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* In colour or not, the words are the same; and on a terminal every line fits. */
START_TEST(on_a_terminal)
{
	const struct page_layout plain = {.now = NOW, .columns = 60, .hint = "  a hint"};
	struct page_layout colour = plain;
	char *text = shown_as(ALL, &plain), *coloured, *to;

	ck_assert_ptr_nonnull(strstr(text, "port 4789 up\n  a hint\n\nTOTAL"));
	ck_assert_ptr_nonnull(strstr(text, "\n    too narrow for: ENCAP, PACKETS/S\n"));
	ck_assert_ptr_null(strchr(text, '\033'));
	colour.colour = true;
	coloured = to = shown_as(ALL, &colour);
	ck_assert_ptr_nonnull(strstr(coloured, "collector 0.1.0  \033[32mok\033[0m  up"));
	ck_assert_ptr_nonnull(strstr(coloured, "  \033[33m700 B\033[0m  \033[33mfrom"));
	for (const char *from = coloured; *from != '\0'; from++) {
		if (*from == '\033')
			from = strchr(from, 'm');
		else
			*to++ = *from;
	}
	*to = '\0';
	ck_assert_str_eq(coloured, text);
	free(text);
	free(coloured);
}
END_TEST

/* Of a low window the clients get what is left, and what does not fit is counted. */
START_TEST(low_windows)
{
	struct page_layout layout = {.now = NOW, .columns = 100, .rows = 18};
	char *text = shown_as(ALL, &layout);

	ck_assert_ptr_nonnull(strstr(text, "\n2001:db8::2  "));
	ck_assert_ptr_nonnull(strstr(text, "\n10.0.0.6  "));
	free(text);
	layout.rows = 17;
	text = shown_as(ALL, &layout);
	ck_assert_ptr_nonnull(
	    strstr(text, "LAST SEEN\n... and 2 more: --sort, or a higher window\n"));
	ck_assert_ptr_null(strstr(text, "\n10.0.0.6"));
	free(text);
	layout.rows = 15;
	text = shown_as(ALL, &layout);
	ck_assert_ptr_nonnull(strstr(text, "\n1.2.3.4  "));
	ck_assert_ptr_nonnull(strstr(text, "\n... and 2 more: --sort, or a higher window\n\nCL"));
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("document_terminal");
	TCase *tcase = tcase_create("document_terminal");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, on_a_terminal);
	tcase_add_test(tcase, low_windows);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
