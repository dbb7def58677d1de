/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spans of time as people write them in configurations, with systemd.time(7)'s units: "7d",
 * "1h 30min", "90". No fractions, nothing below a second.
 */
#ifndef VTAP_COMMON_SPAN_H
#define VTAP_COMMON_SPAN_H

#include <stdbool.h>
#include <stdint.h>

#define SPAN_SECONDS_MAX (UINT64_C(100) * 31557600) /* a hundred years */

/* False, and *seconds as it was: not a span from one second to SPAN_SECONDS_MAX. */
bool span_parse(const char *text, uint64_t *seconds);

#endif
