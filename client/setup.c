/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/setup.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "client/pcap.h"
#include "client/tee.h"
#include "common/tc.h"

static size_t count_streams(const struct client_config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->mirrors_count; i++)
		count += config->mirrors[i].collectors_count *
			 (size_t)(config->mirrors[i].directions[INGRESS] +
				  config->mirrors[i].directions[EGRESS]);
	return count;
}

static void add_streams(struct setup *s, size_t mirror, size_t collector)
{
	for (enum direction d = INGRESS; d < DIRECTIONS; d++) {
		if (!s->config->mirrors[mirror].directions[d])
			continue;
		s->stream_accounts[s->streams_count].direction = d;
		s->stream_accounts[s->streams_count].layer3 = s->config->mirrors[mirror].tee;
		s->streams[s->streams_count++] =
		    (struct stream){.mirror = mirror, .collector = collector, .direction = d};
	}
}

static void list_streams(struct setup *s)
{
	for (size_t c = 0; c < s->config->collectors_count; c++)
		for (size_t m = 0; m < s->config->mirrors_count; m++)
			for (size_t i = 0; i < s->config->mirrors[m].collectors_count; i++)
				if (s->config->mirrors[m].collectors[i] == c)
					add_streams(s, m, c);
}

static bool keeps_ethernet(const struct client_config *config, const struct client_mirror *mirror)
{
	for (size_t i = 0; i < mirror->collectors_count; i++)
		if (!encap_keeps_ethernet(config->collectors[mirror->collectors[i]].encap))
			return false;
	return true;
}

/* Interfaces without an Ethernet header can be mirrored by GRE alone. A filter that asks for what
 * they do not have leaves no program: the plan says so if there is such an interface. */
static bool build_program(struct setup *s, const char *path, struct problems *problems, size_t i,
			  enum direction direction)
{
	const struct client_mirror *mirror = &s->config->mirrors[i];
	struct filter_program *programs = s->programs[i][direction];
	char error[FILTER_ERROR_TEXT];

	if (!keeps_ethernet(s->config, mirror))
		(void)filter_build(s->config, direction, FILTER_IP, mirror->filter,
				   &programs[FILTER_IP], error);
	if (!filter_build(s->config, direction, FILTER_ETHERNET, mirror->filter,
			  &programs[FILTER_ETHERNET], error))
		return true;
	problems_add(problems, path, 0, "mirror \"%s\" %s: %s", mirror->interface,
		     direction_name(direction), error);
	return false;
}

static bool build_programs(struct setup *s, const char *path, struct problems *problems)
{
	bool good = true;

	pcap_hold();
	for (size_t i = 0; i < s->config->mirrors_count; i++)
		for (enum direction d = INGRESS; d < DIRECTIONS; d++)
			if (s->config->mirrors[i].directions[d] && !s->config->mirrors[i].tee)
				good &= build_program(s, path, problems, i, d);
	pcap_release();
	return good;
}

static int name_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool list_names(struct setup *s)
{
	const struct client_config *config = s->config;
	size_t room = config->mirrors_count + config->collectors_count * 3;

	s->names = calloc(room + 1, sizeof(*s->names));
	s->hop_names = calloc(config->collectors_count + 1, sizeof(*s->hop_names));
	if (!s->names || !s->hop_names)
		return false;
	for (size_t i = 0; i < config->mirrors_count; i++)
		s->names[s->names_count++] = config->mirrors[i].interface;
	for (size_t i = 0; i < config->collectors_count; i++) {
		s->names[s->names_count++] = config->collectors[i].device;
		for (enum hop_end end = HOP_ENTRY; end <= HOP_EXIT; end++) {
			client_hop_name(config->collectors[i].device, end, s->hop_names[i][end]);
			s->names[s->names_count++] = s->hop_names[i][end];
		}
	}
	qsort(s->names, s->names_count, sizeof(*s->names), name_order);
	return true;
}

struct setup *setup_make(struct client_config *config, const char *path, struct problems *problems)
{
	struct setup *s = calloc(1, sizeof(*s));
	size_t collectors = config->collectors_count, streams = count_streams(config);

	if (!s) {
		problems_add(problems, path, 0, "%s", strerror(ENOMEM));
		client_config_free(config);
		return NULL;
	}
	s->config = config;
	s->nft_subject = -1;
	s->programs = calloc(config->mirrors_count + 1, sizeof(*s->programs));
	s->paths = calloc(collectors + 1, sizeof(*s->paths));
	s->tunnels = calloc(collectors + 1, sizeof(*s->tunnels));
	s->tunnel_accounts = calloc(collectors + 1, sizeof(*s->tunnel_accounts));
	s->lanes = calloc(collectors + 1, sizeof(*s->lanes));
	s->streams = calloc(streams + 1, sizeof(*s->streams));
	s->stream_accounts = calloc(streams + 1, sizeof(*s->stream_accounts));
	if (!s->programs || !s->paths || !s->tunnels || !s->tunnel_accounts || !s->streams ||
	    !s->stream_accounts || !s->lanes || !list_names(s)) {
		problems_add(problems, path, 0, "%s", strerror(ENOMEM));
	} else if (build_programs(s, path, problems)) {
		list_streams(s);
		malloc_trim(0); /* what libpcap's compiler took is not needed again */
		return s;
	}
	setup_free(s);
	return NULL;
}

void setup_free(struct setup *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->programs && i < s->config->mirrors_count; i++)
		for (enum direction d = INGRESS; d < DIRECTIONS; d++)
			for (enum filter_layer l = FILTER_ETHERNET; l < FILTER_LAYERS; l++)
				filter_free(&s->programs[i][d][l]);
	free(s->programs);
	free(s->paths);
	free(s->tunnels);
	free(s->tunnel_accounts);
	free(s->lanes);
	free(s->streams);
	free(s->stream_accounts);
	free(s->names);
	free(s->hop_names);
	ifset_clear(&s->endpoints);
	client_config_free(s->config);
	free(s);
}

int setup_subjects(struct setup *s, struct subjects *subjects)
{
	for (size_t i = 0; i < s->config->collectors_count; i++)
		if (subjects_add(subjects, "collector %s", s->config->collectors[i].name) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < s->streams_count; i++) {
		struct stream *stream = &s->streams[i];
		stream->subject = subjects_add(subjects, "mirror %s %s to %s",
					       s->config->mirrors[stream->mirror].interface,
					       direction_name(stream->direction),
					       s->config->collectors[stream->collector].name);
		if (stream->subject < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < s->config->collectors_count; i++) {
		s->lanes[i].subject = -1;
		if (!plan_lane_configured(&s->config->collectors[i]))
			continue;
		s->lanes[i].subject =
		    subjects_add(subjects, "express lane to %s", s->config->collectors[i].name);
		if (s->lanes[i].subject < 0)
			return -ENOMEM;
	}
	s->nft_subject = setup_plans_nft(s) ? subjects_add(subjects, "nftables") : -1;
	for (size_t i = 0; i < s->streams_count; i++)
		s->streams[i].tables =
		    s->config->mirrors[s->streams[i].mirror].tee ? s->nft_subject : -1;
	return s->nft_subject == -ENOMEM ? -ENOMEM : 0;
}

bool setup_plans_nft(const struct setup *s)
{
	for (size_t i = 0; i < s->streams_count; i++)
		if (s->config->mirrors[s->streams[i].mirror].tee ||
		    s->config->collectors[s->streams[i].collector].clamp_mss)
			return true;
	return false;
}

bool setup_plans_lanes(const struct setup *s)
{
	for (size_t i = 0; i < s->config->collectors_count; i++)
		if (plan_lane_configured(&s->config->collectors[i]))
			return true;
	return false;
}

/* ---- over a reload --------------------------------------------------------------------------- */

struct stream_key {
	const char *interface, *collector;
	enum direction direction;
	const struct stream_account *account;
};

static struct stream_key key_of(const struct setup *s, size_t i)
{
	const struct stream *stream = &s->streams[i];
	return (struct stream_key){s->config->mirrors[stream->mirror].interface,
				   s->config->collectors[stream->collector].name, stream->direction,
				   &s->stream_accounts[i]};
}

static int key_order(const void *a, const void *b)
{
	const struct stream_key *x = a, *y = b;
	int order = strcmp(x->interface, y->interface);
	if (!order)
		order = strcmp(x->collector, y->collector);
	return order ? order : (int)x->direction - (int)y->direction;
}

static void inherit_streams(struct setup *s, const struct setup *old)
{
	struct stream_key *keys = calloc(old->streams_count + 1, sizeof(*keys));

	if (!keys)
		return; /* the kernel's counters are all that is left of the history */
	for (size_t i = 0; i < old->streams_count; i++)
		keys[i] = key_of(old, i);
	qsort(keys, old->streams_count, sizeof(*keys), key_order);
	for (size_t i = 0; i < s->streams_count; i++) {
		struct stream_key key = key_of(s, i);
		const struct stream_key *found =
		    bsearch(&key, keys, old->streams_count, sizeof(*keys), key_order);
		if (found)
			account_inherit(&s->stream_accounts[i], found->account);
	}
	free(keys);
}

void setup_inherit(struct setup *s, const struct setup *old)
{
	for (size_t i = 0; i < s->config->collectors_count; i++)
		for (size_t j = 0; j < old->config->collectors_count; j++)
			if (strcmp(s->config->collectors[i].name,
				   old->config->collectors[j].name) == 0) {
				int subject = s->lanes[i].subject;
				s->tunnel_accounts[i] = old->tunnel_accounts[j];
				s->lanes[i] = old->lanes[j];
				s->lanes[i].subject = subject;
			}
	inherit_streams(s, old);
}

/* ---- around a pass --------------------------------------------------------------------------- */

static int find_path(const struct setup *s, size_t collector, struct kernel *kernel,
		     struct route *out)
{
	const struct client_collector *c = &s->config->collectors[collector];
	struct route_query query = {.to = c->address,
				    .from = c->local,
				    .tos = (uint8_t)(c->dscp << 2),
				    .closely = plan_lane_configured(c)};

	int error = kernel->route(kernel, &query, out);
	/* a next hop that failed is asked anew with every packet, and has not answered until it is
	 * good */
	const struct route *before = &s->paths[collector].route;
	if (!error && out->next_hop == NEXT_HOP_ASKED && before->next_hop == NEXT_HOP_FAILED &&
	    ip_addr_equal(&out->via, &before->via))
		out->next_hop = NEXT_HOP_FAILED;
	return error;
}

static bool good(const struct route *route)
{
	return route->next_hop == NEXT_HOP_GOOD;
}

static bool failed(const struct route *route)
{
	return route->next_hop == NEXT_HOP_FAILED;
}

void setup_find_paths(struct setup *s, struct kernel *kernel)
{
	for (size_t i = 0; i < s->config->collectors_count; i++) {
		struct route now;
		s->paths[i].error = find_path(s, i, kernel, &now);
		s->paths[i].route = now;
	}
}

bool setup_paths_changed(const struct setup *s, struct kernel *kernel)
{
	for (size_t i = 0; i < s->config->collectors_count; i++) {
		const struct route *before = &s->paths[i].route;
		struct route now;
		int error = find_path(s, i, kernel, &now);
		if (error != s->paths[i].error)
			return true;
		if (!error &&
		    (now.oif != before->oif || now.mtu != before->mtu ||
		     now.local != before->local || failed(&now) != failed(before) ||
		     !ip_addr_equal(&now.from, &before->from) ||
		     !ip_addr_equal(&now.via, &before->via) || now.several != before->several ||
		     now.wrapped != before->wrapped || now.finishes != before->finishes ||
		     (good(&now) != good(before) &&
		      plan_lane_configured(&s->config->collectors[i]))))
			return true;
	}
	return false;
}

bool setup_concerns(const struct setup *s, const struct link *link)
{
	const char *name = link->name;

	for (size_t i = 0; i < s->config->collectors_count; i++)
		if (!s->paths[i].error && s->paths[i].route.oif == link->ifindex)
			return true;
	return bsearch(&name, s->names, s->names_count, sizeof(*s->names), name_order) != NULL;
}

const struct filter *setup_filter(const struct setup *s, const struct stream *stream,
				  const struct snapshot *seen)
{
	uint32_t parent = stream->direction == EGRESS ? TC_EGRESS : TC_INGRESS;
	const char *name = s->config->collectors[stream->collector].name;
	const struct link *link =
	    snapshot_link_named(seen, s->config->mirrors[stream->mirror].interface);
	size_t count;

	const struct filter *f =
	    link ? snapshot_filters(seen, link->ifindex, parent, &count) : NULL;
	for (size_t i = 0; f && i < count; i++)
		if (f[i].owner == OWNER_CLIENT && f[i].pref == s->config->tc_pref &&
		    cookie_names(f[i].cookie, f[i].cookie_size, name))
			return &f[i];
	return NULL;
}

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

bool setup_count(struct setup *s, const struct snapshot *seen, uint64_t now_ms)
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

bool setup_look_due(const struct setup *s, enum moved moved)
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

void setup_link_gone(struct setup *s, const struct link *link)
{
	for (size_t i = 0; i < s->config->collectors_count; i++) {
		struct tunnel_sources last = {.device = link,
					      .header = header_of(&s->config->collectors[i])};
		if ((uint64_t)link->ifindex == s->tunnel_accounts[i].ifindex)
			account_tunnel(&s->tunnel_accounts[i], &last);
	}
}

void setup_applied(struct setup *s, const struct op *op)
{
	size_t collectors = s->config->collectors_count;

	/* the subjects of streams follow those of collectors, in the streams' order */
	if (op->type == OP_FILTER_PUT && op->subject >= (int)collectors &&
	    (size_t)op->subject < collectors + s->streams_count)
		account_restart(&s->stream_accounts[(size_t)op->subject - collectors]);
	for (size_t i = 0; op->type == OP_RULESET_PUT && i < s->streams_count; i++)
		if (s->config->mirrors[s->streams[i].mirror].tee)
			account_restart(&s->stream_accounts[i]);
}

struct plan setup_plan(struct setup *s)
{
	return (struct plan){.config = s->config,
			     .programs = s->programs,
			     .paths = s->paths,
			     .tunnels = s->tunnels,
			     .lanes = s->lanes,
			     .port_min = s->port_min,
			     .port_max = s->port_max,
			     .streams = s->streams,
			     .streams_count = s->streams_count,
			     .nft_subject = s->nft_subject};
}
