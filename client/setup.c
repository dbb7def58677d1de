/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/setup.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "client/pcap.h"
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

struct plan setup_plan(struct setup *s, uint64_t now_ms)
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
			     .nft_subject = s->nft_subject,
			     .now_ms = now_ms};
}

bool setup_hop_drained(const struct setup *s, uint64_t now_ms)
{
	for (size_t i = 0; i < s->config->collectors_count; i++)
		if (plan_hop_drained(&s->tunnels[i], now_ms))
			return true;
	return false;
}
