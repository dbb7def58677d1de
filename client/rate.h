/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rates as tc(8) writes them: "200mbit", "1.5gbit", "500kbps". Text in, bytes per second out.
 */
#ifndef VTAP_CLIENT_RATE_H
#define VTAP_CLIENT_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* "none" is 0. False: not a rate, or less than a byte per second. */
bool rate_parse(const char *text, uint64_t *bytes_per_s);

#endif
