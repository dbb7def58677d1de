/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A daemon while it runs: what wakes it, and what it does then. It changes nothing in the kernel
 * but by a pass.
 */
#include "common/daemon_parts.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "common/log.h"
#include "common/metrics_server.h"

enum { WATCH_MS = 1000 };

/* ---- configuration --------------------------------------------------------------------------- */

/* From when tables are wanted; before that, other programs' rules wake nobody. */
static void listen_to_nft(struct life *life)
{
	struct daemon *d = life->daemon;

	if (!d->plans_nft || !d->plans_nft(d->ctx))
		return;
	int error = events_open_nft(&life->events);
	if (error) /* the slow resync sees what happens to them */
		log_warning("cannot listen to nftables: %s", strerror(-error));
}

static void listen_to_ipsec(struct life *life)
{
	if (!daemon_plans_past_ipsec(life->daemon))
		return;
	int error = rtnl_use_xfrm(life->rtnl);
	if (!error)
		error = events_open_ipsec(&life->events);
	if (error && error != -EPROTONOSUPPORT) /* the slow resync sees what happens to them */
		log_warning("cannot listen to IPsec: %s", strerror(-error));
}

void daemon_listen(struct life *life)
{
	listen_to_nft(life);
	listen_to_ipsec(life);
}

static void on_reload(void *ctx)
{
	struct life *life = ctx;

	service_reloading();
	if (!daemon_load(life)) {
		log_error("the configuration was not reloaded: the one in force stays");
	} else {
		int error = life->daemon->adopt(life->daemon->ctx);
		if (error)
			log_error("the configuration was not reloaded: %s", strerror(-error));
		else
			log_notice("configuration reloaded");
		metrics_server_listen(life->metrics, &life->daemon->metrics_listen);
		daemon_listen(life);
	}
	life->ready = false; /* READY=1 ends RELOADING=1 */
	life->told = false;
	daemon_pass(life);
}

/* ---- signals, timers, status ----------------------------------------------------------------- */

static void on_stop(void *ctx)
{
	loop_stop(((struct life *)ctx)->loop);
}

static void on_leave(void *ctx)
{
	struct life *life = ctx;
	life->leave = true;
	loop_stop(life->loop);
}

static void on_watchdog(void *ctx)
{
	struct life *life = ctx;
	service_watchdog();
	loop_timer_set(life->watchdog_timer, service_watchdog_ms());
}

static void on_tick(void *ctx)
{
	struct life *life = ctx;
	life->daemon->tick(life->daemon->ctx);
	loop_timer_set(life->tick_timer, life->daemon->tick_ms);
}

/* For whoever asks: what is true at this moment. */
static void look(struct life *life)
{
	struct daemon *d = life->daemon;
	const struct reconcile *r = &d->reconcile;
	/* before the look that would make it known, and no change any more */
	bool changed = kernel_programs_changed(r->kernel, r->owner, &r->seen);

	if (d->refresh(d->ctx) || changed)
		daemon_pass(life);
}

/* What no event tells of. */
static void on_watch(void *ctx)
{
	struct life *life = ctx;
	struct daemon *d = life->daemon;
	struct reconcile *r = &d->reconcile;

	/* all of them where somebody asks, and with the slow resync */
	if (kernel_some_programs_changed(r->kernel, r->owner, &r->seen, &life->watched))
		daemon_wake(life, true);
	events_look_at_routes(&life->events);
	if (d->look_due && d->look_due(d->ctx, kernel_moved(r->kernel, r->owner, &r->seen)) &&
	    d->refresh(d->ctx))
		daemon_pass(life);
	loop_timer_set(life->watch_timer, WATCH_MS);
}

char *daemon_status(void *ctx)
{
	struct life *life = ctx;

	look(life);
	return life->daemon->status(life->daemon->ctx, daemon_degraded(life),
				    (double)(loop_now_ms() - life->started_ms) / 1000.0);
}

static void write_metrics(void *ctx, struct metrics_text *text)
{
	struct life *life = ctx;
	struct daemon *d = life->daemon;

	look(life);
	d->metrics(d->ctx, daemon_degraded(life), (uint64_t)life->started, text);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static int open_events(struct life *life)
{
	struct daemon *d = life->daemon;

	life->events = (struct events){.loop = life->loop,
				       .rtnl = life->rtnl,
				       .context = {.seen = &d->reconcile.seen,
						   .owner = d->reconcile.owner,
						   .concerns = d->concerns,
						   .ctx = d->ctx,
						   .addresses = d->plans_addresses},
				       .look = &d->reconcile.look,
				       .link_gone = d->link_gone,
				       .routes_changed = d->routes_changed,
				       .policies_changed = d->policies_changed,
				       .ctx = d->ctx,
				       .wake = daemon_wake,
				       .wake_ctx = life};
	return events_open(&life->events);
}

int daemon_open_loop(struct life *life)
{
	static const struct {
		int signo;
		loop_fn fn;
	} signals[] = {
	    {SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_reload}, {SIGUSR2, on_leave}};
	int error = 0;

	life->loop = loop_new();
	if (!life->loop)
		return -ENOMEM;
	life->pass_timer = loop_timer_new(life->loop, daemon_pass, life);
	life->watchdog_timer = loop_timer_new(life->loop, on_watchdog, life);
	life->tick_timer = loop_timer_new(life->loop, on_tick, life);
	life->watch_timer = loop_timer_new(life->loop, on_watch, life);
	if (!life->watch_timer || !life->pass_timer || !life->watchdog_timer || !life->tick_timer)
		return -ENOMEM;
	for (size_t i = 0; !error && i < sizeof(signals) / sizeof(*signals); i++)
		error = loop_signal(life->loop, signals[i].signo, signals[i].fn, life);
	life->metrics = metrics_server_new(life->loop, write_metrics, life);
	if (!error && !life->metrics)
		error = -ENOMEM;
	return error ? error : open_events(life);
}

void daemon_set_timers(struct life *life)
{
	if (service_watchdog_ms())
		on_watchdog(life);
	if (life->daemon->tick_ms)
		loop_timer_set(life->tick_timer, life->daemon->tick_ms);
	loop_timer_set(life->watch_timer, WATCH_MS);
}
