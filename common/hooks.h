/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The links whose clsact vtap made itself, and so removes when it is the last user. The kernel's
 * qdisc has no room for a mark: the mark is in vtap's filters on it. For the moment between the
 * making of the qdisc and that of the first filter, the set is also kept as text. Values only.
 */
#ifndef VTAP_COMMON_HOOKS_H
#define VTAP_COMMON_HOOKS_H

#include "common/ifset.h"
#include "common/object.h"

/* Learns from the marks, and forgets links that have no clsact any more. 0 or -ENOMEM. */
int hooks_update(struct ifset *made, const struct snapshot *snapshot, enum owner owner);

char *hooks_text(const struct ifset *made); /* malloc'd; NULL: no memory */
/* Adds what the text has; what is no number ends it. The next hooks_update keeps what is true. */
int hooks_read(struct ifset *made, const char *text);

#endif
