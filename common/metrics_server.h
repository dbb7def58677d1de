/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The metrics over HTTP, for Prometheus: GET /metrics, and nothing else. Whatever readers do, they
 * cost a bounded part of the daemon's memory and time. No authentication, no encryption: who may
 * connect is a matter of the address it listens on. An address that is not to be had is waited for,
 * never a reason to stop.
 */
#ifndef VTAP_COMMON_METRICS_SERVER_H
#define VTAP_COMMON_METRICS_SERVER_H

#include "common/addr.h"
#include "common/metrics_text.h"

struct loop;
struct metrics_server;

enum {
	METRICS_CONNECTIONS_MAX = 64, /* further ones wait until one of these ends */
	METRICS_TIMEOUT_S = 10,       /* for a connection, from its begin to its end */
	METRICS_FRESH_MS = 500,       /* a document serves all who ask within this time */
};

/* Writes the document of this moment; metrics_end() is the server's. */
typedef void (*metrics_write_fn)(void *ctx, struct metrics_text *text);

/* Listens nowhere yet. NULL: no memory. */
struct metrics_server *metrics_server_new(struct loop *loop, metrics_write_fn write, void *ctx);
/* Listens there from now on, and nowhere else; family 0: nowhere. What is being answered is
 * answered to its end. */
void metrics_server_listen(struct metrics_server *server, const struct ip_endpoint *endpoint);
void metrics_server_free(struct metrics_server *server); /* NULL is fine */

#endif
