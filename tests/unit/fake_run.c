/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fake kernel does when it is asked to change something, and its state as text.
 */
#include "tests/unit/fake_run.h"

#include <check.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/gre.h"
#include "common/link.h"
#include "common/tc.h"

static void *must(void *pointer)
{
	ck_assert_ptr_nonnull(pointer);
	return pointer;
}

struct fake_link *fake_run_link_at(struct fake_kernel *fake, int ifindex)
{
	for (size_t i = 0; i < fake->links.count; i++)
		if (fake->links.items[i].link.ifindex == ifindex)
			return &fake->links.items[i];
	return NULL;
}

struct fake_link *fake_run_find(struct fake_kernel *fake, const struct device *device)
{
	if (device->ifindex)
		return fake_run_link_at(fake, device->ifindex);
	struct link *link = fake_link(fake, device->name);
	return link ? fake_run_link_at(fake, link->ifindex) : NULL;
}

struct fake_qdisc *fake_run_qdisc_at(struct fake_kernel *fake, int ifindex, uint32_t parent)
{
	for (size_t i = 0; i < fake->qdiscs.count; i++) {
		struct fake_qdisc *q = &fake->qdiscs.items[i];
		if (q->qdisc.ifindex == ifindex && q->qdisc.parent == parent)
			return q;
	}
	return NULL;
}

void fake_run_touch(struct fake_kernel *fake, const struct op *op, bool foreign)
{
	if (foreign && !fake->touched[0])
		op_text(op, fake->touched);
}

/* ---- removals -------------------------------------------------------------------------------- */

static void remove_filters(struct fake_kernel *fake, int ifindex)
{
	for (size_t i = fake->filters.count; i-- > 0;)
		if (fake->filters.items[i].filter.ifindex == ifindex)
			fake_delete_filter(fake, i);
}

bool fake_remove_qdisc(struct fake_kernel *fake, int ifindex, uint32_t parent)
{
	struct fake_qdisc *q = fake_run_qdisc_at(fake, ifindex, parent);

	if (!q)
		return false;
	*q = fake->qdiscs.items[--fake->qdiscs.count];
	if (parent == TC_H_CLSACT)
		remove_filters(fake, ifindex);
	return true;
}

void fake_remove_link(struct fake_kernel *fake, int ifindex)
{
	struct fake_link *peer = fake_run_link_at(
	    fake, ((struct fake_link *)must(fake_run_link_at(fake, ifindex)))->link.peer);

	if (peer) { /* a veth goes with both its ends */
		fake_run_link_at(fake, ifindex)->link.peer = peer->link.peer = 0;
		fake_remove_link(fake, peer->link.ifindex);
	}
	fake_remove_qdisc(fake, ifindex, TC_H_CLSACT);
	fake_remove_qdisc(fake, ifindex, TC_H_ROOT);
	for (size_t i = fake->addresses.count; i-- > 0;)
		if (fake->addresses.items[i].ifindex == ifindex)
			fake->addresses.items[i] = fake->addresses.items[--fake->addresses.count];
	for (size_t i = 0; i < fake->filters.count; i++)
		if (fake->filters.items[i].filter.target == ifindex)
			fake->filters.items[i].filter.target = 0;
	struct fake_link *gone = must(fake_run_link_at(fake, ifindex));
	*gone = fake->links.items[--fake->links.count];
}

/* ---- links ----------------------------------------------------------------------------------- */

/* One VNI, port and family is one device's. */
static bool vxlan_taken(struct fake_kernel *fake, const struct vxlan *vxlan)
{
	bool v6 = vxlan->remote.family == AF_INET6 || vxlan->local.family == AF_INET6;

	for (size_t i = 0; i < fake->links.count; i++) {
		const struct link *link = &fake->links.items[i].link;
		const struct vxlan *other = &link->vxlan;
		bool other_v6 = other->remote.family == AF_INET6 || other->local.family == AF_INET6;
		if (link->kind == LINK_VXLAN && other->vni == vxlan->vni &&
		    other->port == vxlan->port && other->external == vxlan->external &&
		    (other_v6 == v6 || vxlan->external))
			return true;
	}
	return false;
}

/* And so are two ends and a key. */
static bool gre_taken(struct fake_kernel *fake, const struct want_link *want)
{
	const struct gre *gre = &want->gre;

	for (size_t i = 0; i < fake->links.count; i++) {
		const struct link *link = &fake->links.items[i].link;
		if (link->kind == want->kind && link->gre.ipv6 == gre->ipv6 &&
		    link->gre.external == gre->external && link->gre.key_in == gre->key_in &&
		    ip_addr_equal(&link->gre.remote, &gre->remote) &&
		    ip_addr_equal(&link->gre.local, &gre->local))
			return true;
	}
	return false;
}

static const char *kind_name(const struct want_link *want)
{
	if (want->kind == LINK_VXLAN)
		return "vxlan";
	return want->kind == LINK_VETH ? "veth" : gre_kind_name(want->kind, want->gre.ipv6);
}

static struct link *new_link(struct fake_kernel *fake, const struct op *op, const char *name)
{
	const struct want_link *want = op->link;

	fake_add_link(fake, name);
	struct fake_link *new = &fake->links.items[fake->links.count - 1];
	new->foreign = false;
	new->link.kind = want->kind;
	new->link.flags = IFF_NOARP | IFF_BROADCAST | IFF_MULTICAST;
	new->link.group = owner_group(op->owner);
	new->link.mtu = want->mtu ? want->mtu : ETH_DATA_LEN;
	snprintf(new->link.kind_name, sizeof(new->link.kind_name), "%s", kind_name(want));
	if (want->kind == LINK_GRE)
		new->link.type = want->gre.ipv6 ? ARPHRD_IP6GRE : ARPHRD_IPGRE;
	return &new->link;
}

static int create_link(struct fake_kernel *fake, const struct op *op)
{
	const struct want_link *want = op->link;

	if (fake_link(fake, want->name) ||
	    (want->kind == LINK_VXLAN && vxlan_taken(fake, &want->vxlan)) ||
	    (want->kind == LINK_VETH && fake_link(fake, want->peer)) ||
	    ((want->kind == LINK_GRETAP || want->kind == LINK_GRE) && gre_taken(fake, want)))
		return -EEXIST;
	int ifindex = new_link(fake, op, want->name)->ifindex;
	if (want->kind == LINK_VETH) {
		struct link *peer = new_link(fake, op, want->peer);
		peer->peer = ifindex;
		fake_run_link_at(fake, ifindex)->link.peer = peer->ifindex;
		return 0;
	}
	if (want->kind != LINK_VXLAN) {
		fake_run_link_at(fake, ifindex)->link.gre = want->gre;
		return 0;
	}
	struct vxlan *vxlan = &fake_run_link_at(fake, ifindex)->link.vxlan;
	*vxlan = want->vxlan;
	if (ip_addr_is_any(&vxlan->local))
		vxlan->local = (struct ip_addr){0}; /* the kernel does not report it */
	return 0;
}

static int change_link(struct fake_link *at, const struct op *op)
{
	struct vxlan *vxlan = &at->link.vxlan;
	const struct vxlan *want = &op->link->vxlan;

	if (at->link.kind != op->link->kind)
		return -EOPNOTSUPP;
	if (at->link.kind != LINK_VXLAN) {
		at->link.gre = op->link->gre;
		return 0;
	}
	if (want->remote.family != vxlan->remote.family)
		return -EINVAL;
	vxlan->remote = want->remote;
	if (want->local.family)
		vxlan->local = want->local; /* absent from the message: it stays */
	vxlan->ttl = want->ttl;
	vxlan->tos = want->tos;
	return 0;
}

static int set_up(struct fake_kernel *fake, struct fake_link *at)
{
	at->link.flags |= IFF_UP | IFF_NOARP;
	if (!fake_sealed(fake, &at->link))
		memcpy(fake->unsealed, at->link.name, sizeof(fake->unsealed));
	if (at->link.ipv6)
		at->link.ways |= WAY_MULTICAST;
	if (at->link.ipv6 && !at->link.ipv6_quiet)
		fake_add_address(fake, at->link.name, "fe80::1");
	return 0;
}

static int delete_address(struct fake_kernel *fake, const struct fake_link *at, const struct op *op)
{
	for (size_t i = 0; i < fake->addresses.count; i++) {
		struct address *a = &fake->addresses.items[i];
		if (a->ifindex != at->link.ifindex || !ip_addr_equal(&a->addr, &op->address.addr) ||
		    a->prefix_len != op->address.prefix_len)
			continue;
		*a = fake->addresses.items[--fake->addresses.count];
		return 0;
	}
	return -EADDRNOTAVAIL;
}

/* ---- nftables -------------------------------------------------------------------------------- */

void fake_flush_ruleset(struct fake_kernel *fake)
{
	free(fake->ruleset.tallies.items);
	free(fake->ruleset_text);
	fake->ruleset = (struct ruleset){0};
	fake->ruleset_text = NULL;
}

/* A counter for each line that makes one; both tables' have the same names. */
static void add_tallies(struct fake_kernel *fake, const char *text)
{
	static const char makes[] = "counter copies_";

	for (const char *at = text; (at = strstr(at, makes)); at++) {
		struct tally *new = must(ARRAY_ADD(&fake->ruleset.tallies));
		ck_assert_int_eq(sscanf(at, "counter %31s", new->name), 1);
	}
}

static int change_ruleset(struct fake_kernel *fake, const struct op *op)
{
	fake_run_touch(fake, op, fake->ruleset.present && fake->ruleset.foreign);
	fake_flush_ruleset(fake);
	if (op->type == OP_RULESET_DELETE)
		return 0;
	fake->ruleset_text = must(strdup(op->ruleset->text));
	fake->ruleset =
	    (struct ruleset){.present = true, .print = op->ruleset->print, .intact = true};
	add_tallies(fake, fake->ruleset_text);
	return 0;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static int change(struct fake_kernel *fake, struct fake_link *at, const struct op *op)
{
	bool on_device = op->type != OP_QDISC_CREATE && op->type != OP_QDISC_DELETE &&
			 op->type != OP_FILTER_PUT && op->type != OP_FILTER_DELETE;

	fake_run_touch(fake, op, on_device && at->foreign);
	switch (op->type) {
	case OP_LINK_CREATE:
		break;
	case OP_LINK_CHANGE:
		return change_link(at, op);
	case OP_LINK_MTU:
		at->link.mtu = op->link->mtu;
		return 0;
	case OP_LINK_UP:
		if (op->let_go)
			at->link.held_down = false;
		return set_up(fake, at);
	case OP_LINK_DELETE:
		fake_remove_link(fake, at->link.ifindex);
		return 0;
	case OP_IPV6_OFF:
		at->link.ipv6 = false;
		at->link.ways &= ~(uint32_t)(WAY_IPV6 | WAY_MULTICAST);
		return 0;
	case OP_RULESET_PUT:
	case OP_RULESET_DELETE:
		break;
	case OP_IPV6_QUIET:
		at->link.ipv6_quiet = true;
		at->link.ipv6 = true;
		if (at->link.flags & IFF_UP)
			at->link.ways |= WAY_MULTICAST;
		return 0;
	case OP_WAY_PUT:
		if (!(at->link.flags & IFF_UP) || (op->way == WAY_IPV6 && !at->link.ipv6))
			return -ENETDOWN;
		at->link.ways |= op->way;
		return 0;
	case OP_WAY_DELETE:
		if (!(at->link.ways & op->way))
			return -ESRCH;
		at->link.ways &= ~(uint32_t)op->way;
		return 0;
	case OP_OFFLOADS:
		at->link.offloads = (at->link.offloads & ~op->offloads_off) | op->offloads_on;
		return 0;
	case OP_ADDRESS_DELETE:
		return delete_address(fake, at, op);
	case OP_QDISC_CREATE:
		return fake_run_create_qdisc(fake, at, op);
	case OP_QDISC_DELETE:
		return fake_run_delete_qdisc(fake, at, op);
	case OP_FILTER_PUT:
		return fake_run_put_filter(fake, at, op);
	case OP_FILTER_DELETE:
		return fake_run_delete_filter(fake, at, op);
	}
	return -EINVAL;
}

int fake_run(struct kernel *kernel, const struct op *op, char *why, size_t why_size)
{
	struct fake_kernel *fake = (struct fake_kernel *)kernel;
	int error = 0;

	if (fake->before)
		fake->before(fake, op);
	fake->operations++;
	if (fake->fail_at && (fake->operations == fake->fail_at ||
			      (fake->fail_on && fake->operations > fake->fail_at)))
		error = fake->fail_error;
	if (!error && op->type == OP_LINK_CREATE) {
		error = create_link(fake, op);
	} else if (!error && (op->type == OP_RULESET_PUT || op->type == OP_RULESET_DELETE)) {
		error = change_ruleset(fake, op);
	} else if (!error) {
		struct fake_link *at = fake_run_find(fake, &op->device);
		error = at ? change(fake, at, op) : -ENODEV;
	}
	fake->changes += !error;
	if (error)
		snprintf(why, why_size, "%s", strerror(-error));
	if (fake->after)
		fake->after(fake, op);
	return error;
}
