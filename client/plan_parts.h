/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the plan: what its parts share. plan_tunnel.c is the tunnels, plan_hop.c what stands
 * before them, plan_lane.c what goes past them, plan_stream.c what tc copies, plan_tee.c what
 * nftables copies, plan_tell.c what is said of things of others. For these files alone.
 */
#ifndef VTAP_CLIENT_PLAN_PARTS_H
#define VTAP_CLIENT_PLAN_PARTS_H

#include "client/plan.h"
#include "client/tee.h"

enum { PLAN_OWN_PREF = 1 }; /* on vtap's own devices */

struct context {
	struct plan *plan;
	const struct snapshot *seen;
	const struct ifset *made;
	struct subjects *subjects;
	struct desired *desired;
	struct ifset hooks; /* monitored links whose clsact is planned already */
	struct tee tee;
	int error;
};

/* A device of vtap's, be it the client's or the collector's. */
bool plan_own(const struct link *link);
/* A device of this name that is not the client's own? The subject is told. */
bool plan_taken(struct context *c, const char *name, int subject);

/* Additions; after a failed one the plan is not used. Of the first two NULL: it failed. */
struct want_link *plan_add_link(struct context *c, const char *name, enum link_kind kind,
				int subject);
struct want_qdisc *plan_add_qdisc(struct context *c, const struct device *device,
				  enum qdisc_kind kind, int subject);
void plan_add_filter(struct context *c, const struct want_filter *filter);
/* The device that will have this name. */
struct device plan_device(const char *name);

void plan_tunnel(struct context *c, size_t index);
bool plan_hop_needed(const struct context *c, const struct client_collector *collector,
		     const struct path *path, const struct tunnel *tunnel);
bool plan_hop_taken(struct context *c, const char *device, int subject);
/* Whether a hop that is not needed has to stay for now; the tunnel remembers since when. */
bool plan_hop_drains(const struct context *c, const struct client_collector *collector,
		     struct tunnel *tunnel);
void plan_hop(struct context *c, const struct client_collector *collector, int subject);
void plan_lane(struct context *c, size_t index);
/* The program's id on a device. A dry run has loaded none: one that is there would do, and so will
 * the next, UINT32_MAX. */
uint32_t plan_lane_program(const struct context *c, const struct lane *lane, const char *device);
void plan_stream(struct context *c, struct stream *stream);

void plan_tell_programs(struct context *c, const char *name, const struct lane *lane, int subject);
void plan_tell_next_hop(struct context *c, const struct path *path, int subject);
void plan_tell_blind(struct context *c, const struct stream *stream, const struct link *link,
		     const struct want_filter *want);

/* A stream by method "tee", whose interface is there. */
void plan_tee_copy(struct context *c, const struct stream *stream, const struct link *link);
/* The clamp of a stream's interface, if its collector asks for it. */
void plan_tee_clamp(struct context *c, const struct stream *stream);
/* The tables, when all streams are planned. */
void plan_tee_ruleset(struct context *c);

#endif
