/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtap-client's nftables tables in the kernel: looked at over a netlink socket of its own, changed
 * by libnftables, which is loaded when the first text has to be run. Without that it would cost
 * every client some megabytes of memory, used or not.
 */
#ifndef VTAP_COMMON_NFT_H
#define VTAP_COMMON_NFT_H

#include "common/object.h"
#include "common/op.h"

struct nft;

int nft_open(struct nft **out);  /* 0 or a negative errno; a kernel without nftables is no error */
void nft_close(struct nft *nft); /* NULL is fine */

/*
 * Fills *out, which is zero. The kernel is asked at the first call, to find what an earlier client
 * left, and from then on only if there was something, or tables were put.
 */
int nft_read(struct nft *nft, struct ruleset *out);
/* Whether the kernel's rules, whosever, changed since they were read. */
bool nft_changed(struct nft *nft);
/* OP_RULESET_PUT and OP_RULESET_DELETE. */
int nft_run(struct nft *nft, const struct op *op, char *why, size_t why_size);

#endif
