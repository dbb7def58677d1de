/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/kernel.h"

#include <errno.h>
#include <string.h>

#include "common/tc.h"

/* A device that vanished between two dumps has no filters and no offloads: an event will tell, that
 * is no error. */
static bool vanished(int error)
{
	return error == -ENODEV || error == -EINVAL || error == -ENOENT;
}

static int dump_hook_filters(struct kernel *kernel, struct snapshot *s, const struct qdisc *qdisc)
{
	static const uint32_t parents[] = {TC_INGRESS, TC_EGRESS};
	bool clsact = strcmp(qdisc->kind, "clsact") == 0;

	if (!clsact && strcmp(qdisc->kind, "ingress") != 0)
		return 0;
	for (size_t i = 0; i < (clsact ? 2 : 1); i++) {
		int error = kernel->dump_filters(kernel, s, qdisc->ifindex, parents[i]);
		if (error && !vanished(error))
			return error;
	}
	return 0;
}

static int read_own_details(struct kernel *kernel, enum owner owner, struct snapshot *s)
{
	int error = 0;

	for (size_t i = 0; !error && i < s->links.count; i++) {
		struct link *link = &s->links.items[i];
		if (link->group != owner_group(owner))
			continue;
		error = kernel->read_details(kernel, link);
		if (vanished(error))
			error = 0;
	}
	return error;
}

/* The filters of a link as they were seen before; their programs move along. */
static int keep_filters(struct snapshot *s, struct snapshot *before, int ifindex)
{
	static const uint32_t parents[] = {TC_INGRESS, TC_EGRESS};

	for (int p = 0; p < 2; p++) {
		size_t count;
		/* the snapshot before is about to be freed: it may be written to */
		struct filter *f =
		    (struct filter *)snapshot_filters(before, ifindex, parents[p], &count);
		for (size_t i = 0; i < count; i++) {
			struct filter *slot = ARRAY_ADD(&s->filters);
			if (!slot)
				return -ENOMEM;
			*slot = f[i];
			f[i].insns = NULL;
		}
	}
	return 0;
}

static int observe_filters(struct kernel *kernel, enum owner owner, struct snapshot *s,
			   struct snapshot *before, const struct ifset *look)
{
	int error = 0;

	for (size_t i = 0; !error && i < s->qdiscs.count; i++) {
		const struct qdisc *qdisc = &s->qdiscs.items[i];
		const struct link *known = look ? snapshot_link(before, qdisc->ifindex) : NULL;
		bool kept = known && known->group != owner_group(owner) &&
			    !ifset_has(look, qdisc->ifindex) &&
			    snapshot_hook(before, qdisc->ifindex);
		if (!kept)
			error = dump_hook_filters(kernel, s, qdisc);
		else if (qdisc->parent == TC_H_CLSACT)
			error = keep_filters(s, before, qdisc->ifindex);
	}
	return error;
}

int kernel_observe(struct kernel *kernel, enum owner owner, struct snapshot *seen,
		   const struct ifset *look)
{
	struct snapshot now = {0};

	int error = kernel->dump_links(kernel, &now);
	if (!error)
		error = kernel->dump_addresses(kernel, &now);
	if (!error)
		error = kernel->dump_qdiscs(kernel, &now);
	if (!error)
		error = observe_filters(kernel, owner, &now, seen, look);
	if (!error)
		error = read_own_details(kernel, owner, &now);
	if (!error)
		error = snapshot_sort(&now);
	snapshot_clear(seen);
	*seen = now;
	return error;
}
