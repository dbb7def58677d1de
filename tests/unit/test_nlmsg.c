/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The message builder at every size of its buffer, and the readers on lengths that lie.
 */
#include "common/nlmsg.h"

#include <check.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/message.h"

enum { CANARY = 0xa5, MAX = 8 };

static const char family[6] = "family";

/* Everything a builder can do, in one message; returns whether it fitted. */
static bool build(struct nlmsg *m, void *buffer, size_t size)
{
	nlmsg_start(m, buffer, size, RTM_NEWLINK, NLM_F_ACK, family, sizeof(family));
	nlmsg_put_u8(m, 1, 0x11);
	nlmsg_put_u16(m, 2, 0x2222);
	struct nlattr *outer = nlmsg_nest(m, 3);
	nlmsg_put_string(m, 1, "vxlan");
	struct nlattr *inner = nlmsg_nest(m, 2);
	nlmsg_put_u32(m, 1, 0x33333333);
	nlmsg_put_be16(m, 2, 4789);
	nlmsg_nest_end(m, inner);
	nlmsg_nest_end(m, outer);
	nlmsg_put_u64(m, 4, UINT64_C(0x4444444444444444));
	nlmsg_put(m, 5, "", 0);
	return !m->overflow;
}

START_TEST(builds_what_is_asked)
{
	static const char *const nests[] = {"3", "3/2", NULL}, *const none[] = {NULL};
	_Alignas(struct nlmsghdr) char buffer[512];
	struct nlmsg m;

	ck_assert(build(&m, buffer, sizeof(buffer)));
	ck_assert_uint_eq(m.header->nlmsg_len % 4, 0);
	/* the family's structure is padded to four bytes */
	char *text = message_text(m.header, 8, nests, none);
	ck_assert_str_eq(text, "type 16 flags 0x5=66616d696c790000\n"
			       "1=11\n2=2222\n3/1=76786c616e00\n3/2/1=33333333\n3/2/2=12b5\n"
			       "4=4444444444444444\n5=\n");
	free(text);
}
END_TEST

START_TEST(overflow_sticks_at_every_size)
{
	_Alignas(struct nlmsghdr) char whole[512], before[512];
	struct nlmsg m;

	ck_assert(build(&m, whole, sizeof(whole)));
	size_t needed = m.header->nlmsg_len;
	memset(before, CANARY, sizeof(before));
	for (size_t size = 0; size <= needed + 8; size++) {
		char *buffer =
		    malloc(size + 1); /* ASan watches from here on, the canary the last byte */

		memset(buffer, CANARY, size + 1);
		ck_assert_msg(build(&m, buffer, size) == (size >= needed), "size %zu", size);
		ck_assert_int_eq((unsigned char)buffer[size], CANARY);
		if (m.overflow) {
			nlmsg_put(&m, 1, "", 0); /* would fit, and still is not taken */
			ck_assert(m.overflow);
			ck_assert_ptr_null(nlmsg_nest(&m, 1));
			nlmsg_nest_end(&m, NULL);
			ck_assert(m.overflow);
		} else {
			ck_assert_int_eq(memcmp(buffer, whole, needed), 0);
		}
		free(buffer);
	}
}
END_TEST

START_TEST(later_smaller_attribute_does_not_heal)
{
	_Alignas(struct nlmsghdr) char buffer[64];
	struct nlmsg m;

	nlmsg_start(&m, buffer, sizeof(buffer), RTM_NEWLINK, 0, family, sizeof(family));
	uint32_t before = m.header->nlmsg_len;
	nlmsg_put(&m, 1, buffer, 60);
	ck_assert(m.overflow);
	nlmsg_put_u8(&m, 2, 1);
	ck_assert(m.overflow);
	ck_assert_uint_eq(m.header->nlmsg_len, before);
}
END_TEST

START_TEST(attribute_of_64k)
{
	enum { ROOM = 1 << 18 };
	char *data = calloc(1, ROOM), *buffer = malloc(ROOM);
	struct nlmsg m;

	nlmsg_start(&m, buffer, ROOM, RTM_NEWLINK, 0, family, sizeof(family));
	nlmsg_put(&m, 7, data, UINT16_MAX - 4);
	ck_assert(!m.overflow);
	const struct nlattr *table[MAX + 1];
	size_t size;
	ck_assert(nlmsg_parse(m.header, sizeof(family), table, MAX));
	ck_assert_ptr_nonnull(nlattr_data(table[7], &size));
	ck_assert_uint_eq(size, UINT16_MAX - 4);
	nlmsg_put_u8(&m, 1, 9); /* behind it, where the next one is found */
	ck_assert(nlmsg_parse(m.header, sizeof(family), table, MAX));
	ck_assert_ptr_nonnull(table[1]);
	nlmsg_put(&m, 7, data, UINT16_MAX - 3);
	ck_assert(m.overflow);

	nlmsg_start(&m, buffer, ROOM, RTM_NEWLINK, 0, family, sizeof(family));
	nlmsg_put(&m, 7, data, (size_t)UINT32_MAX + 1); /* not to be taken for 0 */
	ck_assert(m.overflow);
	free(data);
	free(buffer);
}
END_TEST

/* A nest's own length has 16 bits as well, however big the buffer is. */
START_TEST(nest_of_64k)
{
	enum { ROOM = 1 << 18 };
	char *data = calloc(1, ROOM), *buffer = malloc(ROOM);

	for (size_t size = 32700; size <= 32800; size++) {
		const struct nlattr *table[MAX + 1], *inner[MAX + 1];
		struct nlmsg m;

		nlmsg_start(&m, buffer, ROOM, RTM_NEWLINK, 0, family, sizeof(family));
		struct nlattr *nest = nlmsg_nest(&m, 1);
		nlmsg_put(&m, 1, data, size);
		nlmsg_put(&m, 2, data, size);
		nlmsg_nest_end(&m, nest);
		size_t needed = 4 + 2 * (4 + ((size + 3) & ~(size_t)3));
		ck_assert_msg(m.overflow == (needed > UINT16_MAX), "size %zu", size);
		if (m.overflow)
			continue;
		ck_assert(nlmsg_parse(m.header, sizeof(family), table, MAX));
		nlattr_parse_nest(table[1], inner, MAX);
		ck_assert_ptr_nonnull(inner[2]);
	}
	free(data);
	free(buffer);
}
END_TEST

/* ---- readers --------------------------------------------------------------------------------- */

static const struct nlattr *attribute(void *buffer, const void *data, size_t size)
{
	static const struct nlattr *table[MAX + 1];
	struct nlmsg m;

	nlmsg_start(&m, buffer, 256, RTM_NEWLINK, 0, family, sizeof(family));
	nlmsg_put(&m, 1, data, size);
	ck_assert(!m.overflow);
	ck_assert(nlmsg_parse(m.header, sizeof(family), table, MAX));
	return table[1];
}

START_TEST(readers_want_the_exact_size)
{
	static const uint8_t data[17] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
	_Alignas(struct nlmsghdr) char buffer[256];

	for (size_t size = 0; size <= sizeof(data); size++) {
		const struct nlattr *attr = attribute(buffer, data, size);
		uint8_t u8 = 99, copy[8] = {0};
		uint16_t u16 = 99, be16 = 99;
		uint32_t u32 = 99;
		uint64_t u64 = 99;

		ck_assert_int_eq(nlattr_u8(attr, &u8), size == 1);
		ck_assert_int_eq(nlattr_u16(attr, &u16), size == 2);
		ck_assert_int_eq(nlattr_be16(attr, &be16), size == 2);
		ck_assert_int_eq(nlattr_u32(attr, &u32), size == 4);
		ck_assert_int_eq(nlattr_u64(attr, &u64), size == 8);
		ck_assert_int_eq(nlattr_copy(attr, copy, sizeof(copy)), size >= sizeof(copy));
		ck_assert_uint_eq(u8, size == 1 ? 1 : 99);
		ck_assert_uint_eq(be16, size == 2 ? 0x0102 : 99);
		ck_assert_uint_eq(u32 == 99, size != 4);
		ck_assert_uint_eq(u64 == 99, size != 8);
		ck_assert_int_eq(copy[7], size >= sizeof(copy) ? 8 : 0);
	}
}
END_TEST

START_TEST(absent_attributes)
{
	uint8_t u8 = 9;
	uint16_t u16 = 9;
	uint32_t u32 = 9;
	uint64_t u64 = 9;
	char text[4] = "old";
	size_t size = 9;
	const struct nlattr *table[MAX + 1];

	ck_assert(!nlattr_u8(NULL, &u8) && !nlattr_u16(NULL, &u16) && !nlattr_be16(NULL, &u16));
	ck_assert(!nlattr_u32(NULL, &u32) && !nlattr_u64(NULL, &u64) && !nlattr_copy(NULL, &u8, 1));
	ck_assert(!nlattr_string(NULL, text, sizeof(text)));
	ck_assert(u8 == 9 && u16 == 9 && u32 == 9 && u64 == 9);
	ck_assert_str_eq(text, "old");
	ck_assert_ptr_null(nlattr_data(NULL, &size));
	ck_assert_uint_eq(size, 0);
	memset(table, CANARY, sizeof(table));
	nlattr_parse_nest(NULL, table, MAX);
	for (int i = 0; i <= MAX; i++)
		ck_assert_ptr_null(table[i]);
}
END_TEST

START_TEST(strings_are_cut_and_terminated)
{
	_Alignas(struct nlmsghdr) char buffer[256];
	char out[6];

	ck_assert(nlattr_string(attribute(buffer, "abc", 4), out, sizeof(out)));
	ck_assert_str_eq(out, "abc");
	ck_assert(nlattr_string(attribute(buffer, "abc", 3), out, sizeof(out))); /* without a NUL */
	ck_assert_str_eq(out, "abc");
	ck_assert(nlattr_string(attribute(buffer, "abcdefgh", 9), out, sizeof(out)));
	ck_assert_str_eq(out, "abcde");
	ck_assert(nlattr_string(attribute(buffer, "ab\0cd", 6), out, sizeof(out)));
	ck_assert_str_eq(out, "ab");
	ck_assert(nlattr_string(attribute(buffer, "", 0), out, sizeof(out)));
	ck_assert_str_eq(out, "");
	ck_assert(!nlattr_string(attribute(buffer, "a", 2), out, 0));
}
END_TEST

START_TEST(unknown_types_are_passed_over)
{
	_Alignas(struct nlmsghdr) char buffer[256];
	const struct nlattr *table[3];
	struct nlmsg m;
	uint8_t value = 0;

	nlmsg_start(&m, buffer, sizeof(buffer), RTM_NEWLINK, 0, family, sizeof(family));
	nlmsg_put_u8(&m, 3, 1); /* just above the table */
	nlmsg_put_u8(&m, 0x3fff, 1);
	nlmsg_put_u8(&m, 2 | NLA_F_NESTED, 7);
	ck_assert(nlmsg_parse(m.header, sizeof(family), table, 2));
	ck_assert_ptr_null(table[0]);
	ck_assert_ptr_null(table[1]);
	ck_assert(nlattr_u8(table[2], &value));
	ck_assert_uint_eq(value, 7);
}
END_TEST

static void read_all(const struct nlmsghdr *message)
{
	const struct nlattr *table[MAX + 1], *inner[MAX + 1];
	static volatile unsigned char sum;
	char text[16];
	size_t size;

	if (!nlmsg_parse(message, sizeof(family), table, MAX)) {
		ck_assert_uint_lt(message->nlmsg_len, sizeof(*message) + sizeof(family));
		return;
	}
	for (int i = 0; i <= MAX; i++) {
		const unsigned char *data = nlattr_data(table[i], &size);
		for (size_t n = 0; n < size; n++)
			sum = (unsigned char)(sum + data[n]);
		nlattr_string(table[i], text, sizeof(text));
		nlattr_parse_nest(table[i], inner, MAX);
		for (int k = 0; k <= MAX; k++)
			nlattr_string(inner[k], text, sizeof(text));
	}
}

static char *sample_hex(void)
{
	static char hex[1024];
	_Alignas(struct nlmsghdr) unsigned char buffer[512];
	struct nlmsg m;

	ck_assert(build(&m, buffer, sizeof(buffer)));
	for (uint32_t i = 0; i < m.header->nlmsg_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", buffer[i]);
	return hex;
}

START_TEST(truncated_at_every_byte)
{
	message_truncate(sample_hex(), read_all);
}
END_TEST

START_TEST(random_damage)
{
	message_mutate(sample_hex(), read_all, 200000, random_seed(1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nlmsg");
	TCase *tests = tcase_create("nlmsg");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, builds_what_is_asked);
	tcase_add_test(tests, overflow_sticks_at_every_size);
	tcase_add_test(tests, later_smaller_attribute_does_not_heal);
	tcase_add_test(tests, attribute_of_64k);
	tcase_add_test(tests, nest_of_64k);
	tcase_add_test(tests, readers_want_the_exact_size);
	tcase_add_test(tests, absent_attributes);
	tcase_add_test(tests, strings_are_cut_and_terminated);
	tcase_add_test(tests, unknown_types_are_passed_over);
	tcase_add_test(tests, truncated_at_every_byte);
	tcase_add_test(tests, random_damage);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
