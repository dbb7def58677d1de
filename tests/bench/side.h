/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Benchmarks: places that are compared, "sides", each a monitored host and the rest of its world in
 * network namespaces of their own. One process works in all of them and takes turns in random
 * order, so that what disturbs the machine disturbs all sides alike. A veth's other end receives
 * within the call that sends: the whole way of a packet and of its copy is in the processor time of
 * the thread that sends, and what other processes take of the machine is not. This knows nothing of
 * what a turn does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* every side's monitored host, and whom it talks to */
#define SIDE_HOST "10.1.0.2"
#define SIDE_FAR  "10.1.0.1"

enum { SIDES_MAX = 64, SIDE_PORT = 9 };

struct side {
	const char *name;
	const char *host; /* namespaces */
	const char *far;
	void *own;    /* the program's */
	float *turns; /* nanoseconds per unit, one for each round; infinite if it did not work */
	size_t count;
	float ratio;       /* of a turn to the first side's */
	double units;      /* packets, bytes or transactions of all turns that count */
	double cold_units; /* of the first turn, which does not */
};

/* What one turn did: how many units; 0: it did not work, and is not counted. */
typedef double (*side_turn)(struct side *side);

/* Sides from arguments NAME:HOST:FAR; prints what is wrong. */
bool sides_parse(struct side *sides, char **texts, size_t count);

/* Moves the calling thread into a namespace. */
bool side_enter(const char *ns);

/*
 * Random rounds for so many seconds, one turn of each side in every round. What a turn takes is
 * measured by the clock: CLOCK_THREAD_CPUTIME_ID, or CLOCK_MONOTONIC where several threads work.
 */
void sides_take_turns(struct side *sides, size_t count, double seconds, side_turn turn,
		      clockid_t clock);

/*
 * Prints a line for each side: name, nanoseconds per unit (least, quartile,
 * median), the median of the turns by the first side's turns of the same rounds, as a machine that
 * is slow for a while is that for both, and the units of all turns.
 */
bool sides_print(struct side *sides, size_t count);
