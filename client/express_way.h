/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A way as the express lane's program has it: the outer headers as far as they are the same in all
 * packets. Values only.
 */
#ifndef VTAP_CLIENT_EXPRESS_WAY_H
#define VTAP_CLIENT_EXPRESS_WAY_H

#include "client/express.h"
#include "client/express_shared.h"

/* -EINVAL: see express_set. */
int express_way_slot(const struct express_way *way, struct express_slot *out);

#endif
