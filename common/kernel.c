/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/kernel.h"

#include <errno.h>
#include <string.h>

#include "common/tc.h"

enum { SOME_MORE = 8 }; /* links than the last time */

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

/* Whether a link's filters and programs are taken from the observation before. */
static bool is_kept(enum owner owner, const struct snapshot *before, const struct ifset *look,
		    int ifindex)
{
	const struct link *known = look ? snapshot_link(before, ifindex) : NULL;

	return known && known->group != owner_group(owner) && !ifset_has(look, ifindex) &&
	       snapshot_hook(before, ifindex);
}

static int observe_filters(struct kernel *kernel, enum owner owner, struct snapshot *s,
			   struct snapshot *before, const struct ifset *look)
{
	int error = 0;

	for (size_t i = 0; !error && i < s->qdiscs.count; i++) {
		const struct qdisc *qdisc = &s->qdiscs.items[i];
		bool kept = is_kept(owner, before, look, qdisc->ifindex);
		if (!kept)
			error = dump_hook_filters(kernel, s, qdisc);
		else if (qdisc->parent == TC_H_CLSACT)
			error = keep_filters(s, before, qdisc->ifindex);
	}
	return error;
}

/* Where programs of others would matter: ahead of filters, and on the owner's links anywhere. */
static size_t hooks_to_ask(enum owner owner, const struct snapshot *s, const struct link *link,
			   uint32_t parents[2])
{
	const struct qdisc *hook = snapshot_hook(s, link->ifindex);
	bool both =
	    link->group == owner_group(owner) || (hook && strcmp(hook->kind, "clsact") == 0);

	parents[0] = TC_INGRESS;
	parents[1] = TC_EGRESS;
	return both ? 2 : hook && strcmp(hook->kind, "ingress") == 0;
}

static int keep_programs(struct snapshot *s, const struct snapshot *before, int ifindex,
			 uint32_t parent)
{
	size_t count;
	const struct program *p = snapshot_programs(before, ifindex, parent, &count);

	for (size_t i = 0; i < count; i++) {
		struct program *slot = ARRAY_ADD(&s->programs);
		if (!slot)
			return -ENOMEM;
		*slot = p[i];
	}
	return 0;
}

/* After the links were sorted: the programs then come in their order too. */
static int observe_programs(struct kernel *kernel, enum owner owner, struct snapshot *s,
			    const struct snapshot *before, const struct ifset *look)
{
	uint32_t parents[2];
	int error = 0;

	for (size_t i = 0; i < s->links.count; i++) {
		const struct link *link = &s->links.items[i];
		size_t count = hooks_to_ask(owner, s, link, parents);
		bool kept = count && is_kept(owner, before, look, link->ifindex);
		for (size_t p = 0; !error && p < count; p++)
			error = kept ? keep_programs(s, before, link->ifindex, parents[p])
				     : kernel->dump_programs(kernel, s, link->ifindex, parents[p]);
	}
	return error;
}

static bool same_programs(const struct snapshot *a, const struct snapshot *b, int ifindex,
			  uint32_t parent)
{
	size_t count, other;
	const struct program *x = snapshot_programs(a, ifindex, parent, &count);
	const struct program *y = snapshot_programs(b, ifindex, parent, &other);

	if (count != other)
		return false;
	for (size_t i = 0; i < count; i++)
		if (x[i].id != y[i].id)
			return false;
	return true;
}

/* How many of its hooks were asked for. */
static size_t look_at_programs(struct kernel *kernel, enum owner owner, const struct snapshot *seen,
			       const struct link *link, bool *changed)
{
	struct snapshot now = {0};
	uint32_t parents[2];
	size_t count = hooks_to_ask(owner, seen, link, parents);

	for (size_t p = 0; !*changed && p < count; p++) {
		now.programs.count = 0;
		*changed = !kernel->dump_programs(kernel, &now, link->ifindex, parents[p]) &&
			   !same_programs(seen, &now, link->ifindex, parents[p]);
	}
	snapshot_clear(&now);
	return count;
}

/* From link number *at on, until that many hooks have been asked for. */
static bool programs_changed(struct kernel *kernel, enum owner owner, const struct snapshot *seen,
			     size_t *at, size_t most)
{
	size_t asked = 0;
	bool changed = false;

	for (size_t i = 0; !changed && asked < most && i < seen->links.count; i++) {
		if (*at >= seen->links.count)
			*at = 0;
		asked +=
		    look_at_programs(kernel, owner, seen, &seen->links.items[(*at)++], &changed);
	}
	return changed;
}

bool kernel_programs_changed(struct kernel *kernel, enum owner owner, const struct snapshot *seen)
{
	size_t at = 0;
	return programs_changed(kernel, owner, seen, &at, SIZE_MAX);
}

bool kernel_some_programs_changed(struct kernel *kernel, enum owner owner,
				  const struct snapshot *seen, size_t *at)
{
	return programs_changed(kernel, owner, seen, at, KERNEL_SOME_HOOKS);
}

static uint64_t lost(const struct link_stats *stats)
{
	return stats->tx_dropped + stats->tx_errors;
}

enum moved kernel_moved(struct kernel *kernel, enum owner owner, const struct snapshot *seen)
{
	enum moved moved = MOVED_NOTHING;

	for (size_t i = 0; i < seen->links.count; i++) {
		const struct link *link = &seen->links.items[i];
		struct link_stats now;
		if (link->group != owner_group(owner) ||
		    kernel->read_stats(kernel, link->ifindex, &now))
			continue;
		if (lost(&now) != lost(&link->stats))
			return MOVED_AND_LOST;
		if (now.tx_packets != link->stats.tx_packets)
			moved = MOVED_PACKETS;
	}
	return moved;
}

int kernel_observe(struct kernel *kernel, enum owner owner, struct snapshot *seen,
		   const struct ifset *look)
{
	struct snapshot now = {0};

	ARRAY_RESERVE(&now.links, seen->links.count + SOME_MORE);
	int error = kernel->dump_links(kernel, &now);
	if (!error)
		error = kernel->dump_addresses(kernel, &now);
	if (!error)
		error = kernel->dump_qdiscs(kernel, &now);
	if (!error)
		error = observe_filters(kernel, owner, &now, seen, look);
	if (!error)
		error = read_own_details(kernel, owner, &now);
	if (!error) /* after the links: what its counters have, theirs may not have yet, not the
		       other way round */
		error = kernel->read_ruleset(kernel, &now.ruleset);
	if (!error)
		error = kernel->dump_policies(kernel, &now);
	if (!error)
		error = snapshot_sort(&now);
	if (!error)
		error = observe_programs(kernel, owner, &now, seen, look);
	snapshot_clear(seen);
	*seen = now;
	return error;
}
