/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/undelivered.h"

#include <string.h>

#define SECOND_NS 1000000000

static struct door_counter least(const struct door_counter *a, const struct door_counter *b)
{
	return (struct door_counter){a->packets < b->packets ? a->packets : b->packets,
				     a->bytes < b->bytes ? a->bytes : b->bytes};
}

/* A frame that came in where no door was yet is delivered and was never let in. */
static uint64_t minus(uint64_t accepted, uint64_t delivered)
{
	return accepted > delivered ? accepted - delivered : 0;
}

static struct undelivered_slot *slot_of(struct undelivered *u, uint64_t second,
					const struct door_counter *now)
{
	if (u->count && u->slots[u->count - 1].second == second)
		return &u->slots[u->count - 1];
	if (u->count == UNDELIVERED_SLOTS) {
		u->count--;
		memmove(u->slots, u->slots + 1, u->count * sizeof(*u->slots));
	}
	u->slots[u->count] = (struct undelivered_slot){.second = second, .least = *now};
	return &u->slots[u->count++];
}

static bool grow(struct undelivered *u, const struct door_counter *to)
{
	bool grows = to->packets > u->settled.packets || to->bytes > u->settled.bytes;

	if (to->packets > u->settled.packets)
		u->settled.packets = to->packets;
	if (to->bytes > u->settled.bytes)
		u->settled.bytes = to->bytes;
	return grows;
}

/* The least of the latest calm seconds: only what was in a queue each time is too much. */
static bool settle_calm(struct undelivered *u)
{
	struct door_counter all = {UINT64_MAX, UINT64_MAX};
	unsigned calm = 0;

	for (size_t i = u->count; i-- > 0 && calm < UNDELIVERED_CALM;) {
		if (!u->slots[i].calm)
			continue;
		all = least(&all, &u->slots[i].least_calm);
		calm++;
	}
	return calm == UNDELIVERED_CALM && grow(u, &all);
}

/* The least of a time in which every fragment found the others, or was given up. */
static bool settle_old(struct undelivered *u, uint64_t second)
{
	struct door_counter all = {UINT64_MAX, UINT64_MAX};

	if (second - u->slots[0].second < UNDELIVERED_WAIT_S)
		return false;
	for (size_t i = 0; i < u->count; i++)
		all = least(&all, &u->slots[i].least);
	return grow(u, &all);
}

bool undelivered_sample(struct undelivered *u, uint64_t mono_ns, bool waiting,
			const struct door_totals *totals)
{
	const struct door_counter now = {minus(totals->accepted.packets, totals->delivered.packets),
					 minus(totals->accepted.bytes, totals->delivered.bytes)};
	const uint64_t second = mono_ns / SECOND_NS;
	struct undelivered_slot *slot = slot_of(u, second, &now);

	slot->least = least(&slot->least, &now);
	if (!waiting) {
		slot->least_calm = slot->calm ? least(&slot->least_calm, &now) : now;
		slot->calm = true;
	}
	bool calm = settle_calm(u);
	return settle_old(u, second) || calm;
}
