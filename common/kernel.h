/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel port: all that vtap ever asks of the kernel's network configuration. rtnl.c speaks
 * netlink; the tests have a kernel of arrays that can fail the n-th operation. Errors are negative
 * errno values.
 */
#ifndef VTAP_COMMON_KERNEL_H
#define VTAP_COMMON_KERNEL_H

#include "common/ifset.h"
#include "common/object.h"
#include "common/op.h"

struct kernel {
	/* Each appends to the snapshot; an interrupted dump is started again, a bounded number of
	 * times. */
	int (*dump_links)(struct kernel *kernel, struct snapshot *snapshot);
	int (*dump_addresses)(struct kernel *kernel, struct snapshot *snapshot);
	int (*dump_qdiscs)(struct kernel *kernel, struct snapshot *snapshot);
	int (*dump_filters)(struct kernel *kernel, struct snapshot *snapshot, int ifindex,
			    uint32_t parent);
	/* tcx programs of a hook; none where the kernel has no such thing, or does not tell. */
	int (*dump_programs)(struct kernel *kernel, struct snapshot *snapshot, int ifindex,
			     uint32_t parent);
	/* What the dump of links does not say: link->offloads, link->detour and link->ways. */
	int (*read_details)(struct kernel *kernel, struct link *link);
	/* A link's counters of this moment. */
	int (*read_stats)(struct kernel *kernel, int ifindex, struct link_stats *out);
	/* -ENETUNREACH and its kin: there is no route. */
	int (*route)(struct kernel *kernel, const struct route_query *query, struct route *out);
	/* On error `why` gets the kernel's own words where it has any, else the errno's. */
	int (*run)(struct kernel *kernel, const struct op *op, char *why, size_t why_size);
	/* Fills an empty one. */
	int (*read_ruleset)(struct kernel *kernel, struct ruleset *ruleset);
	/* Fills snapshot->policies. */
	int (*dump_policies)(struct kernel *kernel, struct snapshot *snapshot);
};

/*
 * One observation, sorted: all links, addresses, qdiscs and nftables tables of vtap's, the IPsec
 * policies, and the filters of clsact and ingress qdiscs; offloads for the links that carry the
 * owner's mark. With `look`, filters are only asked for on those links, on the owner's, and on new
 * ones; of the others they are kept as `seen` has them from the last observation, counters too.
 * NULL: everywhere.
 */
int kernel_observe(struct kernel *kernel, enum owner owner, struct snapshot *seen,
		   const struct ifset *look);

/* What the owner's links did since `seen`; neither events nor a whole observation are needed. */
enum moved { MOVED_NOTHING, MOVED_PACKETS, MOVED_AND_LOST };
enum moved kernel_moved(struct kernel *kernel, enum owner owner, const struct snapshot *seen);

/* No event tells of tcx programs: whether those that `seen` has are others by now. */
bool kernel_programs_changed(struct kernel *kernel, enum owner owner, const struct snapshot *seen);
/* The same of some hooks; the next call goes on from `at`. A call costs no more with thousands of
 * links than with a hundred. */
enum { KERNEL_SOME_HOOKS = 256 };
bool kernel_some_programs_changed(struct kernel *kernel, enum owner owner,
				  const struct snapshot *seen, size_t *at);

#endif
