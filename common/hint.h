/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an event is worth: whether it can make a difference to what is planned. It decides only when
 * to look at the kernel and where; what is there, the dump says. A wrong "nothing" is mended by the
 * slow resync. Pure.
 */
#ifndef VTAP_COMMON_HINT_H
#define VTAP_COMMON_HINT_H

#include <linux/netlink.h>

#include "common/object.h"

enum hint {
	HINT_NOTHING,
	HINT_ROUTES, /* a path may have changed */
	HINT_PASS,
};

struct hint_context {
	const struct snapshot *seen; /* the last observation */
	uint32_t own_port;           /* netlink port of the request socket: its echoes are known */
	enum owner owner;
	/* Whether a link of somebody else's matters to the plan, by its name or by what the plan
	 * did with it. */
	bool (*concerns)(void *ctx, const struct link *link);
	void *ctx;
	bool addresses; /* the plan depends on which links have addresses */
};

/* For HINT_PASS *ifindex is the link it is about, 0: any. */
enum hint hint_of(const struct hint_context *context, const struct nlmsghdr *event, int *ifindex);

#endif
