/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When the next pass is due. Time is a parameter: milliseconds of any clock that does not run
 * backwards.
 *
 * What breaks comes as a few events within some milliseconds, each of which may want a pass: the
 * first PACER_BURST passes follow their events at once. After those, events become one pass for
 * each rest, which is PACER_GATHER_MS, or longer when passes are expensive: a stream of events
 * costs no more than about one part in PACER_SHARE of a processor. A failed pass is tried again
 * after 0.1 s, doubling to 10 s; an event brings it forward, to 1 s at most.
 */
#ifndef VTAP_COMMON_PACER_H
#define VTAP_COMMON_PACER_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PACER_BURST = 8,
	PACER_GATHER_MS = 50,
	PACER_GATHER_MAX_MS = 500,
	PACER_SHARE = 100,
	PACER_RETRY_MS = 100,
	PACER_RETRY_MAX_MS = 10000,
	PACER_RETRY_EVENT_MS = 1000,
	PACER_RESYNC_MS = 30000
};

struct pacer {
	uint64_t last_ms;     /* when the last pass ended */
	uint64_t due_ms;      /* when the next one is due */
	uint64_t refilled_ms; /* up to when rests have been credited */
	uint32_t rest_ms;     /* what earns a pass */
	uint32_t spent;       /* passes of the burst that are not earned back, up to PACER_BURST */
	uint32_t backoff_ms;  /* 0: the last pass was good */
	bool ran;
};

void pacer_event(struct pacer *pacer, uint64_t now_ms);
/* A pass that took cost_ms has ended. */
void pacer_done(struct pacer *pacer, uint64_t now_ms, uint64_t cost_ms, bool good);
uint64_t pacer_wait_ms(const struct pacer *pacer, uint64_t now_ms); /* 0: a pass is due */

#endif
