/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/copies.h"

#include <linux/if_ether.h>
#include <stdlib.h>

#include "client/setup.h"
#include "client/tee.h"
#include "common/tc.h"

/*
 * What the tunnel delivers of a packet, less what is counted of it: at ingress, and by nftables,
 * that begins behind the Ethernet header.
 */
static int headers_of(const struct setup *s, const struct stream *stream,
		      const struct snapshot *seen)
{
	const struct link *link =
	    snapshot_link_named(seen, s->config->mirrors[stream->mirror].interface);
	bool tee = s->config->mirrors[stream->mirror].tee;
	bool counted = !tee && stream->direction == EGRESS && link && plan_has_ethernet(link);
	bool delivered = encap_keeps_ethernet(s->config->collectors[stream->collector].encap);

	return ETH_HLEN * ((int)delivered - (int)counted);
}

/*
 * What the kernel counted for a stream, as a filter's counters; NULL: there is nothing that counts.
 * The counters of both tables are one: while one table is missing they are none, and the tables
 * that are put then count from zero.
 */
static const struct filter *counts_of(const struct setup *s, const struct stream *stream,
				      const struct snapshot *seen, struct filter *scratch)
{
	const struct client_mirror *mirror = &s->config->mirrors[stream->mirror];
	char name[TALLY_NAME];
	struct tally tally;

	if (!mirror->tee)
		return setup_filter(s, stream, seen);
	tee_counter(mirror->interface, s->config->collectors[stream->collector].name,
		    stream->direction, name);
	if (!seen->ruleset.print || !snapshot_tally(seen, name, &tally))
		return NULL;
	*scratch = (struct filter){.stats = {.packets = tally.packets, .bytes = tally.bytes}};
	return scratch;
}

static const struct link *own_link(const struct snapshot *seen, const char *name)
{
	const struct link *link = snapshot_link_named(seen, name);
	return link && link->group == owner_group(OWNER_CLIENT) ? link : NULL;
}

/* Tunnel devices count what they carry without its Ethernet header: iptunnel_xmit() */
static unsigned header_of(const struct client_collector *collector)
{
	return encap_keeps_ethernet(collector->encap) ? ETH_HLEN : 0;
}

/* The hop counts on its own: also while the tunnel is gone. */
static struct tunnel_sources sources_of(const struct client_collector *collector,
					const struct snapshot *seen)
{
	struct tunnel_sources from = {.device = own_link(seen, collector->device),
				      .header = header_of(collector)};
	const struct qdisc *root =
	    from.device ? snapshot_root_qdisc(seen, from.device->ifindex) : NULL;
	char hop[IFNAMSIZ];
	size_t count = 0;

	from.cap = root && root->handle == TBF_HANDLE ? root : NULL;
	client_hop_name(collector->device, HOP_ENTRY, hop);
	from.hop = own_link(seen, hop);
	client_hop_name(collector->device, HOP_EXIT, hop);
	const struct link *way_out = own_link(seen, hop);
	const struct filter *f =
	    way_out ? snapshot_filters(seen, way_out->ifindex, TC_INGRESS, &count) : NULL;
	for (size_t i = 0; i < count; i++)
		if (f[i].owner == OWNER_CLIENT)
			from.hop_filter = &f[i];
	return from;
}

bool copies_count(struct setup *s, const struct snapshot *seen, uint64_t now_ms)
{
	struct stream_account **group = calloc(s->streams_count + 1, sizeof(*group));
	size_t at = 0;
	bool changed = false;

	if (!group)
		return false; /* the next time counts it */
	for (size_t c = 0; c < s->config->collectors_count; c++) {
		size_t count = 0;
		struct tunnel_sources from = sources_of(&s->config->collectors[c], seen);
		from.express = &s->lanes[c].counts;
		account_tunnel(&s->tunnel_accounts[c], &from);
		for (; at < s->streams_count && s->streams[at].collector == c; at++) {
			struct filter scratch;
			account_stream(&s->stream_accounts[at],
				       counts_of(s, &s->streams[at], seen, &scratch),
				       headers_of(s, &s->streams[at], seen));
			group[count++] = &s->stream_accounts[at];
		}
		account_share(&s->tunnel_accounts[c], group, count, now_ms);
		bool all_lost = s->tunnel_accounts[c].lost_in_a_row >= ACCOUNT_ALL_LOST;
		changed |= all_lost != s->tunnels[c].all_lost;
		s->tunnels[c].all_lost = all_lost;
	}
	free(group);
	return changed;
}

bool copies_look_due(const struct setup *s, enum moved moved)
{
	bool due = moved == MOVED_AND_LOST;

	for (size_t i = 0; !due && i < s->config->collectors_count; i++) {
		const struct tunnel_account *a = &s->tunnel_accounts[i];
		const struct express_counts *lane = &s->lanes[i].counts;
		bool sends = moved == MOVED_PACKETS || lane->packets != a->last[EXPRESS_SENT];
		due = lane->dropped != a->last[EXPRESS_DROPPED] || (a->lost_in_a_row && sends);
	}
	return due;
}

void copies_link_gone(struct setup *s, const struct link *link)
{
	for (size_t i = 0; i < s->config->collectors_count; i++) {
		struct tunnel_sources last = {.device = link,
					      .header = header_of(&s->config->collectors[i])};
		if ((uint64_t)link->ifindex == s->tunnel_accounts[i].ifindex)
			account_tunnel(&s->tunnel_accounts[i], &last);
	}
}

void copies_applied(struct setup *s, const struct op *op)
{
	size_t collectors = s->config->collectors_count;

	/* the subjects of streams follow those of collectors, in the streams' order */
	if (op->type == OP_FILTER_PUT && op->subject >= (int)collectors &&
	    (size_t)op->subject < collectors + s->streams_count)
		account_restart(&s->stream_accounts[(size_t)op->subject - collectors]);
	/* what was lost without it is no reason any more */
	if (op->type == OP_LINK_CREATE && op->subject >= 0 && (size_t)op->subject < collectors) {
		s->tunnel_accounts[op->subject].lost_in_a_row = 0;
		s->tunnels[op->subject].all_lost = false;
	}
	for (size_t i = 0; op->type == OP_RULESET_PUT && i < s->streams_count; i++)
		if (s->config->mirrors[s->streams[i].mirror].tee)
			account_restart(&s->stream_accounts[i]);
}
