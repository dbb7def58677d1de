/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/rtnl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fdb.h"
#include "common/knob.h"
#include "common/link.h"
#include "common/tc.h"
#include "common/tcx.h"

enum {
	BUFFER_SIZE = 128 * 1024, /* a filter of 4096 instructions takes 32 KiB */
	DUMP_TRIES = 8,
	ANSWER_TIMEOUT_S = 5,
};

struct rtnl {
	struct kernel kernel;
	struct mnl_socket *socket;
	int ioctl_fd;
	bool no_tcx; /* the kernel has none, or does not tell us */
	unsigned seq;
	char words[256]; /* the kernel's text for the last error, "" for none */
	char *request;
	char *answer;
};

static struct rtnl *self(struct kernel *kernel)
{
	return (struct rtnl *)kernel; /* its first member */
}

/* ---- request and answer ---------------------------------------------------------------------- */

typedef int (*message_fn)(const struct nlmsghdr *header, void *ctx);

/* An NLMSG_ERROR or NLMSG_DONE message: its errno (0: an acknowledgement), and the extended-ack
 * text kept in words. */
static int read_error(struct rtnl *rtnl, const struct nlmsghdr *header)
{
	const struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	const struct nlmsgerr *report = NLMSG_DATA(header);
	size_t skip = sizeof(int);
	int error;

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(error)))
		return -EBADMSG;
	memcpy(&error, NLMSG_DATA(header), sizeof(error));
	if (header->nlmsg_type == NLMSG_ERROR) {
		skip = sizeof(*report);
		if (header->nlmsg_len < NLMSG_LENGTH(skip))
			return -EBADMSG;
		/* unless capped, the request is quoted whole */
		if (!(header->nlmsg_flags & NLM_F_CAPPED) &&
		    report->msg.nlmsg_len > sizeof(report->msg))
			skip += report->msg.nlmsg_len - sizeof(report->msg);
	}
	if ((header->nlmsg_flags & NLM_F_ACK_TLVS) &&
	    nlmsg_parse(header, skip, tb, NLMSGERR_ATTR_MAX))
		nlattr_string(tb[NLMSGERR_ATTR_MSG], rtnl->words, sizeof(rtnl->words));
	return error;
}

/* One message of an answer. 1: more to come, 0: the end, negative errno. */
static int handle(struct rtnl *rtnl, const struct nlmsghdr *header, message_fn fn, void *ctx,
		  bool *interrupted)
{
	if (header->nlmsg_seq != rtnl->seq)
		return 1; /* of an earlier request that was given up */
	if (header->nlmsg_flags & NLM_F_DUMP_INTR)
		*interrupted = true;
	if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE)
		return read_error(rtnl, header);
	if (fn) {
		int error = fn(header, ctx);
		if (error)
			return error;
	}
	return header->nlmsg_flags & NLM_F_MULTI ? 1 : 0;
}

static int receive(struct rtnl *rtnl, message_fn fn, void *ctx)
{
	bool interrupted = false;
	int more = 1;

	while (more > 0) {
		ssize_t size = mnl_socket_recvfrom(rtnl->socket, rtnl->answer, BUFFER_SIZE);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		size_t left = (size_t)size;
		const struct nlmsghdr *header = (const struct nlmsghdr *)rtnl->answer;
		while (more > 0 && left >= sizeof(*header) &&
		       header->nlmsg_len >= sizeof(*header) && header->nlmsg_len <= left) {
			more = handle(rtnl, header, fn, ctx, &interrupted);
			size_t step = NLMSG_ALIGN(header->nlmsg_len);
			left = step < left ? left - step : 0;
			header = (const struct nlmsghdr *)((const char *)header + step);
		}
	}
	return more == 0 && interrupted ? -EINTR : more;
}

/* Sends and takes in the whole answer: fn for each message of it. -EINTR: an interrupted dump. */
static int talk(struct rtnl *rtnl, struct nlmsg *m, message_fn fn, void *ctx)
{
	if (m->overflow)
		return -EMSGSIZE;
	rtnl->words[0] = '\0';
	m->header->nlmsg_seq = ++rtnl->seq;
	if (mnl_socket_sendto(rtnl->socket, m->header, m->header->nlmsg_len) < 0)
		return -errno;
	return receive(rtnl, fn, ctx);
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

	if (header->nlmsg_type != RTM_NEWQDISC || !qdisc_parse(header, &qdisc))
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
static int dump(struct rtnl *rtnl, uint16_t type, const void *family, size_t size, message_fn fn,
		struct snapshot *s, size_t *count)
{
	size_t before = *count;
	int error = -EINTR;

	for (int i = 0; error == -EINTR && i < DUMP_TRIES; i++) {
		struct nlmsg m;
		if (count == &s->filters.count)
			forget_filters(s, before);
		*count = before;
		nlmsg_start(&m, rtnl->request, BUFFER_SIZE, type, NLM_F_DUMP, family, size);
		error = talk(rtnl, &m, fn, s);
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
		rtnl->no_tcx = error != -ENODEV;
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

/* ---- routes ---------------------------------------------------------------------------------- */

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
static enum next_hop ask_neighbour(struct rtnl *rtnl, const struct route *route)
{
	struct ndmsg info = {.ndm_family = route->via.family, .ndm_ifindex = route->oif};
	uint16_t state = NUD_NONE;
	struct nlmsg m;

	nlmsg_start(&m, rtnl->request, BUFFER_SIZE, RTM_GETNEIGH, 0, &info, sizeof(info));
	nlmsg_put(&m, NDA_DST, route->via.bytes, ip_addr_size(&route->via));
	if (talk(rtnl, &m, take_state, &state) || state == NUD_NONE)
		return NEXT_HOP_UNKNOWN;
	if (state & NUD_FAILED)
		return NEXT_HOP_FAILED;
	return state & NUD_INCOMPLETE ? NEXT_HOP_ASKED : NEXT_HOP_GOOD;
}

static int route_to(struct kernel *kernel, const struct route_query *query, struct route *out)
{
	struct rtnl *rtnl = self(kernel);
	size_t size = ip_addr_size(&query->to);
	struct rtmsg info = {.rtm_family = query->to.family,
			     .rtm_dst_len = (uint8_t)(size * 8),
			     .rtm_tos = query->tos};
	struct nlmsg m;

	*out = (struct route){0};
	nlmsg_start(&m, rtnl->request, BUFFER_SIZE, RTM_GETROUTE, 0, &info, sizeof(info));
	nlmsg_put(&m, RTA_DST, query->to.bytes, size);
	if (query->from.family)
		nlmsg_put(&m, RTA_SRC, query->from.bytes, size);
	int error = talk(rtnl, &m, take_route, out);
	if (error || out->local)
		return error;
	if (!out->via.family)
		out->via = query->to;
	out->next_hop = ask_neighbour(rtnl, out);
	return 0;
}

/* ---- what the dump of links does not say ------------------------------------------------------
 */

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
	for (int i = 0; error == -EINTR && i < DUMP_TRIES; i++) {
		fdb.remotes = fdb.strays = 0;
		nlmsg_start(&m, rtnl->request, BUFFER_SIZE, RTM_GETNEIGH, NLM_F_DUMP, &info,
			    sizeof(info));
		error = talk(rtnl, &m, take_neighbour, &fdb);
	}
	link->detour = !error && fdb_detour(&fdb);
	return error;
}

static int read_details(struct kernel *kernel, struct link *link)
{
	int error = read_detour(self(kernel), link);
	return error ? error
		     : knob_read_offloads(self(kernel)->ioctl_fd, link->name, &link->offloads);
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
	return talk(rtnl, m, NULL, NULL);
}

static int run(struct kernel *kernel, const struct op *op, char *why, size_t why_size)
{
	struct rtnl *rtnl = self(kernel);
	struct nlmsg m = {.header = (struct nlmsghdr *)rtnl->request, .size = BUFFER_SIZE};
	int error;

	rtnl->words[0] = '\0';
	if (op->type == OP_IPV6_OFF)
		error = knob_ipv6_off(op->device.name);
	else if (op->type == OP_OFFLOADS)
		error = knob_set_offloads(rtnl->ioctl_fd, op->device.name, op->offloads_off,
					  op->offloads_on);
	else
		error = run_message(rtnl, op, &m);
	if (error)
		snprintf(why, why_size, "%s%s%s", rtnl->words, rtnl->words[0] ? ": " : "",
			 strerror(-error));
	return error;
}

/* ---- life ------------------------------------------------------------------------------------ */

int rtnl_open(struct rtnl **out)
{
	struct rtnl *rtnl = calloc(1, sizeof(*rtnl));
	struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	int on = 1, error;

	if (!rtnl)
		return -ENOMEM;
	rtnl->kernel = (struct kernel){dump_links,    dump_addresses, dump_qdiscs, dump_filters,
				       dump_programs, read_details,   route_to,    run};
	rtnl->ioctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	rtnl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	rtnl->request = malloc(BUFFER_SIZE);
	rtnl->answer = malloc(BUFFER_SIZE);
	if (rtnl->ioctl_fd < 0 || !rtnl->socket || !rtnl->request || !rtnl->answer ||
	    mnl_socket_bind(rtnl->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		error = errno ? -errno : -ENOMEM;
		rtnl_close(rtnl);
		return error;
	}
	/* Both are comfort: without them error texts are the errno's alone. */
	(void)mnl_socket_setsockopt(rtnl->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)mnl_socket_setsockopt(rtnl->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(mnl_socket_get_fd(rtnl->socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
			 sizeof(timeout));
	*out = rtnl;
	return 0;
}

void rtnl_close(struct rtnl *rtnl)
{
	if (!rtnl)
		return;
	if (rtnl->socket)
		mnl_socket_close(rtnl->socket);
	if (rtnl->ioctl_fd >= 0)
		close(rtnl->ioctl_fd);
	free(rtnl->request);
	free(rtnl->answer);
	free(rtnl);
}

struct kernel *rtnl_kernel(struct rtnl *rtnl)
{
	return &rtnl->kernel;
}

uint32_t rtnl_port(const struct rtnl *rtnl)
{
	return mnl_socket_get_portid(rtnl->socket);
}
