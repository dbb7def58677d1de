/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is counted, as text that outlives the daemon: the totals, and the kernel's counters that
 * they include. A later daemon goes on from there, however old the text is, as long as the kernel's
 * objects are the same. Values only.
 */
#ifndef VTAP_CLIENT_STATE_H
#define VTAP_CLIENT_STATE_H

#include "client/setup.h"

char *state_text(const struct setup *setup); /* malloc'd; NULL: no memory */
/*
 * Takes over what the text has of this configuration's tunnels and streams. A tunnel whose device
 * is not the one of then, and its streams, start anew. False: it is no such text.
 */
bool state_restore(struct setup *setup, const struct snapshot *seen, const char *text);

#endif
