/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages about qdiscs and filters: those that are sent against those of tc(8), those that are
 * read against dumps of a real kernel, whole, cut off and broken.
 */
#include "common/tc.h"

#include <check.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/dump_tc.h"
#include "tests/unit/golden_tc.h"
#include "tests/unit/message.h"

static const char *const filter_nests[] = {"2", "2/1", "2/1/1", "2/1/1/2", NULL};
static const char *const qdisc_nests[] = {"2", NULL};
static const char *const none[] = {NULL};

/* The programs of tc_mirror, tc_seal and the others. */
static const struct sock_filter only_ipv4[] = {
    {0x28, 0, 0, 12}, {0x15, 0, 1, 2048}, {6, 0, 0, 65535}, {6, 0, 0, 0}};
static const struct sock_filter drop[] = {{6, 0, 0, 2}};
static const struct sock_filter take[] = {{6, 0, 0, 65535}};
static const uint8_t cookie[COOKIE_SIZE] = {'v', 't', 'a', 'p', 1, 1, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8};

static _Alignas(struct nlmsghdr) char buffer[1 << 17];
static struct nlmsg m;

static void expect(const char *golden, const char *const *nests, const char *const *ignored)
{
	struct nlmsghdr *message = message_from_hex(golden);
	char *wanted = message_text(message, sizeof(struct tcmsg), nests, ignored);
	char *got = message_text(m.header, sizeof(struct tcmsg), nests, ignored);

	ck_assert(!m.overflow);
	ck_assert_str_eq(got, wanted);
	free(wanted);
	free(got);
	free(message);
}

/* "tc filter replace" says NLM_F_CREATE without EXCL, which is the same; vtap says REPLACE as well.
 */
static void expect_filter(const char *golden, const char *const *ignored)
{
	ck_assert_uint_ne(m.header->nlmsg_flags & NLM_F_REPLACE, 0);
	m.header->nlmsg_flags &= (uint16_t)~NLM_F_REPLACE;
	expect(golden, filter_nests, ignored);
}

static struct want_filter mirror(uint32_t parent, uint16_t pref, uint32_t handle)
{
	struct want_filter want = {.parent = parent,
				   .pref = pref,
				   .handle = handle,
				   .insns = take,
				   .insns_count = 1,
				   .action = ACTION_MIRROR};

	memcpy(want.cookie, cookie, sizeof(cookie));
	return want;
}

/* ---- sent ------------------------------------------------------------------------------------ */

START_TEST(mirrors_as_tc_does)
{
	struct want_filter want = mirror(TC_EGRESS, 2, FILTER_HANDLE);

	want.insns = only_ipv4;
	want.insns_count = 4;
	filter_put(&m, buffer, sizeof(buffer), &want, 3, 4);
	expect_filter(tc_mirror, none);
	want = mirror(TC_INGRESS, 2, FILTER_HANDLE + 1);
	want.action = ACTION_REDIRECT;
	filter_put(&m, buffer, sizeof(buffer), &want, 3, 4);
	expect_filter(tc_redirect, none);
	want = mirror(TC_EGRESS, 3, FILTER_HANDLE);
	want.to_ingress = true;
	filter_put(&m, buffer, sizeof(buffer), &want, 3, 9);
	expect_filter(tc_to_ingress, none);
}
END_TEST

START_TEST(guards_as_tc_does)
{
	/* descriptor number and name are what they are */
	static const char *const own[] = {"2/6", "2/7", NULL};
	struct want_filter seal = {.parent = TC_INGRESS,
				   .pref = 1,
				   .handle = FILTER_HANDLE,
				   .insns = drop,
				   .insns_count = 1,
				   .action = ACTION_VERDICT};
	struct want_filter door = {.parent = TC_INGRESS,
				   .pref = 1,
				   .handle = FILTER_HANDLE,
				   .prog_fd = 9,
				   .prog_id = 5,
				   .prog_name = PROG_NAME_DOOR,
				   .action = ACTION_VERDICT};

	filter_put(&m, buffer, sizeof(buffer), &seal, 4, 0);
	expect_filter(tc_seal, none);
	filter_put(&m, buffer, sizeof(buffer), &door, 2, 0);
	expect_filter(tc_door, own);
	char *text = message_text(m.header, sizeof(struct tcmsg), filter_nests, none);
	ck_assert_ptr_nonnull(strstr(text, "\n2/6=09000000\n2/7=767461702d646f6f7200\n"));
	free(text);
}
END_TEST

START_TEST(deletes_as_tc_does)
{
	static const char *const kind[] = {"1",
					   NULL}; /* tc(8) names it; handle and parent are enough */

	filter_put_delete(&m, buffer, sizeof(buffer), 3, TC_EGRESS, 2, FILTER_HANDLE);
	expect(tc_filter_delete, filter_nests, none);
	qdisc_put_delete(&m, buffer, sizeof(buffer), 3, TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0));
	expect(tc_clsact_delete, qdisc_nests, kind);
	qdisc_put_delete(&m, buffer, sizeof(buffer), 4, TC_H_ROOT, TBF_HANDLE);
	expect(tc_tbf_delete, qdisc_nests, kind);
}
END_TEST

/*
 * tc(8) sends a rate table, which vtap leaves out with its two parameters (the link layer is told
 * instead), and a buffer in ticks that TCA_TBF_BURST overrides in the kernel.
 */
static char *tbf_text(const struct nlmsghdr *message)
{
	static const char *const table[] = {"2/2", NULL};
	char *text = message_text(message, sizeof(struct tcmsg), qdisc_nests, table);
	char *parms = strstr(text, "\n2/1=");

	ck_assert_ptr_nonnull(parms);
	parms += strlen("\n2/1=");
	memset(parms, '-', 2);          /* rate.cell_log */
	memset(parms + 2 * 4, '-', 4);  /* rate.cell_align */
	memset(parms + 2 * 28, '-', 8); /* buffer */
	return text;
}

static void expect_tbf(const char *golden)
{
	struct nlmsghdr *message = message_from_hex(golden);
	char *wanted = tbf_text(message), *got = tbf_text(m.header);

	ck_assert_str_eq(got, wanted);
	free(wanted);
	free(got);
	free(message);
}

START_TEST(makes_qdiscs_as_tc_does)
{
	struct want_qdisc clsact = {.kind = QDISC_CLSACT};
	struct want_qdisc tbf = {.kind = QDISC_TBF, .tbf = {25000000, 250000, 1500000}};

	qdisc_put_create(&m, buffer, sizeof(buffer), &clsact, 4);
	expect(tc_clsact, qdisc_nests, none);
	qdisc_put_create(&m, buffer, sizeof(buffer), &tbf, 4);
	expect_tbf(tc_tbf);
	tbf.tbf = (struct tbf){UINT64_C(10000000000), 100000000, 600000000};
	qdisc_put_create(&m, buffer, sizeof(buffer), &tbf, 5);
	expect_tbf(tc_tbf_64bit);
}
END_TEST

START_TEST(longest_program)
{
	struct want_filter want = mirror(TC_EGRESS, 2, FILTER_HANDLE);
	struct sock_filter *insns = calloc(BPF_MAXINSNS, sizeof(*insns));
	struct filter filter;

	for (size_t i = 0; i < BPF_MAXINSNS; i++)
		insns[i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (uint32_t)i);
	want.insns = insns;
	want.insns_count = BPF_MAXINSNS;
	filter_put(&m, buffer, sizeof(buffer), &want, 3, 4);
	ck_assert(!m.overflow);
	ck_assert(filter_parse(m.header, &filter));
	ck_assert_uint_eq(filter.insns_count, BPF_MAXINSNS);
	ck_assert_int_eq(memcmp(filter.insns, insns, BPF_MAXINSNS * sizeof(*insns)), 0);
	free(filter.insns);
	filter_put(&m, buffer, 4096, &want, 3, 4);
	ck_assert(m.overflow);
	free(insns);
}
END_TEST

/* ---- read ------------------------------------------------------------------------------------ */

static struct filter parse(const char *hex)
{
	struct nlmsghdr *message = message_from_hex(hex);
	struct filter filter;

	ck_assert(filter_parse(message, &filter));
	free(message);
	return filter;
}

static void expect_place(const struct filter *f, int ifindex, uint32_t parent, unsigned pref,
			 uint32_t handle)
{
	ck_assert_str_eq(f->kind, "bpf");
	ck_assert_int_eq(f->ifindex, ifindex);
	ck_assert_uint_eq(f->parent, parent);
	ck_assert_uint_eq(f->pref, pref);
	ck_assert_uint_eq(f->handle, handle);
	ck_assert_uint_eq(f->protocol, ETH_P_ALL);
	ck_assert_uint_eq(f->chain, 0);
}

START_TEST(reads_mirrors)
{
	struct filter f = parse(dump_mirror);

	expect_place(&f, 3, TC_EGRESS, 2, FILTER_HANDLE);
	ck_assert_int_eq(f.owner, OWNER_CLIENT);
	ck_assert_uint_eq(f.insns_count, 4);
	ck_assert_int_eq(memcmp(f.insns, only_ipv4, sizeof(only_ipv4)), 0);
	ck_assert_uint_eq(f.prog_id, 0);
	ck_assert_int_eq(f.action, ACTION_MIRROR);
	ck_assert(!f.to_ingress);
	ck_assert(!f.ends_chain);
	ck_assert_int_eq(f.target, 4);
	ck_assert_uint_eq(f.cookie_size, COOKIE_SIZE);
	ck_assert_int_eq(memcmp(f.cookie, cookie, sizeof(cookie)), 0);
	ck_assert_uint_eq(f.stats.packets, 5);
	ck_assert_uint_eq(f.stats.bytes, 710);
	ck_assert_uint_eq(f.stats.overlimits, 0);
	ck_assert_uint_eq(f.stats.drops, 0);
	free(f.insns);
	f = parse(dump_to_ingress);
	expect_place(&f, 3, TC_EGRESS, 3, FILTER_HANDLE);
	ck_assert_int_eq(f.action, ACTION_MIRROR);
	ck_assert(f.to_ingress);
	ck_assert_int_eq(f.target, 9);
	ck_assert_uint_eq(f.stats.packets, 16);
	ck_assert_uint_eq(f.stats.bytes, 1416);
	free(f.insns);
	f = parse(dump_redirect);
	expect_place(&f, 3, TC_INGRESS, 2, FILTER_HANDLE + 1);
	ck_assert_int_eq(f.action, ACTION_REDIRECT);
	ck_assert(f.ends_chain);
	ck_assert(!f.to_ingress);
	free(f.insns);
}
END_TEST

START_TEST(reads_guards)
{
	struct filter f = parse(dump_seal);

	expect_place(&f, 4, TC_INGRESS, 1, FILTER_HANDLE);
	ck_assert_int_eq(f.action, ACTION_VERDICT);
	ck_assert_int_eq(f.owner, OWNER_NONE);
	ck_assert_uint_eq(f.insns_count, 1);
	ck_assert_int_eq(memcmp(f.insns, drop, sizeof(drop)), 0);
	free(f.insns);
	f = parse(dump_door);
	expect_place(&f, 2, TC_INGRESS, 1, FILTER_HANDLE);
	ck_assert_int_eq(f.action, ACTION_VERDICT);
	ck_assert_uint_ne(f.prog_id, 0);
	ck_assert_str_eq(f.prog_name, "vtap-door:[*fsobj]");
	ck_assert_int_eq(f.owner, OWNER_COLLECTOR);
	ck_assert_ptr_null(f.insns);
	f = parse(dump_head);
	expect_place(&f, 3, TC_EGRESS, 2, 0);
	ck_assert_int_eq(f.action, ACTION_NONE);
}
END_TEST

/* With that flag the kernel runs no action, whatever there is. */
START_TEST(a_verdict_and_an_action)
{
	struct want_filter want = mirror(TC_EGRESS, 2, FILTER_HANDLE);
	struct nlattr *last;
	uint32_t flags = TCA_BPF_FLAG_ACT_DIRECT;
	struct filter f;

	want.insns = only_ipv4;
	want.insns_count = 4;
	filter_put(&m, buffer, sizeof(buffer), &want, 3, 4);
	ck_assert(filter_parse(m.header, &f));
	ck_assert_int_eq(f.action, ACTION_MIRROR);
	free(f.insns);
	last = (struct nlattr *)((char *)m.header + m.header->nlmsg_len - 8);
	ck_assert_int_eq(last->nla_type, TCA_BPF_FLAGS_GEN);
	last->nla_type = TCA_BPF_FLAGS;
	memcpy(last + 1, &flags, sizeof(flags));
	ck_assert(filter_parse(m.header, &f));
	ck_assert_int_eq(f.action, ACTION_NONE);
	ck_assert_int_eq(f.owner, OWNER_CLIENT);
	free(f.insns);
}
END_TEST

START_TEST(reads_qdiscs)
{
	struct nlmsghdr *message = message_from_hex(dump_clsact);
	struct tbf tbf = {25000000, 250000, 1500000};
	struct qdisc q;

	ck_assert(qdisc_parse(message, &q));
	free(message);
	ck_assert_int_eq(q.ifindex, 3);
	ck_assert_uint_eq(q.parent, TC_H_CLSACT);
	ck_assert_uint_eq(q.handle, TC_H_MAKE(TC_H_CLSACT, 0));
	ck_assert_str_eq(q.kind, "clsact");
	message = message_from_hex(dump_tbf);
	ck_assert(qdisc_parse(message, &q));
	free(message);
	ck_assert_int_eq(q.ifindex, 4);
	ck_assert_uint_eq(q.parent, TC_H_ROOT);
	ck_assert_uint_eq(q.handle, TBF_HANDLE);
	ck_assert(tbf_equal(&tbf, &q.tbf));
	message = message_from_hex(dump_tbf_64bit);
	ck_assert(qdisc_parse(message, &q));
	free(message);
	tbf = (struct tbf){UINT64_C(10000000000), 100000000, 600000000};
	ck_assert(tbf_equal(&tbf, &q.tbf));
	tbf.rate++;
	ck_assert(!tbf_equal(&tbf, &q.tbf));
}
END_TEST

/* The kernel rounds a burst to ticks of 64 ns: what comes back counts as equal, a real change not.
 */
START_TEST(burst_survives_the_ticks)
{
	static const uint64_t rates[] = {1,        1000,      125000,
					 12500000, 125000000, UINT64_C(12500000000)};

	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		uint64_t burst = rates[i] / 100 < 10000 ? 10000 : rates[i] / 100;
		struct tbf want = {rates[i], (uint32_t)burst, (uint32_t)burst}, seen = want;

		double ticks = (double)want.burst * 1e9 / (double)want.rate / 64;
		if (ticks < UINT32_MAX)
			seen.burst =
			    (uint32_t)((double)(uint32_t)ticks * 64 * (double)want.rate / 1e9);
		ck_assert_msg(tbf_equal(&want, &seen), "rate %llu", (unsigned long long)rates[i]);
		seen.burst = want.burst + want.burst / 16;
		ck_assert(!tbf_equal(&want, &seen));
	}
}
END_TEST

static void read_filter(const struct nlmsghdr *message)
{
	struct filter filter;

	if (!filter_parse(message, &filter))
		return;
	ck_assert_ptr_nonnull(memchr(filter.kind, '\0', sizeof(filter.kind)));
	ck_assert_ptr_nonnull(memchr(filter.prog_name, '\0', sizeof(filter.prog_name)));
	ck_assert_uint_le(filter.cookie_size, COOKIE_SIZE);
	ck_assert_int_eq(filter.insns != NULL, filter.insns_count != 0);
	free(filter.insns);
}

static void read_qdisc(const struct nlmsghdr *message)
{
	struct qdisc qdisc;

	if (qdisc_parse(message, &qdisc))
		ck_assert_ptr_nonnull(memchr(qdisc.kind, '\0', sizeof(qdisc.kind)));
}

START_TEST(damaged)
{
	static const char *const filters[] = {dump_head,     dump_mirror, dump_to_ingress,
					      dump_redirect, dump_seal,   dump_door};
	static const char *const qdiscs[] = {dump_clsact, dump_tbf, dump_tbf_64bit};
	uint64_t seed = random_seed(3);

	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		message_truncate(filters[i], read_filter);
		message_mutate(filters[i], read_filter, 60000, seed + i);
	}
	for (size_t i = 0; i < sizeof(qdiscs) / sizeof(*qdiscs); i++) {
		message_truncate(qdiscs[i], read_qdisc);
		message_mutate(qdiscs[i], read_qdisc, 60000, seed + i);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tc");
	TCase *tests = tcase_create("tc");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, mirrors_as_tc_does);
	tcase_add_test(tests, guards_as_tc_does);
	tcase_add_test(tests, deletes_as_tc_does);
	tcase_add_test(tests, makes_qdiscs_as_tc_does);
	tcase_add_test(tests, longest_program);
	tcase_add_test(tests, reads_mirrors);
	tcase_add_test(tests, reads_guards);
	tcase_add_test(tests, a_verdict_and_an_action);
	tcase_add_test(tests, reads_qdiscs);
	tcase_add_test(tests, burst_survives_the_ticks);
	tcase_add_test(tests, damaged);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
