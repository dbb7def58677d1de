/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/daemon.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/control.h"
#include "common/events.h"
#include "common/instance.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/metrics_server.h"
#include "common/options.h"
#include "common/pacer.h"
#include "common/rtnl.h"

enum { STOP_TRIES = 5, WATCH_MS = 1000, SUMMARY_SIZE = 256, BIG_BLOCK = 128 * 1024 };

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
	bool ready;
	bool leave; /* exit without removing anything */
};

/* ---- passes ---------------------------------------------------------------------------------- */

static void report(struct subjects *subjects)
{
	for (size_t i = 0; i < subjects->count; i++) {
		struct subject *s = &subjects->items[i];
		if (s->operations > 1)
			log_notice("%s: %s and %u more", s->label, s->repair, s->operations - 1);
		else if (s->operations)
			log_notice("%s: %s", s->label, s->repair);
		if (strcmp(s->reason, s->told) == 0)
			continue;
		if (s->reason[0])
			log_warning("%s: blocked: %s", s->label, s->reason);
		else
			log_notice("%s: no longer blocked", s->label);
		memcpy(s->told, s->reason, sizeof(s->told));
	}
}

static bool degraded(const struct life *life)
{
	return life->last_error || subjects_blocked(&life->daemon->subjects);
}

static void save_hooks(void *ctx)
{
	struct daemon *d = ctx;
	hooks_file_save(&d->hooks_file, &d->reconcile.made);
}

static void ran(void *ctx, const struct op *op, int error, const char *why)
{
	struct daemon *d = ctx;
	char text[OP_TEXT];

	if (!error && d->applied)
		d->applied(d->ctx, op);
	d->acted = true;
	if (error && op->subject < 0)
		log_warning("%s (%s): %s", op_text(op, text), op->why, why);
	else if (!error && op->subject < 0)
		log_notice("%s (%s)", op_text(op, text), op->why);
	else
		log_debug("%s (%s)%s%s", op_text(op, text), op->why, error ? ": " : "", why);
}

static void schedule(struct life *life)
{
	loop_timer_set(life->pass_timer, pacer_wait_ms(&life->pacer, loop_now_ms()));
}

static void pass(void *ctx)
{
	struct life *life = ctx;
	struct daemon *d = life->daemon;
	char summary[SUMMARY_SIZE];

	/* events say where to look; the slow resync and what follows a failure look everywhere */
	d->reconcile.partial = life->told && !life->look_everywhere && !life->last_error;
	life->told = life->look_everywhere = false;
	uint64_t began_ms = loop_now_ms();
	int error = reconcile_pass(&d->reconcile, false);
	if (error && d->failed)
		d->failed(d->ctx);
	report(&d->subjects);
	if (d->acted) {
		save_hooks(d);
		if (d->keep)
			d->keep(d->ctx);
	}
	d->acted = false;
	/* a failed operation was reported with its subject; what remains is a kernel that cannot be
	 * asked, and others who undo what was done */
	if (error && error != life->last_error && !subjects_failed(&d->subjects))
		log_warning("a pass was not completed, will try again: %s",
			    error == -EAGAIN ? "what it puts right is changed again at once"
					     : strerror(-error));
	life->last_error = error;
	uint64_t now_ms = loop_now_ms();
	pacer_done(&life->pacer, now_ms, now_ms - began_ms, !error);
	schedule(life);
	d->summary(d->ctx, summary, sizeof(summary));
	if (life->ready)
		service_status(summary);
	else
		service_ready(summary);
	life->ready = true;
}

static void wake(void *ctx, bool everywhere)
{
	struct life *life = ctx;

	life->told = true;
	life->look_everywhere |= everywhere;
	pacer_event(&life->pacer, loop_now_ms());
	schedule(life);
}

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

static bool plans_past_ipsec(const struct daemon *d)
{
	return d->plans_past_ipsec && d->plans_past_ipsec(d->ctx);
}

static void listen_to_ipsec(struct life *life)
{
	if (!plans_past_ipsec(life->daemon))
		return;
	int error = rtnl_use_xfrm(life->rtnl);
	if (!error)
		error = events_open_ipsec(&life->events);
	if (error && error != -EPROTONOSUPPORT) /* the slow resync sees what happens to them */
		log_warning("cannot listen to IPsec: %s", strerror(-error));
}

/* ---- configuration --------------------------------------------------------------------------- */

static bool load(struct life *life)
{
	struct problems problems = {0};
	bool good = life->daemon->load(life->daemon->ctx, life->options.config, &problems);

	for (size_t i = 0; i < problems.count; i++)
		log_error("%s", problems_text(&problems, i));
	problems_clear(&problems);
	malloc_trim(0); /* a file with thousands of sections takes a hundred times its size */
	return good;
}

static void on_reload(void *ctx)
{
	struct life *life = ctx;

	service_reloading();
	if (!load(life)) {
		log_error("the configuration was not reloaded: the one in force stays");
	} else {
		int error = life->daemon->adopt(life->daemon->ctx);
		if (error)
			log_error("the configuration was not reloaded: %s", strerror(-error));
		else
			log_notice("configuration reloaded");
		metrics_server_listen(life->metrics, &life->daemon->metrics_listen);
		listen_to_nft(life);
		listen_to_ipsec(life);
	}
	life->ready = false; /* READY=1 ends RELOADING=1 */
	life->told = false;
	pass(life);
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
		pass(life);
}

/* What no event tells of. */
static void on_watch(void *ctx)
{
	struct life *life = ctx;
	struct daemon *d = life->daemon;
	struct reconcile *r = &d->reconcile;

	if (kernel_programs_changed(r->kernel, r->owner, &r->seen))
		wake(life, true);
	events_look_at_routes(&life->events);
	if (d->look_due && d->look_due(d->ctx, kernel_moved(r->kernel, r->owner, &r->seen)))
		look(life);
	loop_timer_set(life->watch_timer, WATCH_MS);
}

static char *status(void *ctx)
{
	struct life *life = ctx;

	look(life);
	return life->daemon->status(life->daemon->ctx, degraded(life),
				    (double)(loop_now_ms() - life->started_ms) / 1000.0);
}

static void write_metrics(void *ctx, struct metrics_text *text)
{
	struct life *life = ctx;
	struct daemon *d = life->daemon;

	look(life);
	d->metrics(d->ctx, degraded(life), (uint64_t)life->started, text);
}

/* ---- start and end --------------------------------------------------------------------------- */

static int fail(const char *what, int error)
{
	log_error("%s: %s", what, strerror(-error));
	return EXIT_FAILURE;
}

static int preview(struct life *life)
{
	struct daemon *d = life->daemon;
	struct desired desired = {.owner = d->reconcile.owner};
	struct ops ops = {0};
	char text[OP_TEXT];

	int error = reconcile_preview(&d->reconcile, &desired, &ops);
	for (size_t i = 0; !error && i < ops.count; i++)
		printf("%s (%s)\n", op_text(&ops.items[i], text), ops.items[i].why);
	for (size_t i = 0; !error && i < d->subjects.count; i++)
		if (d->subjects.items[i].reason[0])
			printf("# %s: blocked: %s\n", d->subjects.items[i].label,
			       d->subjects.items[i].reason);
	ops_clear(&ops);
	desired_clear(&desired);
	return error ? fail("cannot look at the kernel", error) : EXIT_SUCCESS;
}

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
				       .wake = wake,
				       .wake_ctx = life};
	return events_open(&life->events);
}

static int open_loop(struct life *life)
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
	life->pass_timer = loop_timer_new(life->loop, pass, life);
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

static int stop(struct life *life)
{
	struct daemon *d = life->daemon;
	int error = -EAGAIN;

	service_stopping();
	for (int i = 0; error && i < STOP_TRIES; i++)
		error = reconcile_pass(&d->reconcile, true);
	if (error) {
		log_error("not everything could be removed: %s", strerror(-error));
		return EXIT_FAILURE;
	}
	hooks_file_remove(&d->hooks_file);
	if (d->forget)
		d->forget(d->ctx);
	log_notice("stopped, everything removed");
	return EXIT_SUCCESS;
}

/* What an earlier daemon left goes; the configuration, which may be why it is left, is not read. */
static int remove_all(struct life *life)
{
	struct daemon *d = life->daemon;
	char why[512];

	if (instance_privileges(false, why, sizeof(why)) ||
	    instance_lock(d->name, why, sizeof(why))) {
		log_error("%s", why);
		return EXIT_FAILURE;
	}
	int error = hooks_file_restore(&d->hooks_file, &d->reconcile.made);
	if (error)
		return fail("cannot remember what an earlier daemon made", error);
	d->applied = NULL; /* counts for a configuration */
	return stop(life);
}

static int live(struct life *life)
{
	struct daemon *d = life->daemon;
	char why[512];

	if (instance_privileges(d->needs_bpf, why, sizeof(why)) ||
	    instance_lock(d->name, why, sizeof(why))) {
		log_error("%s", why);
		return EXIT_FAILURE;
	}
	service_receive(&life->service);
	int error = open_loop(life);
	if (error)
		return fail("cannot set up the event loop", error);
	error = hooks_file_restore(&d->hooks_file, &d->reconcile.made);
	if (error)
		return fail("cannot remember what an earlier daemon made", error);
	if (control_open(life->loop, life->options.socket, life->service.listen_fd, status, life,
			 &life->control, why, sizeof(why)) ||
	    (d->open && d->open(d->ctx, &life->service, why, sizeof(why)))) {
		log_error("%s", why);
		return EXIT_FAILURE;
	}
	listen_to_nft(life);
	listen_to_ipsec(life);
	if (service_watchdog_ms())
		on_watchdog(life);
	if (d->tick_ms)
		loop_timer_set(life->tick_timer, d->tick_ms);
	loop_timer_set(life->watch_timer, WATCH_MS);
	pass(life);
	metrics_server_listen(life->metrics, &d->metrics_listen);
	error = loop_run(life->loop);
	if (error)
		return fail("the event loop failed", error);
	if (!life->leave)
		return stop(life);
	if (d->keep)
		d->keep(d->ctx);
	log_notice("leaving, everything stays in place");
	return EXIT_SUCCESS;
}

static int start(struct life *life)
{
	struct daemon *d = life->daemon;
	bool remove = life->options.remove;

	if (!remove && !load(life))
		return EXIT_USAGE;
	if (life->options.test)
		return EXIT_SUCCESS;
	int error = remove ? 0 : d->adopt(d->ctx);
	if (error)
		return fail("cannot take the configuration", error);
	error = rtnl_open(&life->rtnl);
	if (!error && d->looks_at_nft)
		error = rtnl_use_nft(life->rtnl);
	if (!error && !remove && plans_past_ipsec(d))
		error = rtnl_use_xfrm(life->rtnl);
	if (error)
		return fail("cannot open a netlink socket", error);
	d->reconcile.kernel = rtnl_kernel(life->rtnl);
	d->reconcile.subjects = &d->subjects;
	d->reconcile.ran = ran;
	d->reconcile.about_to_make_hooks = save_hooks;
	d->reconcile.ran_ctx = d;
	if (remove)
		return remove_all(life);
	return life->options.dry_run ? preview(life) : live(life);
}

int daemon_run(struct daemon *d, int argc, char **argv)
{
	struct life life = {
	    .daemon = d, .options = {.program = d->name, .config = d->config, .socket = d->socket}};

	int status_code = options_parse(&life.options, argc, argv);
	if (status_code != OPTIONS_GO)
		return status_code;
	log_open(d->name, life.options.verbose);
	signal(SIGPIPE, SIG_IGN);
	/* A fixed limit, else each big answer raises it, and its memory stays with the process. */
	mallopt(M_MMAP_THRESHOLD, BIG_BLOCK);
	life.started_ms = loop_now_ms();
	life.started = time(NULL);
	status_code = start(&life);
	control_close(life.control);
	metrics_server_free(life.metrics);
	loop_free(life.loop);
	events_close(&life.events);
	hooks_file_clear(&d->hooks_file);
	reconcile_clear(&d->reconcile);
	subjects_clear(&d->subjects);
	rtnl_close(life.rtnl);
	instance_unlock();
	return status_code;
}
