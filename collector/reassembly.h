/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the kernel holds fragments that wait for the rest of their datagram, in this network
 * namespace. Reads /proc, and does nothing else.
 */
#ifndef VTAP_COLLECTOR_REASSEMBLY_H
#define VTAP_COLLECTOR_REASSEMBLY_H

#include <stdbool.h>

/* True as well when the kernel does not say. */
bool reassembly_waits(void);

#endif
