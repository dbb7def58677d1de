/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers as people read them. Decimal prefixes throughout (1 kB is 1000 bytes), as for bit rates.
 */
#ifndef VTAP_VTAPSTAT_UNITS_H
#define VTAP_VTAPSTAT_UNITS_H

#include <stdint.h>

enum { UNITS_TEXT = 32 };

const char *units_count(uint64_t count, char text[UNITS_TEXT]);   /* 0, 9999, 12.3k, 4.56M */
const char *units_digits(uint64_t count, char text[UNITS_TEXT]);  /* 0, 9,999, 12,345,678 */
const char *units_bytes(uint64_t bytes, char text[UNITS_TEXT]);   /* 0 B, 9999 B, 12.3 kB */
const char *units_per_s(double rate, char text[UNITS_TEXT]);      /* 0, 0.4, 812, 12.3k */
const char *units_bits_per_s(double bits, char text[UNITS_TEXT]); /* 0 bit/s, 12.3 Mbit/s */
/* The two largest parts: 12s, 4m 5s, 3h 20m, 5d 2h. */
const char *units_duration(uint64_t seconds, char text[UNITS_TEXT]);

#endif
