/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the plan says of things that are not vtap's to change: programs and filters of others that
 * keep packets from it, a next hop that does not answer. It plans nothing.
 */
#include "client/plan_parts.h"

#include "common/ahead.h"

/* eBPF programs of others on a device of ours: they can be attached so that nobody else can detach
 * them. The express lane's is not one. */
void plan_tell_programs(struct context *c, const char *name, const struct lane *lane, int subject)
{
	const struct link *link = snapshot_link_named(c->seen, name);
	struct ahead_finding found;

	if (link && ahead_on_own(c->seen, link, plan_lane_program(c, lane, name), &found))
		subject_block(c->subjects, subject, "there is a %s, vtap's own device: %s",
			      found.words, found.cure);
}

/* The kernel counts as sent what then waits for this neighbour, and throws it away. */
void plan_tell_next_hop(struct context *c, const struct path *path, int subject)
{
	const struct link *out = snapshot_link(c->seen, path->route.oif);
	char address[IP_ADDR_TEXT];

	subject_block(c->subjects, subject, "the next hop %s on %s does not answer",
		      ip_addr_format(&path->route.via, address), out ? out->name : "?");
}

/* What is ahead of our filter is production's and stays; but a mirror that sees nothing says so. */
void plan_tell_blind(struct context *c, const struct stream *stream, const struct link *link,
		     const struct want_filter *want)
{
	struct ahead_finding ahead;

	ahead_describe(c->seen, link, want->parent, want->pref, want->handle, &ahead);
	if (ahead.what == AHEAD_DOES)
		subject_block(c->subjects, stream->subject,
			      "%s keeps packets from vtap's filter behind it: %s", ahead.words,
			      ahead.cure);
	else if (ahead.what == AHEAD_MAY && stream->blind.starved)
		subject_block(c->subjects, stream->subject,
			      "packets pass and are not copied, as %s may keep them back: %s",
			      ahead.words, ahead.cure);
}
