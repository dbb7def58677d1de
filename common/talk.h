/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One netlink request and its whole answer, over a socket of its own. Knows no message's meaning.
 */
#ifndef VTAP_COMMON_TALK_H
#define VTAP_COMMON_TALK_H

#include <libmnl/libmnl.h>

#include "common/nlmsg.h"

enum { TALK_SIZE = 128 * 1024 }; /* of both buffers: a filter of 4096 instructions takes 32 KiB */

struct talk {
	struct mnl_socket *socket;
	unsigned seq;
	char words[256]; /* the kernel's text for the last error, "" for none */
	char *request;
	char *answer;
};

/* protocol: NETLINK_ROUTE ... 0 or a negative errno; then there is nothing to close. */
int talk_open(struct talk *talk, int protocol);
void talk_close(struct talk *talk); /* one that is all zero is fine */

/* Gets each message of an answer; a negative errno ends it. */
typedef int (*talk_fn)(const struct nlmsghdr *header, void *ctx);

/*
 * Sends and takes in the whole answer. 0 or a negative errno; -EINTR: an interrupted dump, which is
 * worth another try.
 */
int talk(struct talk *talk, struct nlmsg *m, talk_fn fn, void *ctx);

enum { TALK_DUMP_TRIES = 8 };

#endif
