/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One look at a daemon: whom to ask, the answer, and why there is none in words.
 */
#ifndef VTAP_VTAPSTAT_LOOK_H
#define VTAP_VTAPSTAT_LOOK_H

#include <stdint.h>
#include <stdio.h>

#include "vtapstat/arguments.h"
#include "vtapstat/document.h"

struct look {
	char *answer; /* as it came */
	size_t size;
	struct document *document; /* NULL: none, then `why` and `hint` say why */
	char why[512];
	const char *hint;  /* what to do about it; may be NULL */
	const char *other; /* words about the other daemon, if that is on this host too; or NULL */
	int64_t when_ms;   /* of the answer; the clock goes on over a suspend */
	int status;        /* the exit status that it stands for */
};

void look_at(const struct arguments *arguments, struct look *look); /* asks once */
void look_end(struct look *look);                                   /* may be called again */
void look_print_why(const struct look *look, FILE *out);

#endif
