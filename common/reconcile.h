/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pass: observe, plan, diff, apply, and observe again until there is nothing to do. Knows neither
 * time nor sockets nor logs: the kernel is a port, the plan is the daemon's.
 */
#ifndef VTAP_COMMON_RECONCILE_H
#define VTAP_COMMON_RECONCILE_H

#include "common/diff.h"
#include "common/kernel.h"
#include "common/subject.h"

struct reconcile {
	struct kernel *kernel;
	enum owner owner;
	struct subjects *subjects;
	/* Fills `desired` from the snapshot and blocks subjects that cannot be. 0 or a negative
	 * errno. */
	int (*plan)(void *ctx, struct reconcile *reconcile, struct desired *desired);
	/* Told before each observation: what is counted elsewhere is to be read now, as no filter
	 * that led there may be seen with less than that. May be NULL. */
	void (*about_to_look)(void *ctx);
	/* Told of each operation that was run; may be NULL. */
	void (*ran)(void *ran_ctx, const struct op *op, int error, const char *why);
	/* Told before a clsact is made, with it in `made` already; may be NULL. */
	void (*about_to_make_hooks)(void *ran_ctx);
	void *ctx;
	void *ran_ctx;

	struct snapshot seen;
	struct ifset made; /* links whose clsact is vtap's */
	/* For the next pass: with `partial` it may leave filters unlooked at, but for these links'.
	 */
	bool partial;
	struct ifset look;
	bool seen_all; /* what is in `seen` was all asked for, at one time */
};

enum { RECONCILE_ROUNDS = 6 };

/*
 * Runs one pass. With `to_nothing` the plan is not asked: what the owner made goes. 0: the kernel
 * is as planned, blocked subjects or not. Negative errno: the first error; what could be done is
 * done.
 */
int reconcile_pass(struct reconcile *reconcile, bool to_nothing);
/* All that there is to see, now. */
int reconcile_observe(struct reconcile *reconcile);
/* The operations of a pass; nothing is run. They point into `desired`. */
int reconcile_preview(struct reconcile *reconcile, struct desired *desired, struct ops *ops);
void reconcile_clear(struct reconcile *reconcile);

#endif
