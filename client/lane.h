/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A collector's express lane: where its copies go, as planned, and what it counted. Values only:
 * lanes.c loads the program, and tells it the way.
 */
#ifndef VTAP_CLIENT_LANE_H
#define VTAP_CLIENT_LANE_H

#include "client/express.h"

enum { LANE_WORDS = 256 };

struct lane {
	struct express *express; /* of lanes.c; NULL: not loaded */
	int prog_fd;
	uint32_t prog_id;          /* 0: not loaded, or not yet */
	char unloaded[LANE_WORDS]; /* why it could not be loaded; "": it could, or was not tried */
	struct express_counts counts; /* totals; they never run backwards */
	struct express_counts last;   /* the program's, as they were read last */

	int subject;            /* -1: the configuration asks for none, or says what rules it out */
	struct express_way way; /* as planned; oif 0: none, all is passed on */
	bool waits;             /* only for an answer of the next hop */
	char off[LANE_WORDS];   /* why copies cannot take it; "": they do */
	char told[LANE_WORDS];  /* the reason that was logged last */
};

/* What the program says now; if it is a new one that counts from zero, the totals go on. */
void lane_count(struct lane *lane, const struct express_counts *now);

/* The counts as numbers, in a fixed order; those of reasons, of which there may be more in time,
 * are the last. */
enum { LANE_OTHERS = 6, LANE_NUMBERS = LANE_OTHERS + EXPRESS_PASSES };
void lane_numbers(struct express_counts *counts, uint64_t *numbers[LANE_NUMBERS]);

#endif
