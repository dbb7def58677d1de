/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the diff: what its halves share. diff_drop.c is what goes, diff_want.c what comes, diff.c
 * their order. For these files alone.
 */
#ifndef VTAP_COMMON_DIFF_PARTS_H
#define VTAP_COMMON_DIFF_PARTS_H

#include "common/diff.h"

/* Where a filter is; one for each that is desired, to tell which observed ones are not. */
struct place {
	int ifindex;
	uint32_t parent;
	uint32_t pref;
	uint32_t handle;
};

struct diff {
	const struct snapshot *s;
	const struct desired *desired;
	const struct ifset *made;
	struct ifset hooks_wanted; /* links that shall have a clsact */
	struct place *places;      /* of the desired filters, sorted */
	struct ops *ops;
	int error;
};

struct op *diff_add(struct diff *d, enum op_type type, const struct device *device, int subject,
		    const char *why);
struct device diff_device_of(const struct link *link);
struct device diff_device_named(const char *name);
struct device diff_device_at(const struct diff *d, int ifindex);
bool diff_ours(const struct diff *d, const struct link *link);
/* Whether the kernel's link is another thing than the wanted one, or can only become it by being
 * made anew. */
bool diff_must_recreate(const struct diff *d, const struct link *link,
			const struct want_link *want);
/* The observed link that a wanted one can keep; NULL: it has to be made. */
const struct link *diff_kept_link(const struct diff *d, const struct want_link *want);
const struct want_link *diff_wanted_link(const struct diff *d, const char *name);
/* The device as the later operations will find it: a link that is made anew has no ifindex yet. */
struct device diff_resolve(const struct diff *d, const struct device *device);
bool diff_filter_wanted(const struct diff *d, const struct filter *f);

/*
 * What goes. Mirrors go before the links they lead to; verdicts, which guard links, after them.
 */
void diff_drop_filters(struct diff *d, bool verdicts);
/* A clsact that vtap made and nobody uses. */
void diff_drop_hooks(struct diff *d);
/* nftables tables that are not wanted any more. */
void diff_drop_ruleset(struct diff *d);
/*
 * Links that are unwanted or cannot be changed in place. Tunnels go `first`, as the kernel allows
 * one VNI and port once; a hop goes after the filters that led to it were put anew, so that no copy
 * is lost on the way.
 */
void diff_drop_links(struct diff *d, bool first);
/* Filters of others on links of ours. */
void diff_drop_strays(struct diff *d);
/* Root qdiscs on links of ours that are not a wanted rate cap. */
void diff_drop_caps(struct diff *d);

/* What comes. */
void diff_want_link(struct diff *d, const struct want_link *want);
void diff_want_qdisc(struct diff *d, const struct want_qdisc *want);
/*
 * A verdict in place of another one comes before anything goes or comes: a program may judge by
 * which links are there, and an older one would not know what is about to change.
 */
void diff_change_verdicts(struct diff *d);
/*
 * What guards our links, on them or in front of them, comes before they go up: nothing unsealed is
 * ever up. What leads traffic to them comes last.
 */
void diff_want_filters(struct diff *d, bool guards);
/*
 * The end of a hop that copies leave at goes first: the other end then finds its carrier when it is
 * opened, and sends at once. Else a work queue starts it, and what comes before that is lost.
 */
void diff_want_up(struct diff *d, bool born);
/* Routes to links that nftables copies to; a link must be up to have any. */
void diff_want_ways(struct diff *d);
void diff_want_ruleset(struct diff *d);
/* Both, for links that are yet to be made. */
void diff_later_ways(struct diff *d);
void diff_later_ruleset(struct diff *d);

#endif
