/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines, read back from a pipe that is put in stderr's place. */
#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

static int read_end;
static int real_stderr;

static void set_up(void)
{
	int ends[2];

	unsetenv("JOURNAL_STREAM");
	ck_assert_int_eq(pipe(ends), 0);
	real_stderr = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
	close(ends[1]);
	read_end = ends[0];
}

static void tear_down(void)
{
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(read_end);
}

/* What was logged since the last call; there must be something. */
static const char *logged(void)
{
	static char text[65536];
	ssize_t n = read(read_end, text, sizeof(text) - 1);

	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	return text;
}

/* Says to the logger that stderr is (or is not quite) the journal's stream. */
static void name_stream(uintmax_t off_by)
{
	char stream[64];
	struct stat st;

	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino + off_by);
	setenv("JOURNAL_STREAM", stream, 1);
}

START_TEST(words_for_people)
{
	log_open("vtap-test", false);
	log_error("device %s", "eth0");
	ck_assert_str_eq(logged(), "vtap-test: error: device eth0\n");
	log_warning("w");
	ck_assert_str_eq(logged(), "vtap-test: warning: w\n");
	log_notice("n");
	ck_assert_str_eq(logged(), "vtap-test: n\n");
	log_info("i");
	ck_assert_str_eq(logged(), "vtap-test: i\n");
	log_debug("not this");
	log_info("this");
	ck_assert_str_eq(logged(), "vtap-test: this\n");
	log_open("vtap-test", true);
	log_debug("d");
	ck_assert_str_eq(logged(), "vtap-test: d\n");
}
END_TEST

START_TEST(priorities_for_the_journal)
{
	name_stream(0);
	log_open("vtap-test", true);
	log_error("e");
	ck_assert_str_eq(logged(), "<3>e\n");
	log_warning("w");
	ck_assert_str_eq(logged(), "<4>w\n");
	log_info("i");
	ck_assert_str_eq(logged(), "<6>i\n");
	log_debug("d");
	ck_assert_str_eq(logged(), "<7>d\n");
}
END_TEST

START_TEST(another_stream_is_not_the_journal)
{
	static const char *const streams[] = {"", ":", "1", "1:", "x:y", "1:2x"};

	name_stream(1);
	log_open("p", false);
	log_info("i");
	ck_assert_str_eq(logged(), "p: i\n");
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		setenv("JOURNAL_STREAM", streams[i], 1);
		log_open("p", false);
		log_info("i");
		ck_assert_str_eq(logged(), "p: i\n");
	}
}
END_TEST

START_TEST(one_harmless_line)
{
	log_open("p", false);
	log_info("a\nb\tc\033[31m\x7f\x01 \xc2\x9b \xc3\xa9\n\n");
	ck_assert_str_eq(logged(), "p: a b c?[31m?? ?? \xc3\xa9\n");
}
END_TEST

START_TEST(long_lines_are_cut)
{
	char word[10000], want[2049];
	const char *line;

	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	log_open("p", false);
	log_info("%.2044s", word); /* with "p: " and the newline just fits */
	line = logged();
	ck_assert_uint_eq(strlen(line), 2048);
	ck_assert_ptr_null(strstr(line, "..."));
	log_info("%s", word);
	snprintf(want, sizeof(want), "p: %.2041s...\n", word);
	ck_assert_str_eq(logged(), want);

	memcpy(word + 2040, "\xc3\xa9", 2); /* the cut would be in the middle of it */
	log_info("%s", word);
	snprintf(want, sizeof(want), "p: %.2040s...\n", word);
	ck_assert_str_eq(logged(), want);
}
END_TEST

START_TEST(errno_survives)
{
	log_open("p", false);
	errno = ENOENT;
	log_info("%m");
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(logged(), "p: No such file or directory\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("log");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, words_for_people);
	tcase_add_test(tcase, priorities_for_the_journal);
	tcase_add_test(tcase, another_stream_is_not_the_journal);
	tcase_add_test(tcase, one_harmless_line);
	tcase_add_test(tcase, long_lines_are_cut);
	tcase_add_test(tcase, errno_survives);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
