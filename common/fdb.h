/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a VXLAN device sends is in its forwarding database: the remote is an entry there that
 * anybody can take out, and others can be put before it. From the entries of a dump to whether it
 * is as vtap made it. Values only.
 */
#ifndef VTAP_COMMON_FDB_H
#define VTAP_COMMON_FDB_H

#include <linux/netlink.h>

#include "common/object.h"

struct fdb {
	const struct link *link;
	size_t remotes; /* entries that are the device's remote */
	size_t strays;  /* all others */
};

/* RTM_NEWNEIGH: counts it if it is of this device. */
void fdb_take(struct fdb *fdb, const struct nlmsghdr *header);
bool fdb_detour(const struct fdb *fdb); /* it is not just the remote */

#endif
