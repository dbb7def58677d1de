/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtap-client: copies interfaces' traffic to collectors. This file ties the configuration, the plan
 * and the counters to the life that daemon.c leads.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/copies.h"
#include "client/lanes.h"
#include "client/metrics.h"
#include "client/paths.h"
#include "client/setup.h"
#include "client/state.h"
#include "client/status.h"
#include "common/control.h"
#include "common/daemon.h"
#include "common/file.h"
#include "common/instance.h"
#include "common/knob.h"
#include "common/log.h"
#include "common/loop.h"

enum { STATE_PATH = 160 };

struct client {
	struct daemon daemon;
	struct setup *setup;
	struct setup *waiting;
	bool live;        /* programs may be loaded */
	const char *path; /* of the configuration */
};

static bool load(void *ctx, const char *path, struct problems *problems)
{
	struct client *client = ctx;
	struct client_config *config = client_config_read(path, problems);

	client->path = path;
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
	if (client->live)
		lanes_open(client->waiting, NULL, NULL);
	lanes_close(client->setup, client->waiting);
	subjects_clear(&client->daemon.subjects);
	setup_free(client->setup);
	client->daemon.subjects = subjects;
	client->setup = client->waiting;
	client->waiting = NULL;
	client->daemon.metrics_listen = client->setup->config->metrics;
	if (!client->setup->streams_count)
		log_warning("%s names no mirror: there is nothing to do", client->path);
	return 0;
}

static int plan(void *ctx, struct reconcile *reconcile, struct desired *desired)
{
	struct client *client = ctx;

	knob_port_range(&client->setup->port_min, &client->setup->port_max);
	if (reconcile->seen_all)
		copies_count(client->setup, &reconcile->seen, loop_now_ms());
	blind_look(client->setup, &reconcile->seen, reconcile->seen_all);
	paths_find(client->setup, reconcile->kernel);
	struct plan work = setup_plan(client->setup, loop_now_ms());
	int error =
	    plan_client(&work, &reconcile->seen, &reconcile->made, reconcile->subjects, desired);
	if (error)
		return error;
	/* before anything is changed: a new way is good at once, and an old one no longer */
	lanes_set(client->setup);
	return 0;
}

static bool concerns(void *ctx, const struct link *link)
{
	return setup_concerns(((struct client *)ctx)->setup, link);
}

static bool routes_changed(void *ctx)
{
	struct client *client = ctx;

	if (!paths_changed(client->setup, client->daemon.reconcile.kernel))
		return false;
	/* the kernel's path knows the new ways already; the next pass tells the lanes */
	lanes_clear(client->setup);
	return true;
}

static bool plans_nft(void *ctx)
{
	return setup_plans_nft(((struct client *)ctx)->setup);
}

static bool plans_past_ipsec(void *ctx)
{
	return setup_plans_lanes(((struct client *)ctx)->setup);
}

/* Not in clear, not for the moment until the pass that looks whether it matters. */
static void policies_changed(void *ctx)
{
	lanes_clear(((struct client *)ctx)->setup);
}

static void about_to_look(void *ctx)
{
	struct client *client = ctx;

	if (client->setup) /* not to remove all */
		lanes_read(client->setup);
}

static void tick(void *ctx)
{
	lanes_renew(((struct client *)ctx)->setup);
}

static void applied(void *ctx, const struct op *op)
{
	copies_applied(((struct client *)ctx)->setup, op);
}

/* Counters of this moment; if the kernel cannot be asked, those of the last pass. */
static bool refresh(void *ctx)
{
	struct client *client = ctx;
	struct reconcile *reconcile = &client->daemon.reconcile;

	int error = reconcile_observe(reconcile);
	if (error) {
		log_warning("cannot read counters: %s", strerror(-error));
		return false;
	}
	bool changed = copies_count(client->setup, &reconcile->seen, loop_now_ms());
	changed |= blind_look(client->setup, &reconcile->seen, true);
	return changed || setup_hop_drained(client->setup, loop_now_ms());
}

/* Nobody may ask for long: copies that are all lost are to be told soon, and no event tells when a
 * hop has drained. */
static bool look_due(void *ctx, enum moved moved)
{
	struct client *client = ctx;
	struct setup *setup = client->setup;

	lanes_front(setup, &client->daemon.reconcile.seen);
	lanes_read(setup);
	return copies_look_due(setup, moved) || setup_hop_drained(setup, loop_now_ms());
}

static void link_gone(void *ctx, const struct link *link)
{
	copies_link_gone(((struct client *)ctx)->setup, link);
}

static char *status(void *ctx, bool degraded, double uptime_s)
{
	struct client *client = ctx;
	return client_status(client->setup, &client->daemon.subjects, degraded, uptime_s);
}

static void metrics(void *ctx, bool degraded, uint64_t started_s, struct metrics_text *text)
{
	struct client *client = ctx;
	client_metrics(client->setup, &client->daemon.subjects, degraded, started_s, text);
}

/* ---- counters over a restart ----------------------------------------------------------------- */

static int restore(void *ctx, const struct service *service, char *why, size_t why_size)
{
	struct client *client = ctx;
	struct reconcile *reconcile = &client->daemon.reconcile;
	char path[STATE_PATH];

	(void)why, (void)why_size;
	client->live = true;
	instance_file("state", path, sizeof(path));
	char *text = file_read(path);
	int error = reconcile_observe(reconcile); /* if it fails, the first pass says why */
	if (text && (error || !state_restore(client->setup, &reconcile->seen, text)))
		log_warning("%s: the counters of the client before could not be taken over", path);
	free(text);
	lanes_open(client->setup, &reconcile->seen, service);
	lanes_forget(client->setup, service);
	for (size_t i = 0; i < service->kept_count; i++)
		close(service->kept[i].fd);
	return 0;
}

static void keep(void *ctx)
{
	struct client *client = ctx;
	char path[STATE_PATH];
	char *text = state_text(client->setup);

	instance_file("state", path, sizeof(path));
	int error = text ? file_replace(path, text) : -ENOMEM;
	if (error)
		log_warning("%s: counters may start at zero after a restart: %s", path,
			    strerror(-error));
	free(text);
}

static void forget(void *ctx)
{
	char path[STATE_PATH];

	(void)ctx;
	instance_file("state", path, sizeof(path));
	unlink(path);
}

static void summary(void *ctx, char *text, size_t size)
{
	struct client *client = ctx;

	if (client->setup->streams_count)
		client_summary(client->setup, &client->daemon.subjects, text, size);
	else
		snprintf(text, size, "nothing to mirror: edit %s, then reload", client->path);
}

int main(int argc, char **argv)
{
	struct client client = {
	    .daemon = {.name = "vtap-client",
		       .config = SYSCONFDIR "/vtap/client.conf",
		       .socket = CONTROL_CLIENT_PATH,
		       .load = load,
		       .adopt = adopt,
		       .open = restore,
		       .refresh = refresh,
		       .status = status,
		       .metrics = metrics,
		       .summary = summary,
		       .applied = applied,
		       .tick = tick,
		       .tick_ms = LANES_RENEW_MS,
		       .keep = keep,
		       .link_gone = link_gone,
		       .forget = forget,
		       .concerns = concerns,
		       .routes_changed = routes_changed,
		       .look_due = look_due,
		       .policies_changed = policies_changed,
		       .looks_at_nft = true,
		       .plans_past_ipsec = plans_past_ipsec,
		       .plans_nft = plans_nft,
		       .reconcile = {.owner = OWNER_CLIENT,
				     .plan = plan,
				     .about_to_look = about_to_look}},
	};

	client.daemon.ctx = &client;
	client.daemon.reconcile.ctx = &client;
	int result = daemon_run(&client.daemon, argc, argv);
	setup_free(client.waiting);
	lanes_close(client.setup, NULL);
	setup_free(client.setup);
	return result;
}
