/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the collector wants of the kernel: the sealed endpoints, and the door in front of them on
 * every interface that has an address. Pure.
 */
#ifndef VTAP_COLLECTOR_PLAN_H
#define VTAP_COLLECTOR_PLAN_H

#include "collector/config.h"
#include "collector/crossing.h"
#include "common/diff.h"
#include "common/subject.h"

/* An endpoint's subject is its encapsulation. */
enum { SUBJECT_DOOR = ENCAPS, SUBJECTS };

/* Programs to attach, the descriptors not the plan's; id 0: not loaded, as in a dry run. */
struct plan_door {
	int prog_fd; /* the door itself */
	uint32_t prog_id;
	int seal_fd[ENCAPS];
	uint32_t seal_id[ENCAPS];
	int cut_end_fd; /* for the cutter's end */
	uint32_t cut_end_id;
	enum crossing_state crossing; /* what the counters say */
};

/*
 * Adds to `desired` what is to be there while the machine is as `seen` has it; `made`: interfaces
 * whose clsact is the collector's own. What cannot be is blocked in `subjects`. 0 or -ENOMEM.
 */
int plan_collector(const struct collector_config *config, struct plan_door door,
		   const struct snapshot *seen, const struct ifset *made, struct subjects *subjects,
		   struct desired *desired);

/* At how many places another program is about to make way for this door. */
size_t plan_doors_replaced(const struct desired *desired, const struct snapshot *seen,
			   uint32_t prog_id);

#endif
