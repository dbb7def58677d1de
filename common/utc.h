/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times as the status documents write them: 2026-01-02T03:04:05Z. A value: no time zone, no locale.
 */
#ifndef VTAP_COMMON_UTC_H
#define VTAP_COMMON_UTC_H

#include <stdbool.h>
#include <time.h>

enum { UTC_TEXT = sizeof("0000-00-00T00:00:00Z") };

/* A time beyond years of four digits is all zeros. */
const char *utc_format(time_t when, char text[UTC_TEXT]);
bool utc_parse(const char *text, time_t *when); /* false: anything but such a time */

#endif
