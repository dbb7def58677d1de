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
#include "common/daemon_parts.h"
#include "common/instance.h"
#include "common/log.h"
#include "common/metrics_server.h"

enum { STOP_TRIES = 5, BIG_BLOCK = 128 * 1024 };

bool daemon_load(struct life *life)
{
	struct problems problems = {0};
	bool good = life->daemon->load(life->daemon->ctx, life->options.config, &problems);

	for (size_t i = 0; i < problems.count; i++)
		log_error("%s", problems_text(&problems, i));
	problems_clear(&problems);
	malloc_trim(0); /* a file with thousands of sections takes a hundred times its size */
	return good;
}

bool daemon_plans_past_ipsec(const struct daemon *d)
{
	return d->plans_past_ipsec && d->plans_past_ipsec(d->ctx);
}

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
	int error = daemon_open_loop(life);
	if (error)
		return fail("cannot set up the event loop", error);
	error = hooks_file_restore(&d->hooks_file, &d->reconcile.made);
	if (error)
		return fail("cannot remember what an earlier daemon made", error);
	if (control_open(life->loop, life->options.socket, life->service.listen_fd, daemon_status,
			 life, &life->control, why, sizeof(why)) ||
	    (d->open && d->open(d->ctx, &life->service, why, sizeof(why)))) {
		log_error("%s", why);
		return EXIT_FAILURE;
	}
	daemon_listen(life);
	daemon_set_timers(life);
	daemon_pass(life);
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

	if (!remove && !daemon_load(life))
		return EXIT_USAGE;
	if (life->options.test)
		return EXIT_SUCCESS;
	int error = remove ? 0 : d->adopt(d->ctx);
	if (error)
		return fail("cannot take the configuration", error);
	error = rtnl_open(&life->rtnl);
	if (!error && d->looks_at_nft)
		error = rtnl_use_nft(life->rtnl);
	if (!error && !remove && daemon_plans_past_ipsec(d))
		error = rtnl_use_xfrm(life->rtnl);
	if (error)
		return fail("cannot open a netlink socket", error);
	d->reconcile.kernel = rtnl_kernel(life->rtnl);
	d->reconcile.subjects = &d->subjects;
	d->reconcile.ran = daemon_ran;
	d->reconcile.about_to_make_hooks = daemon_save_hooks;
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
