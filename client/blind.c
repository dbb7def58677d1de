/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/blind.h"

#include "client/setup.h"
#include "common/ahead.h"
#include "common/tc.h"

enum {
	SMALLEST_FRAGMENTED = 1000, /* bytes: what is shorter leaves in one piece */
	OUTER_BYTES = 70            /* at most, of a tunnel packet's headers */
};

/* Nothing is ahead of the filter, or there is no filter. */
static void end(struct blind *blind)
{
	*blind = (struct blind){0};
}

/* Something is: the watch begins, if it has not. */
static void begin(struct blind *blind, const struct blind_sample *now)
{
	if (!blind->watching)
		*blind = (struct blind){.watching = true, .last = *now};
}

/* Of a counter, what is new; of one that began anew, nothing is known. */
static bool grown(const struct blind_count *now, const struct blind_count *last,
		  struct blind_count *by)
{
	if (now->packets < last->packets || now->bytes < last->bytes)
		return false;
	*by = (struct blind_count){now->packets - last->packets, now->bytes - last->bytes};
	return true;
}

void blind_judge(struct blind *blind, const struct blind_sample *now)
{
	const struct blind_sample *last = &blind->last;
	struct blind_count passed, exempt, copied;

	begin(blind, now);
	if (now->ifindex != last->ifindex || !grown(&now->passed, &last->passed, &passed) ||
	    !grown(&now->exempt, &last->exempt, &exempt) ||
	    !grown(&now->copied, &last->copied, &copied)) {
		blind->last = *now;
		return;
	}
	if (passed.packets < BLIND_PACKETS + exempt.packets || passed.bytes < exempt.bytes)
		return;
	uint64_t due = passed.bytes - exempt.bytes;
	blind->starved = now->filtered ? !copied.packets : copied.bytes < due / BLIND_SHARE;
	blind->last = *now;
}

/* Whether what a tunnel sends may show in the counters of this link: it is sent through it, or
 * through something that is, or may be, built upon it. */
static bool carries(const struct setup *s, size_t collector, const struct snapshot *seen,
		    const struct link *link)
{
	const struct path *path = &s->paths[collector];
	const struct link *out = path->error ? NULL : snapshot_link(seen, path->route.oif);

	if (!out || out == link)
		return true;
	return out->kind_name[0] && out->kind != LINK_VETH;
}

/* What our filters leave out: on the way out what our tunnels send, on the way in what a collector
 * on this host takes. */
static struct blind_count exempt_at(const struct setup *s, const struct stream *stream,
				    const struct snapshot *seen, const struct link *link)
{
	struct blind_count sum = {0};

	for (size_t i = 0; stream->direction == EGRESS && i < s->config->collectors_count; i++)
		if (carries(s, i, seen, link)) {
			sum.packets += s->tunnel_accounts[i].tx_packets;
			sum.bytes += s->tunnel_accounts[i].tx_bytes;
		}
	for (size_t i = 0; stream->direction == INGRESS && i < s->endpoints.count; i++) {
		const struct link *endpoint = snapshot_link(seen, s->endpoints.items[i]);
		sum.packets += endpoint ? endpoint->stats.rx_packets : 0;
		sum.bytes += endpoint ? endpoint->stats.rx_bytes : 0;
	}
	sum.packets += sum.bytes / SMALLEST_FRAGMENTED;
	sum.bytes += sum.packets * OUTER_BYTES;
	return sum;
}

/*
 * A filter of the user's own may match nothing for long. XDP programs mostly let packets pass: with
 * such a filter they are no reason to warn.
 */
static enum ahead ahead_of_stream(const struct setup *s, const struct stream *stream,
				  const struct snapshot *seen, const struct link *link,
				  const struct filter *filter)
{
	struct link plain = *link;

	if (s->config->mirrors[stream->mirror].filter[0])
		plain.xdp = 0;
	return ahead_of(seen, &plain, filter->parent, filter->pref, filter->handle);
}

static void look(const struct setup *s, struct stream *stream, const struct snapshot *seen,
		 bool judge)
{
	const struct filter *filter = setup_filter(s, stream, seen);
	const struct link *link = filter ? snapshot_link(seen, filter->ifindex) : NULL;
	enum ahead ahead = link ? ahead_of_stream(s, stream, seen, link, filter) : AHEAD_NOTHING;

	if (ahead != AHEAD_MAY) {
		end(&stream->blind);
		stream->blind.robbed = ahead == AHEAD_DOES;
		return;
	}
	const struct link_stats *stats = &link->stats;
	struct blind_sample now = {
	    .ifindex = link->ifindex,
	    .filtered = s->config->mirrors[stream->mirror].filter[0] != '\0',
	    .exempt = exempt_at(s, stream, seen, link),
	    .copied = {filter->stats.packets, filter->stats.bytes},
	};
	if (stream->direction == EGRESS)
		now.passed = (struct blind_count){stats->tx_packets, stats->tx_bytes};
	else
		now.passed = (struct blind_count){stats->rx_packets, stats->rx_bytes};
	if (judge)
		blind_judge(&stream->blind, &now);
	else
		begin(&stream->blind, &now);
}

static void find_endpoints(struct setup *s, const struct snapshot *seen)
{
	s->endpoints.count = 0;
	for (size_t i = 0; i < seen->links.count; i++)
		if (seen->links.items[i].group == owner_group(OWNER_COLLECTOR))
			(void)ifset_add(&s->endpoints, seen->links.items[i].ifindex);
}

bool blind_look(struct setup *s, const struct snapshot *seen, bool judge)
{
	bool changed = false;

	find_endpoints(s, seen);
	for (size_t i = 0; i < s->streams_count; i++) {
		struct stream *stream = &s->streams[i];
		bool starved = stream->blind.starved, robbed = stream->blind.robbed;
		look(s, stream, seen, judge);
		changed |= starved != stream->blind.starved || robbed != stream->blind.robbed;
	}
	return changed;
}
