/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/fate.h"

#include <linux/gen_stats.h>
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <string.h>

#include "common/nlmsg.h"
#include "common/tc.h"

enum { OPTIONS_MAX = 128, ACTIONS_MAX = TCA_ACT_MAX_PRIO };

/* Where the kinds of classifier keep their actions and flags. */
static const struct {
	const char *kind;
	uint16_t actions, flags; /* flags 0: it has none */
} classifiers[] = {
    {"bpf", TCA_BPF_ACT, TCA_BPF_FLAGS_GEN},
    {"u32", TCA_U32_ACT, TCA_U32_FLAGS},
    {"flower", TCA_FLOWER_ACT, TCA_FLOWER_FLAGS},
    {"matchall", TCA_MATCHALL_ACT, TCA_MATCHALL_FLAGS},
    {"basic", TCA_BASIC_ACT, 0},
    {"fw", TCA_FW_ACT, 0},
    {"flow", TCA_FLOW_ACT, 0},
    {"cgroup", TCA_CGROUP_ACT, 0},
    {"route", TCA_ROUTE4_ACT, 0},
};

/* Where the kinds of action keep the structure that begins with tc_gen. */
static const struct {
	const char *kind;
	uint16_t parms;
} actions[] = {
    {"gact", TCA_GACT_PARMS},
    {"mirred", TCA_MIRRED_PARMS},
    {"skbedit", 2},
    {"pedit", 2},
    {"vlan", 2},
    {"tunnel_key", 2},
    {"skbmod", 2},
    {"mpls", 2},
    {"sample", 2},
    {"simple", 2},
    {"csum", 1},
    {"nat", 1},
    {"ct", 1},
    {"connmark", 1},
};

struct generic {
	tc_gen;
};

enum { TABLE_ACTIONS = sizeof(actions) / sizeof(*actions) };

/* A control action that is the last word. What is dropped is no traffic any more. */
static enum fate of_control(int32_t control)
{
	return control == TC_ACT_UNSPEC || control == TC_ACT_SHOT ? FATE_ON : FATE_END;
}

/* tc_police.action is for what exceeds the rate; what conforms has a word of its own. */
static bool police_control(const struct nlattr *const options[], int32_t *control)
{
	uint32_t conforming = TC_ACT_OK;

	nlattr_u32(options[TCA_POLICE_RESULT], &conforming);
	*control = (int32_t)conforming;
	return true;
}

/* The control action for what this action lets pass. False: not known. */
static bool read_control(const char *kind, const struct nlattr *attr, int32_t *control)
{
	const struct nlattr *options[OPTIONS_MAX + 1];
	struct generic parms;

	nlattr_parse_nest(attr, options, OPTIONS_MAX);
	if (strcmp(kind, "police") == 0)
		return police_control(options, control);
	for (size_t i = 0; i < TABLE_ACTIONS; i++) {
		if (strcmp(kind, actions[i].kind) != 0)
			continue;
		const void *data;
		size_t size;
		data = nlattr_data(options[actions[i].parms], &size);
		if (size < sizeof(parms))
			return false;
		memcpy(&parms, data, sizeof(parms));
		*control = parms.action;
		return true;
	}
	return false;
}

static bool has_chance(const char *kind, const struct nlattr *attr)
{
	const struct nlattr *options[OPTIONS_MAX + 1];

	if (strcmp(kind, "gact") != 0)
		return false;
	nlattr_parse_nest(attr, options, OPTIONS_MAX);
	return options[TCA_GACT_PROB] != NULL;
}

/* Actions run one after the other as long as each says "pipe"; "pipe" as the last word ends the
 * chain. */
static enum fate of_actions(const struct nlattr *nest)
{
	const struct nlattr *list[ACTIONS_MAX + 1], *tb[TCA_ACT_MAX + 1];
	int32_t control = TC_ACT_OK;

	nlattr_parse_nest(nest, list, ACTIONS_MAX);
	for (int i = 1; i <= ACTIONS_MAX && list[i]; i++) {
		char kind[KIND_SIZE];
		nlattr_parse_nest(list[i], tb, TCA_ACT_MAX);
		if (!nlattr_string(tb[TCA_ACT_KIND], kind, sizeof(kind)) ||
		    !read_control(kind, tb[TCA_ACT_OPTIONS], &control) ||
		    has_chance(kind, tb[TCA_ACT_OPTIONS]) || TC_ACT_EXT_CMP(control, TC_ACT_JUMP))
			return FATE_UNKNOWN;
		if (control != TC_ACT_PIPE)
			break;
	}
	return of_control(control);
}

/* What a classic program's verdicts can be. */
static enum fate of_program(const struct filter *filter)
{
	if (!filter->insns_count)
		return FATE_UNKNOWN;
	for (size_t i = 0; i < filter->insns_count; i++) {
		const struct sock_filter *insn = &filter->insns[i];
		if (BPF_CLASS(insn->code) == BPF_RET &&
		    (BPF_RVAL(insn->code) != BPF_K || of_control((int32_t)insn->k) != FATE_ON))
			return FATE_UNKNOWN;
	}
	return FATE_ON;
}

/* Nodes of u32 that are no filters: hash tables, and those that only lead to another table. */
static bool is_terminal(const struct filter *filter, const struct nlattr *const options[])
{
	struct tc_u32_sel sel;
	size_t size;

	if (strcmp(filter->kind, "u32") != 0)
		return true;
	const void *data = nlattr_data(options[TCA_U32_SEL], &size);
	if (size < sizeof(sel))
		return false;
	memcpy(&sel, data, sizeof(sel));
	return sel.flags & TC_U32_TERMINAL;
}

static void parse_known(const struct nlattr *const options[], uint16_t at, struct filter *filter)
{
	const struct nlattr *list[ACTIONS_MAX + 1], *tb[TCA_ACT_MAX + 1];

	filter->fate = options[at] ? of_actions(options[at]) : FATE_END;
	nlattr_parse_nest(options[at], list, ACTIONS_MAX);
	if (!list[1])
		return;
	nlattr_parse_nest(list[1], tb, TCA_ACT_MAX);
	filter->counted = tb[TCA_ACT_STATS] != NULL;
	tc_parse_stats(tb[TCA_ACT_STATS], &filter->stats);
}

void fate_parse(const struct nlattr *attr, struct filter *filter)
{
	const struct nlattr *options[OPTIONS_MAX + 1];
	uint32_t flags = 0;

	filter->fate = FATE_UNKNOWN;
	nlattr_parse_nest(attr, options, OPTIONS_MAX);
	for (size_t i = 0; i < sizeof(classifiers) / sizeof(*classifiers); i++) {
		if (strcmp(filter->kind, classifiers[i].kind) != 0)
			continue;
		if (classifiers[i].flags)
			nlattr_u32(options[classifiers[i].flags], &flags);
		if ((flags & TCA_CLS_FLAGS_SKIP_SW) || !is_terminal(filter, options))
			filter->fate = FATE_ON;
		else if (filter->action == ACTION_VERDICT)
			filter->fate = of_program(filter);
		else
			parse_known(options, classifiers[i].actions, filter);
	}
}
