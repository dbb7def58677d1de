/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line of the daemons: what is set, what is refused, what is printed where.
 */
#include "common/options.h"

#include <check.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct options o;
static char printed[8192], complained[8192];

static void read_back(FILE *from, char *text, size_t size)
{
	rewind(from);
	text[fread(text, 1, size - 1, from)] = '\0';
	fclose(from);
}

/* Words up to a NULL; standard output and error are caught. */
static int parse(char **words)
{
	int argc = 0, out = dup(1), err = dup(2);
	FILE *to_out = tmpfile(), *to_err = tmpfile();

	o = (struct options){.program = "vtap-client",
			     .config = "/etc/vtap/client.conf",
			     .socket = "/run/vtap/client.sock"};
	while (words[argc])
		argc++;
	fflush(stdout);
	fflush(stderr);
	dup2(fileno(to_out), 1);
	dup2(fileno(to_err), 2);
	optind = 0; /* start anew */
	int result = options_parse(&o, argc, words);
	fflush(stdout);
	fflush(stderr);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	read_back(to_out, printed, sizeof(printed));
	read_back(to_err, complained, sizeof(complained));
	return result;
}

#define PARSE(...) parse((char *[]){"vtap-client", __VA_ARGS__})

START_TEST(defaults)
{
	ck_assert_int_eq(PARSE(NULL), OPTIONS_GO);
	ck_assert_str_eq(o.config, "/etc/vtap/client.conf");
	ck_assert_str_eq(o.socket, "/run/vtap/client.sock");
	ck_assert(!o.test && !o.dry_run && !o.verbose);
	ck_assert_str_eq(printed, "");
	ck_assert_str_eq(complained, "");
}
END_TEST

START_TEST(short_options)
{
	ck_assert_int_eq(PARSE("-c", "a.conf", "-sb.sock", "-tnv", NULL), OPTIONS_GO);
	ck_assert_str_eq(o.config, "a.conf");
	ck_assert_str_eq(o.socket, "b.sock");
	ck_assert(o.test && o.dry_run && o.verbose);
}
END_TEST

START_TEST(long_options)
{
	ck_assert_int_eq(PARSE("--config=a.conf", "--socket", "b.sock", "--test", NULL),
			 OPTIONS_GO);
	ck_assert_str_eq(o.config, "a.conf");
	ck_assert_str_eq(o.socket, "b.sock");
	ck_assert(o.test && !o.dry_run && !o.verbose);
	ck_assert_int_eq(PARSE("--dry-run", NULL), OPTIONS_GO);
	ck_assert(!o.test && o.dry_run && !o.verbose);
	ck_assert_int_eq(PARSE("--verbose", NULL), OPTIONS_GO);
	ck_assert(!o.test && !o.dry_run && o.verbose && !o.remove);
	ck_assert_int_eq(PARSE("--remove", NULL), OPTIONS_GO);
	ck_assert(o.remove);
}
END_TEST

START_TEST(version_and_help)
{
	ck_assert_int_eq(PARSE("-V", NULL), 0);
	ck_assert_str_eq(printed, "vtap-client " PACKAGE_VERSION "\n");
	ck_assert_int_eq(PARSE("--version", NULL), 0);
	ck_assert_int_eq(PARSE("--help", "--nonsense", NULL), 0);
	ck_assert_str_eq(complained, "");
	static const char *const words[] = {
	    "-c, --config",  "-s, --socket",  "-t, --test", "-n, --dry-run",        "-r, --remove",
	    "-v, --verbose", "-V, --version", "-h, --help", "/etc/vtap/client.conf"};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		ck_assert_msg(strstr(printed, words[i]) != NULL, "help lacks %s", words[i]);
}
END_TEST

START_TEST(wrong_usage)
{
	ck_assert_int_eq(PARSE("--nonsense", NULL), 2);
	ck_assert_ptr_nonnull(strstr(complained, "vtap-client --help"));
	ck_assert_str_eq(printed, "");
	ck_assert_int_eq(PARSE("-x", NULL), 2);
	ck_assert_int_eq(PARSE("-c", NULL), 2); /* without its argument */
	ck_assert_int_eq(PARSE("--test=1", NULL), 2);
	ck_assert_int_eq(PARSE("status", NULL), 2);
	ck_assert_ptr_nonnull(strstr(complained, "'status'"));
	ck_assert_int_eq(PARSE("-t", "--", "more", NULL), 2);
	ck_assert_int_eq(PARSE("-rt", NULL), 2);
	ck_assert_int_eq(PARSE("-rn", NULL), 2);
	ck_assert_ptr_nonnull(strstr(complained, "--remove"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *tests = tcase_create("options");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, defaults);
	tcase_add_test(tests, short_options);
	tcase_add_test(tests, long_options);
	tcase_add_test(tests, version_and_help);
	tcase_add_test(tests, wrong_usage);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
