/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/account.h"

#include <linux/if_ether.h>

enum { SETTLE_MS = 1000 };

/* The growth of a kernel counter; one that shrank has started again at zero. */
static uint64_t growth(uint64_t now, uint64_t last)
{
	return now >= last ? now - last : now;
}

static void read_counters(const struct tunnel_sources *from, const uint64_t last[], uint64_t now[])
{
	/* what is gone keeps its last values: it may come back, and if anew it starts at zero */
	for (int i = 0; i < TUNNEL_COUNTERS; i++)
		now[i] = last[i];
	if (from->device) {
		now[TUNNEL_SENT] = from->device->stats.tx_packets;
		now[TUNNEL_SENT_BYTES] = from->device->stats.tx_bytes;
		now[TUNNEL_DROPPED] = from->device->stats.tx_dropped;
		now[TUNNEL_ERRORS] = from->device->stats.tx_errors;
	}
	if (from->cap)
		now[TUNNEL_CAPPED] = from->cap->drops;
	if (from->hop)
		now[HOP_DROPPED] = from->hop->stats.tx_dropped;
	if (from->hop_filter)
		now[HOP_REFUSED] =
		    from->hop_filter->stats.overlimits + from->hop_filter->stats.drops;
	if (from->express) {
		now[EXPRESS_SENT] = from->express->packets;
		now[EXPRESS_SENT_BYTES] = from->express->bytes;
		now[EXPRESS_DROPPED] = from->express->dropped;
		now[EXPRESS_EXTRA] = from->express->extra_packets;
		now[EXPRESS_EXTRA_BYTES] = from->express->extra_bytes;
	}
}

void account_tunnel(struct tunnel_account *a, const struct tunnel_sources *from)
{
	uint64_t now[TUNNEL_COUNTERS], grown[TUNNEL_COUNTERS];

	a->anew = from->device && ((uint64_t)from->device->ifindex != a->ifindex ||
				   from->device->stats.tx_packets < a->last[TUNNEL_SENT]);
	if (a->anew) {
		a->ifindex = (uint64_t)from->device->ifindex;
		for (int i = TUNNEL_SENT; i <= TUNNEL_CAPPED; i++)
			a->last[i] = 0;
	}
	read_counters(from, a->last, now);
	for (int i = 0; i < TUNNEL_COUNTERS; i++) {
		grown[i] = growth(now[i], a->last[i]);
		a->last[i] = now[i];
	}
	uint64_t sent = grown[TUNNEL_SENT] + grown[EXPRESS_SENT];
	uint64_t bytes = grown[TUNNEL_SENT_BYTES] + grown[TUNNEL_SENT] * from->header +
			 grown[EXPRESS_SENT_BYTES];
	uint64_t dropped = grown[TUNNEL_DROPPED];
	a->tx_packets += sent;
	a->tx_bytes += bytes;
	a->tx_dropped += dropped;
	a->tx_errors += grown[TUNNEL_ERRORS];
	a->pool_packets += sent;
	a->pool_bytes += bytes;
	a->pool_lost += dropped + grown[TUNNEL_ERRORS] + grown[HOP_REFUSED];
	a->held = grown[HOP_DROPPED] + grown[EXPRESS_DROPPED];
	a->capped = grown[TUNNEL_CAPPED];
	a->refused = grown[HOP_REFUSED];
	a->sent = sent;
	a->extra = grown[EXPRESS_EXTRA];
	a->extra_bytes = grown[EXPRESS_EXTRA_BYTES];
	a->lost = dropped + grown[TUNNEL_ERRORS];
}

void account_skip_express(struct tunnel_account *a, const struct express_counts *counts)
{
	a->last[EXPRESS_SENT] = counts->packets;
	a->last[EXPRESS_SENT_BYTES] = counts->bytes;
	a->last[EXPRESS_DROPPED] = counts->dropped;
	a->last[EXPRESS_EXTRA] = counts->extra_packets;
	a->last[EXPRESS_EXTRA_BYTES] = counts->extra_bytes;
}

void account_restart(struct stream_account *a)
{
	a->last = (struct filter_stats){0};
}

void account_inherit(struct stream_account *a, const struct stream_account *before)
{
	bool layer3 = a->layer3;

	*a = *before;
	a->layer3 = layer3;
	if (layer3 != before->layer3)
		account_restart(a); /* other counters */
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What of `all` goes to one that has `mine` of `whole`; never more than there is, whatever sums
 * have overflowed: numbers that a file brought may be any. */
static uint64_t share(uint64_t all, uint64_t mine, uint64_t whole)
{
	double part = (double)all * ((double)mine / (double)whole);

	return mine >= whole || part >= (double)all ? all : (uint64_t)part;
}

/* Copies that are known not to have reached the tunnel, or not to have left it. */
static void lose(struct stream_account *a, uint64_t packets)
{
	uint64_t known = least(packets, a->owed_packets);

	a->dropped += packets;
	if (!known)
		return;
	a->owed_bytes -= share(a->owed_bytes, known, a->owed_packets);
	a->owed_packets -= known;
}

void account_stream(struct stream_account *a, const struct filter *filter, int headers)
{
	a->refused = 0;
	if (!filter) {
		account_restart(a);
		return;
	}
	const struct filter_stats *now = &filter->stats;
	if (now->packets < a->last.packets || now->bytes < a->last.bytes)
		account_restart(a);
	uint64_t packets = growth(now->packets, a->last.packets);

	a->owed_packets += packets;
	a->owed_bytes += growth(now->bytes, a->last.bytes) + packets * (uint64_t)(int64_t)headers;
	a->refused =
	    growth(now->overlimits, a->last.overlimits) + growth(now->drops, a->last.drops);
	lose(a, a->refused);
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

/*
 * What the hop's entry, the lane or the qdisc holds back is mostly seen twice: they count a drop,
 * and the action that mirred it there counts an overlimit. A super-packet that was cut and lost in
 * part shows at the qdisc alone, and so do the hop's drops where veth does not tell of them (before
 * Linux 6.6); a tunnel that is down shows at the action alone. Actions are read last: what they
 * count of a moment between the two shows elsewhere in the next sample.
 */
static void merge_views(struct tunnel_account *tunnel, struct stream_account *const *streams,
			size_t count)
{
	uint64_t refused = 0;

	for (size_t i = 0; i < count; i++)
		refused += streams[i]->refused;
	uint64_t late = least(tunnel->early, tunnel->held);
	tunnel->held -= late;
	tunnel->capped -= least(tunnel->early - late, tunnel->capped);
	uint64_t both = least(refused, tunnel->held);
	refused += tunnel->refused - both;
	tunnel->pool_lost += tunnel->held - both;
	if (tunnel->capped > refused)
		tunnel->pool_lost += tunnel->capped - refused;
	tunnel->early = refused - least(refused, tunnel->capped);
	uint64_t lost = tunnel->held + (tunnel->capped > refused ? tunnel->capped : refused);
	tunnel->tx_dropped += lost;
	/* what never reached a new device may be from before there was one */
	if (tunnel->anew)
		tunnel->lost_in_a_row = lost = 0;
	tunnel->lost_in_a_row = tunnel->sent ? 0 : tunnel->lost_in_a_row + tunnel->lost + lost;
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
		/* all that is left to the last one that is owed anything */
		uint64_t part = share(tunnel->pool_lost, mine, owed);
		owed -= least(mine, owed);
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
		give(tunnel, streams[i], share(tunnel->pool_packets, mine, owed),
		     share(tunnel->pool_bytes, mine, owed));
		owed -= least(mine, owed);
	}
}

/* Super-packets of egress that were cut smaller than on the wire: by the bytes that each is owed.
 */
static void owe_extra(struct tunnel_account *tunnel, struct stream_account *const *streams,
		      size_t count)
{
	uint64_t owed = 0;

	for (size_t i = 0; i < count; i++)
		if (streams[i]->direction == EGRESS && !streams[i]->layer3)
			owed += streams[i]->owed_bytes;
	for (size_t i = 0; i < count && owed; i++) {
		struct stream_account *a = streams[i];
		if (a->direction != EGRESS || a->layer3)
			continue;
		double part = (double)a->owed_bytes / (double)owed;
		uint64_t packets = (uint64_t)((double)tunnel->extra * part);
		uint64_t bytes = (uint64_t)((double)tunnel->extra_bytes * part);
		owed -= a->owed_bytes;
		a->owed_packets += packets;
		a->owed_bytes += bytes;
		tunnel->extra -= packets;
		tunnel->extra_bytes -= bytes;
	}
}

/* An exact share: what the stream is owed, as far as it was sent. */
static void give_owed(struct tunnel_account *tunnel, struct stream_account *a)
{
	uint64_t packets = least(a->owed_packets, tunnel->pool_packets);
	uint64_t bytes = least(a->owed_bytes, tunnel->pool_bytes);

	if (a->layer3 && bytes > packets * ETH_FRAME_LEN)
		a->super_bytes = bytes - packets * ETH_FRAME_LEN;
	give(tunnel, a, packets, bytes);
}

/* The further segments of super-packets, to the streams that had such. */
static void share_segments(struct tunnel_account *tunnel, struct stream_account *const *streams,
			   size_t count)
{
	uint64_t all = 0;

	for (size_t i = 0; i < count; i++)
		all += streams[i]->super_bytes;
	for (size_t i = 0; i < count && all; i++) {
		uint64_t mine = streams[i]->super_bytes;
		give(tunnel, streams[i], share(tunnel->pool_packets, mine, all),
		     share(tunnel->pool_bytes, mine, all));
		all -= least(mine, all);
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
	merge_views(tunnel, streams, count);
	share_losses(tunnel, streams, count);
	owe_extra(tunnel, streams, count);
	for (size_t i = 0; i < count; i++) {
		struct stream_account *a = streams[i];
		ingress |= a->direction == INGRESS;
		a->super_bytes = 0;
		if (a->direction == EGRESS || a->layer3)
			give_owed(tunnel, a);
	}
	share_segments(tunnel, streams, count);
	share_rest(tunnel, streams, count, ingress ? INGRESS : EGRESS);
	share_surplus(tunnel, streams, count, ingress ? INGRESS : EGRESS);
	for (size_t i = 0; i < count; i++)
		owed |= streams[i]->owed_packets || streams[i]->owed_bytes;
	/* Estimates may leave a few bytes owed for ever: once nothing moves any more, they are
	 * forgotten. */
	uint64_t now_at = tunnel->tx_packets + tunnel->tx_dropped + tunnel->tx_errors;
	if (!owed || now_at != tunnel->moved_at || !tunnel->moved_ms) {
		tunnel->moved_at = now_at;
		tunnel->moved_ms = now_ms;
	} else if (now_ms - tunnel->moved_ms >= SETTLE_MS) {
		for (size_t i = 0; i < count; i++)
			streams[i]->owed_packets = streams[i]->owed_bytes = 0;
	}
}
