/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event socket: it tells that something changed, never what to believe. An overrun is an event
 * like any other.
 */
#ifndef VTAP_COMMON_MONITOR_H
#define VTAP_COMMON_MONITOR_H

#include <linux/netlink.h>

struct monitor;

/* Links, addresses, routes, rules, qdiscs and filters of this network namespace. 0 or a negative
 * errno. */
int monitor_open(struct monitor **out);
/* nftables. */
int monitor_open_nft(struct monitor **out);
/* IPsec policies; a kernel without IPsec: -EPROTONOSUPPORT. */
int monitor_open_xfrm(struct monitor **out);
void monitor_close(struct monitor *monitor); /* NULL is fine */
int monitor_fd(const struct monitor *monitor);

/* An event; NULL: some were lost. */
typedef void (*monitor_fn)(void *ctx, const struct nlmsghdr *event);
/* Empties the socket without blocking. 0, or a negative errno: the socket is broken. */
int monitor_drain(struct monitor *monitor, monitor_fn fn, void *ctx);

#endif
