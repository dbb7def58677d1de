/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/rtnl.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fdb.h"
#include "common/knob.h"
#include "common/link.h"
#include "common/nft.h"
#include "common/route.h"
#include "common/talk.h"
#include "common/tc.h"
#include "common/tcx.h"
#include "common/way.h"
#include "common/xfrm.h"

struct rtnl {
	struct kernel kernel;
	struct talk talk;
	struct nft *nft;   /* NULL: not in use */
	struct xfrm *xfrm; /* the same */
	int ioctl_fd;
	bool no_tcx; /* the kernel has none, or does not tell us */
};

static struct rtnl *self(struct kernel *kernel)
{
	return (struct rtnl *)kernel; /* its first member */
}

/* ---- dumps ----------------------------------------------------------------------------------- */

static int take_link(const struct nlmsghdr *header, void *snapshot)
{
	struct link link, *slot;

	if (header->nlmsg_type != RTM_NEWLINK || !link_parse(header, &link))
		return 0;
	slot = ARRAY_ADD(&((struct snapshot *)snapshot)->links);
	if (!slot)
		return -ENOMEM;
	*slot = link;
	return 0;
}

static int take_address(const struct nlmsghdr *header, void *snapshot)
{
	struct address address, *slot;

	if (header->nlmsg_type != RTM_NEWADDR || !address_parse(header, &address))
		return 0;
	slot = ARRAY_ADD(&((struct snapshot *)snapshot)->addresses);
	if (!slot)
		return -ENOMEM;
	*slot = address;
	return 0;
}

static int take_qdisc(const struct nlmsghdr *header, void *snapshot)
{
	struct qdisc qdisc, *slot;

	/* the kernel's defaults have no handle, and each link that is up has one or many of them */
	if (header->nlmsg_type != RTM_NEWQDISC || !qdisc_parse(header, &qdisc) || !qdisc.handle)
		return 0;
	slot = ARRAY_ADD(&((struct snapshot *)snapshot)->qdiscs);
	if (!slot)
		return -ENOMEM;
	*slot = qdisc;
	return 0;
}

static int take_filter(const struct nlmsghdr *header, void *snapshot)
{
	struct filter filter, *slot;

	if (header->nlmsg_type != RTM_NEWTFILTER || !filter_parse(header, &filter))
		return 0;
	slot = ARRAY_ADD(&((struct snapshot *)snapshot)->filters);
	if (!slot) {
		free(filter.insns);
		return -ENOMEM;
	}
	filter.order = (uint32_t)((struct snapshot *)snapshot)->filters.count;
	*slot = filter;
	return 0;
}

static void forget_filters(struct snapshot *s, size_t count)
{
	while (s->filters.count > count)
		free(s->filters.items[--s->filters.count].insns);
}

/* The family's structure decides what is dumped. `count` is the array that fn fills: an interrupted
 * dump starts again. */
static int dump(struct rtnl *rtnl, uint16_t type, const void *family, size_t size, talk_fn fn,
		struct snapshot *s, size_t *count)
{
	size_t before = *count;
	int error = -EINTR;

	for (int i = 0; error == -EINTR && i < TALK_DUMP_TRIES; i++) {
		struct nlmsg m;
		if (count == &s->filters.count)
			forget_filters(s, before);
		*count = before;
		nlmsg_start(&m, rtnl->talk.request, TALK_SIZE, type, NLM_F_DUMP, family, size);
		error = talk(&rtnl->talk, &m, fn, s);
	}
	return error;
}

static int dump_links(struct kernel *kernel, struct snapshot *s)
{
	struct ifinfomsg info = {0};
	return dump(self(kernel), RTM_GETLINK, &info, sizeof(info), take_link, s, &s->links.count);
}

static int dump_addresses(struct kernel *kernel, struct snapshot *s)
{
	struct ifaddrmsg info = {0};
	return dump(self(kernel), RTM_GETADDR, &info, sizeof(info), take_address, s,
		    &s->addresses.count);
}

static int dump_qdiscs(struct kernel *kernel, struct snapshot *s)
{
	struct tcmsg tcm = {0};
	return dump(self(kernel), RTM_GETQDISC, &tcm, sizeof(tcm), take_qdisc, s, &s->qdiscs.count);
}

static int dump_filters(struct kernel *kernel, struct snapshot *s, int ifindex, uint32_t parent)
{
	struct tcmsg tcm = {.tcm_ifindex = ifindex, .tcm_parent = parent};
	return dump(self(kernel), RTM_GETTFILTER, &tcm, sizeof(tcm), take_filter, s,
		    &s->filters.count);
}

static int dump_programs(struct kernel *kernel, struct snapshot *s, int ifindex, uint32_t parent)
{
	struct rtnl *rtnl = self(kernel);
	uint32_t ids[TCX_PROGRAMS];
	size_t count;

	if (rtnl->no_tcx)
		return 0;
	int error = tcx_query(ifindex, parent == TC_EGRESS, ids, &count);
	if (error) {
		/* this kernel has none, or does not tell us */
		rtnl->no_tcx = error == -EINVAL || error == -EPERM || error == -ENOSYS;
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		struct program *slot = ARRAY_ADD(&s->programs);
		if (!slot)
			return -ENOMEM;
		*slot = (struct program){ifindex, parent, ids[i]};
	}
	return 0;
}

static int take_stats(const struct nlmsghdr *header, void *out)
{
	return link_stats_parse(header, out) ? 0 : -EBADMSG;
}

/* The kernel's answer is its own end: it is no dump, and nothing is to be confirmed. */
static int read_stats(struct kernel *kernel, int ifindex, struct link_stats *out)
{
	struct talk *talker = &self(kernel)->talk;
	struct nlmsg m;

	link_put_get_stats(&m, talker->request, TALK_SIZE, ifindex);
	return talk(talker, &m, take_stats, out);
}

static int route_to(struct kernel *kernel, const struct route_query *query, struct route *out)
{
	char device[IF_NAMESIZE];
	int error = route_ask(&self(kernel)->talk, query, out);

	/* anew each time, as no event tells that a device's features changed; a next hop that turns
	 * good is one */
	if (!error && query->closely && out->next_hop == NEXT_HOP_GOOD &&
	    if_indextoname((unsigned)out->oif, device))
		out->checksums = knob_checksums(self(kernel)->ioctl_fd, device);
	return error;
}

/* ---- what the dump of links does not say ----------------------------------------------------- */

static int take_neighbour(const struct nlmsghdr *header, void *fdb)
{
	if (header->nlmsg_type == RTM_NEWNEIGH)
		fdb_take(fdb, header);
	return 0;
}

static int read_detour(struct rtnl *rtnl, struct link *link)
{
	struct ifinfomsg info = {.ifi_family = AF_BRIDGE, .ifi_index = link->ifindex};
	struct fdb fdb = {.link = link};
	struct nlmsg m;
	int error = -EINTR;

	link->detour = false;
	if (link->kind != LINK_VXLAN || !link->vxlan.remote.family)
		return 0;
	for (int i = 0; error == -EINTR && i < TALK_DUMP_TRIES; i++) {
		fdb.remotes = fdb.strays = 0;
		nlmsg_start(&m, rtnl->talk.request, TALK_SIZE, RTM_GETNEIGH, NLM_F_DUMP, &info,
			    sizeof(info));
		error = talk(&rtnl->talk, &m, take_neighbour, &fdb);
	}
	link->detour = !error && fdb_detour(&fdb);
	return error;
}

struct way_query {
	enum way way;
	int ifindex;
	bool found;
};

static int take_way(const struct nlmsghdr *header, void *ctx)
{
	struct way_query *query = ctx;

	query->found = way_parse(header, query->way, query->ifindex);
	return 0;
}

/* A look-up that finds no route ends with an error, of one kind or another. */
static void read_ways(struct rtnl *rtnl, struct link *link)
{
	static const enum way ways[] = {WAY_IPV4, WAY_IPV6, WAY_MULTICAST};
	struct nlmsg m;

	link->ways = 0;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		struct way_query query = {.way = ways[i], .ifindex = link->ifindex};
		if (link->kind == LINK_VETH || (ways[i] != WAY_IPV4 && !link->ipv6))
			continue;
		way_put_get(&m, rtnl->talk.request, TALK_SIZE, ways[i], link->ifindex);
		if (!talk(&rtnl->talk, &m, take_way, &query) && query.found)
			link->ways |= ways[i];
	}
}

static int read_details(struct kernel *kernel, struct link *link)
{
	struct rtnl *rtnl = self(kernel);

	read_ways(rtnl, link);
	int error = read_detour(rtnl, link);
	return error ? error : knob_read_offloads(rtnl->ioctl_fd, link->name, &link->offloads);
}

/* ---- operations ------------------------------------------------------------------------------ */

static int find_ifindex(const struct device *device)
{
	return device->ifindex ? device->ifindex : (int)if_nametoindex(device->name);
}

static int run_message(struct rtnl *rtnl, const struct op *op, struct nlmsg *m)
{
	int ifindex = 0, target = 0;

	if (op->type != OP_LINK_CREATE) {
		ifindex = find_ifindex(&op->device);
		if (!ifindex)
			return -ENODEV;
	}
	if (op->type == OP_FILTER_PUT && op->filter->action != ACTION_VERDICT) {
		target = find_ifindex(&op->filter->target);
		if (!target)
			return -ENODEV;
	}
	op_message(op, ifindex, target, m);
	return talk(&rtnl->talk, m, NULL, NULL);
}

static int run(struct kernel *kernel, const struct op *op, char *why, size_t why_size)
{
	struct rtnl *rtnl = self(kernel);
	struct nlmsg m = {.header = (struct nlmsghdr *)rtnl->talk.request, .size = TALK_SIZE};
	int error;

	rtnl->talk.words[0] = '\0';
	if (op->type == OP_RULESET_PUT || op->type == OP_RULESET_DELETE)
		return rtnl->nft ? nft_run(rtnl->nft, op, why, why_size) : -EOPNOTSUPP;
	if (op->type == OP_IPV6_OFF)
		error = knob_ipv6_off(op->device.name);
	else if (op->type == OP_IPV6_QUIET)
		error = knob_ipv6_quiet(op->device.name);
	else if (op->type == OP_OFFLOADS)
		error = knob_set_offloads(rtnl->ioctl_fd, op->device.name, op->offloads_off,
					  op->offloads_on);
	else
		error = run_message(rtnl, op, &m);
	if (error)
		snprintf(why, why_size, "%s%s%s", rtnl->talk.words, rtnl->talk.words[0] ? ": " : "",
			 strerror(-error));
	return error;
}

static int read_ruleset(struct kernel *kernel, struct ruleset *ruleset)
{
	struct nft *nft = self(kernel)->nft;
	return nft ? nft_read(nft, ruleset) : 0;
}

static int dump_policies(struct kernel *kernel, struct snapshot *s)
{
	struct xfrm *xfrm = self(kernel)->xfrm;
	return xfrm ? xfrm_read(xfrm, s) : 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

int rtnl_open(struct rtnl **out)
{
	struct rtnl *rtnl = calloc(1, sizeof(*rtnl));

	if (!rtnl)
		return -ENOMEM;
	rtnl->kernel = (struct kernel){dump_links,    dump_addresses, dump_qdiscs,  dump_filters,
				       dump_programs, read_details,   read_stats,   route_to,
				       run,           read_ruleset,   dump_policies};
	rtnl->ioctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = rtnl->ioctl_fd < 0 ? -errno : talk_open(&rtnl->talk, NETLINK_ROUTE);
	if (error) {
		rtnl_close(rtnl);
		return error;
	}
	*out = rtnl;
	return 0;
}

void rtnl_close(struct rtnl *rtnl)
{
	if (!rtnl)
		return;
	talk_close(&rtnl->talk);
	nft_close(rtnl->nft);
	xfrm_close(rtnl->xfrm);
	if (rtnl->ioctl_fd >= 0)
		close(rtnl->ioctl_fd);
	free(rtnl);
}

int rtnl_use_nft(struct rtnl *rtnl)
{
	return rtnl->nft ? 0 : nft_open(&rtnl->nft);
}

int rtnl_use_xfrm(struct rtnl *rtnl)
{
	return rtnl->xfrm ? 0 : xfrm_open(&rtnl->xfrm);
}

bool rtnl_nft_changed(struct rtnl *rtnl)
{
	return rtnl->nft && nft_changed(rtnl->nft);
}

struct kernel *rtnl_kernel(struct rtnl *rtnl)
{
	return &rtnl->kernel;
}

uint32_t rtnl_port(const struct rtnl *rtnl)
{
	return mnl_socket_get_portid(rtnl->talk.socket);
}
