/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/tc.h"

#include <arpa/inet.h>
#include <linux/gen_stats.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <stdlib.h>
#include <string.h>

#include "common/fate.h"

enum { TICK_NS = 64, NS_PER_S = 1000000000 }; /* PSCHED_SHIFT 6: net/pkt_sched.h */

/* ---- bytes to values ------------------------------------------------------------------------- */

static void parse_tbf(const struct nlattr *options, struct tbf *out)
{
	const struct nlattr *tb[TCA_TBF_MAX + 1];
	struct tc_tbf_qopt parms;

	nlattr_parse_nest(options, tb, TCA_TBF_MAX);
	if (!nlattr_copy(tb[TCA_TBF_PARMS], &parms, sizeof(parms)))
		return;
	out->rate = parms.rate.rate;
	nlattr_u64(tb[TCA_TBF_RATE64], &out->rate);
	out->limit = parms.limit;
	double burst = (double)parms.buffer * TICK_NS * (double)out->rate / NS_PER_S;
	out->burst = burst > UINT32_MAX ? UINT32_MAX : (uint32_t)burst;
}

bool qdisc_parse(const struct nlmsghdr *header, struct qdisc *out)
{
	const struct nlattr *tb[TCA_MAX + 1], *stats[TCA_STATS_MAX + 1];
	struct gnet_stats_queue queue;
	struct tcmsg tcm;

	if (!nlmsg_parse(header, sizeof(tcm), tb, TCA_MAX))
		return false;
	memcpy(&tcm, NLMSG_DATA(header), sizeof(tcm));
	*out = (struct qdisc){
	    .ifindex = tcm.tcm_ifindex, .handle = tcm.tcm_handle, .parent = tcm.tcm_parent};
	if (!nlattr_string(tb[TCA_KIND], out->kind, sizeof(out->kind)))
		return false;
	if (strcmp(out->kind, "tbf") == 0)
		parse_tbf(tb[TCA_OPTIONS], &out->tbf);
	nlattr_parse_nest(tb[TCA_STATS2], stats, TCA_STATS_MAX);
	if (nlattr_copy(stats[TCA_STATS_QUEUE], &queue, sizeof(queue)))
		out->drops = queue.drops;
	return true;
}

void tc_parse_stats(const struct nlattr *attr, struct filter_stats *out)
{
	const struct nlattr *tb[TCA_STATS_MAX + 1];
	struct gnet_stats_queue queue;
	uint32_t packets;
	size_t size;

	/* gnet_stats_basic is { u64 bytes; u32 packets; } with or without padding behind it */
	nlattr_parse_nest(attr, tb, TCA_STATS_MAX);
	const char *basic = nlattr_data(tb[TCA_STATS_BASIC], &size);
	if (size >= sizeof(out->bytes) + sizeof(packets)) {
		memcpy(&out->bytes, basic, sizeof(out->bytes));
		memcpy(&packets, basic + sizeof(out->bytes), sizeof(packets));
		out->packets = packets;
	}
	nlattr_u64(tb[TCA_STATS_PKT64], &out->packets); /* only there when 32 bits do not suffice */
	if (nlattr_copy(tb[TCA_STATS_QUEUE], &queue, sizeof(queue))) {
		out->overlimits = queue.overlimits;
		out->drops = queue.drops;
	}
}

static void parse_action(const struct nlattr *attr, struct filter *out)
{
	const struct nlattr *tb[TCA_ACT_MAX + 1], *options[TCA_MIRRED_MAX + 1];
	struct tc_mirred parms;
	char kind[KIND_SIZE];
	size_t size;

	nlattr_parse_nest(attr, tb, TCA_ACT_MAX);
	const void *cookie = nlattr_data(tb[TCA_ACT_COOKIE], &size);
	if (size && size <= sizeof(out->cookie)) {
		memcpy(out->cookie, cookie, size);
		out->cookie_size = size;
		out->owner = cookie_owner(out->cookie, size);
	}
	if (!nlattr_string(tb[TCA_ACT_KIND], kind, sizeof(kind)) || strcmp(kind, "mirred") != 0)
		return;
	nlattr_parse_nest(tb[TCA_ACT_OPTIONS], options, TCA_MIRRED_MAX);
	if (!nlattr_copy(options[TCA_MIRRED_PARMS], &parms, sizeof(parms)))
		return;
	out->action = parms.eaction == TCA_EGRESS_MIRROR || parms.eaction == TCA_INGRESS_MIRROR
			  ? ACTION_MIRROR
			  : ACTION_REDIRECT;
	out->to_ingress = parms.eaction == TCA_INGRESS_MIRROR || parms.eaction == TCA_INGRESS_REDIR;
	out->ends_chain = parms.action != TC_ACT_UNSPEC;
	out->target = (int)parms.ifindex;
	tc_parse_stats(tb[TCA_ACT_STATS], &out->stats);
}

static void parse_program(const struct nlattr *tb[], struct filter *out)
{
	uint16_t count = 0;
	size_t size;

	nlattr_u32(tb[TCA_BPF_ID], &out->prog_id);
	nlattr_string(tb[TCA_BPF_NAME], out->prog_name, sizeof(out->prog_name));
	if (strncmp(out->prog_name, PROG_NAME_DOOR, strlen(PROG_NAME_DOOR)) == 0)
		out->owner = OWNER_COLLECTOR;
	else if (strcmp(out->prog_name, PROG_NAME_EXPRESS) == 0)
		out->owner = OWNER_CLIENT;
	nlattr_u16(tb[TCA_BPF_OPS_LEN], &count);
	const void *ops = nlattr_data(tb[TCA_BPF_OPS], &size);
	if (!count || size != count * sizeof(*out->insns))
		return;
	out->insns = malloc(size);
	if (!out->insns)
		return; /* seen as a filter without a program, and so put again */
	memcpy(out->insns, ops, size);
	out->insns_count = count;
}

static void parse_bpf(const struct nlattr *attr, struct filter *out)
{
	const struct nlattr *tb[TCA_BPF_MAX + 1], *actions[TCA_ACT_MAX_PRIO + 1];
	uint32_t flags = 0;

	nlattr_parse_nest(attr, tb, TCA_BPF_MAX);
	parse_program(tb, out);
	nlattr_u32(tb[TCA_BPF_FLAGS], &flags);
	bool verdict = flags & TCA_BPF_FLAG_ACT_DIRECT;
	nlattr_parse_nest(tb[TCA_BPF_ACT], actions, TCA_ACT_MAX_PRIO);
	if (actions[1])
		parse_action(actions[1], out);
	else if (verdict)
		out->action = ACTION_VERDICT;
	/* vtap makes one action, or lets the program decide, and then none is run
	 * (cls_bpf_classify): somebody changed it */
	if (actions[2] || (actions[1] && verdict))
		out->action = ACTION_NONE;
}

bool filter_parse(const struct nlmsghdr *header, struct filter *out)
{
	const struct nlattr *tb[TCA_MAX + 1];
	struct tcmsg tcm;

	if (!nlmsg_parse(header, sizeof(tcm), tb, TCA_MAX))
		return false;
	memcpy(&tcm, NLMSG_DATA(header), sizeof(tcm));
	*out = (struct filter){.ifindex = tcm.tcm_ifindex,
			       .parent = tcm.tcm_parent,
			       .pref = (uint16_t)(TC_H_MAJ(tcm.tcm_info) >> 16),
			       .protocol = ntohs((uint16_t)TC_H_MIN(tcm.tcm_info)),
			       .handle = tcm.tcm_handle};
	if (!nlattr_string(tb[TCA_KIND], out->kind, sizeof(out->kind)))
		return false;
	nlattr_u32(tb[TCA_CHAIN], &out->chain);
	if (tcm.tcm_handle && strcmp(out->kind, "bpf") == 0)
		parse_bpf(tb[TCA_OPTIONS], out);
	if (tcm.tcm_handle && !out->owner)
		fate_parse(tb[TCA_OPTIONS], out);
	return true;
}

/* ---- values to bytes ------------------------------------------------------------------------- */

static void put_tbf(struct nlmsg *m, const struct tbf *tbf)
{
	double ticks = (double)tbf->burst * NS_PER_S / (double)tbf->rate / TICK_NS;
	struct tc_tbf_qopt parms = {
	    .rate = {.rate = tbf->rate > UINT32_MAX ? UINT32_MAX : (uint32_t)tbf->rate,
		     .linklayer = TC_LINKLAYER_ETHERNET}, /* set: the kernel needs no rate table */
	    .limit = tbf->limit,
	    .buffer = ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks,
	};
	struct nlattr *options = nlmsg_nest(m, TCA_OPTIONS);
	nlmsg_put(m, TCA_TBF_PARMS, &parms, sizeof(parms));
	nlmsg_put_u32(m, TCA_TBF_BURST, tbf->burst);
	if (tbf->rate > UINT32_MAX)
		nlmsg_put_u64(m, TCA_TBF_RATE64, tbf->rate);
	nlmsg_nest_end(m, options);
}

void qdisc_put_create(struct nlmsg *m, void *buffer, size_t size, const struct want_qdisc *want,
		      int ifindex)
{
	bool clsact = want->kind == QDISC_CLSACT;
	struct tcmsg tcm = {.tcm_ifindex = ifindex,
			    .tcm_parent = clsact ? TC_H_CLSACT : TC_H_ROOT,
			    .tcm_handle = clsact ? TC_H_MAKE(TC_H_CLSACT, 0) : TBF_HANDLE};

	nlmsg_start(m, buffer, size, RTM_NEWQDISC,
		    (uint16_t)(NLM_F_ACK | NLM_F_CREATE | (clsact ? NLM_F_EXCL : NLM_F_REPLACE)),
		    &tcm, sizeof(tcm));
	nlmsg_put_string(m, TCA_KIND, clsact ? "clsact" : "tbf");
	if (!clsact)
		put_tbf(m, &want->tbf);
}

void qdisc_put_delete(struct nlmsg *m, void *buffer, size_t size, int ifindex, uint32_t parent,
		      uint32_t handle)
{
	struct tcmsg tcm = {.tcm_ifindex = ifindex, .tcm_parent = parent, .tcm_handle = handle};
	nlmsg_start(m, buffer, size, RTM_DELQDISC, NLM_F_ACK, &tcm, sizeof(tcm));
}

static void put_mirred(struct nlmsg *m, const struct want_filter *want, int target)
{
	bool mirror = want->action == ACTION_MIRROR;
	struct tc_mirred parms = {.action = mirror ? TC_ACT_UNSPEC : TC_ACT_STOLEN,
				  .ifindex = (uint32_t)target};
	if (want->to_ingress)
		parms.eaction = mirror ? TCA_INGRESS_MIRROR : TCA_INGRESS_REDIR;
	else
		parms.eaction = mirror ? TCA_EGRESS_MIRROR : TCA_EGRESS_REDIR;

	struct nlattr *actions = nlmsg_nest(m, TCA_BPF_ACT);
	struct nlattr *first = nlmsg_nest(m, 1);
	nlmsg_put_string(m, TCA_ACT_KIND, "mirred");
	struct nlattr *options = nlmsg_nest(m, TCA_ACT_OPTIONS);
	nlmsg_put(m, TCA_MIRRED_PARMS, &parms, sizeof(parms));
	nlmsg_nest_end(m, options);
	nlmsg_put(m, TCA_ACT_COOKIE, want->cookie, sizeof(want->cookie));
	nlmsg_nest_end(m, first);
	nlmsg_nest_end(m, actions);
}

void filter_put(struct nlmsg *m, void *buffer, size_t size, const struct want_filter *want,
		int ifindex, int target)
{
	struct tcmsg tcm = {.tcm_ifindex = ifindex,
			    .tcm_parent = want->parent,
			    .tcm_handle = want->handle,
			    .tcm_info = TC_H_MAKE((uint32_t)want->pref << 16, htons(ETH_P_ALL))};

	nlmsg_start(m, buffer, size, RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, &tcm,
		    sizeof(tcm));
	nlmsg_put_string(m, TCA_KIND, "bpf");
	struct nlattr *options = nlmsg_nest(m, TCA_OPTIONS);
	if (want->prog_id) {
		nlmsg_put_u32(m, TCA_BPF_FD, (uint32_t)want->prog_fd);
		nlmsg_put_string(m, TCA_BPF_NAME, want->prog_name);
	} else {
		nlmsg_put_u16(m, TCA_BPF_OPS_LEN, (uint16_t)want->insns_count);
		nlmsg_put(m, TCA_BPF_OPS, want->insns, want->insns_count * sizeof(*want->insns));
	}
	if (want->action == ACTION_VERDICT)
		nlmsg_put_u32(m, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	else
		put_mirred(m, want, target);
	nlmsg_put_u32(m, TCA_BPF_FLAGS_GEN, TCA_CLS_FLAGS_SKIP_HW);
	nlmsg_nest_end(m, options);
}

void filter_put_delete(struct nlmsg *m, void *buffer, size_t size, int ifindex, uint32_t parent,
		       uint16_t pref, uint32_t handle)
{
	struct tcmsg tcm = {.tcm_ifindex = ifindex,
			    .tcm_parent = parent,
			    .tcm_handle = handle,
			    .tcm_info = (uint32_t)pref << 16};

	if (handle)
		tcm.tcm_info |= htons(ETH_P_ALL);
	nlmsg_start(m, buffer, size, RTM_DELTFILTER, NLM_F_ACK, &tcm, sizeof(tcm));
	if (handle)
		nlmsg_put_string(m, TCA_KIND, "bpf");
}
