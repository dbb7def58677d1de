/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subjects: the things an operator asked for and asks about (a collector, a mirror, an endpoint).
 * Plans block them with a reason in words, failed operations do too; every change is one log line.
 */
#ifndef VTAP_COMMON_SUBJECT_H
#define VTAP_COMMON_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/op.h"

enum { SUBJECT_LABEL = 96, SUBJECT_REASON = 256 };

struct subject {
	char label[SUBJECT_LABEL];   /* unique: "mirror eth0 ingress to soc" */
	char reason[SUBJECT_REASON]; /* why it is blocked; "" when it is not */
	char told[SUBJECT_REASON];   /* the reason that was logged last */
	char repair[OP_TEXT + 64];   /* what this pass did for it first; "" for nothing */
	unsigned operations;         /* of this pass */
	bool failed;                 /* an operation of this pass failed */
	bool worked; /* it has been in place before: further work on it is a repair */
	uint64_t repairs;
};

struct subjects {
	struct subject *items;
	size_t count;
	size_t capacity;
};

/* Its index, or -ENOMEM. */
int subjects_add(struct subjects *subjects, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Takes over the history of equally labelled ones from an older table, for a new configuration. */
void subjects_inherit(struct subjects *subjects, const struct subjects *old);
void subjects_clear(struct subjects *subjects);

/* A pass: begin, block and operations as they come, end. */
void subjects_begin(struct subjects *subjects);
/* A new round of plan on the same pass: reasons are made anew, what was done stays. */
void subjects_replan(struct subjects *subjects);
/* The first reason counts; none is overwritten. */
void subject_block(struct subjects *subjects, int subject, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* One that failed is a better reason than what a plan thought; of several the first. */
void subject_operation(struct subjects *subjects, const struct op *op, int error, const char *why);
void subjects_end(struct subjects *subjects);

bool subjects_blocked(const struct subjects *subjects); /* any of them */
bool subjects_failed(const struct subjects *subjects);  /* an operation for any of them */

#endif
