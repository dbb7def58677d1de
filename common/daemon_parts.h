/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside a daemon: what its parts share. daemon.c is its start and its end, daemon_loop.c what
 * happens while it runs, daemon_pass.c the passes. For these files alone.
 */
#ifndef VTAP_COMMON_DAEMON_PARTS_H
#define VTAP_COMMON_DAEMON_PARTS_H

#include <time.h>

#include "common/daemon.h"
#include "common/events.h"
#include "common/loop.h"
#include "common/options.h"
#include "common/pacer.h"
#include "common/rtnl.h"

struct control;
struct metrics_server;

struct life {
	struct daemon *daemon;
	struct options options;
	struct service service;
	struct loop *loop;
	struct loop_timer *pass_timer;
	struct loop_timer *watchdog_timer;
	struct loop_timer *tick_timer;
	struct loop_timer *watch_timer;
	struct events events;
	struct control *control;
	struct metrics_server *metrics;
	struct rtnl *rtnl;
	struct pacer pacer;
	uint64_t started_ms;
	time_t started;       /* by the wall clock */
	int last_error;       /* of the last pass */
	bool told;            /* the next pass has events for its reason */
	bool look_everywhere; /* one of them named no link */
	size_t watched;       /* how far the watch over tcx programs has come */
	bool ready;
	bool leave; /* exit without removing anything */
};

/* daemon.c: reads the configuration into one that waits, and logs what is wrong with it. */
bool daemon_load(struct life *life);
/* Whether the plan has packets that IPsec does not see. */
bool daemon_plans_past_ipsec(const struct daemon *daemon);

/* daemon_loop.c: the loop, with all that wakes it but the control socket and running timers. */
int daemon_open_loop(struct life *life);
void daemon_listen(struct life *life); /* to what the configuration in force depends on */
void daemon_set_timers(struct life *life);
char *daemon_status(void *ctx); /* the life, as for the two below */

/* daemon_pass.c */
void daemon_pass(void *ctx);
/* Something happened: a pass soon. */
void daemon_wake(void *ctx, bool everywhere);
bool daemon_degraded(const struct life *life);
/* For struct reconcile; ctx is the daemon. */
void daemon_ran(void *ctx, const struct op *op, int error, const char *why);
void daemon_save_hooks(void *ctx);

#endif
