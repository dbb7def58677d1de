/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/way.h"

#include <linux/rtnetlink.h>
#include <string.h>

enum { PROTOCOL = 118 }; /* "v": of rtm_protocol, for who looks at the routes */

static bool address_of(enum way way, struct ip_addr *out)
{
	if (way == WAY_MULTICAST)
		return ip_addr_parse("ff00::", out);
	return ip_addr_parse(way == WAY_IPV4 ? WAY_GATEWAY4 : WAY_GATEWAY6, out);
}

const char *way_name(enum way way)
{
	return way == WAY_IPV4 ? "IPv4" : way == WAY_IPV6 ? "IPv6" : "IPv6 multicast";
}

static void start(struct nlmsg *m, void *buffer, size_t size, enum way way, uint16_t type,
		  uint16_t flags, struct rtmsg *info, int ifindex)
{
	struct ip_addr to;

	address_of(way, &to);
	info->rtm_family = to.family;
	info->rtm_dst_len = way == WAY_MULTICAST ? 8 : (uint8_t)(ip_addr_size(&to) * 8);
	nlmsg_start(m, buffer, size, type, flags, info, sizeof(*info));
	nlmsg_put(m, RTA_DST, to.bytes, ip_addr_size(&to));
	nlmsg_put_u32(m, RTA_OIF, (uint32_t)ifindex);
}

/* The metric tells the routes of several tunnels apart: else they were one, of several paths. */
void way_put(struct nlmsg *m, void *buffer, size_t size, enum way way, int ifindex)
{
	struct rtmsg info = {.rtm_table = RT_TABLE_LOCAL,
			     .rtm_protocol = PROTOCOL,
			     .rtm_scope = RT_SCOPE_UNIVERSE,
			     .rtm_type = RTN_UNICAST,
			     .rtm_flags = RTNH_F_ONLINK};
	struct ip_addr gateway;

	address_of(way, &gateway);
	start(m, buffer, size, way, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, &info,
	      ifindex);
	nlmsg_put(m, RTA_GATEWAY, gateway.bytes, ip_addr_size(&gateway));
	nlmsg_put_u32(m, RTA_PRIORITY, (uint32_t)ifindex);
}

void way_put_delete(struct nlmsg *m, void *buffer, size_t size, enum way way, int ifindex)
{
	struct rtmsg info = {.rtm_table = RT_TABLE_LOCAL, .rtm_scope = RT_SCOPE_NOWHERE};

	start(m, buffer, size, way, RTM_DELROUTE, NLM_F_ACK, &info, ifindex);
}

void way_put_get(struct nlmsg *m, void *buffer, size_t size, enum way way, int ifindex)
{
	struct rtmsg info = {.rtm_flags = RTM_F_FIB_MATCH};

	start(m, buffer, size, way, RTM_GETROUTE, 0, &info, ifindex);
}

int way_device(const struct nlmsghdr *header)
{
	const struct nlattr *tb[RTA_MAX + 1];
	uint32_t ifindex = 0;

	if (nlmsg_parse(header, sizeof(struct rtmsg), tb, RTA_MAX))
		nlattr_u32(tb[RTA_OIF], &ifindex);
	return (int)ifindex;
}

bool way_parse(const struct nlmsghdr *header, enum way way, int ifindex)
{
	const struct nlattr *tb[RTA_MAX + 1];
	struct ip_addr to, found = {0};
	struct rtmsg info;

	if (!nlmsg_parse(header, sizeof(info), tb, RTA_MAX) || header->nlmsg_type != RTM_NEWROUTE)
		return false;
	memcpy(&info, NLMSG_DATA(header), sizeof(info));
	address_of(way, &to);
	size_t size = ip_addr_size(&to);
	if (info.rtm_family != to.family || way_device(header) != ifindex ||
	    !nlattr_copy(tb[RTA_DST], found.bytes, size) ||
	    memcmp(found.bytes, to.bytes, size) != 0)
		return false;
	if (way == WAY_MULTICAST)
		return info.rtm_dst_len == 8;
	return info.rtm_dst_len == size * 8 && info.rtm_type == RTN_UNICAST &&
	       nlattr_copy(tb[RTA_GATEWAY], found.bytes, size) &&
	       memcmp(found.bytes, to.bytes, size) == 0;
}
