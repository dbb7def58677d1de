/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people see of each daemon's status below the line that both have. Values: JSON in, text out.
 */
#ifndef VTAP_VTAPSTAT_VIEW_H
#define VTAP_VTAPSTAT_VIEW_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "vtapstat/list.h"
#include "vtapstat/page.h"

/* Each goes on in the daemon's line and ends it. 0 or -ENOMEM. */
int view_collector(const struct json_object *status, struct page *page);
int view_client(const struct json_object *status, struct page *page);

/* The list of each that can be sorted. */
extern const struct list view_collector_clients, view_client_mirrors;

/* Whether a --sort can be meant for this daemon ("client", "collector", NULL: either). */
bool view_can_sort(const char *daemon, const char *sort);
/* The columns that can be named, a line for each daemon. */
void view_print_columns(const char *daemon, FILE *out);

#endif
