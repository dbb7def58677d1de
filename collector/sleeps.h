/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When the machine was asleep, so that a moment of CLOCK_MONOTONIC, which stands still meanwhile,
 * can be told by CLOCK_BOOTTIME long after. Kept with the client table, so that a daemon knows what
 * the one before it saw. No clock: the time is a parameter.
 */
#ifndef VTAP_COLLECTOR_SLEEPS_H
#define VTAP_COLLECTOR_SLEEPS_H

#include <stdint.h>

#include "collector/door_slot.h"

/* The same moment by both clocks; to be called every few seconds. */
void sleeps_note(struct door_sleeps *sleeps, uint64_t mono_ns, uint64_t boot_ns);
/* For how long the machine was asleep since a moment; of what was too long ago, since the oldest
 * sleep that is known. NULL: none is. */
uint64_t sleeps_since(const struct door_sleeps *sleeps, uint64_t mono_ns);

#endif
