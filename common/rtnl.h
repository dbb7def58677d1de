/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel port over real netlink: one request socket, knob.c for what rtnetlink does not do,
 * tcx.c for tcx programs, nft.c for nftables, xfrm.c for IPsec. Works on the network namespace of
 * the process.
 */
#ifndef VTAP_COMMON_RTNL_H
#define VTAP_COMMON_RTNL_H

#include <stddef.h>

#include "common/kernel.h"

struct rtnl;

int rtnl_open(struct rtnl **out);   /* 0 or a negative errno */
void rtnl_close(struct rtnl *rtnl); /* NULL is fine */
struct kernel *rtnl_kernel(struct rtnl *rtnl);
/* From now on nftables tables are looked at too. Else there are none, to who asks. */
int rtnl_use_nft(struct rtnl *rtnl);
/* And from now on IPsec policies. */
int rtnl_use_xfrm(struct rtnl *rtnl);
/* Whether the kernel's nftables rules changed since they were looked at. */
bool rtnl_nft_changed(struct rtnl *rtnl);
uint32_t rtnl_port(const struct rtnl *rtnl); /* what the kernel's echoes of its requests carry */

#endif
