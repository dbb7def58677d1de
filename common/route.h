/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking the kernel for the route to an address, and what it knows of the next hop. It changes
 * nothing.
 */
#ifndef VTAP_COMMON_ROUTE_H
#define VTAP_COMMON_ROUTE_H

#include "common/object.h"
#include "common/talk.h"

/* 0 or a negative errno: -ENETUNREACH and its kin: there is no route. */
int route_ask(struct talk *talk, const struct route_query *query, struct route *out);

#endif
