/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/events.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "common/link.h"
#include "common/log.h"
#include "common/monitor.h"
#include "common/ruleset.h"

/* Long for the kernel, which has the RTNL lock and nothing else to do, and short for a mirror. */
enum { ROUTES_AGAIN_MS = 20 };

static void tell_link_gone(const struct events *events, const struct nlmsghdr *event)
{
	struct link link;

	if (event->nlmsg_type == RTM_DELLINK && link_parse(event, &link) &&
	    link.group == owner_group(events->context.owner))
		events->link_gone(events->ctx, &link);
}

static void take(void *ctx, const struct nlmsghdr *event)
{
	struct events *events = ctx;
	int ifindex = 0;

	events->taken++;
	if (event && events->link_gone)
		tell_link_gone(events, event);
	enum hint hint = event ? hint_of(&events->context, event, &ifindex) : HINT_PASS;
	if (hint == HINT_PASS && (!ifindex || ifset_add(events->look, ifindex)))
		events->everywhere = true;
	if (hint > events->hint)
		events->hint = hint;
}

static bool routes_changed(struct events *events)
{
	return events->routes_changed && events->routes_changed(events->ctx);
}

static void set_routes_timer(struct events *events)
{
	events->routes_told = false;
	events->routes_timer_runs = true;
	loop_timer_set(events->routes_timer, ROUTES_AGAIN_MS);
}

/* Events in the meantime do not put it off, but get a time of their own after it. */
static void on_routes_timer(void *ctx)
{
	struct events *events = ctx;

	events->routes_timer_runs = false;
	if (events->routes_told)
		set_routes_timer(events);
	events_look_at_routes(events);
}

void events_look_at_routes(struct events *events)
{
	if (routes_changed(events))
		events->wake(events->wake_ctx, false);
}

/* Whether there were any. */
static bool read_events(struct events *events)
{
	events->hint = HINT_NOTHING;
	events->everywhere = false;
	events->taken = 0;
	int error = monitor_drain(events->monitor, take, events);
	if (error)
		log_error("the event socket failed: %s", strerror(-error));
	/* also when there will be a pass for another reason: that comes some time later */
	bool rerouted = events->hint != HINT_NOTHING && routes_changed(events);
	if (events->hint != HINT_NOTHING && events->routes_changed) {
		if (events->routes_timer_runs)
			events->routes_told = true;
		else
			set_routes_timer(events);
	}
	if (events->hint == HINT_PASS || rerouted)
		events->wake(events->wake_ctx, events->everywhere);
	return events->taken != 0;
}

static void on_event(void *ctx)
{
	struct events *events = ctx;

	read_events(events);
	uint64_t now_ms = loop_now_ms();
	if (now_ms - events->read_ms >= EVENTS_REST_MS)
		events->in_a_row = 0;
	events->read_ms = now_ms;
	if (++events->in_a_row < EVENTS_AT_ONCE)
		return;
	loop_pause(events->loop, monitor_fd(events->monitor));
	loop_timer_set(events->rest_timer, EVENTS_REST_MS);
}

static void on_rest(void *ctx)
{
	struct events *events = ctx;

	if (read_events(events) || loop_resume(events->loop, monitor_fd(events->monitor)))
		loop_timer_set(events->rest_timer, EVENTS_REST_MS);
	else
		events->in_a_row = 0;
}

static void take_nft(void *ctx, const struct nlmsghdr *event)
{
	struct events *events = ctx;

	if (!event || ruleset_event(event))
		events->hint = HINT_PASS;
}

/* Others' rules, and the echo of what the last pass put, are no reason for another. */
static void on_nft_event(void *ctx)
{
	struct events *events = ctx;

	events->hint = HINT_NOTHING;
	int error = monitor_drain(events->nft_monitor, take_nft, events);
	if (error)
		log_error("the event socket of nftables failed: %s", strerror(-error));
	if (events->hint == HINT_PASS && rtnl_nft_changed(events->rtnl))
		events->wake(events->wake_ctx, false);
}

static void take_ipsec(void *ctx, const struct nlmsghdr *event)
{
	(void)event;
	((struct events *)ctx)->hint = HINT_PASS;
}

static void on_ipsec_event(void *ctx)
{
	struct events *events = ctx;

	events->hint = HINT_NOTHING;
	int error = monitor_drain(events->ipsec_monitor, take_ipsec, events);
	if (error)
		log_error("the event socket of IPsec failed: %s", strerror(-error));
	if (events->hint != HINT_PASS)
		return;
	if (events->policies_changed)
		events->policies_changed(events->ctx);
	events->wake(events->wake_ctx, false);
}

int events_open(struct events *events)
{
	events->context.own_port = rtnl_port(events->rtnl);
	events->routes_timer = loop_timer_new(events->loop, on_routes_timer, events);
	events->rest_timer = loop_timer_new(events->loop, on_rest, events);
	if (!events->routes_timer || !events->rest_timer)
		return -ENOMEM;
	int error = monitor_open(&events->monitor);
	return error ? error
		     : loop_watch(events->loop, monitor_fd(events->monitor), on_event, events);
}

int events_open_nft(struct events *events)
{
	if (events->nft_monitor)
		return 0;
	int error = monitor_open_nft(&events->nft_monitor);
	return error ? error
		     : loop_watch(events->loop, monitor_fd(events->nft_monitor), on_nft_event,
				  events);
}

int events_open_ipsec(struct events *events)
{
	if (events->ipsec_monitor)
		return 0;
	int error = monitor_open_xfrm(&events->ipsec_monitor);
	return error ? error
		     : loop_watch(events->loop, monitor_fd(events->ipsec_monitor), on_ipsec_event,
				  events);
}

void events_close(struct events *events)
{
	monitor_close(events->monitor);
	monitor_close(events->nft_monitor);
	monitor_close(events->ipsec_monitor);
}
