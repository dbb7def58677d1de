/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words of a configuration file, as libconfuse 3.3 would read them if it counted lines well. Knows
 * how words are written, not what statements are made of.
 */
#ifndef VTAP_COMMON_CONF_TOKEN_H
#define VTAP_COMMON_CONF_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/array.h"
#include "common/problems.h"

struct conf_token {
	char kind;  /* 's': word or string; '+': "+="; else the character itself; 0: the end */
	int line;   /* where it begins, from 1 */
	char *text; /* as written, but strings always in double quotes, on one line, without ${} */

	/* for conf_text.c, which gets them all zero: */
	bool dropped;   /* not for libconfuse */
	unsigned title; /* not 0: the title of section number `title` */
	bool inside;    /* the same, of a section whose title is told in its body */
};

struct conf_tokens {
	struct conf_token *items; /* the last one is the end */
	size_t count, capacity;
};

/* Fills an empty one. False: there is a problem, and some of the tokens may be there. */
bool conf_tokens_read(struct conf_tokens *tokens, const char *text, const char *path,
		      struct problems *problems);
void conf_tokens_clear(struct conf_tokens *tokens);

#endif
