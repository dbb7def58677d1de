/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtnetlink messages of links and addresses: bytes to values and values to bytes. No socket.
 */
#ifndef VTAP_COMMON_LINK_H
#define VTAP_COMMON_LINK_H

#include "common/nlmsg.h"
#include "common/object.h"
#include "common/op.h"

/* RTM_NEWLINK and RTM_NEWADDR. False: truncated, or without what makes a link (index, name) or an
 * address. */
bool link_parse(const struct nlmsghdr *header, struct link *out);
bool address_parse(const struct nlmsghdr *header, struct address *out);

/* RTM_NEWSTATS, as asked for with link_put_get_stats: false without the counters of a link. */
bool link_stats_parse(const struct nlmsghdr *header, struct link_stats *out);
void link_put_get_stats(struct nlmsg *m, void *buffer, size_t size, int ifindex);

void link_put_create(struct nlmsg *m, void *buffer, size_t size, const struct want_link *want,
		     enum owner owner);
/* Only what the kernel lets change in place. Of a VXLAN device that is remote, local, TTL, TOS:
 * with the port it would refuse all of it. */
void link_put_change(struct nlmsg *m, void *buffer, size_t size, const struct want_link *want,
		     int ifindex);
void link_put_mtu(struct nlmsg *m, void *buffer, size_t size, int ifindex, uint32_t mtu);
/* let_go: from "protodown", which somebody set. */
void link_put_up(struct nlmsg *m, void *buffer, size_t size, int ifindex, bool let_go);
void link_put_delete(struct nlmsg *m, void *buffer, size_t size, int ifindex);
void address_put_delete(struct nlmsg *m, void *buffer, size_t size, const struct address *address);

/* Whether a tunnel device of the wanted kind has the wanted settings, or can get them in place.
 * Others have none: true. */
bool link_as_wanted(const struct link *link, const struct want_link *want);
bool link_changes_in_place(const struct link *link, const struct want_link *want);

#endif
