/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtap-collector: one tunnel endpoint for all clients, a door in front of it, and the counters of
 * both. This file ties configuration, plan, door and client table to the life that daemon.c leads.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "collector/config.h"
#include "collector/counts.h"
#include "collector/crossing.h"
#include "collector/cutter.h"
#include "collector/door.h"
#include "collector/metrics.h"
#include "collector/plan.h"
#include "collector/rules.h"
#include "collector/status.h"
#include "common/control.h"
#include "common/daemon.h"
#include "common/log.h"

enum { SAMPLE_MS = 1000, MAPS_MAX = 8 };

struct collector {
	struct daemon daemon;
	struct collector_config *config;
	struct collector_config *waiting;
	struct door *door;
	struct counts counts;
	struct crossing crossing;
	size_t replaced; /* earlier doors that the pass has yet to replace */
};

/* ---- the door -------------------------------------------------------------------------------- */

static void keep_maps(const struct collector *collector)
{
	struct door_kept maps[MAPS_MAX];
	size_t count = door_maps(collector->door, maps, MAPS_MAX);

	for (size_t i = 0; i < count && i < MAPS_MAX; i++)
		service_store(maps[i].name, maps[i].fd);
}

static int open_door(struct collector *collector, const struct collector_config *config,
		     const struct door_kept *kept, size_t kept_count, uint32_t old_prog_id,
		     char *why, size_t why_size)
{
	struct door *door = NULL;
	bool lost = false;

	int error = door_open(config, kept, kept_count, old_prog_id, &door, &lost, why, why_size);
	if (error)
		return error;
	if (lost)
		log_warning(
		    "the counters of the door before could not be taken over: they start at zero");
	if (door_crowded(door))
		log_warning("there are more clients than max_clients: some have left the table");
	door_close(collector->door);
	collector->door = door;
	keep_maps(collector);
	return 0;
}

/* The id of the door's program that this filter is, be it an earlier collector's; 0: it is none. */
static uint32_t door_id(const struct filter *filter)
{
	return filter->owner == OWNER_COLLECTOR ? filter->prog_id : 0;
}

/* The program of an earlier collector in this network namespace; 0: none. */
static uint32_t find_old_door(struct reconcile *reconcile)
{
	if (reconcile_observe(reconcile))
		return 0; /* the first pass will report what is wrong */
	for (size_t i = 0; i < reconcile->seen.filters.count; i++) {
		const uint32_t id = door_id(&reconcile->seen.filters.items[i]);
		if (id)
			return id;
	}
	return 0;
}

static int open_first_door(void *ctx, const struct service *service, char *why, size_t why_size)
{
	struct collector *collector = ctx;
	struct door_kept kept[SERVICE_FDS];

	for (size_t i = 0; i < service->kept_count; i++)
		kept[i] = (struct door_kept){service->kept[i].name, service->kept[i].fd};
	uint32_t old = find_old_door(&collector->daemon.reconcile);
	int error =
	    open_door(collector, collector->config, kept, service->kept_count, old, why, why_size);
	if (error)
		return error;
	error = counts_restore(&collector->counts, collector->door);
	if (error)
		snprintf(why, why_size, "cannot read the door's maps: %s", strerror(-error));
	return error;
}

static void sample(void *ctx)
{
	struct collector *collector = ctx;
	int error = counts_sample(&collector->counts, collector->door,
				  collector->config->forget_after_s, &collector->daemon.tick_ms);

	if (error)
		log_warning("cannot read the door's counters: %s", strerror(-error));
}

/* ---- configuration --------------------------------------------------------------------------- */

static bool load(void *ctx, const char *path, struct problems *problems)
{
	struct collector *collector = ctx;

	collector_config_free(collector->waiting);
	collector->waiting = collector_config_read(path, problems);
	return collector->waiting != NULL;
}

static int list_subjects(const struct collector_config *config, struct subjects *subjects)
{
	bool good = true;

	for (enum encap e = ENCAP_VXLAN; e < ENCAPS; e++) {
		const struct collector_endpoint *endpoint = &config->endpoints[e];
		good &= subjects_add(subjects, endpoint->enabled ? "endpoint %s" : "no %s",
				     endpoint->enabled ? endpoint->device : encap_name(e)) >= 0;
	}
	good &= subjects_add(subjects, "door") >= 0;
	return good ? 0 : -ENOMEM;
}

/* A new size of the client table needs a new door, which takes over what fits. On error the door is
 * as before. */
static int reconfigure_door(struct collector *collector, const struct collector_config *config)
{
	struct door_kept maps[MAPS_MAX];
	char why[512];

	int error = door_configure(collector->door, config);
	if (error == -EOVERFLOW) {
		/* should the door before that one still run */
		door_take_late(collector->door, config, false);
		size_t count = door_maps(collector->door, maps, MAPS_MAX);
		error = open_door(collector, config, maps, count, 0, why, sizeof(why));
		if (error)
			log_error("%s", why);
	}
	if (!error)
		clients_may_have_left(&collector->counts.clients);
	return error;
}

/* All or nothing. The door's rules follow with the pass, as the devices do. */
static int adopt(void *ctx)
{
	struct collector *collector = ctx;
	struct subjects subjects = {0};

	int error = list_subjects(collector->waiting, &subjects);
	if (!error && collector->door)
		error = reconfigure_door(collector, collector->waiting);
	if (error) {
		subjects_clear(&subjects);
		return error;
	}
	subjects_inherit(&subjects, &collector->daemon.subjects);
	subjects_clear(&collector->daemon.subjects);
	collector->daemon.subjects = subjects;
	collector_config_free(collector->config);
	collector->config = collector->waiting;
	collector->waiting = NULL;
	collector->daemon.metrics_listen = collector->config->metrics.listen;
	return 0;
}

/* ---- passes and status ----------------------------------------------------------------------- */

static struct plan_door plan_door(const struct collector *collector)
{
	struct plan_door door = {.prog_fd = -1, .cut_end_fd = -1};

	door.crossing = collector->crossing.state;
	if (!collector->door)
		return door;
	door.prog_fd = door_prog_fd(collector->door);
	door.prog_id = door_prog_id(collector->door);
	door.cut_end_fd = door_cut_end_fd(collector->door);
	door.cut_end_id = door_cut_end_id(collector->door);
	for (enum encap e = ENCAP_VXLAN; e < ENCAPS; e++) {
		door.seal_fd[e] = door_seal_fd(collector->door, e);
		door.seal_id[e] = door_seal_id(collector->door, e);
	}
	return door;
}

/* No door but the present one is anywhere. */
static bool old_doors_gone(const struct collector *collector)
{
	const struct snapshot *seen = &collector->daemon.reconcile.seen;

	for (size_t i = 0; i < seen->filters.count; i++) {
		const uint32_t id = door_id(&seen->filters.items[i]);
		if (id && id != door_prog_id(collector->door))
			return false;
	}
	return true;
}

/* What the door is told of what was seen. Each pass ends with a plan that finds all as wanted: only
 * then is a device used that was made in it. */
static int tell_door(struct collector *collector, const struct desired *desired,
		     enum rules_when when)
{
	const struct snapshot *seen = &collector->daemon.reconcile.seen;
	struct door *door = collector->door;
	struct door_rules rules;

	if (!door)
		return 0;
	collector->replaced = plan_doors_replaced(desired, seen, door_prog_id(door));
	rules_plan(collector->config, seen, desired, when, &rules);
	door_set_here(door, seen);
	door_set_rules(door, &rules, collector->config);
	door_take_late(door, collector->config, old_doors_gone(collector));
	return door_set_cutter(door, cutter_ready(seen, door_cut_end_id(door), collector->config));
}

static int plan(void *ctx, struct reconcile *reconcile, struct desired *desired)
{
	struct collector *collector = ctx;

	int error = plan_collector(collector->config, plan_door(collector), &reconcile->seen,
				   &reconcile->made, reconcile->subjects, desired);
	return error ? error : tell_door(collector, desired, RULES_BEFORE);
}

/* What the last one of an earlier door let in has to arrive before its device goes. */
static void applied(void *ctx, const struct op *op)
{
	struct collector *collector = ctx;

	if (op->type == OP_FILTER_PUT && collector->replaced &&
	    op->filter->prog_id == door_prog_id(collector->door) && --collector->replaced == 0)
		door_drain(collector->door);
}

/* A device that could not be brought up may not keep packets from whom they are for. */
static void failed(void *ctx)
{
	struct collector *collector = ctx;
	struct reconcile *reconcile = &collector->daemon.reconcile;
	struct desired desired = {.owner = OWNER_COLLECTOR};

	if (!reconcile_observe(reconcile) &&
	    !plan_collector(collector->config, plan_door(collector), &reconcile->seen,
			    &reconcile->made, reconcile->subjects, &desired))
		(void)tell_door(collector, &desired, RULES_AFTER);
	desired_clear(&desired);
}

static struct collector_view view(struct collector *collector)
{
	struct collector_view view = {.config = collector->config,
				      .subjects = &collector->daemon.subjects,
				      .totals = collector->counts.totals,
				      .undelivered = collector->counts.undelivered.settled,
				      .rejected = &collector->counts.rejected,
				      .clients = &collector->counts.clients};

	for (enum encap e = ENCAP_VXLAN; e < ENCAPS; e++) {
		const struct link *link = snapshot_link_named(
		    &collector->daemon.reconcile.seen, collector->config->endpoints[e].device);
		if (link && link->group == owner_group(OWNER_COLLECTOR))
			view.endpoints[e] = link;
	}
	return view;
}

static bool concerns(void *ctx, const struct link *link)
{
	const struct collector *collector = ctx;

	for (enum encap e = ENCAP_VXLAN; e < ENCAPS; e++)
		if (strcmp(link->name, collector->config->endpoints[e].device) == 0)
			return true;
	if (cutter_is(link->name, collector->config->endpoints[ENCAP_VXLAN].device))
		return true;
	return snapshot_first_address(&collector->daemon.reconcile.seen, link->ifindex);
}

/* Whether all endpoints are there; then which they are, and what they took. */
static bool read_endpoints(struct collector *collector, struct crossing_counts *counts)
{
	const struct collector_view now = view(collector);

	for (enum encap e = ENCAP_VXLAN; e < ENCAPS; e++) {
		if (!collector->config->endpoints[e].enabled)
			continue;
		if (!now.endpoints[e])
			return false;
		counts->ifindexes[e] = now.endpoints[e]->ifindex;
		counts->taken += now.endpoints[e]->stats.rx_packets;
	}
	return true;
}

static bool refresh(void *ctx)
{
	struct collector *collector = ctx;
	struct door_totals before = {0};
	struct crossing_counts counts = {0};

	int unread = door_read_totals(collector->door, &before);
	int error = reconcile_observe(&collector->daemon.reconcile);
	if (error)
		log_warning("cannot read counters: %s", strerror(-error));
	sample(collector);
	if (unread || error || !read_endpoints(collector, &counts))
		return false;
	counts.admitted_before = before.accepted.packets;
	counts.admitted_after = collector->counts.totals.accepted.packets;
	return crossing_judge(&collector->crossing, &counts);
}

static char *status(void *ctx, bool degraded, double uptime_s)
{
	struct collector_view now = view(ctx);
	return collector_status(&now, degraded, uptime_s);
}

static void metrics(void *ctx, bool degraded, uint64_t started_s, struct metrics_text *text)
{
	struct collector_view now = view(ctx);
	collector_metrics(&now, degraded, started_s, text);
}

static void summary(void *ctx, char *text, size_t size)
{
	struct collector_view now = view(ctx);
	collector_summary(&now, text, size);
}

int main(int argc, char **argv)
{
	struct collector collector = {
	    .daemon = {.name = "vtap-collector",
		       .config = SYSCONFDIR "/vtap/collector.conf",
		       .socket = CONTROL_COLLECTOR_PATH,
		       .needs_bpf = true,
		       .tick_ms = SAMPLE_MS,
		       .load = load,
		       .adopt = adopt,
		       .open = open_first_door,
		       .refresh = refresh,
		       .status = status,
		       .metrics = metrics,
		       .summary = summary,
		       .tick = sample,
		       .applied = applied,
		       .failed = failed,
		       .concerns = concerns,
		       .plans_addresses = true,
		       .reconcile = {.owner = OWNER_COLLECTOR, .plan = plan}},
	};
	uint64_t seed = 0;

	/* without randomness the table works as well, it is only easier to make slow */
	(void)!getrandom(&seed, sizeof(seed), GRND_NONBLOCK);
	counts_init(&collector.counts, seed);
	collector.daemon.ctx = &collector;
	collector.daemon.reconcile.ctx = &collector;
	int result = daemon_run(&collector.daemon, argc, argv);
	door_close(collector.door);
	counts_free(&collector.counts);
	collector_config_free(collector.waiting);
	collector_config_free(collector.config);
	return result;
}
