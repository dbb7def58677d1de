/* SPDX-License-Identifier: BSD-2-Clause */
#include "vtapstat/arguments.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vtapstat/view.h"

static const double interval_default = 2, interval_min = 0.1, interval_max = 86400;

static void usage(FILE *out)
{
	fputs(
	    "usage: vtapstat [-j|--json] [-w|--watch[=SECONDS]] [--sort COLUMN] "
	    "[-s|--socket PATH]\n"
	    "                [client|collector]\n"
	    "\n"
	    "  -j, --json             print the daemon's answer as it is\n"
	    "  -w, --watch[=SECONDS]  again and again, every 2 seconds or as given, with rates\n"
	    "      --sort COLUMN      order of the clients or mirrors: numbers from the largest,\n"
	    "                         the rest from the smallest; -COLUMN the other way round\n"
	    "  -s, --socket PATH      ask at this socket\n"
	    "  -V, --version          print the version\n"
	    "  -h, --help             print this\n"
	    "\n"
	    "Without client or collector: the one whose socket is in /run/vtap, collector first.\n"
	    "Exit status: 0 ok, 1 degraded, 2 usage, 3 no daemon or no valid answer.\n",
	    out);
}

static bool parse_interval(const char *text, double *out)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !isfinite(value) || value < interval_min ||
	    value > interval_max)
		return false;
	*out = value;
	return true;
}

static int parse_daemon(int argc, char **argv, struct arguments *arguments)
{
	if (optind == argc)
		return -1;
	if (strcmp(argv[optind], "client") != 0 && strcmp(argv[optind], "collector") != 0) {
		fprintf(stderr, "vtapstat: \"%s\" is neither client nor collector\n", argv[optind]);
		if (arguments->watch && parse_interval(argv[optind], &arguments->interval))
			fprintf(stderr, "vtapstat: seconds are written --watch=%s or -w%s\n",
				argv[optind], argv[optind]);
		return STATUS_USAGE;
	}
	if (optind + 1 < argc) {
		fprintf(stderr, "vtapstat: \"%s\" is one word too many\n", argv[optind + 1]);
		usage(stderr);
		return STATUS_USAGE;
	}
	arguments->daemon = argv[optind];
	return -1;
}

/* What can be wrong only when all is known. */
static int check(const struct arguments *arguments)
{
	if (arguments->sort == NULL)
		return -1;
	if (arguments->json) {
		fputs("vtapstat: --json is the daemon's answer as it is: it cannot be sorted\n",
		      stderr);
		return STATUS_USAGE;
	}
	if (!view_can_sort(arguments->daemon, arguments->sort)) {
		fprintf(stderr, "vtapstat: there is no column \"%s\" to sort by\n",
			arguments->sort);
		view_print_columns(arguments->daemon, stderr);
		return STATUS_USAGE;
	}
	return -1;
}

static int parse_watch(struct arguments *arguments)
{
	arguments->watch = true;
	if (optarg == NULL || parse_interval(optarg, &arguments->interval))
		return -1;
	fprintf(stderr, "vtapstat: \"%s\" is not a number of seconds from %g to %.0f\n", optarg,
		interval_min, interval_max);
	return STATUS_USAGE;
}

/* One option; as arguments_parse. */
static int parse_option(int c, struct arguments *arguments)
{
	switch (c) {
	case 'j':
		arguments->json = true;
		return -1;
	case 'w':
		return parse_watch(arguments);
	case 'o':
		arguments->sort = optarg;
		return -1;
	case 's':
		arguments->path = optarg;
		return -1;
	case 'V':
		puts("vtapstat " PACKAGE_VERSION);
		return STATUS_OK;
	case 'h':
		usage(stdout);
		return STATUS_OK;
	default:
		usage(stderr);
		return STATUS_USAGE;
	}
}

int arguments_parse(int argc, char **argv, struct arguments *arguments)
{
	/* 'o' is no short option: it is not in the string below */
	static const struct option longs[] = {
	    {"json", no_argument, NULL, 'j'},
	    {"watch", optional_argument, NULL, 'w'},
	    {"sort", required_argument, NULL, 'o'},
	    {"socket", required_argument, NULL, 's'},
	    {"version", no_argument, NULL, 'V'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int status = -1;
	int c;

	*arguments = (struct arguments){.interval = interval_default};
	while (status < 0 && (c = getopt_long(argc, argv, "jw::s:Vh", longs, NULL)) != -1)
		status = parse_option(c, arguments);
	if (status < 0)
		status = parse_daemon(argc, argv, arguments);
	return status < 0 ? check(arguments) : status;
}
