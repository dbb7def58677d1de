/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the door let in and the endpoint never got. The difference of their counts also has in it
 * what is on its way: frames in a queue for microseconds, and fragments that wait for the others.
 * This file tells the two apart, as a value: no clock, no kernel. It must never call lost what
 * arrives later.
 */
#ifndef VTAP_COLLECTOR_UNDELIVERED_H
#define VTAP_COLLECTOR_UNDELIVERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/door.h"

/*
 * One slot for each second that was sampled. A minute and a bit: no fragment waits longer (30 s for
 * IPv4, 60 s for IPv6, unless somebody changed that).
 */
enum { UNDELIVERED_SLOTS = 64, UNDELIVERED_WAIT_S = 61, UNDELIVERED_CALM = 5 };

struct undelivered_slot {
	uint64_t second;
	struct door_counter least;
	struct door_counter least_calm; /* of the samples when no fragment waited */
	bool calm;                      /* there was such a sample */
};

struct undelivered {
	struct door_counter settled;                      /* what is shown; never runs backwards */
	struct undelivered_slot slots[UNDELIVERED_SLOTS]; /* oldest first */
	size_t count;
};

/* waiting: fragments of some datagram wait for the others. True: `settled` has grown. */
bool undelivered_sample(struct undelivered *undelivered, uint64_t mono_ns, bool waiting,
			const struct door_totals *totals);

#endif
