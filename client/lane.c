/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/lane.h"

void lane_numbers(struct express_counts *c, uint64_t *numbers[LANE_NUMBERS])
{
	numbers[0] = &c->packets;
	numbers[1] = &c->bytes;
	numbers[2] = &c->resegmented;
	numbers[3] = &c->dropped;
	numbers[4] = &c->extra_packets;
	numbers[5] = &c->extra_bytes;
	for (int i = 0; i < EXPRESS_PASSES; i++)
		numbers[LANE_OTHERS + i] = &c->passed[i];
}

void lane_count(struct lane *lane, const struct express_counts *now)
{
	uint64_t *total[LANE_NUMBERS], *last[LANE_NUMBERS], *read[LANE_NUMBERS];
	struct express_counts copy = *now;

	lane_numbers(&lane->counts, total);
	lane_numbers(&lane->last, last);
	lane_numbers(&copy, read);
	for (int i = 0; i < LANE_NUMBERS; i++)
		*total[i] += *read[i] >= *last[i] ? *read[i] - *last[i] : *read[i];
	lane->last = copy;
}
