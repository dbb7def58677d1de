/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The collector's status for Prometheus: the numbers of collector/status.h, by the same names, but
 * for rates, which are Prometheus' own business. Values only.
 */
#ifndef VTAP_COLLECTOR_METRICS_H
#define VTAP_COLLECTOR_METRICS_H

#include "collector/status.h"
#include "common/metrics_text.h"

void collector_metrics(const struct collector_view *view, bool degraded, uint64_t started_s,
		       struct metrics_text *text);

#endif
