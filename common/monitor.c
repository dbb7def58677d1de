/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/monitor.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { RECEIVE_BUFFER = 1024 * 1024, READ_SIZE = 32 * 1024, READS_AT_ONCE = 256 };

struct monitor {
	struct mnl_socket *socket;
	char buffer[READ_SIZE];
};

static const int route_groups[] = {RTNLGRP_LINK,        RTNLGRP_TC,         RTNLGRP_IPV4_IFADDR,
				   RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
				   RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE,  RTNLGRP_NEIGH};

static const int nft_groups[] = {NFNLGRP_NFTABLES};

static const int xfrm_groups[] = {XFRMNLGRP_POLICY};

static int open_groups(struct monitor **out, int protocol, const int *groups, size_t count)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));
	int size = RECEIVE_BUFFER;

	if (!monitor)
		return -ENOMEM;
	monitor->socket = mnl_socket_open2(protocol, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!monitor->socket || mnl_socket_bind(monitor->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		goto fail;
	/* A group each: the bit mask of bind() ends at 31. */
	for (size_t i = 0; i < count; i++)
		if (mnl_socket_setsockopt(monitor->socket, NETLINK_ADD_MEMBERSHIP,
					  (void *)&groups[i], sizeof(*groups)) < 0)
			goto fail;
	/* Without CAP_NET_ADMIN the default size stays: an overrun costs a pass, nothing else. */
	(void)setsockopt(monitor_fd(monitor), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	*out = monitor;
	return 0;
fail:;
	int error = -errno;
	monitor_close(monitor);
	return error;
}

int monitor_open(struct monitor **out)
{
	return open_groups(out, NETLINK_ROUTE, route_groups,
			   sizeof(route_groups) / sizeof(*route_groups));
}

int monitor_open_nft(struct monitor **out)
{
	return open_groups(out, NETLINK_NETFILTER, nft_groups,
			   sizeof(nft_groups) / sizeof(*nft_groups));
}

int monitor_open_xfrm(struct monitor **out)
{
	return open_groups(out, NETLINK_XFRM, xfrm_groups,
			   sizeof(xfrm_groups) / sizeof(*xfrm_groups));
}

void monitor_close(struct monitor *monitor)
{
	if (!monitor)
		return;
	if (monitor->socket)
		mnl_socket_close(monitor->socket);
	free(monitor);
}

int monitor_fd(const struct monitor *monitor)
{
	return mnl_socket_get_fd(monitor->socket);
}

static void tell_all(struct monitor *monitor, size_t left, monitor_fn fn, void *ctx)
{
	const struct nlmsghdr *event = (const struct nlmsghdr *)monitor->buffer;

	while (left >= sizeof(*event) && event->nlmsg_len >= sizeof(*event) &&
	       event->nlmsg_len <= left) {
		fn(ctx, event);
		size_t step = NLMSG_ALIGN(event->nlmsg_len);
		left = step < left ? left - step : 0;
		event = (const struct nlmsghdr *)((const char *)event + step);
	}
}

int monitor_drain(struct monitor *monitor, monitor_fn fn, void *ctx)
{
	/* bounded: a flood of events must not keep the loop from its other work */
	for (int i = 0; i < READS_AT_ONCE; i++) {
		ssize_t size =
		    recv(monitor_fd(monitor), monitor->buffer, sizeof(monitor->buffer), MSG_TRUNC);
		if (size > (ssize_t)sizeof(monitor->buffer) || (size < 0 && errno == ENOBUFS))
			fn(ctx, NULL);
		else if (size > 0)
			tell_all(monitor, (size_t)size, fn, ctx);
		else if (size == 0 || errno != EINTR)
			return size < 0 && errno != EAGAIN ? -errno : 0;
	}
	return 0;
}
