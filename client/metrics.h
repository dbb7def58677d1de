/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's status for Prometheus: the numbers of client/status.h, by the same names. Values
 * only.
 */
#ifndef VTAP_CLIENT_METRICS_H
#define VTAP_CLIENT_METRICS_H

#include "client/setup.h"
#include "common/metrics_text.h"

void client_metrics(const struct setup *setup, const struct subjects *subjects, bool degraded,
		    uint64_t started_s, struct metrics_text *text);

#endif
