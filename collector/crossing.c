/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/crossing.h"

bool crossing_judge(struct crossing *c, int ifindexes, uint64_t taken, uint64_t admitted)
{
	enum crossing_state was = c->state;

	if (!c->watching || ifindexes != c->ifindexes || taken < c->taken ||
	    admitted < c->admitted) {
		*c = (struct crossing){c->state, true, ifindexes, taken, admitted};
		return false;
	}
	uint64_t in = taken - c->taken, let = admitted - c->admitted;
	if (in >= let + CROSSING_FRAMES)
		c->state = CROSSING_PAST;
	else if (!in && let >= CROSSING_FRAMES)
		c->state = CROSSING_STRANDED;
	else if (in && in <= let)
		c->state = CROSSING_GOOD;
	else
		return false; /* too few to tell: judged with what comes */
	*c = (struct crossing){c->state, true, ifindexes, taken, admitted};
	return was != c->state;
}
