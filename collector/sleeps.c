/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/sleeps.h"

#include <string.h>

#define NOISE_NS UINT64_C(50000000) /* the two clocks are read one after the other */

/* Whatever an earlier daemon wrote. */
static uint64_t count_of(const struct door_sleeps *sleeps)
{
	return sleeps->count < DOOR_SLEEPS ? sleeps->count : DOOR_SLEEPS;
}

void sleeps_note(struct door_sleeps *sleeps, uint64_t mono_ns, uint64_t boot_ns)
{
	const uint64_t asleep_ns = boot_ns > mono_ns ? boot_ns - mono_ns : 0;
	uint64_t count = count_of(sleeps);

	if (!count || asleep_ns > sleeps->latest[count - 1].asleep_ns + NOISE_NS) {
		if (count == DOOR_SLEEPS) {
			count--;
			memmove(sleeps->latest, sleeps->latest + 1,
				count * sizeof(*sleeps->latest));
		}
		sleeps->latest[count] = (struct door_sleep){sleeps->awake_ns, asleep_ns};
		sleeps->count = count + 1;
	}
	sleeps->awake_ns = mono_ns;
}

uint64_t sleeps_since(const struct door_sleeps *sleeps, uint64_t mono_ns)
{
	uint64_t count = sleeps ? count_of(sleeps) : 0, at = count;

	if (!count)
		return 0;
	while (at > 1 && sleeps->latest[at - 1].mono_ns >= mono_ns)
		at--;
	return sleeps->latest[count - 1].asleep_ns - sleeps->latest[at - 1].asleep_ns;
}
