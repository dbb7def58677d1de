/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers that are being read: one may have several readers, and they are counted so that all of
 * them together have a limit. Values only: the time is a parameter.
 */
#ifndef VTAP_COMMON_ANSWERS_H
#define VTAP_COMMON_ANSWERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* With so many bytes being read, the next answer waits: until some were read, or the oldest ones
 * are that old. */
enum { ANSWERS_SIZE_MAX = 16 * 1024 * 1024, ANSWERS_AGE_MS = 1000 };

struct answer {
	TAILQ_ENTRY(answer) entry;
	unsigned int readers;
	uint64_t made_ms;
	size_t size;
	char *text; /* with its newline, `size` bytes */
};

struct answers {
	TAILQ_HEAD(answer_list, answer) list; /* the oldest first */
	size_t size;                          /* of all, in bytes */
};

void answers_init(struct answers *answers);
/*
 * `text`, malloc'd, gets a newline; NULL, which is what a lack of memory comes to, becomes an error
 * in JSON. The answer has one reader so far, who releases it. NULL: no memory even for that.
 */
struct answer *answers_make(struct answers *answers, char *text, uint64_t now_ms);
/* One reader less; without any the answer is gone. */
void answers_release(struct answers *answers, struct answer *answer);
/* The answer that has to go before there is room for another one; NULL: there is room. */
struct answer *answers_in_the_way(const struct answers *answers);

#endif
