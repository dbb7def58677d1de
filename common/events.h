/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What wakes a daemon: the kernel's event sockets in its loop. Events are weighed (hint.h), never
 * acted upon; those that matter come out as one call of wake().
 *
 * Of routes an event may come too early: the kernel tells of an IPv4 route before it takes it away
 * (fib_table_delete()), and since requests for routes no longer wait for the RTNL lock, whoever
 * asks at once may get the old answer. So they are asked for a second time a moment after each
 * event.
 *
 * To wake for an event costs some ten times what it takes to look at it. Events are read at once
 * until EVENTS_AT_ONCE readings have followed each other within EVENTS_REST_MS: that is a stream,
 * which is read EVENTS_REST_MS apart, as long as it flows.
 */
#ifndef VTAP_COMMON_EVENTS_H
#define VTAP_COMMON_EVENTS_H

#include <stdbool.h>

#include "common/hint.h"
#include "common/ifset.h"
#include "common/loop.h"
#include "common/rtnl.h"

struct monitor;

enum { EVENTS_AT_ONCE = 32, EVENTS_REST_MS = 20 };

struct events {
	/* The owner's to fill in before events_open. */
	struct loop *loop;
	struct rtnl *rtnl;
	struct hint_context context; /* own_port is filled in by events_open */
	struct ifset *look;          /* gets the links that events name */
	/* A link of the owner's was deleted; its last counters. May be NULL. */
	void (*link_gone)(void *ctx, const struct link *link);
	/* Whether the plan would find other routes than it did; may be NULL. */
	bool (*routes_changed)(void *ctx);
	/* An IPsec policy came, went or changed; may be NULL. */
	void (*policies_changed)(void *ctx);
	void *ctx; /* of these */
	/* Something was seen that a pass has to look at; everywhere: it may be on any link. */
	void (*wake)(void *ctx, bool everywhere);
	void *wake_ctx;

	/* Its own. */
	struct monitor *monitor;
	struct loop_timer *rest_timer;   /* when a stream is read next */
	uint64_t read_ms;                /* when the last reading ended */
	unsigned in_a_row;               /* readings that followed each other soon */
	size_t taken;                    /* events of this reading */
	struct loop_timer *routes_timer; /* when routes are asked for once more */
	bool routes_timer_runs;
	bool routes_told;              /* there were events since it was set */
	struct monitor *nft_monitor;   /* NULL: nothing of nftables is wanted */
	struct monitor *ipsec_monitor; /* NULL: nobody plans past it */
	enum hint hint;                /* of the events that are being taken */
	bool everywhere;               /* one of them named no link */
};

int events_open(struct events *events); /* 0 or a negative errno */
/* nftables too; a second time does nothing. Before it, other programs' rules wake nobody. */
int events_open_nft(struct events *events);
/* IPsec policies, in the same way; a kernel without IPsec: -EPROTONOSUPPORT. */
int events_open_ipsec(struct events *events);
/* Looks at the routes without an event: none tells of a path MTU that a router reported. */
void events_look_at_routes(struct events *events);
void events_close(struct events *events);

#endif
