/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/route.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

static void take_gateway(const struct nlattr *const tb[], uint8_t family, struct ip_addr *via)
{
	struct rtvia other;

	if (nlattr_copy(tb[RTA_GATEWAY], via->bytes, family == AF_INET ? 4 : 16)) {
		via->family = family;
	} else if (nlattr_copy(tb[RTA_VIA], &other, sizeof(other))) { /* of the other family */
		via->family = (uint8_t)other.rtvia_family;
		size_t size;
		const char *data = nlattr_data(tb[RTA_VIA], &size);
		if (size < sizeof(other) + ip_addr_size(via))
			via->family = 0;
		else
			memcpy(via->bytes, data + sizeof(other), ip_addr_size(via));
	}
}

static int take_route(const struct nlmsghdr *header, void *ctx)
{
	const struct nlattr *tb[RTA_MAX + 1], *metrics[RTAX_MAX + 1];
	struct route *route = ctx;
	struct rtmsg info;

	if (header->nlmsg_type != RTM_NEWROUTE || !nlmsg_parse(header, sizeof(info), tb, RTA_MAX))
		return 0;
	memcpy(&info, NLMSG_DATA(header), sizeof(info));
	nlattr_copy(tb[RTA_OIF], &route->oif, sizeof(route->oif));
	if (tb[RTA_PREFSRC] &&
	    nlattr_copy(tb[RTA_PREFSRC], route->from.bytes, info.rtm_family == AF_INET ? 4 : 16))
		route->from.family = info.rtm_family;
	route->wrapped = tb[RTA_ENCAP] != NULL;
	nlattr_parse_nest(tb[RTA_METRICS], metrics, RTAX_MAX);
	nlattr_u32(metrics[RTAX_MTU], &route->mtu);
	take_gateway(tb, info.rtm_family, &route->via);
	route->local = info.rtm_type == RTN_LOCAL;
	if (info.rtm_type == RTN_UNICAST || info.rtm_type == RTN_LOCAL)
		return 0;
	return info.rtm_type == RTN_PROHIBIT ? -EACCES : -ENETUNREACH;
}

static int take_state(const struct nlmsghdr *header, void *ctx)
{
	struct ndmsg info;

	if (header->nlmsg_type != RTM_NEWNEIGH || header->nlmsg_len < NLMSG_LENGTH(sizeof(info)))
		return 0;
	memcpy(&info, NLMSG_DATA(header), sizeof(info));
	*(uint16_t *)ctx = info.ndm_state;
	return 0;
}

/* A kernel before 5.0 gives no single entry: unknown, as where there is none. */
static enum next_hop ask_neighbour(struct talk *talker, const struct route *route)
{
	struct ndmsg info = {.ndm_family = route->via.family, .ndm_ifindex = route->oif};
	uint16_t state = NUD_NONE;
	struct nlmsg m;

	nlmsg_start(&m, talker->request, TALK_SIZE, RTM_GETNEIGH, 0, &info, sizeof(info));
	nlmsg_put(&m, NDA_DST, route->via.bytes, ip_addr_size(&route->via));
	if (talk(talker, &m, take_state, &state) || state == NUD_NONE)
		return NEXT_HOP_UNKNOWN;
	if (state & NUD_FAILED)
		return NEXT_HOP_FAILED;
	return (state & NUD_INCOMPLETE) ? NEXT_HOP_ASKED : NEXT_HOP_GOOD;
}

static int take_entry(const struct nlmsghdr *header, void *ctx)
{
	const struct nlattr *tb[RTA_MAX + 1];
	struct route *route = ctx;

	if (header->nlmsg_type == RTM_NEWROUTE &&
	    nlmsg_parse(header, sizeof(struct rtmsg), tb, RTA_MAX))
		route->several = tb[RTA_MULTIPATH] != NULL;
	return 0;
}

static int ask(struct talk *talker, const struct route_query *query, uint32_t flags, talk_fn fn,
	       void *ctx)
{
	size_t size = ip_addr_size(&query->to);
	struct rtmsg info = {.rtm_family = query->to.family,
			     .rtm_dst_len = (uint8_t)(size * 8),
			     .rtm_tos = query->tos,
			     .rtm_flags = flags};
	struct nlmsg m;

	nlmsg_start(&m, talker->request, TALK_SIZE, RTM_GETROUTE, 0, &info, sizeof(info));
	nlmsg_put(&m, RTA_DST, query->to.bytes, size);
	if (query->from.family)
		nlmsg_put(&m, RTA_SRC, query->from.bytes, size);
	return talk(talker, &m, fn, ctx);
}

int route_ask(struct talk *talker, const struct route_query *query, struct route *out)
{
	*out = (struct route){0};
	int error = ask(talker, query, 0, take_route, out);
	if (error || out->local)
		return error;
	if (!out->via.family)
		out->via = query->to;
	out->next_hop = ask_neighbour(talker, out);
	/* the entry that the route was made of; the route itself has one next hop of it */
	if (query->closely)
		(void)ask(talker, query, RTM_F_FIB_MATCH, take_entry, out);
	return 0;
}
