/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/metrics_text.h"

#include <string.h>
#include <sys/mman.h>

/* Straight from the kernel: what malloc() got for a document of megabytes it would keep between two
 * scrapes. */
static char *block_new(void)
{
	void *block =
	    mmap(NULL, METRICS_BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return block == MAP_FAILED ? NULL : block;
}

void metrics_block_free(char *block)
{
	munmap(block, METRICS_BLOCK);
}

static void put(struct metrics_text *text, const char *bytes, size_t size)
{
	while (size && !text->failed) {
		if (!text->block) {
			text->block = block_new();
			text->used = 0;
			text->failed = !text->block;
			continue;
		}
		size_t room = METRICS_BLOCK - text->used;
		size_t part = size < room ? size : room;

		memcpy(text->block + text->used, bytes, part);
		text->used += part;
		bytes += part;
		size -= part;
		if (text->used == METRICS_BLOCK) {
			text->take(text->ctx, text->block, text->used);
			text->block = NULL;
		}
	}
}

static void put_string(struct metrics_text *text, const char *string)
{
	put(text, string, strlen(string));
}

const char *metrics_number(uint64_t value, char number[METRICS_NUMBER])
{
	char *at = number + METRICS_NUMBER - 1;

	*at = '\0';
	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	return at;
}

/* How many bytes the well-formed UTF-8 sequence at `bytes` has, which ends with a NUL; 0: it is
 * none. */
static size_t utf8_length(const unsigned char *bytes)
{
	/* the second byte's range keeps out overlong forms, surrogates, and what is beyond
	 * U+10FFFF */
	static const struct {
		unsigned char first, last, low, high, length;
	} forms[] = {
	    {0x01, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
	    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
	    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (bytes[0] < forms[i].first || bytes[0] > forms[i].last)
			continue;
		if (bytes[1] < forms[i].low || bytes[1] > forms[i].high)
			return 0;
		for (size_t k = 2; k < forms[i].length; k++)
			if ((bytes[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

/* One bad byte in one name would make Prometheus refuse the whole document: it is written as the
 * Latin-1 character that it would be. */
static void put_escaped(struct metrics_text *text, const char *value)
{
	const unsigned char *at = (const unsigned char *)value;

	while (*at) {
		size_t plain = 0;

		while (at[plain] >= ' ' && at[plain] < 0x7f && at[plain] != '\\' &&
		       at[plain] != '"')
			plain++;
		put(text, (const char *)at, plain);
		at += plain;
		size_t length = utf8_length(at);

		if (!*at)
			break;
		if (*at == '\\' || *at == '"')
			put(text, (const char[]){'\\', (char)*at}, 2);
		else if (*at == '\n')
			put(text, "\\n", 2);
		else if (length)
			put(text, (const char *)at, length);
		else
			put(text,
			    (const char[]){(char)(0xc0 | *at >> 6), (char)(0x80 | (*at & 0x3f))},
			    2);
		at += length ? length : 1;
	}
}

void metrics_family(struct metrics_text *text, enum metrics_type type, const char *name,
		    const char *help)
{
	text->family = name;
	put_string(text, "# HELP ");
	put_string(text, name);
	put_string(text, " ");
	put_string(text, help);
	put_string(text, "\n# TYPE ");
	put_string(text, name);
	put_string(text, type == METRICS_COUNTER ? " counter\n" : " gauge\n");
}

void metrics_sample(struct metrics_text *text, const struct metrics_label *labels, uint64_t value)
{
	char number[METRICS_NUMBER], separator = '{';

	put_string(text, text->family);
	for (; labels && labels->name; labels++) {
		put(text, &separator, 1);
		put_string(text, labels->name);
		put(text, "=\"", 2);
		put_escaped(text, labels->value);
		put(text, "\"", 1);
		separator = ',';
	}
	if (separator == ',')
		put(text, "}", 1);
	put(text, " ", 1);
	put_string(text, metrics_number(value, number));
	put(text, "\n", 1);
}

void metrics_single(struct metrics_text *text, enum metrics_type type, const char *name,
		    const char *help, uint64_t value)
{
	metrics_family(text, type, name, help);
	metrics_sample(text, NULL, value);
}

void metrics_start(struct metrics_text *text, const char *daemon, bool degraded, uint64_t started_s)
{
	const struct metrics_label build[] = {
	    {"daemon", daemon}, {"version", PACKAGE_VERSION}, {NULL, NULL}};
	const struct metrics_label who[] = {{"daemon", daemon}, {NULL, NULL}};

	metrics_family(text, METRICS_GAUGE, "vtap_build_info",
		       "Which daemon this is, and its version; the value is always 1.");
	metrics_sample(text, build, 1);
	metrics_family(text, METRICS_GAUGE, "vtap_healthy",
		       "Whether the daemon's state is ok (1) or degraded (0).");
	metrics_sample(text, who, !degraded);
	metrics_single(text, METRICS_GAUGE, "process_start_time_seconds",
		       "Start time of the process since unix epoch in seconds.", started_s);
}

bool metrics_end(struct metrics_text *text)
{
	if (text->block)
		text->take(text->ctx, text->block, text->used);
	text->block = NULL;
	return !text->failed;
}
