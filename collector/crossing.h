/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether what the door lets in is what the endpoint takes, from the counters of both. Frames that
 * come in past the door are neither checked nor counted; frames that are let in and never arrive
 * are taken by something between the two. Values only.
 */
#ifndef VTAP_COLLECTOR_CROSSING_H
#define VTAP_COLLECTOR_CROSSING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/encap.h"

enum { CROSSING_FRAMES = 10 }; /* fewer are no evidence */

enum crossing_state {
	CROSSING_GOOD,
	CROSSING_PAST,     /* the endpoint takes more than the door has seen */
	CROSSING_STRANDED, /* the door lets frames in, and the endpoint takes none */
};

/* The counters cannot be read in one moment: the door's were read before and after the endpoints'.
 */
struct crossing_counts {
	uint64_t admitted_before;
	uint64_t taken;
	uint64_t admitted_after;
	int ifindexes[ENCAPS]; /* of the endpoints; 0: none. Others count on their own */
};

struct crossing {
	enum crossing_state state;
	bool watching;
	bool suspected; /* the last time, the endpoints had taken more than was let in */
	struct crossing_counts base;
};

/*
 * The door counts wire frames, the endpoint what receive offload made of them: what all goes
 * through the door grows no less there. True: the state changed.
 */
bool crossing_judge(struct crossing *crossing, const struct crossing_counts *now);

#endif
