/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel says of nftables tables, in recorded messages: whose they are, and whether two
 * rules are the same.
 */
#include "common/ruleset.h"

#include <arpa/inet.h>
#include <check.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/message.h"

/* Of Linux 6.18, asked by nobody in particular; the table "vtap-client" unless a name says "other".
 */
static const char generation[] =
    "300000000f0a0000010000009b670000000000020800010000000002080002000000679b0c000300707974686f6e33"
    "00";
static const char table[] =
    "68000000000a0000010000009b6700000200000210000100767461702d636c69656e74000800030000000003"
    "0c0004000000000000000001080002000000000025000600001f767461702d636c69656e7420303132333435"
    "36373839616263646566203200000000";
static const char other_table[] =
    "40000000000a0000010000009b670000020000020f000100767461702d6f74686572000008000300000000010c"
    "00040000000000000000020800020000000000";
static const char chain[] =
    "78000000030a0200010000009b6700000200000210000100767461702d636c69656e74000f000300707265726f"
    "7574696e6700000c000200000000000000000214000400080001000000000008000200fffffe3e080005000000"
    "00010b00070066696c746572000008000a00000000010800060000000001";
static const char rule[] =
    "e4000000060a0208010000009b6700000200000210000100767461702d636c69656e74000f000200707265726f"
    "7574696e6700000c0003000000000000000005a400040024000100090001006d65746100000000140002000800"
    "02000000000608000100000000013800010008000100636d70002c000200080001000000000108000200000000"
    "00180003001400010065746830000000000000000000000000440001000e000100696d6d656469617465000000"
    "300002000800010000000000240002002000020008000100fffffffc13000200696e67726573735f636f706965"
    "730000";
static const char other_rule[] =
    "1c010000060a0208010000009b670000020000020f000100767461702d6f74686572000006000200780000000c"
    "0003000000000000000002e400040024000100090001006d657461000000001400020008000200000000100800"
    "0100000000012c00010008000100636d700020000200080001000000000108000200000000000c000300050001"
    "0011000000340001000c0001007061796c6f616400240002000800010000000001080002000000000208000300"
    "0000000208000400000000022c00010008000100636d7000200002000800010000000001080002000000000"
    "00c0003000600010000010000300001000e000100696d6d6564696174650000001c0002000800010000000000"
    "100002000c0002000800010000000001";
static const char counter[] =
    "7c000000120a0208010000009b6700000200000210000100767461702d636c69656e74001f000200636f706965"
    "735f696e5f39313531623435636531633666353966000008000300000000010c000600000000000000000308"
    "000500000000001c0004000c0001000000000000008b050c000200000000000000001b";
static const char deleted_table[] =
    "38000000020a000001000000ce6700000200000310000100767461702d636c69656e74000800030000000000"
    "0c0004000000000000000001";
static const char other_deleted[] =
    "38000000020a000001000000ce670000020000030f000100767461702d6f746865720000080003000000000"
    "00c0004000000000000000002";

static struct nlmsghdr *message;

static struct nlmsghdr *take(const char *hex)
{
	free(message);
	message = message_from_hex(hex);
	return message;
}

static void teardown(void)
{
	free(message);
	message = NULL;
}

START_TEST(marks)
{
	struct ruleset_mark mark = {.print = 0x0123456789abcdef, .rules = 12}, again;
	char text[RULESET_MARK_TEXT];

	ck_assert_str_eq(ruleset_mark_text(&mark, text), "vtap-client 0123456789abcdef 12");
	ck_assert(ruleset_mark_read(text, &again));
	ck_assert(again.print == mark.print && again.rules == 12);
	static const char *const none[] = {"",
					   "vtap-client",
					   "vtap-client 123 12",
					   "vtap-client 0123456789abcdef",
					   "vtap-client 0123456789abcdef -1",
					   "vtap-client 0123456789abcdef 12 ",
					   "vtap-clienT 0123456789abcdef 12",
					   "vtap-client 0123456789ABCDEF 12"};
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		ck_assert_msg(!ruleset_mark_read(none[i], &again), "%s", none[i]);
}
END_TEST

START_TEST(prints)
{
	ck_assert(ruleset_print(0, "", 0) == 0xcbf29ce484222325);
	ck_assert(ruleset_print(0, "a", 1) == 0xaf63dc4c8601ec8c); /* FNV-1a's own example */
	ck_assert(ruleset_print(ruleset_print(0, "a", 1), "b", 1) == ruleset_print(0, "ab", 2));
}
END_TEST

START_TEST(tables)
{
	struct ruleset_mark mark;
	bool marked = false;
	uint32_t number = 0;

	ck_assert(ruleset_table_parse(take(table), &marked, &mark));
	ck_assert(marked && mark.print == 0x0123456789abcdef && mark.rules == 2);
	ck_assert(!ruleset_table_parse(take(other_table), &marked, &mark));
	ck_assert(!ruleset_table_parse(take(chain), &marked, &mark));
	/* the mark, spoilt */
	struct nlmsghdr *m = take(table);
	((char *)m)[m->nlmsg_len - 20] = 'x';
	ck_assert(ruleset_table_parse(m, &marked, &mark));
	ck_assert(!marked);
	ck_assert(ruleset_generation_parse(take(generation), &number));
	ck_assert_uint_eq(number, htonl(2)); /* only told from others */
	ck_assert(!ruleset_generation_parse(take(table), &number));
}
END_TEST

START_TEST(hashes)
{
	uint64_t before = 0, same = 0, hash = 0;

	ck_assert(ruleset_mix_rule(take(rule), &before));
	ck_assert(before);
	ck_assert(!ruleset_mix_rule(take(other_rule), &hash));
	ck_assert(!ruleset_mix_rule(take(chain), &hash));
	ck_assert(!hash);
	/* another handle: the rule made anew */
	struct nlmsghdr *m = take(rule);
	((uint8_t *)m)[63] ^= 1;
	ck_assert(ruleset_mix_rule(m, &same));
	ck_assert(same == before);
	/* each byte of the expressions counts, behind the attribute's header */
	for (uint32_t at = 68; at < m->nlmsg_len; at++) {
		hash = 0;
		m = take(rule);
		((uint8_t *)m)[at] ^= 1;
		ck_assert_msg(ruleset_mix_rule(m, &hash) && hash != before, "byte %u", at);
	}
	hash = same = 0;
	ck_assert(ruleset_mix_chain(take(chain), &hash));
	m = take(chain);
	((uint8_t *)m)[87] ^= 1; /* the policy */
	ck_assert(ruleset_mix_chain(m, &same));
	ck_assert(same != hash);
	m = take(chain);
	((uint8_t *)m)[m->nlmsg_len - 1] = 7; /* how often it is used */
	same = 0;
	ck_assert(ruleset_mix_chain(m, &same));
	ck_assert(same == hash);
}
END_TEST

START_TEST(counters)
{
	struct tally tally;

	ck_assert(ruleset_counter_parse(take(counter), &tally));
	ck_assert_str_eq(tally.name, "copies_in_9151b45ce1c6f59f");
	ck_assert_uint_eq(tally.packets, 27);
	ck_assert_uint_eq(tally.bytes, 35589);
	ck_assert(!ruleset_counter_parse(take(rule), &tally));
}
END_TEST

START_TEST(events)
{
	ck_assert(ruleset_event(take(deleted_table)));
	ck_assert(ruleset_event(take(rule)));
	ck_assert(!ruleset_event(take(other_deleted)));
	ck_assert(!ruleset_event(take(generation)));
}
END_TEST

START_TEST(requests)
{
	static const char gets[] = "24000000010a00000000000000000000"
				   "0200000010000100767461702d636c69656e7400";
	char buffer[256];
	struct nlmsg m;

	ruleset_get_table(&m, buffer, sizeof(buffer), RULESET_IPV4);
	m.header->nlmsg_flags &= (uint16_t)~NLM_F_REQUEST;
	ck_assert(!m.overflow);
	ck_assert_uint_eq(m.header->nlmsg_len, strlen(gets) / 2);
	ck_assert_mem_eq(m.header, take(gets), m.header->nlmsg_len);
	ruleset_dump(&m, buffer, sizeof(buffer), RULESET_IPV6, RULESET_COUNTERS);
	ck_assert_uint_eq(m.header->nlmsg_type, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETOBJ);
	ck_assert(m.header->nlmsg_flags & NLM_F_DUMP);
}
END_TEST

static void read_all(const struct nlmsghdr *m)
{
	struct ruleset_mark mark;
	struct tally tally;
	uint64_t hash = 0;
	uint32_t number;
	bool marked;

	ruleset_table_parse(m, &marked, &mark);
	ruleset_generation_parse(m, &number);
	ruleset_mix_chain(m, &hash);
	ruleset_mix_rule(m, &hash);
	ruleset_counter_parse(m, &tally);
	ruleset_event(m);
}

START_TEST(broken_messages)
{
	static const char *const all[] = {generation, table, chain, rule, counter, deleted_table};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		message_truncate(all[i], read_all);
		message_mutate(all[i], read_all, 2000, random_seed(i + 1));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ruleset");
	TCase *tcase = tcase_create("ruleset");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, marks);
	tcase_add_test(tcase, prints);
	tcase_add_test(tcase, tables);
	tcase_add_test(tcase, hashes);
	tcase_add_test(tcase, counters);
	tcase_add_test(tcase, events);
	tcase_add_test(tcase, requests);
	tcase_add_test(tcase, broken_messages);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
