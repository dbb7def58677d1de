/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting copies as true wire frames, from what the kernel counts. Values only.
 *
 * An action at egress counts wire frames and bytes right, GSO included. At ingress it sees GRO
 * packets without their inner headers and without the Ethernet header, and some drivers give no
 * segment count. The tunnel device counts each frame after segmentation, but not per mirror. So:
 * what the tunnel sent is shared among its streams; egress takes what it counted, ingress gets the
 * rest. The sum over a collector's streams is what its tunnel sent, always.
 */
#ifndef VTAP_CLIENT_ACCOUNT_H
#define VTAP_CLIENT_ACCOUNT_H

#include "client/config.h"
#include "common/object.h"

struct tunnel_account {
	uint64_t tx_packets; /* totals; they never run backwards */
	uint64_t tx_bytes;   /* frames with their Ethernet header */
	uint64_t tx_dropped;
	uint64_t tx_errors;

	int ifindex; /* whose counters `last` are */
	struct rtnl_link_stats64 last;
	uint64_t pool_packets, pool_bytes, pool_lost; /* not given to a stream yet */
	uint64_t moved_at,
	    moved_ms; /* the sum of the totals when they changed last, and when that was */
};

struct stream_account {
	uint64_t packets; /* totals; they never run backwards */
	uint64_t bytes;
	uint64_t dropped;

	struct filter_stats last;
	uint64_t owed_packets, owed_bytes; /* copied by the filter, not yet seen at the tunnel */
	enum direction direction;
};

/* What the kernel says now; NULL: the object is not there. */
void account_tunnel(struct tunnel_account *account, const struct link *link);
void account_stream(struct stream_account *account, const struct filter *filter);
/* The stream's filter was put anew: its counters start at zero. */
void account_restart(struct stream_account *account);
/* Shares what one tunnel sent among its streams, after both of the above. */
void account_share(struct tunnel_account *tunnel, struct stream_account *const *streams,
		   size_t count, uint64_t now_ms);

#endif
