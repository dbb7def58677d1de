/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/kernel.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <string.h>

/* A device that vanished between two dumps has no filters and no offloads: an event will tell, that
 * is no error. */
static bool vanished(int error)
{
	return error == -ENODEV || error == -EINVAL || error == -ENOENT;
}

static int dump_hook_filters(struct kernel *kernel, struct snapshot *s, const struct qdisc *qdisc)
{
	static const uint32_t parents[] = {TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
					   TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)};
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

int kernel_observe(struct kernel *kernel, enum owner owner, struct snapshot *s)
{
	snapshot_clear(s);
	int error = kernel->dump_links(kernel, s);
	if (!error)
		error = kernel->dump_addresses(kernel, s);
	if (!error)
		error = kernel->dump_qdiscs(kernel, s);
	for (size_t i = 0; !error && i < s->qdiscs.count; i++)
		error = dump_hook_filters(kernel, s, &s->qdiscs.items[i]);
	for (size_t i = 0; !error && i < s->links.count; i++) {
		struct link *link = &s->links.items[i];
		if (link->group != owner_group(owner))
			continue;
		error = kernel->read_offloads(kernel, link);
		if (vanished(error))
			error = 0;
	}
	return error ? error : snapshot_sort(s);
}
