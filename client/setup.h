/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A configuration made ready: its filter programs, its copy streams, and what is counted for them.
 */
#ifndef VTAP_CLIENT_SETUP_H
#define VTAP_CLIENT_SETUP_H

#include "client/account.h"
#include "client/plan.h"
#include "common/problems.h"

struct setup {
	struct client_config *config;
	struct filter_program (*programs)[DIRECTIONS][FILTER_LAYERS]; /* by mirror; those for IP
								    may be empty */
	struct path *paths; /* by collector, as the four below */
	struct tunnel *tunnels;
	struct tunnel_account *tunnel_accounts;
	struct lane *lanes;
	struct stream *streams; /* by collector: streams of one collector stand together */
	struct stream_account *stream_accounts;
	size_t streams_count;
	const char **names; /* that matter: of monitored interfaces and own devices, sorted */
	size_t names_count;
	struct ifset endpoints;         /* of a collector on this host */
	int nft_subject;                /* -1: nothing is asked of nftables */
	char (*hop_names)[2][IFNAMSIZ]; /* by collector and end */
	uint16_t port_min, port_max;    /* where the kernel takes source ports from */
};

/* Takes the configuration over, also on failure. NULL: what was wrong is in problems. */
struct setup *setup_make(struct client_config *config, const char *path, struct problems *problems);
void setup_free(struct setup *setup); /* NULL is fine */

/* Fills a new table of subjects: collector i is subject i, and each stream's is in it. 0 or
 * -ENOMEM. */
int setup_subjects(struct setup *setup, struct subjects *subjects);
/* Whether the configuration asks for anything of nftables. */
bool setup_plans_nft(const struct setup *setup);
/* Whether any collector's configuration leaves room for the express lane. */
bool setup_plans_lanes(const struct setup *setup);
/* The counters of what is in both configurations go on. */
void setup_inherit(struct setup *setup, const struct setup *old);

/* Whether a link that is not the client's own is monitored, or carries a tunnel, or has a name that
 * the client needs. */
bool setup_concerns(const struct setup *setup, const struct link *link);
/* The filter of a stream; NULL: it is not there. */
const struct filter *setup_filter(const struct setup *setup, const struct stream *stream,
				  const struct snapshot *seen);
struct plan setup_plan(struct setup *setup, uint64_t now_ms);
/* Whether a hop that nobody uses has stayed long enough: the next pass removes it. */
bool setup_hop_drained(const struct setup *setup, uint64_t now_ms);

#endif
