/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The busiest of the rejected sources, as values: chosen from what the door keeps on each
 * processor, with the times when they were last seen. No clock: the time is a parameter.
 */
#ifndef VTAP_COLLECTOR_REJECTED_H
#define VTAP_COLLECTOR_REJECTED_H

#include "collector/clients.h"
#include "collector/door_shared.h"

enum { REJECTED_TOP = 10 };

struct rejected_source {
	struct ip_addr address;
	/* Since the door last began to keep account of it: exact for whoever is busy, and never too
	 * much. */
	struct door_counter count;
	uint64_t last_mono_ns; /* as the door said */
	uint64_t last_boot_ns;
};

struct rejected {
	struct rejected_source top[REJECTED_TOP]; /* busiest first */
	size_t count;
};

/* sets: `cpus` of them for each of DOOR_REJECTED_SETS. 0 or -ENOMEM, which changes nothing. */
int rejected_update(struct rejected *rejected, const struct clients_clock *clock,
		    const struct door_rejected_set *sets, size_t cpus);

#endif
