/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From what is observed to what is desired: the operations, in the order in which they must run.
 * Pure: equal inputs give equal operations, and a kernel that is as desired gives none. What
 * carries no mark of the owner is never touched.
 */
#ifndef VTAP_COMMON_DIFF_H
#define VTAP_COMMON_DIFF_H

#include "common/ifset.h"
#include "common/object.h"
#include "common/op.h"

/*
 * Keeps the set of links whose clsact vtap made itself, and so removes when it is the last user.
 * The kernel's qdisc has no room for a mark: the mark is in vtap's filters on it, and from there it
 * is learnt again after a restart. Forgets links whose clsact is gone. 0 or -ENOMEM.
 */
int hooks_update(struct ifset *made, const struct snapshot *snapshot, enum owner owner);

/* 0 or -ENOMEM. `made`: the links above. The operations point into `desired`. */
int diff(const struct snapshot *snapshot, const struct desired *desired, const struct ifset *made,
	 struct ops *out);

#endif
