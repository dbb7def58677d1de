/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a setup's copies come to: finds in a snapshot where the kernel counts each stream and each
 * tunnel, and leaves the arithmetic to account.c. Values only.
 */
#ifndef VTAP_CLIENT_COPIES_H
#define VTAP_CLIENT_COPIES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/kernel.h"

struct setup;

/* Counts what a new snapshot says. True: a tunnel began, or ended, to lose every copy. */
bool copies_count(struct setup *setup, const struct snapshot *seen, uint64_t now_ms);
/* Whether the counters are worth a look: copies were lost since the last one, or were when it was
 * taken, and more are sent by now. `moved`: what the links did; the lanes were read. */
bool copies_look_due(const struct setup *setup, enum moved moved);
/* A link of the client's is gone; the kernel's last word about its counters. */
void copies_link_gone(struct setup *setup, const struct link *link);
/* An operation was run: what it restarted counts from zero. */
void copies_applied(struct setup *setup, const struct op *op);

#endif
