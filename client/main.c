/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtap-client: copies interfaces' traffic to collectors. This file ties the configuration, the plan
 * and the counters to the life that daemon.c leads.
 */
#include <errno.h>
#include <string.h>

#include "client/setup.h"
#include "client/status.h"
#include "common/daemon.h"
#include "common/log.h"
#include "common/loop.h"

struct client {
	struct daemon daemon;
	struct setup *setup;
	struct setup *waiting;
};

static bool load(void *ctx, const char *path, struct problems *problems)
{
	struct client *client = ctx;
	struct client_config *config = client_config_read(path, problems);

	setup_free(client->waiting);
	client->waiting = config ? setup_make(config, path, problems) : NULL;
	return client->waiting != NULL;
}

static int adopt(void *ctx)
{
	struct client *client = ctx;
	struct subjects subjects = {0};

	int error = setup_subjects(client->waiting, &subjects);
	if (error) {
		subjects_clear(&subjects);
		return error;
	}
	if (client->setup) {
		subjects_inherit(&subjects, &client->daemon.subjects);
		setup_inherit(client->waiting, client->setup);
	}
	subjects_clear(&client->daemon.subjects);
	setup_free(client->setup);
	client->daemon.subjects = subjects;
	client->setup = client->waiting;
	client->waiting = NULL;
	if (!client->setup->streams_count)
		log_warning("the configuration names no mirror: there is nothing to do");
	return 0;
}

static int plan(void *ctx, struct reconcile *reconcile, struct desired *desired)
{
	struct client *client = ctx;
	struct plan work = setup_plan(client->setup);

	if (reconcile->seen_all)
		setup_count(client->setup, &reconcile->seen, loop_now_ms());
	setup_find_paths(client->setup, reconcile->kernel);
	return plan_client(&work, &reconcile->seen, &reconcile->made, reconcile->subjects, desired);
}

static bool concerns(void *ctx, const struct link *link)
{
	return setup_concerns(((struct client *)ctx)->setup, link);
}

static bool routes_changed(void *ctx)
{
	struct client *client = ctx;
	return setup_paths_changed(client->setup, client->daemon.reconcile.kernel);
}

static void applied(void *ctx, const struct op *op)
{
	setup_applied(((struct client *)ctx)->setup, op);
}

static char *status(void *ctx, bool degraded, double uptime_s)
{
	struct client *client = ctx;
	struct reconcile *reconcile = &client->daemon.reconcile;

	/* Counters of this moment; if the kernel cannot be asked, those of the last pass. */
	int error = reconcile_observe(reconcile);
	if (error)
		log_warning("cannot read counters: %s", strerror(-error));
	else
		setup_count(client->setup, &reconcile->seen, loop_now_ms());
	return client_status(client->setup, &client->daemon.subjects, degraded, uptime_s);
}

static void summary(void *ctx, char *text, size_t size)
{
	struct client *client = ctx;
	client_summary(client->setup, &client->daemon.subjects, text, size);
}

int main(int argc, char **argv)
{
	struct client client = {
	    .daemon = {.name = "vtap-client",
		       .config = SYSCONFDIR "/vtap/client.conf",
		       .socket = "/run/vtap/client.sock",
		       .load = load,
		       .adopt = adopt,
		       .status = status,
		       .summary = summary,
		       .applied = applied,
		       .concerns = concerns,
		       .routes_changed = routes_changed,
		       .reconcile = {.owner = OWNER_CLIENT, .plan = plan}},
	};

	client.daemon.ctx = &client;
	client.daemon.reconcile.ctx = &client;
	int result = daemon_run(&client.daemon, argc, argv);
	setup_free(client.waiting);
	setup_free(client.setup);
	return result;
}
