/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtnetlink messages of traffic control: qdiscs, cls_bpf filters with a mirred action, bytes to
 * values and back. No socket.
 */
#ifndef VTAP_COMMON_TC_H
#define VTAP_COMMON_TC_H

#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>

#include "common/nlmsg.h"
#include "common/object.h"
#include "common/op.h"

/* The two hooks of clsact, as a filter's parent; an ingress qdisc has the first of them. */
#define TC_INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define TC_EGRESS  TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)

enum { TBF_HANDLE = 0x76740000 }; /* "7674:", the handle of vtap's TBF */

/* RTM_NEWQDISC and RTM_NEWTFILTER. False: truncated or without a kind. insns of a filter are
 * malloc'd, the caller's. */
bool qdisc_parse(const struct nlmsghdr *header, struct qdisc *out);
bool filter_parse(const struct nlmsghdr *header, struct filter *out);

/* A TCA_STATS2 or TCA_ACT_STATS. */
void tc_parse_stats(const struct nlattr *attr, struct filter_stats *out);

void qdisc_put_create(struct nlmsg *m, void *buffer, size_t size, const struct want_qdisc *want,
		      int ifindex);
void qdisc_put_delete(struct nlmsg *m, void *buffer, size_t size, int ifindex, uint32_t parent,
		      uint32_t handle);
void filter_put(struct nlmsg *m, void *buffer, size_t size, const struct want_filter *want,
		int ifindex, int target);
/* handle 0: all filters of the pref, of whatever kind and protocol */
void filter_put_delete(struct nlmsg *m, void *buffer, size_t size, int ifindex, uint32_t parent,
		       uint16_t pref, uint32_t handle);

#endif
