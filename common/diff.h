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

/* 0 or -ENOMEM. `made`: the links whose clsact vtap made, see hooks.h. The operations point into
 * `desired`. */
int diff(const struct snapshot *snapshot, const struct desired *desired, const struct ifset *made,
	 struct ops *out);
/*
 * What a later round of the same pass adds, when links that diff() makes are there: ways to them,
 * and tables that name them. For who shows a pass and does not run it. Adds to *out.
 */
int diff_later(const struct snapshot *snapshot, const struct desired *desired, struct ops *out);

#endif
