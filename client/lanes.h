/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The programs of the express lanes: loads one for each collector that may have a lane, tells it
 * the way that was planned, and reads what it counts. Attaching them is the plan's work.
 */
#ifndef VTAP_CLIENT_LANES_H
#define VTAP_CLIENT_LANES_H

#include "client/setup.h"
#include "common/service.h"

/*
 * Loads what is not loaded yet. Counts go on from what an earlier daemon left: with the service
 * manager (NULL: nothing is), or attached, as `seen` has it. While there is a daemon, what is
 * attached may be another collector's, which goes on with its counts: `seen` is NULL then. What
 * cannot be loaded is said once, and copies take the kernel's path.
 */
void lanes_open(struct setup *setup, const struct snapshot *seen, const struct service *service);
/* What the service manager keeps and no lane goes on with; to be called after lanes_open. */
void lanes_forget(const struct setup *setup, const struct service *service);
/* The ways as they were planned; what keeps copies from a lane is said when it changes. */
void lanes_set(struct setup *setup);
/* Ahead of filters, on the devices that are there. Not while something waits for repair: it takes
 * its time. */
void lanes_front(struct setup *setup, const struct snapshot *seen);
/* No way, for any of them, until they are set again. */
void lanes_clear(struct setup *setup);
/* Somebody is there: the ways stay good. To be called every LANES_RENEW_MS. */
enum { LANES_RENEW_MS = 5000 };
void lanes_renew(struct setup *setup);
void lanes_read(struct setup *setup);
/* Closes those that `next`, which inherited from this, does not go on with; NULL: all. To be called
 * after lanes_open for `next`. */
void lanes_close(struct setup *setup, const struct setup *next);

#endif
