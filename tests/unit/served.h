/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of what serves a socket: the daemon's side in a child that ends by SIGTERM, and
 * what its peers do on either kind of socket.
 */
#ifndef VTAP_TESTS_SERVED_H
#define VTAP_TESTS_SERVED_H

#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "common/loop.h"

struct served {
	int (*open)(struct loop *loop, void *ctx); /* not 0: the child ends with it */
	void (*close)(void *ctx);
	void *ctx;
	int descriptors; /* limit, once it is open; 0: none */
};

extern pid_t served_pid; /* 0: there is none */

/* Returns when it serves. */
void served_start(const struct served *served);
/* It ends in good order; what it used, and its processor time alone, in ms. */
struct rusage served_end(void);
long served_stop(void);
/* For a fixture's end: it may be there, or not. */
void served_kill(void);

void served_say(int fd, const char *text);
/* Everything up to the end, which must be an orderly one; closes. At most `room` bytes, which must
 * come within patience_ms of each other. */
char *served_hear(int fd, size_t room, int patience_ms);

#endif
