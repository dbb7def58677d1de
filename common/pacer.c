/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/pacer.h"

static void bring_forward(struct pacer *p, uint64_t due_ms)
{
	if (due_ms < p->due_ms)
		p->due_ms = due_ms;
}

void pacer_event(struct pacer *p, uint64_t now_ms)
{
	if (!p->ran) {
		p->due_ms = now_ms;
		return;
	}
	uint64_t rest_ms = PACER_GATHER_MS;
	if (p->backoff_ms)
		rest_ms =
		    p->backoff_ms < PACER_RETRY_EVENT_MS ? p->backoff_ms : PACER_RETRY_EVENT_MS;
	uint64_t earliest_ms = p->last_ms + rest_ms;
	bring_forward(p, earliest_ms > now_ms ? earliest_ms : now_ms);
}

void pacer_done(struct pacer *p, uint64_t now_ms, bool good)
{
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
