/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of both configurations: a text as a file, and all problems as one text to compare.
 */
#ifndef VTAP_TESTS_CONFIG_FILE_H
#define VTAP_TESTS_CONFIG_FILE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/problems.h"

/* The path of a new file with this text, to be given to config_file_remove(). */
static char *config_file_write(const char *text, size_t size)
{
	char path[] = "/tmp/vtap-test-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, size), (ssize_t)size);
	close(fd);
	return strdup(path);
}

static void config_file_remove(char *path)
{
	unlink(path);
	free(path);
}

/* Checks the problems: `expected` has a line for each, without the file's name, and clears them. */
static void config_file_expect(struct problems *problems, const char *path, const char *expected)
{
	char *all = NULL;
	size_t size;
	FILE *out = open_memstream(&all, &size);

	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < problems->count; i++) {
		const char *text = problems_text(problems, i);

		ck_assert_msg(strncmp(text, path, strlen(path)) == 0, "no path: %s", text);
		ck_assert_int_eq(text[strlen(path)], ':');
		fprintf(out, "%s\n", text + strlen(path) + 1);
	}
	fclose(out);
	ck_assert_str_eq(all, expected);
	free(all);
	problems_clear(problems);
}

/* After a file was read, which goes: a configuration, or problems, which are the expected ones. */
static inline void config_file_judge(bool read, struct problems *problems, char *path,
				     const char *expected)
{
	ck_assert_msg(read == (problems->count == 0), "%zu problems, %s configuration: %s",
		      problems->count, read ? "a" : "no", problems_text(problems, 0));
	config_file_expect(problems, path, expected);
	config_file_remove(path);
}

#endif
