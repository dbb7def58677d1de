/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting copies as true wire frames, from what the kernel counts. Values only.
 *
 * An action at egress counts wire frames and bytes right, GSO included. At ingress it sees GRO
 * packets without their inner headers and without the Ethernet header, and some drivers give no
 * segment count. nftables sees super-packets as one, both ways. The tunnel device counts each frame
 * after segmentation, but not per mirror; the express lane, which goes past the device, counts its
 * own. So: what both sent is shared among the tunnel's streams; egress and nftables' take what they
 * counted, ingress gets the rest; without one, those whose super-packets it must have come from.
 * The sum over a collector's streams is what its tunnel sent, always.
 */
#ifndef VTAP_CLIENT_ACCOUNT_H
#define VTAP_CLIENT_ACCOUNT_H

#include "client/config.h"
#include "client/express.h"
#include "common/object.h"

/* What the kernel counts around one tunnel. */
enum tunnel_counter {
	TUNNEL_SENT,
	TUNNEL_SENT_BYTES,
	TUNNEL_DROPPED, /* by the device: too big, no way */
	TUNNEL_ERRORS,
	TUNNEL_CAPPED, /* by the qdisc that caps the rate */
	HOP_DROPPED,   /* by the hop's entry */
	HOP_REFUSED,   /* copies that the tunnel did not take from the hop: capped, or it is down */
	EXPRESS_SENT,  /* past the device, by the express lane */
	EXPRESS_SENT_BYTES,
	EXPRESS_DROPPED,
	EXPRESS_EXTRA, /* of EXPRESS_SENT: copies of egress in more frames than on the wire */
	EXPRESS_EXTRA_BYTES,
	TUNNEL_COUNTERS
};

/* Where these counters are; NULL: not there. */
struct tunnel_sources {
	const struct link *device;
	unsigned header; /* bytes of each frame that the device does not count */
	const struct qdisc *cap;
	const struct link *hop;
	const struct filter *hop_filter;
	const struct express_counts *express;
};

struct tunnel_account {
	uint64_t tx_packets; /* totals; they never run backwards */
	uint64_t tx_bytes;   /* frames as the collector gets them */
	uint64_t tx_dropped;
	uint64_t tx_errors;

	uint64_t ifindex; /* whose counters `last` are */
	bool anew;        /* of this sample: it is another device than before */
	uint64_t last[TUNNEL_COUNTERS];
	uint64_t pool_packets, pool_bytes; /* sent, not given to a stream yet */
	uint64_t pool_lost;                /* lost, not taken from a stream yet */
	uint64_t sent, lost;               /* of this sample ... */
	uint64_t held, capped, refused;    /* ... views of the same losses */
	uint64_t early;                    /* of the last sample: seen at an action alone */
	uint64_t extra, extra_bytes;       /* sent of egress beyond what its filters count */
	uint64_t lost_in_a_row;            /* since a copy was sent last, by this device */
	uint64_t moved_at,
	    moved_ms; /* the sum of the totals when they changed last, and when that was */
};

enum { ACCOUNT_ALL_LOST = 10 }; /* so many in a row: the tunnel does not work */

struct stream_account {
	uint64_t packets; /* totals; they never run backwards */
	uint64_t bytes;
	uint64_t dropped;

	struct filter_stats last;
	uint64_t owed_packets, owed_bytes; /* copied by the filter, not yet seen at the tunnel */
	uint64_t refused;                  /* of this sample: copies that the target did not take */
	enum direction direction;
	bool layer3;          /* counted by nftables: super-packets as one */
	uint64_t super_bytes; /* of this sample: bytes that must have been in super-packets */
};

/* What the kernel says now; a filter of NULL is not there. `headers`: bytes by which a copy is
 * larger at the collector than the filter's action counts it. */
void account_tunnel(struct tunnel_account *a, const struct tunnel_sources *from);
void account_stream(struct stream_account *account, const struct filter *filter, int headers);
/* What the express lane has counted so far is not the account's. */
void account_skip_express(struct tunnel_account *account, const struct express_counts *counts);
/* The stream's filter was put anew: its counters start at zero. */
void account_restart(struct stream_account *account);
/* The stream goes on, perhaps by another method. */
void account_inherit(struct stream_account *account, const struct stream_account *before);
/* Shares what one tunnel sent among its streams, after both of the above. */
void account_share(struct tunnel_account *tunnel, struct stream_account *const *streams,
		   size_t count, uint64_t now_ms);

#endif
