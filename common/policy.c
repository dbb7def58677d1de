/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/policy.h"

#include <linux/xfrm.h>
#include <string.h>

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
