/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream: from a monitored interface, in one direction, to a tunnel or its hop. By method "tc"
 * that is a filter; method "tee" is plan_tee.c.
 */
#include "client/plan_parts.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <string.h>

#include "common/tc.h"

/* Whether the hook of this link can take a filter of ours at our pref. */
static bool hook_free(struct context *c, const struct stream *stream, const struct link *link)
{
	const struct qdisc *hook = snapshot_hook(c->seen, link->ifindex);
	uint16_t pref = c->plan->config->tc_pref;
	size_t count;

	if (hook && stream->direction == EGRESS && strcmp(hook->kind, "clsact") != 0) {
		subject_block(
		    c->subjects, stream->subject,
		    "%s has an %s qdisc of somebody else's, which leaves no hook for egress",
		    link->name, hook->kind);
		return false;
	}
	const struct filter *f = snapshot_filters(
	    c->seen, link->ifindex, stream->direction == EGRESS ? TC_EGRESS : TC_INGRESS, &count);
	for (size_t i = 0; i < count; i++) {
		if (f[i].chain || f[i].pref != pref ||
		    (strcmp(f[i].kind, "bpf") == 0 && f[i].protocol == ETH_P_ALL))
			continue;
		subject_block(c->subjects, stream->subject,
			      "pref %u of %s %s is taken by a %s filter: choose another tc_pref",
			      pref, link->name, direction_name(stream->direction), f[i].kind);
		return false;
	}
	return true;
}

bool plan_has_ethernet(const struct link *link)
{
	return link->type == ARPHRD_ETHER || link->type == ARPHRD_LOOPBACK;
}

/* Packets of this interface begin with an IP header. */
static bool has_ip(const struct link *link)
{
	switch (link->type) {
	case ARPHRD_NONE:
	case ARPHRD_RAWIP:
	case ARPHRD_PPP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
		return true;
	}
	return false;
}

static const struct filter_program *program_of(const struct context *c, const struct stream *stream,
					       const struct link *link)
{
	return &c->plan->programs[stream->mirror][stream->direction]
				 [plan_has_ethernet(link) ? FILTER_ETHERNET : FILTER_IP];
}

/* Whether this collector's tunnel can carry what this interface has, and the filter read it. */
static bool carries(struct context *c, const struct stream *stream, const struct link *link)
{
	const struct client_collector *collector = &c->plan->config->collectors[stream->collector];

	if (plan_has_ethernet(link))
		return true;
	if (!has_ip(link))
		subject_block(c->subjects, stream->subject,
			      "%s is neither an Ethernet nor an IP interface", link->name);
	else if (encap_keeps_ethernet(collector->encap))
		subject_block(c->subjects, stream->subject,
			      "%s has no Ethernet header, which %s carries: use encap \"gre\"",
			      link->name, encap_name(collector->encap));
	else if (!program_of(c, stream, link)->count)
		subject_block(c->subjects, stream->subject,
			      "the filter asks for what packets of %s do not have: they begin "
			      "with an IP header",
			      link->name);
	else
		return true;
	return false;
}

/* Whether there is something to copy and somewhere to copy it to, by whatever method. */
static bool has_ends(struct context *c, const struct stream *stream, const struct link *link)
{
	const char *interface = c->plan->config->mirrors[stream->mirror].interface;

	/* the collector's own subject says why */
	if (!c->plan->tunnels[stream->collector].usable)
		return false;
	if (!link)
		subject_block(c->subjects, stream->subject, "%s does not exist", interface);
	else if (plan_own(link))
		subject_block(c->subjects, stream->subject, "%s is a device of vtap's own",
			      interface);
	else
		return true;
	return false;
}

/*
 * The filter's handle: the one it has, found by the cookie, so that a change replaces it; else one
 * that is free. Collectors start at different handles and step by their number, so that two new
 * ones cannot meet.
 */
static uint32_t choose_handle(struct context *c, const struct stream *stream,
			      const struct link *link, uint32_t parent)
{
	const struct client_config *config = c->plan->config;
	uint32_t handle = FILTER_HANDLE + (uint32_t)stream->collector;
	const char *name = config->collectors[stream->collector].name;
	size_t count;
	const struct filter *f = snapshot_filters(c->seen, link->ifindex, parent, &count);

	for (size_t i = 0; i < count; i++)
		if (!f[i].chain && f[i].pref == config->tc_pref && f[i].owner == OWNER_CLIENT &&
		    cookie_names(f[i].cookie, f[i].cookie_size, name))
			return f[i].handle;
	for (size_t i = 0; i < count;
	     i++) /* sorted by handle: one walk passes all that is in the way */
		if (!f[i].chain && f[i].pref == config->tc_pref && f[i].handle == handle)
			handle += (uint32_t)config->collectors_count;
	return handle;
}

/* The filter of a stream by method "tc". */
static void copy_by_tc(struct context *c, struct stream *stream, const struct link *link)
{
	const struct client_config *config = c->plan->config;
	const struct client_collector *collector = &config->collectors[stream->collector];
	const struct tunnel *tunnel = &c->plan->tunnels[stream->collector];

	if (!carries(c, stream, link) || !hook_free(c, stream, link))
		return;
	const struct filter_program *program = program_of(c, stream, link);
	struct want_filter want = {.device = {.ifindex = link->ifindex},
				   .parent = stream->direction == EGRESS ? TC_EGRESS : TC_INGRESS,
				   .pref = config->tc_pref,
				   .insns = program->insns,
				   .insns_count = program->count,
				   .action = ACTION_MIRROR,
				   .subject = stream->subject};
	memcpy(want.device.name, link->name, sizeof(link->name));
	want.target = plan_device(collector->device);
	if (tunnel->hop && stream->direction == EGRESS)
		client_hop_name(collector->device, HOP_ENTRY, want.target.name);
	want.handle = stream->handle = choose_handle(c, stream, link, want.parent);
	bool made = ifset_has(c->made, link->ifindex) || !snapshot_hook(c->seen, link->ifindex);
	cookie_make(want.cookie, OWNER_CLIENT, made ? COOKIE_MADE_QDISC : 0, collector->name);
	if (!ifset_has(&c->hooks, link->ifindex)) {
		plan_add_qdisc(c, &want.device, QDISC_CLSACT, stream->subject);
		if (ifset_add(&c->hooks, link->ifindex))
			c->error = -ENOMEM;
	}
	plan_add_filter(c, &want);
	plan_tell_blind(c, stream, link, &want);
}

void plan_stream(struct context *c, struct stream *stream)
{
	const struct client_mirror *mirror = &c->plan->config->mirrors[stream->mirror];
	const struct link *link = snapshot_link_named(c->seen, mirror->interface);

	stream->handle = 0;
	stream->ifindex = link ? link->ifindex : 0;
	plan_tee_clamp(c, stream);
	if (!has_ends(c, stream, link))
		return;
	if (mirror->tee)
		plan_tee_copy(c, stream, link);
	else
		copy_by_tc(c, stream, link);
}
