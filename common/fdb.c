/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/fdb.h"

#include <linux/neighbour.h>
#include <string.h>
#include <sys/socket.h>

#include "common/nlmsg.h"

enum { MAC_SIZE = 6 };

static bool is_remote(const struct link *link, const struct nlattr *const tb[])
{
	static const uint8_t any[MAC_SIZE];
	struct ip_addr to = {.family = link->vxlan.remote.family};
	uint8_t mac[MAC_SIZE];

	return nlattr_copy(tb[NDA_LLADDR], mac, sizeof(mac)) &&
	       memcmp(mac, any, sizeof(mac)) == 0 &&
	       nlattr_copy(tb[NDA_DST], to.bytes, ip_addr_size(&to)) &&
	       ip_addr_equal(&to, &link->vxlan.remote) && !tb[NDA_PORT] && !tb[NDA_VNI] &&
	       !tb[NDA_IFINDEX];
}

void fdb_take(struct fdb *fdb, const struct nlmsghdr *header)
{
	const struct nlattr *tb[NDA_MAX + 1];
	struct ndmsg info;

	if (!nlmsg_parse(header, sizeof(info), tb, NDA_MAX))
		return;
	memcpy(&info, NLMSG_DATA(header), sizeof(info));
	if (info.ndm_ifindex != fdb->link->ifindex)
		return;
	if (is_remote(fdb->link, tb))
		fdb->remotes++;
	else
		fdb->strays++;
}

bool fdb_detour(const struct fdb *fdb)
{
	return fdb->remotes != 1 || fdb->strays;
}
