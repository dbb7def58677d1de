/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/op.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/gre.h"
#include "common/link.h"
#include "common/tc.h"
#include "common/way.h"

void desired_clear(struct desired *desired)
{
	free(desired->links.items);
	free(desired->qdiscs.items);
	free(desired->filters.items);
	free(desired->ruleset.text);
	*desired = (struct desired){.owner = desired->owner};
}

void ops_clear(struct ops *ops)
{
	free(ops->items);
	*ops = (struct ops){0};
}

/* ---- for people ------------------------------------------------------------------------------ */

static const char *hook_name(uint32_t parent)
{
	return parent == TC_EGRESS ? "egress" : "ingress";
}

static void vxlan_text(const struct vxlan *vxlan, char text[OP_TEXT])
{
	if (vxlan->external)
		snprintf(text, OP_TEXT, "vxlan external port %u", vxlan->port);
	else
		snprintf(text, OP_TEXT, "vxlan vni %u port %u", vxlan->vni, vxlan->port);
}

static void gre_text(const struct want_link *link, char text[OP_TEXT])
{
	const char *kind = gre_kind_name(link->kind, link->gre.ipv6);

	if (link->gre.external)
		snprintf(text, OP_TEXT, "%s external", kind);
	else if (link->gre.key_out)
		snprintf(text, OP_TEXT, "%s key %u", kind, link->gre.key_out);
	else
		snprintf(text, OP_TEXT, "%s", kind);
}

static void link_text(const struct op *op, const char *verb, char text[OP_TEXT])
{
	const struct want_link *link = op->link;
	bool is_vxlan = link->kind == LINK_VXLAN;
	const struct ip_addr *to = is_vxlan ? &link->vxlan.remote : &link->gre.remote;
	const struct ip_addr *from = is_vxlan ? &link->vxlan.local : &link->gre.local;
	char remote[IP_ADDR_TEXT], local[IP_ADDR_TEXT], what[OP_TEXT];

	if (link->kind == LINK_VETH) {
		snprintf(text, OP_TEXT, "%s: %s veth, other end %s", op->device.name, verb,
			 link->peer);
		return;
	}
	if (is_vxlan)
		vxlan_text(&link->vxlan, what);
	else
		gre_text(link, what);
	snprintf(text, OP_TEXT, "%s: %s %.60s%s%s%s%s", op->device.name, verb, what,
		 to->family ? " to " : "", ip_addr_format(to, remote),
		 ip_addr_is_any(from) ? "" : " from ",
		 ip_addr_is_any(from) ? "" : ip_addr_format(from, local));
}

enum { OFFLOAD_TEXT = 32 };

static const char *offload_text(const struct op *op, enum offload bit, char text[OFFLOAD_TEXT])
{
	bool on = op->offloads_on & bit;

	text[0] = '\0';
	if (on || op->offloads_off & bit)
		snprintf(text, OFFLOAD_TEXT, " %s %s", bit == OFFLOAD_GRO ? "gro" : "tx-checksum",
			 on ? "on" : "off");
	return text;
}

static void offloads_text(const struct op *op, char text[OP_TEXT])
{
	char tx[OFFLOAD_TEXT], gro[OFFLOAD_TEXT];

	snprintf(text, OP_TEXT, "%s: set offloads%s%s", op->device.name,
		 offload_text(op, OFFLOAD_TX_CHECKSUM, tx), offload_text(op, OFFLOAD_GRO, gro));
}

static void address_text(const struct op *op, char text[OP_TEXT])
{
	char address[IP_ADDR_TEXT];

	snprintf(text, OP_TEXT, "%s: delete address %s/%u", op->device.name,
		 ip_addr_format(&op->address.addr, address), op->address.prefix_len);
}

static void qdisc_text(const struct op *op, char text[OP_TEXT])
{
	if (op->type == OP_QDISC_DELETE)
		snprintf(text, OP_TEXT, "%s: delete qdisc %s", op->device.name,
			 op->parent == TC_H_CLSACT  ? "clsact"
			 : op->handle == TBF_HANDLE ? "tbf"
						    : "root");
	else if (op->qdisc->kind == QDISC_CLSACT)
		snprintf(text, OP_TEXT, "%s: create qdisc clsact", op->device.name);
	else
		snprintf(text, OP_TEXT, "%s: create qdisc tbf rate %llu bit/s", op->device.name,
			 (unsigned long long)op->qdisc->tbf.rate * 8);
}

static void filter_put_text(const struct op *op, char text[OP_TEXT])
{
	const struct want_filter *f = op->filter;
	char what[64];

	if (f->action == ACTION_VERDICT)
		snprintf(what, sizeof(what), "%s", f->prog_id ? f->prog_name : "drop everything");
	else
		snprintf(what, sizeof(what), "%s to %s%s",
			 f->action == ACTION_MIRROR ? "mirror" : "redirect", f->target.name,
			 f->to_ingress ? " ingress" : "");
	snprintf(text, OP_TEXT, "%s %s: put filter pref %u handle %#x: %s", op->device.name,
		 hook_name(f->parent), f->pref, f->handle, what);
}

static void filter_delete_text(const struct op *op, char text[OP_TEXT])
{
	if (op->handle)
		snprintf(text, OP_TEXT, "%s %s: delete filter pref %u handle %#x", op->device.name,
			 hook_name(op->parent), op->pref, op->handle);
	else
		snprintf(text, OP_TEXT, "%s %s: delete filters pref %u", op->device.name,
			 hook_name(op->parent), op->pref);
}

const char *op_text(const struct op *op, char text[OP_TEXT])
{
	const char *name = op->device.name;

	switch (op->type) {
	case OP_LINK_CREATE:
		link_text(op, "create", text);
		break;
	case OP_LINK_CHANGE:
		link_text(op, "change", text);
		break;
	case OP_LINK_MTU:
		snprintf(text, OP_TEXT, "%s: set MTU %u", name, op->link->mtu);
		break;
	case OP_LINK_UP:
		snprintf(text, OP_TEXT, "%s: set up", name);
		break;
	case OP_LINK_DELETE:
		snprintf(text, OP_TEXT, "%s: delete", name);
		break;
	case OP_IPV6_OFF:
		snprintf(text, OP_TEXT, "%s: turn IPv6 off", name);
		break;
	case OP_IPV6_QUIET:
		snprintf(text, OP_TEXT, "%s: turn IPv6 on, without addresses", name);
		break;
	case OP_WAY_PUT:
		snprintf(text, OP_TEXT, "%s: put %s route", name, way_name(op->way));
		break;
	case OP_WAY_DELETE:
		snprintf(text, OP_TEXT, "%s: delete %s route", name, way_name(op->way));
		break;
	case OP_OFFLOADS:
		offloads_text(op, text);
		break;
	case OP_ADDRESS_DELETE:
		address_text(op, text);
		break;
	case OP_QDISC_CREATE:
	case OP_QDISC_DELETE:
		qdisc_text(op, text);
		break;
	case OP_RULESET_PUT:
		snprintf(text, OP_TEXT, "put tables %s", name);
		break;
	case OP_RULESET_DELETE:
		snprintf(text, OP_TEXT, "nftables: delete tables %s", name);
		break;
	case OP_FILTER_PUT:
		filter_put_text(op, text);
		break;
	case OP_FILTER_DELETE:
		filter_delete_text(op, text);
		break;
	}
	return text;
}

/* ---- for the kernel -------------------------------------------------------------------------- */

bool op_message(const struct op *op, int ifindex, int target, struct nlmsg *m)
{
	void *buffer = m->header;
	size_t size = m->size;
	struct address address = op->address;

	switch (op->type) {
	case OP_LINK_CREATE:
		link_put_create(m, buffer, size, op->link, op->owner);
		return true;
	case OP_LINK_CHANGE:
		link_put_change(m, buffer, size, op->link, ifindex);
		return true;
	case OP_LINK_MTU:
		link_put_mtu(m, buffer, size, ifindex, op->link->mtu);
		return true;
	case OP_LINK_UP:
		link_put_up(m, buffer, size, ifindex, op->let_go);
		return true;
	case OP_LINK_DELETE:
		link_put_delete(m, buffer, size, ifindex);
		return true;
	case OP_ADDRESS_DELETE:
		address.ifindex = ifindex;
		address_put_delete(m, buffer, size, &address);
		return true;
	case OP_WAY_PUT:
		way_put(m, buffer, size, op->way, ifindex);
		return true;
	case OP_WAY_DELETE:
		way_put_delete(m, buffer, size, op->way, ifindex);
		return true;
	case OP_QDISC_CREATE:
		qdisc_put_create(m, buffer, size, op->qdisc, ifindex);
		return true;
	case OP_QDISC_DELETE:
		qdisc_put_delete(m, buffer, size, ifindex, op->parent, op->handle);
		return true;
	case OP_FILTER_PUT:
		filter_put(m, buffer, size, op->filter, ifindex, target);
		return true;
	case OP_FILTER_DELETE:
		filter_put_delete(m, buffer, size, ifindex, op->parent, op->pref, op->handle);
		return true;
	case OP_IPV6_OFF:
	case OP_IPV6_QUIET:
	case OP_OFFLOADS:
	case OP_RULESET_PUT:
	case OP_RULESET_DELETE:
		break;
	}
	return false;
}
