/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See message.h. Its reader of attributes is its own, so that a fault in the tested one shows.
 */
#include "tests/unit/message.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 128, PATH = 64 };

struct nlmsghdr *message_from_hex(const char *hex)
{
	size_t size = strlen(hex) / 2;
	uint8_t *bytes = malloc(size);

	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; i < size; i++) {
		unsigned value;

		ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &value), 1);
		bytes[i] = (uint8_t)value;
	}
	struct nlmsghdr *message = (struct nlmsghdr *)bytes;
	ck_assert_uint_eq(message->nlmsg_len, size);
	return message;
}

/* ---- text ------------------------------------------------------------------------------------ */

struct lines {
	char *line[LINES];
	size_t count;
	const char *const *nests;
	const char *const *ignored;
};

static int listed(const char *const *list, const char *path)
{
	for (; *list; list++)
		if (strcmp(*list, path) == 0)
			return 1;
	return 0;
}

static char *hex_line(const char *path, const uint8_t *data, size_t size)
{
	size_t length = strlen(path) + 1 + size * 2;
	char *line = malloc(length + 1), *at = line;

	ck_assert_ptr_nonnull(line);
	at += sprintf(at, "%s=", path);
	for (size_t i = 0; i < size; i++)
		at += sprintf(at, "%02x", data[i]);
	return line;
}

static void add_line(struct lines *lines, const char *path, const uint8_t *data, size_t size)
{
	ck_assert_uint_lt(lines->count, LINES);
	lines->line[lines->count++] = hex_line(path, data, size);
}

/* "18/2/1+16": there are 16 bytes in front of the attributes. */
static int is_nest(const char *const *nests, const char *path, size_t *skip)
{
	size_t length = strlen(path);

	for (; *nests; nests++) {
		if (strncmp(*nests, path, length) != 0 ||
		    ((*nests)[length] && (*nests)[length] != '+'))
			continue;
		*skip = (*nests)[length] ? (size_t)atoi(*nests + length + 1) : 0;
		return 1;
	}
	return 0;
}

static void add_attributes(struct lines *lines, const char *parent, const uint8_t *data,
			   size_t size)
{
	while (size >= sizeof(struct nlattr)) {
		struct nlattr attr;
		char path[PATH];

		memcpy(&attr, data, sizeof(attr));
		ck_assert_uint_ge(attr.nla_len, sizeof(attr));
		ck_assert_uint_le(attr.nla_len, size);
		snprintf(path, sizeof(path), "%s%s%u", parent, parent[0] ? "/" : "",
			 attr.nla_type & NLA_TYPE_MASK);
		const uint8_t *payload = data + sizeof(attr);
		size_t payload_size = attr.nla_len - sizeof(attr);
		size_t skip;
		if (is_nest(lines->nests, path, &skip)) {
			ck_assert_uint_ge(payload_size, skip);
			if (skip)
				add_line(lines, path, payload, skip);
			add_attributes(lines, path, payload + skip, payload_size - skip);
		} else if (!listed(lines->ignored, path)) {
			add_line(lines, path, payload, payload_size);
		}
		size_t step = NLA_ALIGN(attr.nla_len);
		step = step < size ? step : size;
		data += step;
		size -= step;
	}
	ck_assert_uint_eq(size, 0);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char *message_text(const struct nlmsghdr *message, size_t family_size, const char *const *nests,
		   const char *const *ignored)
{
	struct lines lines = {.nests = nests, .ignored = ignored};
	const uint8_t *bytes = (const uint8_t *)message;
	size_t start = sizeof(*message) + family_size, size;
	char *text = NULL, head[PATH];

	FILE *out = open_memstream(&text, &size);
	ck_assert_ptr_nonnull(out);
	snprintf(head, sizeof(head), "type %u flags %#x", message->nlmsg_type,
		 message->nlmsg_flags);
	char *family = hex_line(head, bytes + sizeof(*message), family_size);
	fprintf(out, "%s\n", family);
	free(family);
	add_attributes(&lines, "", bytes + start, message->nlmsg_len - start);
	qsort(lines.line, lines.count, sizeof(*lines.line), by_text);
	for (size_t i = 0; i < lines.count; i++) {
		fprintf(out, "%s\n", lines.line[i]);
		free(lines.line[i]);
	}
	fclose(out);
	return text;
}

/* ---- damage ---------------------------------------------------------------------------------- */

static struct nlmsghdr *copy_exactly(const struct nlmsghdr *message, size_t size)
{
	struct nlmsghdr *copy = malloc(size);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, message, size);
	uint32_t length = (uint32_t)size;
	memcpy(copy, &length, sizeof(length));
	return copy;
}

void message_truncate(const char *hex, message_reader read)
{
	struct nlmsghdr *whole = message_from_hex(hex);

	/* the length itself is there always: nobody could call it a message otherwise */
	for (size_t size = sizeof(whole->nlmsg_len); size <= whole->nlmsg_len; size++) {
		struct nlmsghdr *part = copy_exactly(whole, size);

		read(part);
		free(part);
	}
	free(whole);
}

void message_mutate(const char *hex, message_reader read, unsigned times, uint64_t seed)
{
	struct nlmsghdr *whole = message_from_hex(hex);
	uint64_t state = seed;

	for (unsigned i = 0; i < times; i++) {
		size_t size = whole->nlmsg_len;
		uint64_t cut = random_next(&state);

		if (cut % 4 == 0)
			size = sizeof(*whole) + cut / 4 % (size - sizeof(*whole) + 1);
		struct nlmsghdr *broken = copy_exactly(whole, size);
		for (uint64_t n = 1 + random_next(&state) % 8; n && size > sizeof(*whole); n--) {
			uint64_t random = random_next(&state);
			size_t at = sizeof(*whole) + (random >> 16) % (size - sizeof(*whole));
			/* mostly lengths and types, which are small numbers */
			((uint8_t *)broken)[at] =
			    (uint8_t)(random & 1 ? random >> 8 : random >> 8 & 15);
		}
		read(broken);
		free(broken);
	}
	free(whole);
}

uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t random_seed(uint64_t initial)
{
	const char *text = getenv("VTAP_TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : initial;

	return seed ? seed : 1; /* xorshift has no way out of zero */
}
