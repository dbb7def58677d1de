/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a vtap daemon, the same for both: command line, configuration, events into passes,
 * signals, control socket, service manager. What is particular comes through struct daemon.
 */
#ifndef VTAP_COMMON_DAEMON_H
#define VTAP_COMMON_DAEMON_H

#include <stdbool.h>
#include <stddef.h>

#include "common/addr.h"
#include "common/hooks_file.h"
#include "common/metrics_text.h"
#include "common/problems.h"
#include "common/reconcile.h"
#include "common/service.h"

struct daemon {
	const char *name;   /* "vtap-client" */
	const char *config; /* default path */
	const char *socket; /* default path */
	bool needs_bpf;
	unsigned tick_ms; /* tick() is called this often; 0: never */

	/* All of them get ctx. */
	void *ctx;
	/* Reads the file into a configuration that waits; false: problems were added, nothing
	 * waits. */
	bool (*load)(void *ctx, const char *path, struct problems *problems);
	/* The waiting configuration becomes the one in force. */
	int (*adopt)(void *ctx);
	/* Once, after the first adopt, with privileges checked; may be NULL. */
	int (*open)(void *ctx, const struct service *service, char *why, size_t why_size);
	/* Brings what the status shows up to this moment. True: something to plan anew came out. */
	bool (*refresh)(void *ctx);
	/* The status document, as control_status_fn. */
	char *(*status)(void *ctx, bool degraded, double uptime_s);
	/* The same for Prometheus; started_s: seconds since 1970. */
	void (*metrics)(void *ctx, bool degraded, uint64_t started_s, struct metrics_text *text);
	struct ip_endpoint metrics_listen; /* where; adopt() fills it in, family 0: nowhere */
	/* The state in a few words, for the service manager. */
	void (*summary)(void *ctx, char *text, size_t size);
	void (*tick)(void *ctx);
	/* After each operation that the kernel took; may be NULL. */
	void (*applied)(void *ctx, const struct op *op);
	/* After a pass that was not completed; may be NULL. */
	void (*failed)(void *ctx);
	/* After a pass that ran operations, and before the daemon leaves everything in place; may
	 * be NULL. */
	void (*keep)(void *ctx);
	/* A link of the owner's was deleted by others; its last counters. May be NULL. */
	void (*link_gone)(void *ctx, const struct link *link);
	/* After everything was removed; may be NULL. */
	void (*forget)(void *ctx);

	/* Whether a link of somebody else's matters to the plan: see struct hint_context. */
	bool (*concerns)(void *ctx, const struct link *link);
	bool looks_at_nft;            /* nftables tables of its owner may be there */
	bool (*plans_nft)(void *ctx); /* whether the plan has some; may be NULL */
	/* Whether the plan has packets that IPsec does not see, and so depends on its policies; may
	 * be NULL. */
	bool (*plans_past_ipsec)(void *ctx);
	bool plans_addresses; /* the plan depends on which links have addresses */
	/* Whether the plan would find other routes than it did; may be NULL. */
	bool (*routes_changed)(void *ctx);
	/* Asked each second, with what the owner's links did since the last look at the counters:
	 * whether another look is due, which may show something to tell. May be NULL. */
	bool (*look_due)(void *ctx, enum moved moved);
	/* An IPsec policy came, went or changed; may be NULL. */
	void (*policies_changed)(void *ctx);

	struct reconcile reconcile; /* its owner, plan and ctx; the rest is daemon_run's */
	struct subjects subjects;
	bool acted; /* the pass ran operations */
	struct hooks_file hooks_file;
};

/* Runs it; the exit status. */
int daemon_run(struct daemon *daemon, int argc, char **argv);

#endif
