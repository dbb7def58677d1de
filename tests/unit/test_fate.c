/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What filters of others do to those behind them, read from messages as the kernel dumps them.
 */
#include <check.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <stdlib.h>
#include <string.h>

#include "common/tc.h"

static _Alignas(struct nlmsghdr) char buffer[4096];

struct action {
	const char *kind; /* NULL: none */
	int control;
};

struct sample {
	const char *classifier;
	uint16_t actions_at;
	struct action actions[2];
	uint32_t flags; /* of u32's selector, or TCA_CLS_FLAGS of matchall */
	enum fate fate;
};

static void put_action(struct nlmsg *m, uint16_t number, const struct action *action)
{
	struct tc_gact parms = {.action = action->control};
	struct nlattr *nest = nlmsg_nest(m, number);

	nlmsg_put_string(m, TCA_ACT_KIND, action->kind);
	struct nlattr *options = nlmsg_nest(m, TCA_ACT_OPTIONS);
	if (strcmp(action->kind, "police") == 0) {
		nlmsg_put_u32(m, TCA_POLICE_RESULT, (uint32_t)action->control);
	} else {
		nlmsg_put(m, strcmp(action->kind, "csum") == 0 ? 1 : 2, &parms, sizeof(parms));
	}
	nlmsg_nest_end(m, options);
	nlmsg_nest_end(m, nest);
}

static struct filter parse(const struct sample *s, const struct sock_filter *insns, size_t count)
{
	struct tcmsg tcm = {
	    .tcm_ifindex = 1, .tcm_handle = 0x800, .tcm_info = TC_H_MAKE(1U << 16, ETH_P_ALL)};
	struct tc_u32_sel sel = {.flags = (unsigned char)s->flags};
	struct filter filter;
	struct nlmsg m;

	nlmsg_start(&m, buffer, sizeof(buffer), RTM_NEWTFILTER, 0, &tcm, sizeof(tcm));
	nlmsg_put_string(&m, TCA_KIND, s->classifier);
	struct nlattr *options = nlmsg_nest(&m, TCA_OPTIONS);
	if (strcmp(s->classifier, "u32") == 0)
		nlmsg_put(&m, TCA_U32_SEL, &sel, sizeof(sel));
	else if (s->flags)
		nlmsg_put_u32(&m, TCA_MATCHALL_FLAGS, s->flags);
	if (insns) {
		nlmsg_put_u32(&m, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
		nlmsg_put_u16(&m, TCA_BPF_OPS_LEN, (uint16_t)count);
		nlmsg_put(&m, TCA_BPF_OPS, insns, count * sizeof(*insns));
	}
	struct nlattr *nest = s->actions[0].kind ? nlmsg_nest(&m, s->actions_at) : NULL;
	for (uint16_t i = 0; i < 2 && s->actions[i].kind; i++)
		put_action(&m, (uint16_t)(i + 1), &s->actions[i]);
	nlmsg_nest_end(&m, nest);
	nlmsg_nest_end(&m, options);
	ck_assert(!m.overflow);
	ck_assert(filter_parse(m.header, &filter));
	return filter;
}

static const struct sample samples[] = {
    {"matchall", TCA_MATCHALL_ACT, {{"gact", TC_ACT_OK}}, 0, FATE_END},
    {"matchall", TCA_MATCHALL_ACT, {{"gact", TC_ACT_UNSPEC}}, 0, FATE_ON},
    {"matchall", TCA_MATCHALL_ACT, {{"gact", TC_ACT_PIPE}}, 0, FATE_END},
    {"matchall", TCA_MATCHALL_ACT, {{"gact", TC_ACT_SHOT}}, 0, FATE_ON},
    {"matchall", TCA_MATCHALL_ACT, {{"gact", TC_ACT_GOTO_CHAIN | 5}}, 0, FATE_END},
    {"matchall", TCA_MATCHALL_ACT, {{"gact", TC_ACT_JUMP | 1}}, 0, FATE_UNKNOWN},
    {"matchall", TCA_MATCHALL_ACT, {{"mirred", TC_ACT_STOLEN}}, 0, FATE_END},
    {"matchall", TCA_MATCHALL_ACT, {{"mirred", TC_ACT_PIPE}, {"gact", TC_ACT_UNSPEC}}, 0, FATE_ON},
    {"matchall", TCA_MATCHALL_ACT, {{"skbedit", TC_ACT_PIPE}, {"csum", TC_ACT_OK}}, 0, FATE_END},
    {"matchall", TCA_MATCHALL_ACT, {{"police", TC_ACT_OK}}, 0, FATE_END},
    {"matchall", TCA_MATCHALL_ACT, {{"police", TC_ACT_UNSPEC}}, 0, FATE_ON},
    {"matchall", TCA_MATCHALL_ACT, {{"bpf", TC_ACT_UNSPEC}}, 0, FATE_UNKNOWN},
    {"matchall", TCA_MATCHALL_ACT, {{"gact", TC_ACT_OK}}, TCA_CLS_FLAGS_SKIP_SW, FATE_ON},
    {"flower", TCA_FLOWER_ACT, {{"gact", TC_ACT_OK}}, 0, FATE_END},
    {"flower", 0, {{NULL, 0}}, 0, FATE_END},
    {"u32", TCA_U32_ACT, {{"gact", TC_ACT_OK}}, TC_U32_TERMINAL, FATE_END},
    {"u32", 0, {{NULL, 0}}, TC_U32_TERMINAL, FATE_END},
    {"u32", 0, {{NULL, 0}}, 0, FATE_ON}, /* a hash table */
    {"other", 0, {{NULL, 0}}, 0, FATE_UNKNOWN},
};

START_TEST(actions)
{
	struct filter filter = parse(&samples[_i], NULL, 0);

	ck_assert_int_eq(filter.owner, OWNER_NONE);
	ck_assert_int_eq(filter.fate, samples[_i].fate);
}
END_TEST

START_TEST(programs)
{
	static const struct sock_filter on[] = {{0x28, 0, 0, 12},
						{0x15, 0, 1, 2048},
						{6, 0, 0, (uint32_t)TC_ACT_UNSPEC},
						{6, 0, 0, TC_ACT_SHOT}},
					ends[] = {{6, 0, 0, TC_ACT_OK}},
					computed[] = {{0x16, 0, 0, 0}};
	static const struct sample plain = {.classifier = "bpf"};
	struct filter filter = parse(&plain, on, 4);

	ck_assert_int_eq(filter.fate, FATE_ON);
	free(filter.insns);
	filter = parse(&plain, ends, 1);
	ck_assert_int_eq(filter.fate, FATE_UNKNOWN);
	free(filter.insns);
	filter = parse(&plain, computed, 1);
	ck_assert_int_eq(filter.fate, FATE_UNKNOWN);
	free(filter.insns);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fate");
	TCase *tests = tcase_create("fate");
	SRunner *runner = srunner_create(suite);

	tcase_add_loop_test(tests, actions, 0, sizeof(samples) / sizeof(*samples));
	tcase_add_test(tests, programs);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
