/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/hint.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "common/link.h"
#include "common/way.h"

static bool own(const struct hint_context *c, const struct link *link)
{
	return link->group == owner_group(c->owner);
}

static bool matters(const struct hint_context *c, const struct link *link)
{
	return link && (own(c, link) || c->concerns(c->ctx, link));
}

/* In what a plan can see of a link that is not ours; whether it is up makes a difference to routes
 * alone. */
static bool same(const struct link *a, const struct link *b)
{
	return strcmp(a->name, b->name) == 0 && a->kind == b->kind && a->type == b->type &&
	       a->mtu == b->mtu && a->group == b->group && a->master == b->master &&
	       a->xdp == b->xdp;
}

static enum hint of_link(const struct hint_context *c, const struct nlmsghdr *event, int *ifindex)
{
	struct ifinfomsg info;
	struct link now;

	memcpy(&info, NLMSG_DATA(event), sizeof(info));
	if (info.ifi_family != AF_UNSPEC)
		return HINT_NOTHING; /* a bridge tells of its ports with the same message types */
	*ifindex = info.ifi_index;
	const struct link *before = snapshot_link(c->seen, info.ifi_index);
	if (event->nlmsg_type == RTM_DELLINK)
		return matters(c, before) ? HINT_PASS : HINT_NOTHING;
	if (!link_parse(event, &now))
		return HINT_PASS;
	if (!matters(c, before) && !matters(c, &now))
		return HINT_NOTHING;
	/* of ours everything counts, also what the message does not show: offloads */
	if (!before || own(c, before) || own(c, &now) || !same(before, &now))
		return HINT_PASS;
	/* the kernel says nothing of the IPv4 routes that a link set down takes with it */
	return ((before->flags ^ now.flags) & (IFF_UP | IFF_RUNNING)) ? HINT_ROUTES : HINT_NOTHING;
}

static enum hint of_address(const struct hint_context *c, const struct nlmsghdr *event,
			    int *ifindex)
{
	struct ifaddrmsg info;

	memcpy(&info, NLMSG_DATA(event), sizeof(info));
	*ifindex = (int)info.ifa_index;
	const struct link *link = snapshot_link(c->seen, *ifindex);
	if (!link || own(c, link))
		return HINT_PASS;
	if (!c->addresses)
		return HINT_ROUTES;
	/* the same again, as lifetimes are renewed, or one more where there are some */
	if (event->nlmsg_type == RTM_NEWADDR && snapshot_first_address(c->seen, *ifindex))
		return HINT_NOTHING;
	return HINT_PASS;
}

static enum hint of_tc(const struct hint_context *c, const struct nlmsghdr *event, int *ifindex)
{
	struct tcmsg tcm;

	memcpy(&tcm, NLMSG_DATA(event), sizeof(tcm));
	*ifindex = tcm.tcm_ifindex;
	const struct link *link = snapshot_link(c->seen, *ifindex);
	return !link || matters(c, link) ? HINT_PASS : HINT_NOTHING;
}

/* The forwarding database of our own devices, and neighbours that may be the next hop of a tunnel:
 * they fail, they answer again, and are forgotten. */
static enum hint of_neighbour(const struct hint_context *c, const struct nlmsghdr *event,
			      int *ifindex)
{
	enum { TELLING = NUD_FAILED | NUD_REACHABLE | NUD_PERMANENT };
	struct ndmsg info;

	memcpy(&info, NLMSG_DATA(event), sizeof(info));
	const struct link *link = snapshot_link(c->seen, info.ndm_ifindex);
	if (!link)
		return HINT_NOTHING;
	bool tells = info.ndm_state & TELLING || event->nlmsg_type == RTM_DELNEIGH;
	if (info.ndm_family != AF_BRIDGE)
		return tells && matters(c, link) && !own(c, link) ? HINT_ROUTES : HINT_NOTHING;
	if (!own(c, link))
		return HINT_NOTHING;
	*ifindex = info.ndm_ifindex;
	return HINT_PASS;
}

/* Routes to our own devices are ours to keep; of the others the kernel is asked. */
static enum hint of_route(const struct hint_context *c, const struct nlmsghdr *event, int *ifindex)
{
	int device = way_device(event);
	const struct link *link = device ? snapshot_link(c->seen, device) : NULL;

	if (!link || !own(c, link))
		return HINT_ROUTES;
	*ifindex = device;
	return HINT_PASS;
}

enum hint hint_of(const struct hint_context *c, const struct nlmsghdr *event, int *ifindex)
{
	size_t size = event->nlmsg_len;

	*ifindex = 0;
	if (event->nlmsg_pid && event->nlmsg_pid == c->own_port)
		return HINT_NOTHING;
	switch (event->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return size < NLMSG_LENGTH(sizeof(struct ifinfomsg)) ? HINT_PASS
								     : of_link(c, event, ifindex);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return size < NLMSG_LENGTH(sizeof(struct ifaddrmsg))
			   ? HINT_PASS
			   : of_address(c, event, ifindex);
	case RTM_NEWQDISC:
	case RTM_DELQDISC:
	case RTM_NEWTCLASS:
	case RTM_DELTCLASS:
	case RTM_NEWTFILTER:
	case RTM_DELTFILTER:
	case RTM_NEWCHAIN:
	case RTM_DELCHAIN:
		return size < NLMSG_LENGTH(sizeof(struct tcmsg)) ? HINT_PASS
								 : of_tc(c, event, ifindex);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return size < NLMSG_LENGTH(sizeof(struct ndmsg)) ? HINT_PASS
								 : of_neighbour(c, event, ifindex);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return of_route(c, event, ifindex);
	case RTM_NEWRULE:
	case RTM_DELRULE:
		return HINT_ROUTES;
	}
	return HINT_PASS;
}
