/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/diff.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

#include "common/link.h"
#include "common/tc.h"

/* ---- hooks ----------------------------------------------------------------------------------- */

int hooks_update(struct ifset *made, const struct snapshot *s, enum owner owner)
{
	size_t kept = 0;
	for (size_t i = 0; i < made->count; i++)
		if (snapshot_hook(s, made->items[i]))
			made->items[kept++] = made->items[i];
	made->count = kept;
	for (size_t i = 0; i < s->filters.count; i++) {
		const struct filter *f = &s->filters.items[i];
		bool marked = cookie_made_qdisc(f->cookie, f->cookie_size) ||
			      strcmp(f->prog_name, PROG_NAME_DOOR_MADE) == 0;
		if (f->owner == owner && marked && ifset_add(made, f->ifindex))
			return -ENOMEM;
	}
	return 0;
}

/* ---- the diff -------------------------------------------------------------------------------- */

struct place;

struct diff {
	const struct snapshot *s;
	const struct desired *desired;
	const struct ifset *made;
	struct ifset hooks_wanted; /* links that shall have a clsact */
	struct place *places;      /* of the desired filters, sorted */
	struct ops *ops;
	int error;
};

static struct op *add(struct diff *d, enum op_type type, const struct device *device, int subject,
		      const char *why)
{
	static struct op nowhere;
	struct op *op = ARRAY_ADD(d->ops);
	if (!op) {
		d->error = -ENOMEM;
		op = &nowhere;
	}
	*op = (struct op){.type = type,
			  .device = *device,
			  .subject = subject,
			  .why = why,
			  .owner = d->desired->owner};
	return op;
}

static struct device device_of(const struct link *link)
{
	struct device device = {.ifindex = link->ifindex};
	memcpy(device.name, link->name, sizeof(device.name));
	return device;
}

static struct device device_named(const char *name)
{
	struct device device = {0};
	memcpy(device.name, name, strnlen(name, sizeof(device.name) - 1));
	return device;
}

static struct device device_at(const struct diff *d, int ifindex)
{
	const struct link *link = snapshot_link(d->s, ifindex);
	return link ? device_of(link) : (struct device){.ifindex = ifindex, .name = "?"};
}

static bool ours(const struct diff *d, const struct link *link)
{
	return link && link->group == owner_group(d->desired->owner);
}

/* Whether the kernel's link is another thing than the wanted one, or can only become it by being
 * made anew. */
static bool must_recreate(const struct diff *d, const struct link *link,
			  const struct want_link *want)
{
	/* a port of a bridge would be sent production, besides copies */
	if (link->kind != want->kind || link->master)
		return true;
	if (want->kind == LINK_VXLAN)
		return link->detour || !vxlan_changes_in_place(&link->vxlan, &want->vxlan);
	const struct link *peer = snapshot_link_named(d->s, want->peer);
	return !ours(d, peer) || link->peer != peer->ifindex || peer->peer != link->ifindex;
}

/* The observed link that a wanted one can keep; NULL: it has to be made. */
static const struct link *kept_link(const struct diff *d, const struct want_link *want)
{
	const struct link *link = snapshot_link_named(d->s, want->name);
	return ours(d, link) && !must_recreate(d, link, want) ? link : NULL;
}

static const struct want_link *wanted_link(const struct diff *d, const char *name)
{
	for (size_t i = 0; i < d->desired->links.count; i++)
		if (strcmp(d->desired->links.items[i].name, name) == 0)
			return &d->desired->links.items[i];
	return NULL;
}

/* The device as the later operations will find it: a link that is made anew has no ifindex yet. */
static struct device resolve(const struct diff *d, const struct device *device)
{
	if (device->ifindex)
		return *device;
	const struct want_link *want = wanted_link(d, device->name);
	const struct link *link =
	    want ? kept_link(d, want) : snapshot_link_named(d->s, device->name);
	return link ? device_of(link) : *device;
}

/* Where a filter is; one for each that is desired, to tell which observed ones are not. */
struct place {
	int ifindex;
	uint32_t parent;
	uint32_t pref;
	uint32_t handle;
};

static int place_order(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	if (x->pref != y->pref)
		return x->pref < y->pref ? -1 : 1;
	return (x->handle > y->handle) - (x->handle < y->handle);
}

static void list_places(struct diff *d)
{
	d->places = calloc(d->desired->filters.count + 1, sizeof(*d->places));
	if (!d->places) {
		d->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < d->desired->filters.count; i++) {
		const struct want_filter *want = &d->desired->filters.items[i];
		d->places[i] = (struct place){resolve(d, &want->device).ifindex, want->parent,
					      want->pref, want->handle};
	}
	qsort(d->places, d->desired->filters.count, sizeof(*d->places), place_order);
}

static bool filter_wanted(const struct diff *d, const struct filter *f)
{
	struct place key = {f->ifindex, f->parent, f->pref, f->handle};
	return bsearch(&key, d->places, d->desired->filters.count, sizeof(key), place_order) !=
	       NULL;
}

/* A link of ours that goes takes its filters with it. */
static bool goes_with_link(const struct diff *d, const struct filter *f)
{
	const struct link *link = snapshot_link(d->s, f->ifindex);
	if (!ours(d, link))
		return false;
	const struct want_link *want = wanted_link(d, link->name);
	return !want || must_recreate(d, link, want);
}

/*
 * Filters of ours that nothing wants. Mirrors go before the links they lead to; verdicts, which
 * guard links, after them.
 */
static void drop_filters(struct diff *d, bool verdicts)
{
	for (size_t i = 0; i < d->s->filters.count; i++) {
		const struct filter *f = &d->s->filters.items[i];
		if (f->owner != d->desired->owner || !f->handle || f->chain ||
		    verdicts != (f->action == ACTION_VERDICT) || filter_wanted(d, f) ||
		    goes_with_link(d, f))
			continue;
		struct device device = device_at(d, f->ifindex);
		struct op *op = add(d, OP_FILTER_DELETE, &device, -1, "no longer wanted");
		op->parent = f->parent;
		op->pref = f->pref;
		op->handle = f->handle;
	}
}

static bool cap_wanted(const struct diff *d, int ifindex)
{
	for (size_t i = 0; i < d->desired->qdiscs.count; i++) {
		const struct want_qdisc *want = &d->desired->qdiscs.items[i];
		if (want->kind == QDISC_TBF && resolve(d, &want->device).ifindex == ifindex)
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
	struct device device = device_of(link);
	struct op *op = add(d, OP_QDISC_DELETE, &device, subject, why);
	op->parent = parent;
	op->handle = handle;
}

static void drop_hooks(struct diff *d)
{
	for (size_t i = 0; i < d->desired->qdiscs.count; i++) {
		const struct want_qdisc *want = &d->desired->qdiscs.items[i];
		if (want->kind == QDISC_CLSACT &&
		    ifset_add(&d->hooks_wanted, resolve(d, &want->device).ifindex))
			d->error = -ENOMEM;
	}
	for (size_t i = 0; i < d->made->count; i++) {
		int ifindex = d->made->items[i];
		const struct link *link = snapshot_link(d->s, ifindex);
		if (!link || ours(d, link) || !snapshot_hook(d->s, ifindex))
			continue;
		if (!ifset_has(&d->hooks_wanted, ifindex) && !foreign_filters(d, ifindex))
			drop_qdisc(d, link, TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0), -1,
				   "vtap made it, nobody uses it");
	}
}

static bool blocks_another(const struct link *link)
{
	return link->kind == LINK_VXLAN;
}

/*
 * Links of ours that are unwanted or cannot be changed in place. Tunnels go first, as the kernel
 * allows one VNI and port once; a hop goes after the filters that led to it were put anew, so that
 * no copy is lost on the way.
 */
static void drop_links(struct diff *d, bool first)
{
	for (size_t i = 0; i < d->s->links.count; i++) {
		const struct link *link = &d->s->links.items[i];
		if (!ours(d, link))
			continue;
		const struct want_link *want = wanted_link(d, link->name);
		struct device device = device_of(link);
		if (first != (want || blocks_another(link)))
			continue;
		if (!want)
			add(d, OP_LINK_DELETE, &device, -1, "no longer wanted");
		else if (must_recreate(d, link, want))
			add(d, OP_LINK_DELETE, &device, want->subject,
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
static void drop_strays(struct diff *d)
{
	const struct filter *last = NULL;

	for (size_t i = 0; i < d->s->filters.count; i++) {
		const struct filter *f = &d->s->filters.items[i];
		const struct link *link = snapshot_link(d->s, f->ifindex);
		if (!f->handle || f->chain || f->owner == d->desired->owner || !ours(d, link) ||
		    filter_wanted(d, f))
			continue;
		const struct want_link *want = wanted_link(d, link->name);
		bool shared =
		    strcmp(f->kind, "bpf") == 0 && f->protocol == ETH_P_ALL && pref_wanted(d, f);
		bool told = !shared && last && last->ifindex == f->ifindex &&
			    last->parent == f->parent && last->pref == f->pref;
		if (!want || must_recreate(d, link, want) || told)
			continue;
		struct device device = device_of(link);
		struct op *op = add(d, OP_FILTER_DELETE, &device, want->subject, "not vtap's");
		op->parent = f->parent;
		op->pref = f->pref;
		op->handle = shared ? f->handle : 0;
		last = f;
	}
}

static void want_offloads(struct diff *d, const struct want_link *want, const struct link *link,
			  const struct device *device)
{
	uint32_t off = link ? link->offloads & want->offloads_off : want->offloads_off;
	uint32_t on = link ? ~link->offloads & want->offloads_on : want->offloads_on;

	if (!off && !on)
		return;
	struct op *op =
	    add(d, OP_OFFLOADS, device, want->subject, link ? "offloads differ" : "new device");
	op->offloads_off = off;
	op->offloads_on = on;
}

static void want_link(struct diff *d, const struct want_link *want)
{
	const struct link *link = kept_link(d, want);
	struct device device = link ? device_of(link) : device_named(want->name);
	int subject = want->subject;

	if (!link && !want->born)
		add(d, OP_LINK_CREATE, &device, subject, "missing")->link = want;
	else if (link && want->kind == LINK_VXLAN && !vxlan_equal(&link->vxlan, &want->vxlan))
		add(d, OP_LINK_CHANGE, &device, subject, "settings differ")->link = want;
	if (link && want->mtu && link->mtu != want->mtu)
		add(d, OP_LINK_MTU, &device, subject, "MTU differs")->link = want;
	if (!link || link->ipv6)
		add(d, OP_IPV6_OFF, &device, subject, link ? "IPv6 is on" : "new device");
	want_offloads(d, want, link, &device);
	const struct address *end = d->s->addresses.items + d->s->addresses.count;
	for (const struct address *a = link ? snapshot_first_address(d->s, link->ifindex) : NULL;
	     a && a < end && a->ifindex == link->ifindex; a++)
		add(d, OP_ADDRESS_DELETE, &device, subject, "the device must have none")->address =
		    *a;
}

static void want_qdisc(struct diff *d, const struct want_qdisc *want)
{
	struct device device = resolve(d, &want->device);
	const char *why = "missing";

	if (device.ifindex && want->kind == QDISC_CLSACT && snapshot_hook(d->s, device.ifindex))
		return;
	if (device.ifindex && want->kind == QDISC_TBF) {
		const struct qdisc *root = snapshot_root_qdisc(d->s, device.ifindex);
		if (root && root->handle == TBF_HANDLE && tbf_equal(&want->tbf, &root->tbf))
			return;
		if (root && root->handle == TBF_HANDLE)
			why = "settings differ";
	}
	add(d, OP_QDISC_CREATE, &device, want->subject, why)->qdisc = want;
}

/* A rate cap that is no longer configured, or a root qdisc of somebody else's, on a link of ours
 * that stays. Without a handle it is the kernel's default. */
static void drop_caps(struct diff *d)
{
	for (size_t i = 0; i < d->desired->links.count; i++) {
		const struct want_link *want = &d->desired->links.items[i];
		const struct link *link = kept_link(d, want);
		const struct qdisc *root = link ? snapshot_root_qdisc(d->s, link->ifindex) : NULL;
		if (!root || !root->handle || cap_wanted(d, link->ifindex))
			continue;
		bool cap = root->handle == TBF_HANDLE;
		drop_qdisc(d, link, TC_H_ROOT, root->handle, cap ? -1 : want->subject,
			   cap ? "no rate is configured" : "not vtap's");
	}
}

static bool same_program(const struct filter *seen, const struct want_filter *want)
{
	if (want->prog_id)
		return seen->prog_id == want->prog_id &&
		       strcmp(seen->prog_name, want->prog_name) == 0;
	return seen->insns_count == want->insns_count &&
	       (!want->insns_count ||
		memcmp(seen->insns, want->insns, want->insns_count * sizeof(*want->insns)) == 0);
}

static const struct filter *seen_filter(const struct diff *d, const struct want_filter *want,
					int ifindex)
{
	size_t count;
	const struct filter *f =
	    ifindex ? snapshot_filters(d->s, ifindex, want->parent, &count) : NULL;
	for (size_t i = 0; f && i < count; i++)
		if (!f[i].chain && f[i].pref == want->pref && f[i].handle == want->handle &&
		    strcmp(f[i].kind, "bpf") == 0)
			return &f[i];
	return NULL;
}

/* Why a filter has to be put, or NULL when it is there as wanted. */
static const char *filter_differs(const struct filter *seen, const struct want_filter *want,
				  int target)
{
	if (!seen)
		return "missing";
	if (seen->protocol != ETH_P_ALL || !same_program(seen, want))
		return "program differs";
	if (seen->action != want->action)
		return "action differs";
	if (want->action == ACTION_VERDICT)
		return NULL;
	if (!target || seen->target != target)
		return "its target was made anew";
	if (seen->to_ingress != want->to_ingress ||
	    seen->ends_chain != (want->action == ACTION_REDIRECT))
		return "action differs";
	if (seen->cookie_size != COOKIE_SIZE ||
	    memcmp(seen->cookie, want->cookie, COOKIE_SIZE) != 0)
		return "mark differs";
	return NULL;
}

static void want_filter(struct diff *d, const struct want_filter *want)
{
	struct device device = resolve(d, &want->device);
	struct device target = resolve(d, &want->target);
	const char *why =
	    filter_differs(seen_filter(d, want, device.ifindex), want, target.ifindex);
	if (why)
		add(d, OP_FILTER_PUT, &device, want->subject, why)->filter = want;
}

static bool on_own_link(const struct diff *d, const struct device *device)
{
	if (!device->ifindex)
		return true;
	return ours(d, snapshot_link(d->s, device->ifindex));
}

/*
 * What guards our links, on them or in front of them, comes before they go up: nothing unsealed is
 * ever up. What leads traffic to them comes last.
 */
static void want_filters(struct diff *d, bool guards)
{
	for (size_t i = 0; i < d->desired->filters.count; i++) {
		const struct want_filter *want = &d->desired->filters.items[i];
		if ((want->action == ACTION_VERDICT || on_own_link(d, &want->device)) == guards)
			want_filter(d, want);
	}
}

/*
 * The end of a hop that copies leave at goes first: the other end then finds its carrier when it is
 * opened, and sends at once. Else a work queue starts it, and what comes before that is lost.
 */
static void links_up(struct diff *d, bool born)
{
	for (size_t i = 0; i < d->desired->links.count; i++) {
		const struct want_link *want = &d->desired->links.items[i];
		const struct link *link = kept_link(d, want);
		struct device device = link ? device_of(link) : device_named(want->name);
		if (want->born != born)
			continue;
		if (!link || !(link->flags & IFF_UP) || !(link->flags & IFF_NOARP))
			add(d, OP_LINK_UP, &device, want->subject,
			    link ? "down, or with ARP" : "new device");
	}
}

int diff(const struct snapshot *snapshot, const struct desired *desired, const struct ifset *made,
	 struct ops *out)
{
	struct diff d = {.s = snapshot, .desired = desired, .made = made, .ops = out};

	list_places(&d);
	if (d.error)
		return d.error;
	drop_filters(&d, false);
	drop_links(&d, true);
	drop_strays(&d);
	drop_filters(&d, true);
	drop_hooks(&d);
	for (size_t i = 0; i < desired->links.count; i++)
		want_link(&d, &desired->links.items[i]);
	drop_caps(&d);
	for (size_t i = 0; i < desired->qdiscs.count; i++)
		want_qdisc(&d, &desired->qdiscs.items[i]);
	want_filters(&d, true);
	links_up(&d, true);
	links_up(&d, false);
	want_filters(&d, false);
	drop_links(&d, false);
	ifset_clear(&d.hooks_wanted);
	free(d.places);
	return d.error;
}
