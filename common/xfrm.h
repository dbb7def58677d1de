/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's IPsec policies, looked at over a netlink socket of its own. It changes none.
 */
#ifndef VTAP_COMMON_XFRM_H
#define VTAP_COMMON_XFRM_H

#include "common/object.h"

struct xfrm;

int xfrm_open(struct xfrm **out);   /* 0 or a negative errno; a kernel without IPsec is no error */
void xfrm_close(struct xfrm *xfrm); /* NULL is fine */

/* Fills snapshot->policies, which is empty. If the kernel does not tell, there is one for
 * everything. 0 or -ENOMEM. */
int xfrm_read(struct xfrm *xfrm, struct snapshot *snapshot);

#endif
