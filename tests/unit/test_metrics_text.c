/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text exposition format, to the byte: what Prometheus cannot parse costs the whole scrape.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/metrics_text.h"

struct taken {
	char *text;
	size_t size, blocks;
};

static void take(void *ctx, char *block, size_t size)
{
	struct taken *taken = ctx;

	taken->text = realloc(taken->text, taken->size + size + 1);
	memcpy(taken->text + taken->size, block, size);
	taken->size += size;
	taken->text[taken->size] = '\0';
	taken->blocks++;
	metrics_block_free(block);
}

static void expect(struct metrics_text *text, const char *expected)
{
	struct taken *taken = text->ctx;

	ck_assert(metrics_end(text));
	ck_assert_str_eq(taken->text, expected);
	free(taken->text);
	*taken = (struct taken){0};
}

START_TEST(families_and_samples)
{
	struct taken taken = {0};
	struct metrics_text text = {.take = take, .ctx = &taken};
	const struct metrics_label one[] = {{"a", "x"}, {NULL, NULL}};
	const struct metrics_label two[] = {{"a", "x"}, {"b", ""}, {NULL, NULL}};

	metrics_family(&text, METRICS_COUNTER, "frames_total", "Frames.");
	metrics_sample(&text, one, 0);
	metrics_sample(&text, two, UINT64_MAX);
	metrics_single(&text, METRICS_GAUGE, "up", "Whether.", 1);
	expect(&text, "# HELP frames_total Frames.\n# TYPE frames_total counter\n"
		      "frames_total{a=\"x\"} 0\n"
		      "frames_total{a=\"x\",b=\"\"} 18446744073709551615\n"
		      "# HELP up Whether.\n# TYPE up gauge\nup 1\n");
}
END_TEST

START_TEST(start)
{
	struct taken taken = {0};
	struct metrics_text text = {.take = take, .ctx = &taken};

	metrics_start(&text, "client", false, 1767323045);
	ck_assert(metrics_end(&text));
	ck_assert_ptr_nonnull(strstr(
	    taken.text, "vtap_build_info{daemon=\"client\",version=\"" PACKAGE_VERSION "\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(taken.text, "\nvtap_healthy{daemon=\"client\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(taken.text, "\nprocess_start_time_seconds 1767323045\n"));
	free(taken.text);
}
END_TEST

START_TEST(label_values)
{
	static const struct {
		const char *value, *text;
	} cases[] = {
	    {"", ""},
	    {"eth0.7@{} =,", "eth0.7@{} =,"},
	    {"\"", "\\\""},
	    {"a\\b", "a\\\\b"},
	    {"a\nb\n", "a\\nb\\n"},
	    {"\t\r\x7f", "\t\r\x7f"},
	    {"M\xc3\xbcnchen \xe2\x82\xac \xf0\x9f\x90\xa7",
	     "M\xc3\xbcnchen \xe2\x82\xac \xf0\x9f\x90\xa7"},
	    {"\xf4\x8f\xbf\xbf \xed\x9f\xbf \xef\xbf\xbf",
	     "\xf4\x8f\xbf\xbf \xed\x9f\xbf \xef\xbf\xbf"},
	    /* no UTF-8: each bad byte becomes the Latin-1 character that it is */
	    {"M\xfcnchen", "M\xc3\xbcnchen"},
	    {"\xc3", "\xc3\x83"},                               /* cut off */
	    {"\xe2\x82", "\xc3\xa2\xc2\x82"},                   /* cut off */
	    {"\xf0\x9f\x90\"", "\xc3\xb0\xc2\x9f\xc2\x90\\\""}, /* cut off by what needs escaping */
	    {"\xc0\xaf", "\xc3\x80\xc2\xaf"},                   /* overlong */
	    {"\xe0\x80\xaf", "\xc3\xa0\xc2\x80\xc2\xaf"},       /* overlong */
	    {"\xed\xa0\x80", "\xc3\xad\xc2\xa0\xc2\x80"},       /* a surrogate */
	    {"\xf4\x90\x80\x80", "\xc3\xb4\xc2\x90\xc2\x80\xc2\x80"}, /* beyond U+10FFFF */
	    {"\xff\xfe\x80", "\xc3\xbf\xc3\xbe\xc2\x80"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct taken taken = {0};
		struct metrics_text text = {.take = take, .ctx = &taken, .family = "m"};
		const struct metrics_label labels[] = {{"l", cases[i].value}, {NULL, NULL}};
		char expected[128];

		snprintf(expected, sizeof(expected), "m{l=\"%s\"} 1\n", cases[i].text);
		metrics_sample(&text, labels, 1);
		expect(&text, expected);
	}
}
END_TEST

START_TEST(numbers)
{
	char text[METRICS_NUMBER];

	ck_assert_str_eq(metrics_number(0, text), "0");
	ck_assert_str_eq(metrics_number(9, text), "9");
	ck_assert_str_eq(metrics_number(10, text), "10");
	ck_assert_str_eq(metrics_number(16777215, text), "16777215");
	ck_assert_str_eq(metrics_number(UINT64_MAX, text), "18446744073709551615");
}
END_TEST

/* Blocks are full, but for the last one, and nothing is lost or doubled between them. */
START_TEST(many_blocks)
{
	struct taken taken = {0};
	struct metrics_text text = {.take = take, .ctx = &taken, .family = "m"};
	char *expected = NULL;
	size_t size;
	FILE *out = open_memstream(&expected, &size);

	for (uint64_t i = 0; i < 100000; i++) {
		metrics_sample(&text, NULL, i);
		fprintf(out, "m %u\n", (unsigned)i);
	}
	fclose(out);
	ck_assert(metrics_end(&text));
	ck_assert_uint_eq(taken.blocks, (size + METRICS_BLOCK - 1) / METRICS_BLOCK);
	ck_assert_uint_gt(taken.blocks, 2);
	ck_assert_uint_eq(taken.size, size);
	ck_assert(strcmp(taken.text, expected) == 0);
	free(taken.text);
	free(expected);
}
END_TEST

/* A text that ends with its block has no empty one behind it, and an empty text has none at all. */
START_TEST(block_boundary)
{
	struct taken taken = {0};
	struct metrics_text text = {.take = take, .ctx = &taken, .family = "1234567 9012"};

	ck_assert(metrics_end(&text));
	ck_assert_uint_eq(taken.blocks, 0);
	for (int i = 0; i < METRICS_BLOCK / 16; i++)
		metrics_sample(&text, NULL, 10); /* with its space and newline: 16 bytes */
	ck_assert(metrics_end(&text));
	ck_assert_uint_eq(taken.size, METRICS_BLOCK);
	ck_assert_uint_eq(taken.blocks, 1);
	free(taken.text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics_text");
	TCase *tests = tcase_create("metrics_text");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, families_and_samples);
	tcase_add_test(tests, start);
	tcase_add_test(tests, label_values);
	tcase_add_test(tests, numbers);
	tcase_add_test(tests, many_blocks);
	tcase_add_test(tests, block_boundary);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
