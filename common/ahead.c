/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/ahead.h"

#include <stdio.h>

#include "common/tc.h"

struct place {
	const struct snapshot *seen;
	const struct link *link;
	uint32_t parent;
	uint16_t pref;
	uint32_t handle;
};

struct found {
	enum ahead what;
	const struct filter *filter;
	uint32_t tcx, xdp;
};

/* Its id, or 0; but for `own`. */
static uint32_t first_program(const struct snapshot *seen, int ifindex, uint32_t parent,
			      uint32_t own)
{
	size_t count;
	const struct program *programs = snapshot_programs(seen, ifindex, parent, &count);

	for (size_t i = 0; i < count; i++)
		if (programs[i].id != own)
			return programs[i].id;
	return 0;
}

static enum ahead of_filter(const struct filter *f)
{
	if (f->fate == FATE_ON)
		return AHEAD_NOTHING;
	if (f->fate == FATE_UNKNOWN || !f->counted)
		return AHEAD_MAY;
	return f->stats.packets ? AHEAD_DOES : AHEAD_NOTHING;
}

/* Of our pref, whether it runs before ours: the kernel puts the newest first. Without ours, any
 * may. */
static uint32_t own_order(const struct filter *filters, size_t count, const struct place *at)
{
	for (size_t i = 0; i < count; i++)
		if (!filters[i].chain && filters[i].pref == at->pref &&
		    filters[i].handle == at->handle)
			return filters[i].order;
	return 0;
}

static struct found find(const struct place *at)
{
	struct found found = {AHEAD_NOTHING, NULL, 0, 0};
	size_t count;
	const struct filter *f = snapshot_filters(at->seen, at->link->ifindex, at->parent, &count);
	uint32_t order = own_order(f, count, at);

	found.tcx = first_program(at->seen, at->link->ifindex, at->parent, 0);
	found.xdp = at->parent == TC_INGRESS ? at->link->xdp : 0;
	if (found.tcx || found.xdp)
		found.what = AHEAD_MAY;
	for (size_t i = 0; i < count; i++) {
		if (f[i].chain || !f[i].handle || f[i].owner ||
		    (f[i].pref == at->pref ? f[i].order >= order : f[i].pref > at->pref))
			continue;
		enum ahead what = of_filter(&f[i]);
		if (what > found.what) {
			found.what = what;
			found.filter = &f[i];
		}
	}
	return found;
}

enum ahead ahead_of(const struct snapshot *seen, const struct link *link, uint32_t parent,
		    uint16_t pref, uint32_t handle)
{
	struct place at = {seen, link, parent, pref, handle};
	return find(&at).what;
}

static const char *hook_of(uint32_t parent)
{
	return parent == TC_EGRESS ? "egress" : "ingress";
}

static void name_tcx(const struct link *link, uint32_t parent, uint32_t id,
		     struct ahead_finding *out)
{
	snprintf(out->words, sizeof(out->words), "tcx program %u of %s %s", id, link->name,
		 hook_of(parent));
	snprintf(out->cure, sizeof(out->cure), "it must return TCX_NEXT (-1)");
}

static void name_xdp(const struct link *link, struct ahead_finding *out)
{
	snprintf(out->words, sizeof(out->words), "XDP program %u of %s", link->xdp, link->name);
	snprintf(out->cure, sizeof(out->cure), "it must return XDP_PASS");
}

void ahead_describe(const struct snapshot *seen, const struct link *link, uint32_t parent,
		    uint16_t pref, uint32_t handle, struct ahead_finding *out)
{
	struct place at = {seen, link, parent, pref, handle};
	struct found found = find(&at);

	*out = (struct ahead_finding){.what = found.what};
	if (found.filter) {
		const struct filter *f = found.filter;
		snprintf(out->words, sizeof(out->words), "the %s filter at pref %u of %s %s",
			 f->kind, f->pref, link->name, hook_of(parent));
		snprintf(out->cure, sizeof(out->cure), "%s%s",
			 f->action == ACTION_VERDICT ? "it must return TC_ACT_UNSPEC (-1)"
						     : "its action must end with \"continue\"",
			 f->pref > 1 && f->pref < pref ? ", or tc_pref be smaller" : "");
	} else if (found.tcx) {
		name_tcx(link, parent, found.tcx, out);
	} else if (found.xdp) {
		name_xdp(link, out);
	}
}

bool ahead_on_own(const struct snapshot *seen, const struct link *link, uint32_t own,
		  struct ahead_finding *out)
{
	static const uint32_t parents[] = {TC_INGRESS, TC_EGRESS};

	*out = (struct ahead_finding){.what = AHEAD_MAY};
	for (int hook = 0; hook < 2; hook++) {
		uint32_t id = first_program(seen, link->ifindex, parents[hook], own);
		if (!id)
			continue;
		name_tcx(link, parents[hook], id, out);
		snprintf(out->cure, sizeof(out->cure), "detach it");
		return true;
	}
	if (!link->xdp)
		return false;
	name_xdp(link, out);
	snprintf(out->cure, sizeof(out->cure), "detach it");
	return true;
}
