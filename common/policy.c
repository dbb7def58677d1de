/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/policy.h"

#include <linux/xfrm.h>
#include <string.h>

/* The kernel keeps an address as it was given, whatever the prefix leaves of it. */
static void mask(struct ip_prefix *prefix)
{
	size_t size = ip_addr_size(&prefix->addr);

	if (prefix->len > size * 8)
		prefix->len = (uint8_t)(size * 8);
	for (size_t i = 0; i < size; i++) {
		unsigned bits = prefix->len > i * 8 ? prefix->len - (unsigned)i * 8 : 0;
		if (bits < 8)
			prefix->addr.bytes[i] &= (uint8_t)(0xff00 >> bits);
	}
}

bool policy_parse(const struct nlmsghdr *header, struct ip_prefix *out)
{
	struct xfrm_userpolicy_info info;

	if (header->nlmsg_type != XFRM_MSG_NEWPOLICY ||
	    header->nlmsg_len < NLMSG_LENGTH(sizeof(info)))
		return false;
	memcpy(&info, NLMSG_DATA(header), sizeof(info));
	if (info.dir != XFRM_POLICY_OUT)
		return false;
	*out = (struct ip_prefix){0};
	if (info.sel.family != AF_INET && info.sel.family != AF_INET6)
		return true;
	out->addr.family = (uint8_t)info.sel.family;
	memcpy(out->addr.bytes, &info.sel.daddr, ip_addr_size(&out->addr));
	out->len = info.sel.prefixlen_d;
	mask(out);
	return true;
}

bool policy_covers(const struct snapshot *s, const struct ip_addr *address)
{
	for (size_t i = 0; i < s->policies.count; i++) {
		const struct ip_prefix *to = &s->policies.items[i];
		if (!to->addr.family || ip_prefix_contains(to, address))
			return true;
	}
	return false;
}
