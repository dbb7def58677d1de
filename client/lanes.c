/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/lanes.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/tc.h"

/* Devices have short names, and names that the service manager takes. */
static void kept_name(const struct client_collector *collector, char name[32])
{
	snprintf(name, 32, "lane-%s", collector->device);
}

static int kept_fd(const struct service *service, const char *name)
{
	for (size_t i = 0; service && i < service->kept_count; i++)
		if (strcmp(service->kept[i].name, name) == 0)
			return service->kept[i].fd;
	return -1;
}

/* NULL: it is not there, or not ours. */
static const struct link *own_device(const struct snapshot *seen, const char *device)
{
	const struct link *link = snapshot_link_named(seen, device);

	return link && link->group == owner_group(OWNER_CLIENT) ? link : NULL;
}

/* The program that an earlier daemon left; 0: none. */
static uint32_t attached(const struct snapshot *seen, const char *device)
{
	const struct link *link = seen ? own_device(seen, device) : NULL;
	size_t count;

	if (!link)
		return 0;
	const struct filter *f = snapshot_filters(seen, link->ifindex, TC_EGRESS, &count);
	for (size_t i = 0; i < count; i++)
		if (strcmp(f[i].prog_name, PROG_NAME_EXPRESS) == 0)
			return f[i].prog_id;
	return 0;
}

static void open_lane(struct lane *lane, const struct client_collector *collector,
		      const struct snapshot *seen, const struct service *service)
{
	char name[32];

	kept_name(collector, name);
	int error =
	    express_open(&lane->express, kept_fd(service, name), attached(seen, collector->device),
			 lane->unloaded, sizeof(lane->unloaded));
	if (error) {
		lane->express = NULL;
		return;
	}
	lane->unloaded[0] = '\0';
	lane->prog_fd = express_prog_fd(lane->express);
	lane->prog_id = express_prog_id(lane->express);
	service_store(name, express_kept_fd(lane->express));
}

void lanes_open(struct setup *s, const struct snapshot *seen, const struct service *service)
{
	const char *told = NULL;

	for (size_t i = 0; i < s->config->collectors_count; i++) {
		struct lane *lane = &s->lanes[i];
		if (lane->express || !plan_lane_configured(&s->config->collectors[i]))
			continue;
		open_lane(lane, &s->config->collectors[i], seen, service);
		if (lane->unloaded[0] && (!told || strcmp(told, lane->unloaded) != 0))
			log_notice("no express lane, copies take the kernel's path: %s",
				   lane->unloaded);
		if (lane->unloaded[0])
			told = lane->unloaded;
	}
	lanes_read(s);
}

static bool goes_by(const struct setup *s, const char *kept)
{
	char name[32];

	for (size_t i = 0; i < s->config->collectors_count; i++) {
		kept_name(&s->config->collectors[i], name);
		if (s->lanes[i].express && strcmp(name, kept) == 0)
			return true;
	}
	return false;
}

void lanes_forget(const struct setup *s, const struct service *service)
{
	for (size_t i = 0; i < service->kept_count; i++)
		if (!goes_by(s, service->kept[i].name))
			service_drop(service->kept[i].name);
}

/* The collector's own reasons are said elsewhere. */
static void tell(struct lane *lane, const char *name)
{
	if (strcmp(lane->off, lane->told) == 0)
		return;
	if (lane->off[0])
		log_notice("express lane to %s: off, copies take the kernel's path: %s", name,
			   lane->off);
	else
		log_notice("express lane to %s: on", name);
	memcpy(lane->told, lane->off, sizeof(lane->told));
}

/*
 * The kernel waits for all its readers there (tcx_entry_sync), holding the RTNL lock, but not where
 * the device is gone.
 */
void lanes_front(struct setup *s, const struct snapshot *seen)
{
	for (size_t i = 0; i < s->config->collectors_count; i++) {
		const struct lane *lane = &s->lanes[i];
		if (!lane->express)
			continue;
		const struct link *tunnel = own_device(seen, s->config->collectors[i].device);
		const bool there = tunnel && lane->subject >= 0;
		express_front(lane->express, (const int[EXPRESS_PLACES]){
						 there ? tunnel->ifindex : 0, lane->way.hop_entry});
	}
}

void lanes_set(struct setup *s)
{
	for (size_t i = 0; i < s->config->collectors_count; i++) {
		struct lane *lane = &s->lanes[i];
		if (!lane->express)
			continue;
		int error = express_set(lane->express, &lane->way);
		if (error) {
			(void)express_set(lane->express, NULL);
			lane->way = (struct express_way){0};
			snprintf(lane->off, sizeof(lane->off), "its map cannot be written: %s",
				 strerror(-error));
		}
		if (!s->paths[i].error && s->tunnels[i].usable && lane->subject >= 0 &&
		    !lane->waits)
			tell(lane, s->config->collectors[i].name);
	}
}

void lanes_clear(struct setup *s)
{
	for (size_t i = 0; i < s->config->collectors_count; i++)
		if (s->lanes[i].express)
			(void)express_set(
			    s->lanes[i].express,
			    &(struct express_way){.hop_entry = s->lanes[i].way.hop_entry,
						  .hop_exit = s->lanes[i].way.hop_exit});
}

/* What cannot be renewed grows old, and the kernel's path takes over. */
void lanes_renew(struct setup *s)
{
	for (size_t i = 0; i < s->config->collectors_count; i++)
		if (s->lanes[i].express)
			(void)express_renew(s->lanes[i].express, EXPRESS_GOOD_MS);
}

/* What cannot be read is counted the next time. */
void lanes_read(struct setup *s)
{
	struct express_counts now;

	for (size_t i = 0; i < s->config->collectors_count; i++)
		if (s->lanes[i].express && !express_read(s->lanes[i].express, &now))
			lane_count(&s->lanes[i], &now);
}

/* Whose it is there; -1: nobody's. */
static int goes_on(const struct setup *next, const struct express *express)
{
	for (size_t i = 0; next && i < next->config->collectors_count; i++)
		if (next->lanes[i].express == express)
			return (int)i;
	return -1;
}

/* Its counts are kept by the device's name, which may be another one now, or another lane's. */
static void keep_on(const struct setup *s, size_t i, const struct setup *next, int there)
{
	char name[32], now[32] = "";

	kept_name(&s->config->collectors[i], name);
	if (!goes_by(next, name))
		service_drop(name);
	if (there < 0)
		return;
	kept_name(&next->config->collectors[there], now);
	if (strcmp(now, name) != 0)
		service_store(now, express_kept_fd(s->lanes[i].express));
}

void lanes_close(struct setup *s, const struct setup *next)
{
	for (size_t i = 0; s && i < s->config->collectors_count; i++) {
		if (!s->lanes[i].express)
			continue;
		int there = goes_on(next, s->lanes[i].express);
		if (next)
			keep_on(s, i, next, there);
		if (there < 0)
			express_free(s->lanes[i].express);
	}
}
