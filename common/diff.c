/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/diff_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/link.h"

struct op *diff_add(struct diff *d, enum op_type type, const struct device *device, int subject,
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

struct device diff_device_of(const struct link *link)
{
	struct device device = {.ifindex = link->ifindex};
	memcpy(device.name, link->name, sizeof(device.name));
	return device;
}

struct device diff_device_named(const char *name)
{
	struct device device = {0};
	memcpy(device.name, name, strnlen(name, sizeof(device.name) - 1));
	return device;
}

struct device diff_device_at(const struct diff *d, int ifindex)
{
	const struct link *link = snapshot_link(d->s, ifindex);
	return link ? diff_device_of(link) : (struct device){.ifindex = ifindex, .name = "?"};
}

bool diff_ours(const struct diff *d, const struct link *link)
{
	return link && link->group == owner_group(d->desired->owner);
}

bool diff_must_recreate(const struct diff *d, const struct link *link, const struct want_link *want)
{
	/* a port of a bridge would be sent production, besides copies */
	if (link->kind != want->kind || link->master)
		return true;
	if (want->kind != LINK_VETH)
		return link->detour || !link_changes_in_place(link, want);
	const struct link *peer = snapshot_link_named(d->s, want->peer);
	return !diff_ours(d, peer) || link->peer != peer->ifindex || peer->peer != link->ifindex;
}

const struct link *diff_kept_link(const struct diff *d, const struct want_link *want)
{
	const struct link *link = snapshot_link_named(d->s, want->name);
	return diff_ours(d, link) && !diff_must_recreate(d, link, want) ? link : NULL;
}

const struct want_link *diff_wanted_link(const struct diff *d, const char *name)
{
	for (size_t i = 0; i < d->desired->links.count; i++)
		if (strcmp(d->desired->links.items[i].name, name) == 0)
			return &d->desired->links.items[i];
	return NULL;
}

struct device diff_resolve(const struct diff *d, const struct device *device)
{
	if (device->ifindex)
		return *device;
	const struct want_link *want = diff_wanted_link(d, device->name);
	const struct link *link =
	    want ? diff_kept_link(d, want) : snapshot_link_named(d->s, device->name);
	return link ? diff_device_of(link) : *device;
}

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
		d->places[i] = (struct place){diff_resolve(d, &want->device).ifindex, want->parent,
					      want->pref, want->handle};
	}
	qsort(d->places, d->desired->filters.count, sizeof(*d->places), place_order);
}

bool diff_filter_wanted(const struct diff *d, const struct filter *f)
{
	struct place key = {f->ifindex, f->parent, f->pref, f->handle};
	return bsearch(&key, d->places, d->desired->filters.count, sizeof(key), place_order) !=
	       NULL;
}

int diff(const struct snapshot *snapshot, const struct desired *desired, const struct ifset *made,
	 struct ops *out)
{
	struct diff d = {.s = snapshot, .desired = desired, .made = made, .ops = out};

	list_places(&d);
	if (d.error)
		return d.error;
	diff_change_verdicts(&d);
	diff_drop_filters(&d, false);
	diff_drop_ruleset(&d);
	diff_drop_links(&d, true);
	diff_drop_strays(&d);
	diff_drop_filters(&d, true);
	diff_drop_hooks(&d);
	for (size_t i = 0; i < desired->links.count; i++)
		diff_want_link(&d, &desired->links.items[i]);
	diff_drop_caps(&d);
	for (size_t i = 0; i < desired->qdiscs.count; i++)
		diff_want_qdisc(&d, &desired->qdiscs.items[i]);
	diff_want_filters(&d, true);
	diff_want_up(&d, true);
	diff_want_up(&d, false);
	diff_want_ways(&d);
	diff_want_filters(&d, false);
	diff_want_ruleset(&d);
	diff_drop_links(&d, false);
	ifset_clear(&d.hooks_wanted);
	free(d.places);
	return d.error;
}

int diff_later(const struct snapshot *snapshot, const struct desired *desired, struct ops *out)
{
	struct diff d = {.s = snapshot, .desired = desired, .ops = out};

	diff_later_ways(&d);
	diff_later_ruleset(&d);
	return d.error;
}
