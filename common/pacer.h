/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When the next pass is due. Time is a parameter: milliseconds of any clock that does not run
 * backwards.
 *
 * The first event is due at once, those within PACER_GATHER_MS after a pass become one pass at the
 * end of that time. A failed pass is tried again after 0.1 s, doubling to 10 s; an event brings it
 * forward, to 1 s at most.
 */
#ifndef VTAP_COMMON_PACER_H
#define VTAP_COMMON_PACER_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PACER_GATHER_MS = 50,
	PACER_RETRY_MS = 100,
	PACER_RETRY_MAX_MS = 10000,
	PACER_RETRY_EVENT_MS = 1000,
	PACER_RESYNC_MS = 30000
};

struct pacer {
	uint64_t last_ms;    /* when the last pass ended */
	uint64_t due_ms;     /* when the next one is due */
	uint32_t backoff_ms; /* 0: the last pass was good */
	bool ran;
};

void pacer_event(struct pacer *pacer, uint64_t now_ms);
void pacer_done(struct pacer *pacer, uint64_t now_ms, bool good);
uint64_t pacer_wait_ms(const struct pacer *pacer, uint64_t now_ms); /* 0: a pass is due */

#endif
