/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ways by which nftables' dup finds a tunnel's device: for each family one route, to an address
 * that nothing else uses, that no other device of the host can take. No socket.
 *
 * dup asks for the route to a gateway through a device, and resolves the gateway there. With a
 * gateway in the route the kernel keeps what it found; without, it would make a route and a
 * neighbour entry for each packet and destination. The device is NOARP: the neighbour is its own
 * MAC address, and nobody is ever asked for it. The route is in the table "local", which every
 * look-up asks first, and which nobody shows, saves or flushes.
 */
#ifndef VTAP_COMMON_WAY_H
#define VTAP_COMMON_WAY_H

#include "common/nlmsg.h"
#include "common/object.h"

/* 192.0.0.8 is nobody's, and no valid destination (RFC 7600); link-local is the device's own. */
#define WAY_GATEWAY4 "192.0.0.8"
#define WAY_GATEWAY6 "fe80::7674"

const char *way_name(enum way way);

void way_put(struct nlmsg *m, void *buffer, size_t size, enum way way, int ifindex);
void way_put_delete(struct nlmsg *m, void *buffer, size_t size, enum way way, int ifindex);
/* Asks for the route that a look-up through the device finds. */
void way_put_get(struct nlmsg *m, void *buffer, size_t size, enum way way, int ifindex);
/* Whether the answer, an RTM_NEWROUTE, is this way. */
bool way_parse(const struct nlmsghdr *header, enum way way, int ifindex);

/* The device that a route leads through; 0: none, or several. */
int way_device(const struct nlmsghdr *header);

#endif
