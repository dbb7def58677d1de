/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Elements of a list in order of a column: numbers from the largest, texts from A to Z (eth2 before
 * eth10), addresses by value, times from the latest; what is missing comes last.
 */
#ifndef VTAP_VTAPSTAT_ORDER_H
#define VTAP_VTAPSTAT_ORDER_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "vtapstat/list.h"

/* Sorts in place; equal ones keep their order. 0 or -ENOMEM. */
int order_by(const struct json_object **elements, size_t count, const struct list_column *column,
	     bool reverse);
/* The same, but numbers and times ascend: for a list's usual order. */
int order_up(const struct json_object **elements, size_t count, const struct list_column *column);

#endif
