/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/diff_parts.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include "common/ruleset.h"
#include "common/tc.h"

/* A link of ours that goes takes its filters with it. */
static bool goes_with_link(const struct diff *d, const struct filter *f)
{
	const struct link *link = snapshot_link(d->s, f->ifindex);
	if (!diff_ours(d, link))
		return false;
	const struct want_link *want = diff_wanted_link(d, link->name);
	return !want || diff_must_recreate(d, link, want);
}

void diff_drop_filters(struct diff *d, bool verdicts)
{
	for (size_t i = 0; i < d->s->filters.count; i++) {
		const struct filter *f = &d->s->filters.items[i];
		if (f->owner != d->desired->owner || !f->handle || f->chain ||
		    verdicts != (f->action == ACTION_VERDICT) || diff_filter_wanted(d, f) ||
		    goes_with_link(d, f))
			continue;
		struct device device = diff_device_at(d, f->ifindex);
		struct op *op = diff_add(d, OP_FILTER_DELETE, &device, -1, "no longer wanted");
		op->parent = f->parent;
		op->pref = f->pref;
		op->handle = f->handle;
	}
}

static bool cap_wanted(const struct diff *d, int ifindex)
{
	for (size_t i = 0; i < d->desired->qdiscs.count; i++) {
		const struct want_qdisc *want = &d->desired->qdiscs.items[i];
		if (want->kind == QDISC_TBF && diff_resolve(d, &want->device).ifindex == ifindex)
			return true;
	}
	return false;
}

static bool foreign_filters(const struct diff *d, int ifindex)
{
	static const uint32_t parents[] = {TC_INGRESS, TC_EGRESS};
	for (int p = 0; p < 2; p++) {
		size_t count;
		const struct filter *f = snapshot_filters(d->s, ifindex, parents[p], &count);
		for (size_t i = 0; i < count; i++)
			if (f[i].handle && f[i].owner != d->desired->owner)
				return true;
	}
	return false;
}

static void drop_qdisc(struct diff *d, const struct link *link, uint32_t parent, uint32_t handle,
		       int subject, const char *why)
{
	struct device device = diff_device_of(link);
	struct op *op = diff_add(d, OP_QDISC_DELETE, &device, subject, why);
	op->parent = parent;
	op->handle = handle;
}

void diff_drop_hooks(struct diff *d)
{
	for (size_t i = 0; i < d->desired->qdiscs.count; i++) {
		const struct want_qdisc *want = &d->desired->qdiscs.items[i];
		if (want->kind == QDISC_CLSACT &&
		    ifset_add(&d->hooks_wanted, diff_resolve(d, &want->device).ifindex))
			d->error = -ENOMEM;
	}
	for (size_t i = 0; i < d->made->count; i++) {
		int ifindex = d->made->items[i];
		const struct link *link = snapshot_link(d->s, ifindex);
		if (!link || diff_ours(d, link) || !snapshot_hook(d->s, ifindex))
			continue;
		if (!ifset_has(&d->hooks_wanted, ifindex) && !foreign_filters(d, ifindex))
			drop_qdisc(d, link, TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0), -1,
				   "vtap made it, nobody uses it");
	}
}

static bool blocks_another(const struct link *link)
{
	return link->kind != LINK_VETH;
}

void diff_drop_links(struct diff *d, bool first)
{
	for (size_t i = 0; i < d->s->links.count; i++) {
		const struct link *link = &d->s->links.items[i];
		if (!diff_ours(d, link))
			continue;
		const struct want_link *want = diff_wanted_link(d, link->name);
		struct device device = diff_device_of(link);
		if (first != (want || blocks_another(link)))
			continue;
		if (!want)
			diff_add(d, OP_LINK_DELETE, &device, -1, "no longer wanted");
		else if (diff_must_recreate(d, link, want))
			diff_add(d, OP_LINK_DELETE, &device, want->subject,
				 "cannot be changed in place");
	}
}

static bool pref_wanted(const struct diff *d, const struct filter *f)
{
	for (size_t i = 0; i < d->desired->filters.count; i++)
		if (d->places[i].ifindex == f->ifindex && d->places[i].parent == f->parent &&
		    d->places[i].pref == f->pref)
			return true;
	return false;
}

/*
 * Filters of others on links of ours: they could take the copies away, or let in what the seal
 * keeps out. A pref goes as a whole, whatever kind it is of, unless a filter of ours shares it.
 */
void diff_drop_strays(struct diff *d)
{
	const struct filter *last = NULL;

	for (size_t i = 0; i < d->s->filters.count; i++) {
		const struct filter *f = &d->s->filters.items[i];
		const struct link *link = snapshot_link(d->s, f->ifindex);
		if (!f->handle || f->chain || f->owner == d->desired->owner ||
		    !diff_ours(d, link) || diff_filter_wanted(d, f))
			continue;
		const struct want_link *want = diff_wanted_link(d, link->name);
		bool shared =
		    strcmp(f->kind, "bpf") == 0 && f->protocol == ETH_P_ALL && pref_wanted(d, f);
		bool told = !shared && last && last->ifindex == f->ifindex &&
			    last->parent == f->parent && last->pref == f->pref;
		if (!want || diff_must_recreate(d, link, want) || told)
			continue;
		struct device device = diff_device_of(link);
		struct op *op = diff_add(d, OP_FILTER_DELETE, &device, want->subject, "not vtap's");
		op->parent = f->parent;
		op->pref = f->pref;
		op->handle = shared ? f->handle : 0;
		last = f;
	}
}

/* A rate cap that is no longer configured, or a root qdisc of somebody else's, on a link of ours
 * that stays. Without a handle it is the kernel's default. */
void diff_drop_caps(struct diff *d)
{
	for (size_t i = 0; i < d->desired->links.count; i++) {
		const struct want_link *want = &d->desired->links.items[i];
		const struct link *link = diff_kept_link(d, want);
		const struct qdisc *root = link ? snapshot_root_qdisc(d->s, link->ifindex) : NULL;
		if (!root || !root->handle || cap_wanted(d, link->ifindex))
			continue;
		bool cap = root->handle == TBF_HANDLE;
		drop_qdisc(d, link, TC_H_ROOT, root->handle, cap ? -1 : want->subject,
			   cap ? "no rate is configured" : "not vtap's");
	}
}

void diff_drop_ruleset(struct diff *d)
{
	const struct want_ruleset *want = &d->desired->ruleset;
	const struct ruleset *seen = &d->s->ruleset;
	struct device tables = diff_device_named(RULESET_NAME);

	if (!want->text && !want->later && seen->present && !seen->foreign)
		diff_add(d, OP_RULESET_DELETE, &tables, -1, "no longer wanted");
}
