/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the plan: what its parts share. plan.c is the tunnels and what tc copies, plan_tee.c what
 * nftables copies. For these files alone.
 */
#ifndef VTAP_CLIENT_PLAN_PARTS_H
#define VTAP_CLIENT_PLAN_PARTS_H

#include "client/plan.h"
#include "client/tee.h"

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

/* A stream by method "tee"; the monitored link may be missing. */
void plan_tee_copy(struct context *c, const struct stream *stream, const struct link *link);
/* The clamp of a stream's interface, if its collector asks for it. */
void plan_tee_clamp(struct context *c, const struct stream *stream);
/* The tables, when all streams are planned. */
void plan_tee_ruleset(struct context *c);

#endif
