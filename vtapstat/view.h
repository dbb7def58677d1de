/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people see of each daemon's status below the line that both have. Values: JSON in, text out.
 */
#ifndef VTAP_VTAPSTAT_VIEW_H
#define VTAP_VTAPSTAT_VIEW_H

#include <json-c/json.h>
#include <stdio.h>
#include <time.h>

/* `now` is what "seen 5s ago" counts from. Each returns 0 or -ENOMEM. */
int view_collector(const struct json_object *status, time_t now, FILE *out);
int view_client(const struct json_object *status, FILE *out);

#endif
