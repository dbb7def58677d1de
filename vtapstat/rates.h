/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rates of a client's mirrors, which its status does not have: from two answers and the time
 * between them. A value.
 */
#ifndef VTAP_VTAPSTAT_RATES_H
#define VTAP_VTAPSTAT_RATES_H

#include <json-c/json.h>

/*
 * Gives each mirror of `status` packets_per_s and bits_per_s, as a collector's clients have them;
 * null where `before` (may be NULL), `seconds` earlier, had not the same mirror with counters that
 * are no larger.
 */
void rates_add(struct json_object *status, const struct json_object *before, double seconds);

#endif
