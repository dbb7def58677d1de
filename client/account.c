/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/account.h"

#include <linux/if_ether.h>

enum { SETTLE_MS = 1000 };

/* The growth of a kernel counter; one that shrank has started again at zero. */
static uint64_t growth(uint64_t now, uint64_t last)
{
	return now >= last ? now - last : now;
}

void account_tunnel(struct tunnel_account *a, const struct link *link)
{
	if (!link)
		return;
	const struct rtnl_link_stats64 *now = &link->stats;
	if (link->ifindex != a->ifindex || now->tx_packets < a->last.tx_packets)
		a->last = (struct rtnl_link_stats64){0};
	uint64_t packets = growth(now->tx_packets, a->last.tx_packets);
	/* vxlan counts its inner frames without their Ethernet header: iptunnel_xmit() */
	uint64_t bytes = growth(now->tx_bytes, a->last.tx_bytes) + packets * ETH_HLEN;
	uint64_t dropped = growth(now->tx_dropped, a->last.tx_dropped);
	uint64_t errors = growth(now->tx_errors, a->last.tx_errors);

	a->ifindex = link->ifindex;
	a->last = *now;
	a->tx_packets += packets;
	a->tx_bytes += bytes;
	a->tx_dropped += dropped;
	a->tx_errors += errors;
	a->pool_packets += packets;
	a->pool_bytes += bytes;
	a->pool_lost += dropped + errors;
}

void account_restart(struct stream_account *a)
{
	a->last = (struct filter_stats){0};
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Copies that are known not to have reached the tunnel, or not to have left it. */
static void lose(struct stream_account *a, uint64_t packets)
{
	uint64_t known = least(packets, a->owed_packets);

	a->dropped += packets;
	if (!known)
		return;
	a->owed_bytes -=
	    (uint64_t)((double)a->owed_bytes * (double)known / (double)a->owed_packets);
	a->owed_packets -= known;
}

void account_stream(struct stream_account *a, const struct filter *filter)
{
	if (!filter) {
		account_restart(a);
		return;
	}
	const struct filter_stats *now = &filter->stats;
	if (now->packets < a->last.packets || now->bytes < a->last.bytes)
		account_restart(a);
	uint64_t packets = growth(now->packets, a->last.packets);

	a->owed_packets += packets;
	a->owed_bytes += growth(now->bytes, a->last.bytes);
	if (a->direction == INGRESS)
		a->owed_bytes +=
		    packets * ETH_HLEN; /* ingress sees the packet behind its Ethernet header */
	lose(a, growth(now->overlimits, a->last.overlimits) + growth(now->drops, a->last.drops));
	a->last = *now;
}

static void give(struct tunnel_account *tunnel, struct stream_account *a, uint64_t packets,
		 uint64_t bytes)
{
	a->packets += packets;
	a->bytes += bytes;
	a->owed_packets -= least(packets, a->owed_packets);
	a->owed_bytes -= least(bytes, a->owed_bytes);
	tunnel->pool_packets -= packets;
	tunnel->pool_bytes -= bytes;
}

/* What the tunnel lost is lost to its streams by the share that each is owed. */
static void share_losses(struct tunnel_account *tunnel, struct stream_account *const *streams,
			 size_t count)
{
	uint64_t owed = 0;

	for (size_t i = 0; i < count; i++)
		owed += streams[i]->owed_packets;
	for (size_t i = 0; i < count && owed && tunnel->pool_lost; i++) {
		uint64_t mine = streams[i]->owed_packets;
		uint64_t part = (uint64_t)((double)tunnel->pool_lost * (double)mine / (double)owed);
		if (mine == owed) /* the last one that is owed anything */
			part = tunnel->pool_lost;
		owed -= mine;
		tunnel->pool_lost -= part;
		lose(streams[i], part);
	}
}

/* Everything that is left, by the bytes that each is owed. */
static void share_rest(struct tunnel_account *tunnel, struct stream_account *const *streams,
		       size_t count, enum direction direction)
{
	uint64_t owed = 0;

	for (size_t i = 0; i < count; i++)
		if (streams[i]->direction == direction)
			owed += streams[i]->owed_bytes;
	for (size_t i = 0; i < count && owed; i++) {
		if (streams[i]->direction != direction)
			continue;
		uint64_t mine = streams[i]->owed_bytes;
		double part = (double)mine / (double)owed;
		bool last = mine == owed;
		owed -= mine;
		give(tunnel, streams[i],
		     last ? tunnel->pool_packets : (uint64_t)((double)tunnel->pool_packets * part),
		     last ? tunnel->pool_bytes : (uint64_t)((double)tunnel->pool_bytes * part));
	}
}

/*
 * What nobody is known to be owed: frames with a tag that the filter did not see in them, copies of
 * a filter that was put anew since the last look. They go where most went so far.
 */
static void share_surplus(struct tunnel_account *tunnel, struct stream_account *const *streams,
			  size_t count, enum direction direction)
{
	struct stream_account *most = NULL;

	for (size_t i = 0; i < count; i++)
		if (streams[i]->direction == direction &&
		    (!most || streams[i]->bytes > most->bytes))
			most = streams[i];
	if (most)
		give(tunnel, most, tunnel->pool_packets, tunnel->pool_bytes);
}

void account_share(struct tunnel_account *tunnel, struct stream_account *const *streams,
		   size_t count, uint64_t now_ms)
{
	bool ingress = false, owed = false;
	uint64_t before = tunnel->tx_packets + tunnel->tx_dropped + tunnel->tx_errors;

	share_losses(tunnel, streams, count);
	for (size_t i = 0; i < count; i++) {
		struct stream_account *a = streams[i];
		ingress |= a->direction == INGRESS;
		if (a->direction == EGRESS)
			give(tunnel, a, least(a->owed_packets, tunnel->pool_packets),
			     least(a->owed_bytes, tunnel->pool_bytes));
	}
	share_rest(tunnel, streams, count, ingress ? INGRESS : EGRESS);
	share_surplus(tunnel, streams, count, ingress ? INGRESS : EGRESS);
	for (size_t i = 0; i < count; i++)
		owed |= streams[i]->owed_packets || streams[i]->owed_bytes;
	/* Estimates may leave a few bytes owed for ever: once nothing moves any more, they are
	 * forgotten. */
	if (!owed || before != tunnel->moved_at || !tunnel->moved_ms) {
		tunnel->moved_at = before;
		tunnel->moved_ms = now_ms;
	} else if (now_ms - tunnel->moved_ms >= SETTLE_MS) {
		for (size_t i = 0; i < count; i++)
			streams[i]->owed_packets = streams[i]->owed_bytes = 0;
	}
}
