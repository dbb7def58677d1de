/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/pacer.h"

static void bring_forward(struct pacer *p, uint64_t due_ms)
{
	if (due_ms < p->due_ms)
		p->due_ms = due_ms;
}

static void refill(struct pacer *p, uint64_t now_ms)
{
	uint64_t earned = p->rest_ms ? (now_ms - p->refilled_ms) / p->rest_ms : 0;

	if (earned >= p->spent) {
		p->spent = 0;
		p->refilled_ms = now_ms;
		return;
	}
	p->spent -= (uint32_t)earned;
	p->refilled_ms += earned * p->rest_ms;
}

void pacer_event(struct pacer *p, uint64_t now_ms)
{
	if (!p->ran) {
		p->due_ms = now_ms;
		return;
	}
	refill(p, now_ms);
	uint64_t earliest_ms = now_ms;
	if (p->backoff_ms)
		earliest_ms =
		    p->last_ms +
		    (p->backoff_ms < PACER_RETRY_EVENT_MS ? p->backoff_ms : PACER_RETRY_EVENT_MS);
	else if (p->spent >= PACER_BURST)
		earliest_ms = p->refilled_ms + p->rest_ms;
	bring_forward(p, earliest_ms > now_ms ? earliest_ms : now_ms);
}

static uint32_t rest_after(uint64_t cost_ms)
{
	if (cost_ms * PACER_SHARE > PACER_GATHER_MAX_MS)
		return PACER_GATHER_MAX_MS;
	if (cost_ms * PACER_SHARE < PACER_GATHER_MS)
		return PACER_GATHER_MS;
	return (uint32_t)cost_ms * PACER_SHARE;
}

void pacer_done(struct pacer *p, uint64_t now_ms, uint64_t cost_ms, bool good)
{
	refill(p, now_ms);
	if (p->spent < PACER_BURST)
		p->spent++;
	else
		p->refilled_ms = now_ms;
	p->rest_ms = rest_after(cost_ms);
	p->ran = true;
	p->last_ms = now_ms;
	if (good)
		p->backoff_ms = 0;
	else if (!p->backoff_ms)
		p->backoff_ms = PACER_RETRY_MS;
	else
		p->backoff_ms =
		    p->backoff_ms < PACER_RETRY_MAX_MS / 2 ? p->backoff_ms * 2 : PACER_RETRY_MAX_MS;
	p->due_ms = now_ms + (good ? PACER_RESYNC_MS : p->backoff_ms);
}

uint64_t pacer_wait_ms(const struct pacer *p, uint64_t now_ms)
{
	return p->due_ms > now_ms ? p->due_ms - now_ms : 0;
}
