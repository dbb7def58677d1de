/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/link.h"

#include <arpa/inet.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/socket.h>

#include "common/gre.h"

/* ---- bytes to values ------------------------------------------------------------------------- */

static void parse_ip(const struct nlattr *v4, const struct nlattr *v6, struct ip_addr *out)
{
	if (nlattr_copy(v4, out->bytes, 4))
		out->family = AF_INET;
	else if (nlattr_copy(v6, out->bytes, 16))
		out->family = AF_INET6;
}

static void parse_vxlan(const struct nlattr *data, struct vxlan *out)
{
	const struct nlattr *tb[IFLA_VXLAN_MAX + 1];
	uint8_t flag = 0;

	nlattr_parse_nest(data, tb, IFLA_VXLAN_MAX);
	nlattr_u32(tb[IFLA_VXLAN_ID], &out->vni);
	nlattr_be16(tb[IFLA_VXLAN_PORT], &out->port);
	parse_ip(tb[IFLA_VXLAN_GROUP], tb[IFLA_VXLAN_GROUP6], &out->remote);
	parse_ip(tb[IFLA_VXLAN_LOCAL], tb[IFLA_VXLAN_LOCAL6], &out->local);
	nlattr_u8(tb[IFLA_VXLAN_TTL], &out->ttl);
	nlattr_u8(tb[IFLA_VXLAN_TOS], &out->tos);
	nlattr_u8(tb[IFLA_VXLAN_DF], &out->df);
	nlattr_u32(tb[IFLA_VXLAN_LINK], &out->lower);
	out->learning = nlattr_u8(tb[IFLA_VXLAN_LEARNING], &flag) && flag;
	out->external = nlattr_u8(tb[IFLA_VXLAN_COLLECT_METADATA], &flag) && flag;
	out->zero_csum6_rx = nlattr_u8(tb[IFLA_VXLAN_UDP_ZERO_CSUM6_RX], &flag) && flag;
}

static void parse_linkinfo(const struct nlattr *info, struct link *out)
{
	const struct nlattr *tb[IFLA_INFO_MAX + 1];

	nlattr_parse_nest(info, tb, IFLA_INFO_MAX);
	nlattr_string(tb[IFLA_INFO_KIND], out->kind_name, sizeof(out->kind_name));
	if (strcmp(out->kind_name, "vxlan") == 0) {
		out->kind = LINK_VXLAN;
		parse_vxlan(tb[IFLA_INFO_DATA], &out->vxlan);
	} else if (strcmp(out->kind_name, "veth") == 0) {
		out->kind = LINK_VETH;
	} else {
		bool ipv6;
		out->kind = gre_kind(out->kind_name, &ipv6);
		if (out->kind != LINK_OTHER)
			gre_parse(tb[IFLA_INFO_DATA], ipv6, &out->gre);
	}
}

/* A per-device IPv6 setting; false: this kernel does not tell it. */
static bool ipv6_setting(const struct nlattr *conf, unsigned number, int32_t *out)
{
	size_t size = 0;
	const char *settings = nlattr_data(conf, &size);

	if (size < (number + 1) * sizeof(*out))
		return false;
	memcpy(out, settings + number * sizeof(*out), sizeof(*out));
	return true;
}

/* IPv6 is on unless the kernel has none for this link or its per-device setting disable_ipv6 is
 * set. */
static void parse_ipv6(const struct nlattr *af_spec, struct link *out)
{
	const struct nlattr *families[AF_INET6 + 1], *tb[IFLA_INET6_MAX + 1];
	int32_t disabled = 0, router = 0;
	uint8_t addresses = IN6_ADDR_GEN_MODE_EUI64;

	nlattr_parse_nest(af_spec, families, AF_INET6);
	out->ipv6_never = !families[AF_INET6];
	if (!families[AF_INET6])
		return;
	nlattr_parse_nest(families[AF_INET6], tb, IFLA_INET6_MAX);
	ipv6_setting(tb[IFLA_INET6_CONF], DEVCONF_DISABLE_IPV6, &disabled);
	ipv6_setting(tb[IFLA_INET6_CONF], DEVCONF_FORWARDING, &router);
	nlattr_u8(tb[IFLA_INET6_ADDR_GEN_MODE], &addresses);
	out->ipv6 = !disabled;
	out->ipv6_quiet = addresses == IN6_ADDR_GEN_MODE_NONE && !router;
}

/* Whatever mode it is attached in, or several: one id is enough to name it. */
static uint32_t parse_xdp(const struct nlattr *nest)
{
	static const uint16_t ids[] = {IFLA_XDP_PROG_ID, IFLA_XDP_SKB_PROG_ID, IFLA_XDP_DRV_PROG_ID,
				       IFLA_XDP_HW_PROG_ID};
	const struct nlattr *tb[IFLA_XDP_MAX + 1];
	uint32_t id = 0;

	nlattr_parse_nest(nest, tb, IFLA_XDP_MAX);
	for (size_t i = 0; !id && i < sizeof(ids) / sizeof(*ids); i++)
		nlattr_u32(tb[ids[i]], &id);
	return id;
}

/* The structure has grown over time: takes what this kernel has of it. */
static bool parse_stats(const struct nlattr *attr, struct link_stats *out)
{
	struct rtnl_link_stats64 all = {0};
	size_t size = 0;
	const void *stats = nlattr_data(attr, &size);

	if (!size)
		return false;
	memcpy(&all, stats, size < sizeof(all) ? size : sizeof(all));
	*out = (struct link_stats){.rx_packets = all.rx_packets,
				   .rx_bytes = all.rx_bytes,
				   .rx_dropped = all.rx_dropped,
				   .tx_packets = all.tx_packets,
				   .tx_bytes = all.tx_bytes,
				   .tx_dropped = all.tx_dropped,
				   .tx_errors = all.tx_errors};
	return true;
}

bool link_parse(const struct nlmsghdr *header, struct link *out)
{
	const struct nlattr *tb[IFLA_MAX + 1];
	struct ifinfomsg info;
	uint8_t held = 0;

	if (!nlmsg_parse(header, sizeof(info), tb, IFLA_MAX))
		return false;
	memcpy(&info, NLMSG_DATA(header), sizeof(info));
	*out = (struct link){
	    .ifindex = info.ifi_index, .type = info.ifi_type, .flags = info.ifi_flags};
	if (info.ifi_index <= 0 || !nlattr_string(tb[IFLA_IFNAME], out->name, sizeof(out->name)))
		return false;
	nlattr_u32(tb[IFLA_MTU], &out->mtu);
	out->held_down = nlattr_u8(tb[IFLA_PROTO_DOWN], &held) && held;
	nlattr_u32(tb[IFLA_GROUP], &out->group);
	nlattr_copy(tb[IFLA_MASTER], &out->master, sizeof(out->master));
	nlattr_copy(tb[IFLA_LINK], &out->peer, sizeof(out->peer));
	parse_linkinfo(tb[IFLA_LINKINFO], out);
	parse_ipv6(tb[IFLA_AF_SPEC], out);
	out->xdp = parse_xdp(tb[IFLA_XDP]);
	parse_stats(tb[IFLA_STATS64], &out->stats);
	return true;
}

bool link_stats_parse(const struct nlmsghdr *header, struct link_stats *out)
{
	const struct nlattr *tb[IFLA_STATS_MAX + 1];

	*out = (struct link_stats){0};
	return header->nlmsg_type == RTM_NEWSTATS &&
	       nlmsg_parse(header, sizeof(struct if_stats_msg), tb, IFLA_STATS_MAX) &&
	       parse_stats(tb[IFLA_STATS_LINK_64], out);
}

bool address_parse(const struct nlmsghdr *header, struct address *out)
{
	const struct nlattr *tb[IFA_MAX + 1];
	struct ifaddrmsg info;

	if (!nlmsg_parse(header, sizeof(info), tb, IFA_MAX))
		return false;
	memcpy(&info, NLMSG_DATA(header), sizeof(info));
	*out = (struct address){.ifindex = (int)info.ifa_index, .prefix_len = info.ifa_prefixlen};
	/* On a point-to-point link IFA_ADDRESS is the peer's. */
	const struct nlattr *own = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	if (info.ifa_family == AF_INET)
		parse_ip(own, NULL, &out->addr);
	else if (info.ifa_family == AF_INET6)
		parse_ip(NULL, own, &out->addr);
	return out->addr.family != 0;
}

/* ---- values to bytes ------------------------------------------------------------------------- */

static void put_ip(struct nlmsg *m, uint16_t v4, uint16_t v6, const struct ip_addr *addr)
{
	if (addr->family)
		nlmsg_put(m, addr->family == AF_INET ? v4 : v6, addr->bytes, ip_addr_size(addr));
}

static void put_vxlan_changeable(struct nlmsg *m, const struct vxlan *vxlan)
{
	put_ip(m, IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6, &vxlan->remote);
	put_ip(m, IFLA_VXLAN_LOCAL, IFLA_VXLAN_LOCAL6, &vxlan->local);
	nlmsg_put_u8(m, IFLA_VXLAN_TTL, vxlan->ttl);
	nlmsg_put_u8(m, IFLA_VXLAN_TOS, vxlan->tos);
}

static bool vxlan_changes_in_place(const struct vxlan *from, const struct vxlan *to)
{
	struct vxlan changed = *from;

	if (from->remote.family != to->remote.family || (from->local.family && !to->local.family))
		return false;
	changed.remote = to->remote;
	changed.local = to->local;
	changed.ttl = to->ttl;
	changed.tos = to->tos;
	changed.df = to->df;
	return vxlan_equal(&changed, to);
}

bool link_as_wanted(const struct link *link, const struct want_link *want)
{
	switch (want->kind) {
	case LINK_VXLAN:
		return vxlan_equal(&link->vxlan, &want->vxlan);
	case LINK_GRETAP:
	case LINK_GRE:
		return gre_equal(&link->gre, &want->gre);
	case LINK_VETH:
	case LINK_OTHER:
		break;
	}
	return true;
}

bool link_changes_in_place(const struct link *link, const struct want_link *want)
{
	switch (want->kind) {
	case LINK_VXLAN:
		return vxlan_changes_in_place(&link->vxlan, &want->vxlan);
	case LINK_GRETAP:
	case LINK_GRE:
		return gre_changes_in_place(&link->gre, &want->gre);
	case LINK_VETH:
	case LINK_OTHER:
		break;
	}
	return true;
}

static struct nlattr *start_kind(struct nlmsg *m, const char *kind, struct nlattr **data)
{
	struct nlattr *info = nlmsg_nest(m, IFLA_LINKINFO);
	nlmsg_put_string(m, IFLA_INFO_KIND, kind);
	*data = nlmsg_nest(m, IFLA_INFO_DATA);
	return info;
}

static void put_vxlan(struct nlmsg *m, const struct vxlan *vxlan)
{
	struct nlattr *data, *info = start_kind(m, "vxlan", &data);
	if (vxlan->external)
		nlmsg_put_u8(m, IFLA_VXLAN_COLLECT_METADATA, 1);
	else
		nlmsg_put_u32(m, IFLA_VXLAN_ID, vxlan->vni);
	put_vxlan_changeable(m, vxlan);
	nlmsg_put_u8(m, IFLA_VXLAN_LEARNING, vxlan->learning);
	nlmsg_put_be16(m, IFLA_VXLAN_PORT, vxlan->port);
	if (vxlan->zero_csum6_rx)
		nlmsg_put_u8(m, IFLA_VXLAN_UDP_ZERO_CSUM6_RX, 1);
	if (vxlan->df)
		nlmsg_put_u8(m, IFLA_VXLAN_DF, vxlan->df);
	nlmsg_nest_end(m, data);
	nlmsg_nest_end(m, info);
}

static void put_names(struct nlmsg *m, const char *name, uint32_t mtu, enum owner owner)
{
	nlmsg_put_string(m, IFLA_IFNAME, name);
	if (mtu)
		nlmsg_put_u32(m, IFLA_MTU, mtu);
	nlmsg_put_u32(m, IFLA_GROUP, owner_group(owner));
}

static void put_gre(struct nlmsg *m, const struct want_link *want)
{
	struct nlattr *data,
	    *info = start_kind(m, gre_kind_name(want->kind, want->gre.ipv6), &data);
	gre_put(m, &want->gre);
	nlmsg_nest_end(m, data);
	nlmsg_nest_end(m, info);
}

/* The other end is described as the device itself is. */
static void put_veth(struct nlmsg *m, const struct ifinfomsg *info, const struct want_link *want,
		     enum owner owner)
{
	struct nlattr *data, *linkinfo = start_kind(m, "veth", &data);
	struct nlattr *peer = nlmsg_nest(m, VETH_INFO_PEER);
	nlmsg_put_raw(m, info, sizeof(*info));
	put_names(m, want->peer, want->mtu, owner);
	nlmsg_nest_end(m, peer);
	nlmsg_nest_end(m, data);
	nlmsg_nest_end(m, linkinfo);
}

/*
 * The group, which is the owner's mark, and NOARP are in the creating message, so that there is
 * never a device without them.
 */
void link_put_create(struct nlmsg *m, void *buffer, size_t size, const struct want_link *want,
		     enum owner owner)
{
	struct ifinfomsg info = {.ifi_flags = IFF_NOARP, .ifi_change = IFF_NOARP};

	nlmsg_start(m, buffer, size, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &info,
		    sizeof(info));
	put_names(m, want->name, want->mtu, owner);
	if (want->kind == LINK_VXLAN)
		put_vxlan(m, &want->vxlan);
	else if (want->kind == LINK_VETH)
		put_veth(m, &info, want, owner);
	else
		put_gre(m, want);
}

static void start_set(struct nlmsg *m, void *buffer, size_t size, int ifindex, unsigned flags)
{
	struct ifinfomsg info = {.ifi_index = ifindex, .ifi_flags = flags, .ifi_change = flags};
	nlmsg_start(m, buffer, size, RTM_NEWLINK, NLM_F_ACK, &info, sizeof(info));
}

void link_put_change(struct nlmsg *m, void *buffer, size_t size, const struct want_link *want,
		     int ifindex)
{
	struct nlattr *data, *info;

	start_set(m, buffer, size, ifindex, 0);
	if (want->kind != LINK_VXLAN) {
		put_gre(m, want);
		return;
	}
	info = start_kind(m, "vxlan", &data);
	put_vxlan_changeable(m, &want->vxlan);
	nlmsg_put_u8(m, IFLA_VXLAN_DF, want->vxlan.df); /* "unset" has to be said as well */
	nlmsg_nest_end(m, data);
	nlmsg_nest_end(m, info);
}

void link_put_get_stats(struct nlmsg *m, void *buffer, size_t size, int ifindex)
{
	struct if_stats_msg info = {.ifindex = (uint32_t)ifindex,
				    .filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64)};

	nlmsg_start(m, buffer, size, RTM_GETSTATS, 0, &info, sizeof(info));
}

void link_put_mtu(struct nlmsg *m, void *buffer, size_t size, int ifindex, uint32_t mtu)
{
	start_set(m, buffer, size, ifindex, 0);
	nlmsg_put_u32(m, IFLA_MTU, mtu);
}

void link_put_up(struct nlmsg *m, void *buffer, size_t size, int ifindex, bool let_go)
{
	start_set(m, buffer, size, ifindex, IFF_UP | IFF_NOARP);
	if (!let_go) /* not every kind of device knows it */
		return;
	/* while there is a reason left the kernel refuses to end it */
	struct nlattr *reasons = nlmsg_nest(m, IFLA_PROTO_DOWN_REASON);
	nlmsg_put_u32(m, IFLA_PROTO_DOWN_REASON_MASK, UINT32_MAX);
	nlmsg_put_u32(m, IFLA_PROTO_DOWN_REASON_VALUE, 0);
	nlmsg_nest_end(m, reasons);
	nlmsg_put_u8(m, IFLA_PROTO_DOWN, 0);
}

void link_put_delete(struct nlmsg *m, void *buffer, size_t size, int ifindex)
{
	struct ifinfomsg info = {.ifi_index = ifindex};
	nlmsg_start(m, buffer, size, RTM_DELLINK, NLM_F_ACK, &info, sizeof(info));
}

void address_put_delete(struct nlmsg *m, void *buffer, size_t size, const struct address *address)
{
	struct ifaddrmsg info = {.ifa_family = address->addr.family,
				 .ifa_prefixlen = address->prefix_len,
				 .ifa_index = (unsigned)address->ifindex};
	nlmsg_start(m, buffer, size, RTM_DELADDR, NLM_F_ACK, &info, sizeof(info));
	nlmsg_put(m, IFA_LOCAL, address->addr.bytes, ip_addr_size(&address->addr));
}
