/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside tee: what its parts share. tee.c is the copies and the clamps, tee_exempt.c what is not to
 * be copied, tee_table.c how chains and rules are written. For these files alone.
 */
#ifndef VTAP_CLIENT_TEE_PARTS_H
#define VTAP_CLIENT_TEE_PARTS_H

#include <stdio.h>

#include "client/tee.h"

/* One that is being written. */
struct tee_table {
	const struct tee *tee;
	unsigned family; /* RULESET_IPV4 or RULESET_IPV6 */
	FILE *text;
	unsigned rules; /* so far */
};

void tee_open_chain(struct tee_table *t, const char *name);
void tee_open_hook(struct tee_table *t, const char *name, const char *hook, int priority);
void tee_close_chain(struct tee_table *t);
/* In the chain that is open. */
void tee_rule(struct tee_table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Rules that let go uncopied what the tunnels to the collectors send and are sent. */
void tee_exempt(struct tee_table *t, enum direction direction);

#endif
