/* SPDX-License-Identifier: BSD-2-Clause */
/* The control protocol's values: what a request line means, and refusals that are always valid
 * JSON. */
#include <check.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "common/control.h"

/* A copy without a byte behind it, so that a read too far is an error under a sanitizer. */
static enum control_request parse(const char *bytes, size_t size)
{
	char *exact = malloc(size > 0 ? size : 1);
	enum control_request request;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, bytes, size);
	request = control_request_parse(exact, size);
	free(exact);
	return request;
}

static enum control_request parse_text(const char *text)
{
	return parse(text, strlen(text));
}

/* The text of the refusal, after the round through a JSON parser; the caller's to free. */
static char *refusal(enum control_request request, const char *bytes, size_t size)
{
	char *answer = control_error(request, bytes, size);
	struct json_object *object, *error;
	char *text;

	ck_assert_ptr_nonnull(answer);
	ck_assert_ptr_null(strchr(answer, '\n'));
	for (const char *c = answer; *c != '\0'; c++)
		ck_assert_msg(*c >= 0x20 && *c < 0x7f, "byte %d", *c);
	object = json_tokener_parse(answer);
	ck_assert_msg(object != NULL, "not JSON: %s", answer);
	ck_assert(json_object_object_get_ex(object, "error", &error));
	ck_assert(json_object_is_type(error, json_type_string));
	text = strdup(json_object_get_string(error));
	json_object_put(object);
	free(answer);
	return text;
}

START_TEST(status_is_a_line)
{
	static const char line[] = "status\n";

	for (size_t i = 0; i < sizeof(line) - 1; i++)
		ck_assert_int_eq(parse(line, i), CONTROL_MORE);
	ck_assert_int_eq(parse_text(line), CONTROL_STATUS);
	ck_assert_int_eq(parse_text("status\r\n"), CONTROL_STATUS);
	ck_assert_int_eq(parse_text("  \tstatus \t\r\n"), CONTROL_STATUS);
	ck_assert_int_eq(parse_text("status\nmore\n"), CONTROL_STATUS);
	ck_assert_int_eq(parse_text("status\nmore"), CONTROL_STATUS);
}
END_TEST

START_TEST(anything_else_is_unknown)
{
	static const char *const lines[] = {"\n",          " \n",        "statu\n",   "statuss\n",
					    "STATUS\n",    "status x\n", "st atus\n", "\nstatus\n",
					    "{\"a\":1}\n", "\x80\xff\n"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(parse_text(lines[i]) == CONTROL_UNKNOWN, "line %zu", i);
	ck_assert_int_eq(parse("status\0\n", 8), CONTROL_UNKNOWN);
	ck_assert_int_eq(parse("\0\n", 2), CONTROL_UNKNOWN);
}
END_TEST

START_TEST(length_ends_at_256)
{
	char bytes[1024];

	memset(bytes, ' ', sizeof(bytes));
	ck_assert_int_eq(parse(bytes, 255), CONTROL_MORE);
	ck_assert_int_eq(parse(bytes, 256), CONTROL_TOO_LONG);
	ck_assert_int_eq(parse(bytes, 1024), CONTROL_TOO_LONG);
	memcpy(bytes + 249, "status\n", 7); /* the newline is byte 256 */
	ck_assert_int_eq(parse(bytes, 256), CONTROL_STATUS);
	ck_assert_int_eq(parse(bytes, 1024), CONTROL_STATUS);
	memcpy(bytes + 249, " status\n", 8);
	ck_assert_int_eq(parse(bytes, 1024), CONTROL_TOO_LONG);
}
END_TEST

START_TEST(refusals_say_why)
{
	static const struct {
		enum control_request request;
		const char *line, *text;
	} cases[] = {
	    {CONTROL_UNKNOWN, "help\r\n", "unknown request \"help\"; known: status"},
	    {CONTROL_UNKNOWN, "\n", "unknown request \"\"; known: status"},
	    {CONTROL_UNKNOWN, "a\"b\\c/d\n", "unknown request \"a\"b\\c/d\"; known: status"},
	    {CONTROL_UNKNOWN, "a\nb\n", "unknown request \"a\"; known: status"},
	    {CONTROL_UNKNOWN, "\033[2J\n", "unknown request \"\033[2J\"; known: status"},
	    {CONTROL_UNKNOWN, "\xe9\n", "unknown request \"\xc3\xa9\"; known: status"},
	    {CONTROL_TOO_LONG, "aaa", "request longer than 256 bytes"},
	    {CONTROL_MORE, "stat", "no complete request within 5 s"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = refusal(cases[i].request, cases[i].line, strlen(cases[i].line));

		ck_assert_str_eq(text, cases[i].text);
		free(text);
	}
	free(refusal(CONTROL_MORE, NULL, 0));
	free(refusal(CONTROL_UNKNOWN, NULL, 0));
}
END_TEST

START_TEST(refusals_of_any_byte_are_json)
{
	char bytes[1024];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i == '\n' ? 'n' : i);
	for (size_t size = 0; size <= sizeof(bytes); size++)
		free(refusal(CONTROL_UNKNOWN, bytes, size));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control_request");
	TCase *tcase = tcase_create("control_request");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, status_is_a_line);
	tcase_add_test(tcase, anything_else_is_unknown);
	tcase_add_test(tcase, length_ends_at_256);
	tcase_add_test(tcase, refusals_say_why);
	tcase_add_test(tcase, refusals_of_any_byte_are_json);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
