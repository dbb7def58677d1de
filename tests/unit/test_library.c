/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions of a library that is loaded at run time: all of them, or none and words for it.
 */
#include "common/library.h"

#include <check.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define C_LIBRARY "libc.so.6"

static size_t (*length)(const char *text);
static int (*other)(void);

START_TEST(functions_of_a_library)
{
	const struct library_function functions[] = {{"strlen", &length}};
	void *handle = library_load(C_LIBRARY, functions, 1);

	ck_assert_ptr_nonnull(handle);
	ck_assert_uint_eq(length("four"), 4);
	ck_assert_int_eq(dlclose(handle), 0);
}
END_TEST

START_TEST(one_is_missing)
{
	const struct library_function functions[] = {{"strlen", &length}, {"no_such_one", &other}};

	ck_assert_ptr_null(library_load(C_LIBRARY, functions, 2));
	ck_assert_ptr_nonnull(strstr(dlerror(), "no_such_one"));
}
END_TEST

START_TEST(the_library_is_missing)
{
	const struct library_function functions[] = {{"strlen", &length}};

	ck_assert_ptr_null(library_load("libnosuchlibrary.so.1", functions, 1));
	ck_assert_ptr_nonnull(strstr(dlerror(), "libnosuchlibrary.so.1"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("library");
	TCase *tests = tcase_create("library");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tests, functions_of_a_library);
	tcase_add_test(tests, one_is_missing);
	tcase_add_test(tests, the_library_is_missing);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
