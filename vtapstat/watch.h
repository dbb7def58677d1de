/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking again and again, until interrupted.
 */
#ifndef VTAP_VTAPSTAT_WATCH_H
#define VTAP_VTAPSTAT_WATCH_H

#include "vtapstat/arguments.h"

int watch(const struct arguments *arguments); /* the exit status; only when it cannot print */

#endif
