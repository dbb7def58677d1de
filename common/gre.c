/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/gre.h"

#include <arpa/inet.h>
#include <linux/if_tunnel.h>
#include <linux/ip6_tunnel.h>
#include <string.h>
#include <sys/socket.h>

enum { CLASS_SHIFT = 20 }; /* of the traffic class in an IPv6 header's first word */

enum link_kind gre_kind(const char *name, bool *ipv6)
{
	*ipv6 = strncmp(name, "ip6", 3) == 0;
	if (*ipv6)
		name += 3;
	if (strcmp(name, "gretap") == 0)
		return LINK_GRETAP;
	return strcmp(name, "gre") == 0 ? LINK_GRE : LINK_OTHER;
}

const char *gre_kind_name(enum link_kind kind, bool ipv6)
{
	if (kind == LINK_GRETAP)
		return ipv6 ? "ip6gretap" : "gretap";
	return ipv6 ? "ip6gre" : "gre";
}

/* ---- bytes to values ------------------------------------------------------------------------- */

static void parse_end(const struct nlattr *attr, bool ipv6, struct ip_addr *out)
{
	struct ip_addr end = {.family = ipv6 ? AF_INET6 : AF_INET};

	if (nlattr_copy(attr, end.bytes, ip_addr_size(&end)) && !ip_addr_is_any(&end))
		*out = end;
}

static uint32_t parse_key(const struct nlattr *flags, const struct nlattr *key)
{
	uint16_t bits = 0;
	uint32_t value = 0;

	if (!nlattr_copy(flags, &bits, sizeof(bits)) || !(bits & GRE_KEY) ||
	    !nlattr_copy(key, &value, sizeof(value)))
		return 0;
	return ntohl(value);
}

void gre_parse(const struct nlattr *data, bool ipv6, struct gre *out)
{
	const struct nlattr *tb[IFLA_GRE_MAX + 1];
	uint8_t flag = 0;
	uint32_t word = 0;

	*out = (struct gre){.ipv6 = ipv6};
	nlattr_parse_nest(data, tb, IFLA_GRE_MAX);
	out->key_in = parse_key(tb[IFLA_GRE_IFLAGS], tb[IFLA_GRE_IKEY]);
	out->key_out = parse_key(tb[IFLA_GRE_OFLAGS], tb[IFLA_GRE_OKEY]);
	parse_end(tb[IFLA_GRE_LOCAL], ipv6, &out->local);
	parse_end(tb[IFLA_GRE_REMOTE], ipv6, &out->remote);
	nlattr_u8(tb[IFLA_GRE_TTL], &out->ttl);
	nlattr_u32(tb[IFLA_GRE_LINK], &out->lower);
	out->external = tb[IFLA_GRE_COLLECT_METADATA] != NULL;
	if (!ipv6) {
		nlattr_u8(tb[IFLA_GRE_TOS], &out->tos);
		out->pmtudisc = nlattr_u8(tb[IFLA_GRE_PMTUDISC], &flag) && flag;
		flag = 0;
		out->ignore_df = nlattr_u8(tb[IFLA_GRE_IGNORE_DF], &flag) && flag;
		return;
	}
	if (nlattr_copy(tb[IFLA_GRE_FLOWINFO], &word, sizeof(word)))
		out->tos = (uint8_t)(ntohl(word) >> CLASS_SHIFT);
	word = 0;
	nlattr_u32(tb[IFLA_GRE_FLAGS], &word);
	out->encap_limit = !(word & IP6_TNL_F_IGN_ENCAP_LIMIT);
}

/* ---- values to bytes ------------------------------------------------------------------------- */

static void put_u32_net(struct nlmsg *m, uint16_t type, uint32_t value)
{
	value = htonl(value);
	nlmsg_put(m, type, &value, sizeof(value));
}

static void put_end(struct nlmsg *m, uint16_t type, const struct ip_addr *addr)
{
	if (addr->family)
		nlmsg_put(m, type, addr->bytes, ip_addr_size(addr));
}

static void put_key(struct nlmsg *m, uint16_t flags, uint16_t key, uint32_t value)
{
	uint16_t bits = GRE_KEY;

	if (!value)
		return;
	nlmsg_put(m, flags, &bits, sizeof(bits));
	put_u32_net(m, key, value);
}

void gre_put(struct nlmsg *m, const struct gre *gre)
{
	if (gre->external) {
		nlmsg_put(m, IFLA_GRE_COLLECT_METADATA, NULL, 0);
		return;
	}
	put_key(m, IFLA_GRE_IFLAGS, IFLA_GRE_IKEY, gre->key_in);
	put_key(m, IFLA_GRE_OFLAGS, IFLA_GRE_OKEY, gre->key_out);
	put_end(m, IFLA_GRE_LOCAL, &gre->local);
	put_end(m, IFLA_GRE_REMOTE, &gre->remote);
	nlmsg_put_u8(m, IFLA_GRE_TTL, gre->ttl);
	if (gre->ipv6) {
		nlmsg_put_u8(m, IFLA_GRE_ENCAP_LIMIT, 0);
		nlmsg_put_u32(m, IFLA_GRE_FLAGS, gre->encap_limit ? 0 : IP6_TNL_F_IGN_ENCAP_LIMIT);
		put_u32_net(m, IFLA_GRE_FLOWINFO, (uint32_t)gre->tos << CLASS_SHIFT);
		return;
	}
	nlmsg_put_u8(m, IFLA_GRE_TOS, gre->tos);
	nlmsg_put_u8(m, IFLA_GRE_PMTUDISC, gre->pmtudisc);
	nlmsg_put_u8(m, IFLA_GRE_IGNORE_DF, gre->ignore_df);
}

/* ---- comparing ------------------------------------------------------------------------------- */

bool gre_equal(const struct gre *a, const struct gre *b)
{
	if (a->external || b->external) /* the rest means nothing then, and is reported anyhow */
		return a->external == b->external && a->ipv6 == b->ipv6;
	return a->ipv6 == b->ipv6 && a->key_in == b->key_in && a->key_out == b->key_out &&
	       ip_addr_equal(&a->remote, &b->remote) && ip_addr_equal(&a->local, &b->local) &&
	       a->ttl == b->ttl && a->tos == b->tos && a->pmtudisc == b->pmtudisc &&
	       a->ignore_df == b->ignore_df && a->encap_limit == b->encap_limit &&
	       a->lower == b->lower;
}

bool gre_changes_in_place(const struct gre *from, const struct gre *to)
{
	return from->ipv6 == to->ipv6 && from->external == to->external && !from->lower &&
	       !to->lower;
}
