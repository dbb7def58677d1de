/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small texts that configurations and files hold: addresses, prefixes, endpoints, spans, rates,
 * marks. What is accepted is printed and read again to the same; what is refused changes nothing.
 * And any bytes as a string of JSON.
 *
 * Input: the text.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "client/rate.h"
#include "client/tee.h"
#include "common/addr.h"
#include "common/json_text.h"
#include "common/ruleset.h"
#include "common/span.h"
#include "tests/fuzz/fuzz.h"
#include "vtapstat/text.h"
#include "vtapstat/units.h"

static void check_addresses(const char *text)
{
	char again[IP_ENDPOINT_TEXT];
	struct ip_endpoint endpoint = {0}, other_endpoint;
	struct ip_prefix prefix = {0}, other_prefix;
	struct ip_addr addr = {0}, other;

	if (ip_addr_parse(text, &addr))
		fuzz_check(ip_addr_parse(ip_addr_format(&addr, again), &other) &&
			   ip_addr_equal(&addr, &other));
	else
		fuzz_check(!addr.family);
	if (ip_prefix_parse(text, &prefix))
		fuzz_check(ip_prefix_parse(ip_prefix_format(&prefix, again), &other_prefix) &&
			   prefix.len == other_prefix.len &&
			   ip_addr_equal(&prefix.addr, &other_prefix.addr) &&
			   ip_prefix_contains(&prefix, &prefix.addr));
	else
		fuzz_check(!prefix.addr.family);
	if (ip_endpoint_parse(text, &endpoint))
		fuzz_check(
		    endpoint.port &&
		    ip_endpoint_parse(ip_endpoint_format(&endpoint, again), &other_endpoint) &&
		    ip_endpoint_equal(&endpoint, &other_endpoint));
	else
		fuzz_check(!endpoint.port);
}

static void check_quantities(const char *text)
{
	char words[UNITS_TEXT], again[RULESET_MARK_TEXT];
	uint64_t seconds = 7, rate = 7;
	struct ruleset_mark mark;

	if (span_parse(text, &seconds))
		fuzz_check(seconds && seconds <= SPAN_SECONDS_MAX);
	else
		fuzz_check(seconds == 7);
	units_duration(seconds, words);
	if (rate_parse(text, &rate))
		fuzz_check(rate || strcmp(text, "none") == 0);
	else
		fuzz_check(rate == 7);
	units_count(rate, words);
	units_bytes(rate, words);
	units_per_s((double)rate, words);
	units_bits_per_s((double)rate * 8, words);
	if (ruleset_mark_read(text, &mark))
		fuzz_check(strcmp(ruleset_mark_text(&mark, again), text) == 0);
	tee_name_fits(text);
}

static void check_json(const char *text)
{
	struct json_text out = {0};
	struct json_object *start = json_object_new_object();

	json_object_object_add(start, "a", NULL);
	json_text_open(&out, start);
	json_text_literal(&out, ",\"b\":");
	json_text_string(&out, text);
	json_text_literal(&out, "}");
	char *written = json_text_finish(&out);
	fuzz_check(written);
	struct json_object *read = json_tokener_parse(written), *value;
	fuzz_check(json_object_object_get_ex(read, "b", &value) &&
		   strcmp(json_object_get_string(value), text) == 0);
	json_object_put(read);
	free(written);
}

static void check_shown(const char *text)
{
	size_t size = strlen(text), used;
	char *clean = malloc(size + 1);

	fuzz_check(clean);
	size_t width = text_clean(text, clean);
	fuzz_check(strlen(clean) <= size && text_width(clean, strlen(clean)) == width);
	for (size_t columns = 0; columns < 8; columns++) {
		size_t bytes = text_fit(clean, columns, &used);
		fuzz_check(used <= columns && bytes <= strlen(clean));
		fuzz_check(text_width(clean, bytes) == used);
	}
	free(clean);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);

	fuzz_check(text);
	check_addresses(text);
	check_quantities(text);
	check_json(text);
	check_shown(text);
	free(text);
	return 0;
}
