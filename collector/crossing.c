/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/crossing.h"

#include <string.h>

static bool others(const struct crossing_counts *a, const struct crossing_counts *b)
{
	return memcmp(a->ifindexes, b->ifindexes, sizeof(a->ifindexes)) != 0;
}

static bool started_again(const struct crossing *c, const struct crossing_counts *now)
{
	return now->taken < c->base.taken || now->admitted_before < c->base.admitted_before;
}

bool crossing_judge(struct crossing *c, const struct crossing_counts *now)
{
	enum crossing_state was = c->state;

	if (!c->watching || others(now, &c->base)) { /* of these nothing is known yet */
		*c = (struct crossing){.state = CROSSING_GOOD, .watching = true, .base = *now};
		return was != CROSSING_GOOD;
	}
	if (started_again(c, now)) {
		c->base = *now;
		return false;
	}
	uint64_t taken = now->taken - c->base.taken;
	/* what was let in over all of that time and a little more, and over a little less */
	uint64_t most = now->admitted_after - c->base.admitted_before;
	uint64_t least = now->admitted_before > c->base.admitted_after
			     ? now->admitted_before - c->base.admitted_after
			     : 0;
	bool past = taken >= most + CROSSING_FRAMES;
	if (past && c->suspected)
		c->state = CROSSING_PAST;
	else if (past)
		; /* they may have been let in before, and have been on their way until now */
	else if (!taken && least >= CROSSING_FRAMES)
		c->state = CROSSING_STRANDED;
	else if (taken && taken <= most)
		c->state = CROSSING_GOOD;
	else
		return false; /* too few to tell: judged with what comes */
	c->suspected = past;
	c->base = *now;
	return was != c->state;
}
