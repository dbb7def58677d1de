/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static void print_help(const struct options *o)
{
	printf("Usage: %s [OPTION]...\n"
	       "\n"
	       "  -c, --config FILE   configuration (default %s)\n"
	       "  -s, --socket PATH   control socket (default %s)\n"
	       "  -t, --test          check the configuration and exit\n"
	       "  -n, --dry-run       print what a first pass would do, change nothing\n"
	       "  -r, --remove        remove everything that an earlier one left, and exit\n"
	       "  -v, --verbose       log every operation\n"
	       "  -V, --version       print the version\n"
	       "  -h, --help          print this\n"
	       "\n"
	       "See %s(8) and %s.conf(5).\n",
	       o->program, o->config, o->socket, o->program, o->program);
}

int options_parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"socket", required_argument, NULL, 's'},
	    {"test", no_argument, NULL, 't'},
	    {"dry-run", no_argument, NULL, 'n'},
	    {"remove", no_argument, NULL, 'r'},
	    {"verbose", no_argument, NULL, 'v'},
	    {"version", no_argument, NULL, 'V'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "c:s:tnrvVh", longs, NULL)) != -1) {
		switch (letter) {
		case 'c':
			o->config = optarg;
			break;
		case 's':
			o->socket = optarg;
			break;
		case 't':
			o->test = true;
			break;
		case 'n':
			o->dry_run = true;
			break;
		case 'r':
			o->remove = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'V':
			printf("%s %s\n", o->program, PACKAGE_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			print_help(o);
			return EXIT_SUCCESS;
		default:
			fprintf(stderr, "Try '%s --help'.\n", o->program);
			return EXIT_USAGE;
		}
	}
	if (o->remove && (o->test || o->dry_run)) {
		fprintf(stderr, "%s: --remove goes neither with --test nor with --dry-run\n",
			o->program);
		return EXIT_USAGE;
	}
	if (optind < argc) {
		fprintf(stderr, "%s: unexpected argument '%s'\nTry '%s --help'.\n", o->program,
			argv[optind], o->program);
		return EXIT_USAGE;
	}
	return OPTIONS_GO;
}
