/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the collector knows of the door's counts, sample by sample: clients, totals, what was
 * undelivered and who was rejected. Reads the door and the clocks; judges nothing, logs nothing.
 */
#ifndef VTAP_COLLECTOR_COUNTS_H
#define VTAP_COLLECTOR_COUNTS_H

#include "collector/clients.h"
#include "collector/door.h"
#include "collector/rejected.h"
#include "collector/undelivered.h"

struct counts {
	struct clients clients;
	struct door_totals totals;
	struct undelivered undelivered;
	struct rejected rejected;
};

/* All zero before; seed: see clients_init. */
void counts_init(struct counts *counts, uint64_t seed);
void counts_free(struct counts *counts);
/* What an earlier daemon left with the door. */
int counts_restore(struct counts *counts, const struct door *door);
/*
 * A sample; clients that were silent for forget_after_s leave the door's table (0: never).
 * *pause_ms: when the next one is due. 0 or a negative errno.
 */
int counts_sample(struct counts *counts, struct door *door, uint64_t forget_after_s,
		  unsigned *pause_ms);

#endif
