/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/plan_parts.h"

#include <errno.h>
#include <string.h>

/* Whether nftables gets to see what this interface has, as it is. */
static bool tee_reaches(struct context *c, const struct stream *stream, const struct link *link)
{
	const struct link *master = snapshot_link(c->seen, link->master);

	if (master && strcmp(master->kind_name, "vrf") != 0)
		subject_block(c->subjects, stream->subject,
			      "%s is a part of %s: what it carries reaches nftables there, if at "
			      "all; use method \"tc\"",
			      link->name, master->name);
	else if (link->mtu > TEE_DEVICE_MTU)
		subject_block(c->subjects, stream->subject,
			      "%s has an MTU of %u, method \"tee\" can copy %u: use method \"tc\"",
			      link->name, link->mtu, TEE_DEVICE_MTU);
	else
		return true;
	return false;
}

void plan_tee_copy(struct context *c, const struct stream *stream, const struct link *link)
{
	const char *interface = c->plan->config->mirrors[stream->mirror].interface;
	const struct client_collector *collector = &c->plan->config->collectors[stream->collector];
	const struct link *device = snapshot_link_named(c->seen, collector->device);

	if (!tee_reaches(c, stream, link))
		return;
	if (!device) {
		c->desired->ruleset.later = true; /* its ifindex is known when it is there */
		return;
	}
	struct tee_copy *copy = ARRAY_ADD(&c->tee.copies);
	if (copy)
		*copy = (struct tee_copy){interface, collector->name, stream->direction,
					  device->ifindex};
	else
		c->error = -ENOMEM;
}

void plan_tee_clamp(struct context *c, const struct stream *stream)
{
	const char *interface = c->plan->config->mirrors[stream->mirror].interface;
	const struct tunnel *tunnel = &c->plan->tunnels[stream->collector];

	if (c->plan->config->collectors[stream->collector].clamp_mss && tunnel->too_small &&
	    tunnel->fits && tee_name_fits(interface) &&
	    tee_add_clamp(&c->tee, interface, tunnel->fits))
		c->error = -ENOMEM;
}

void plan_tee_ruleset(struct context *c)
{
	struct want_ruleset *want = &c->desired->ruleset;

	want->subject = c->plan->nft_subject;
	c->tee.config = c->plan->config;
	if (c->tee.copies.count || c->tee.clamps.count) {
		want->text = tee_text(&c->tee, &want->print);
		if (!want->text)
			c->error = -ENOMEM;
		if (c->seen->ruleset.foreign)
			subject_block(c->subjects, want->subject,
				      "nftables has a table of this name that vtap-client did not "
				      "make");
	}
	tee_clear(&c->tee);
}
