/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line of a daemon, as its man page has it. A value: reads argv, prints nothing but
 * help, version and usage errors.
 */
#ifndef VTAP_COMMON_OPTIONS_H
#define VTAP_COMMON_OPTIONS_H

#include <stdbool.h>

struct options {
	const char *program;
	const char *config; /* the default before, the user's after */
	const char *socket;
	bool test;
	bool dry_run;
	bool remove; /* what an earlier daemon left */
	bool verbose;
};

enum { OPTIONS_GO = -1, EXIT_USAGE = 2 };

/* OPTIONS_GO, or the exit status: help or version was printed, or the usage is wrong. */
int options_parse(struct options *options, int argc, char **argv);

#endif
