/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line.
 */
#ifndef VTAP_VTAPSTAT_ARGUMENTS_H
#define VTAP_VTAPSTAT_ARGUMENTS_H

#include <stdbool.h>

enum { STATUS_OK = 0, STATUS_DEGRADED = 1, STATUS_USAGE = 2, STATUS_NO_ANSWER = 3 };

struct arguments {
	bool json;
	bool watch;
	double interval;    /* seconds */
	const char *sort;   /* names a column of `daemon`, or of either; NULL: none */
	const char *path;   /* NULL: the daemon's default */
	const char *daemon; /* "client", "collector" or NULL: whichever is there */
};

/* The exit status to end with at once, or -1 to go on. Says what is wrong. */
int arguments_parse(int argc, char **argv, struct arguments *arguments);

#endif
