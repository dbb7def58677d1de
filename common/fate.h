/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a tc filter of somebody else's does to the packets it matches: whether the filters behind it
 * still see them. Values only; it judges, it changes nothing.
 */
#ifndef VTAP_COMMON_FATE_H
#define VTAP_COMMON_FATE_H

#include <linux/netlink.h>

#include "common/object.h"

/* From a filter's TCA_OPTIONS: fate, counted, and what its first action counted. Its kind and, for
 * a classic eBPF-like program, its instructions are in it already. */
void fate_parse(const struct nlattr *attr, struct filter *filter);

#endif
