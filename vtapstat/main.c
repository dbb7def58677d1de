/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtapstat: asks a daemon how it is and shows the answer. Changes nothing, needs no privilege
 * beyond opening the socket.
 */

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "vtapstat/document.h"
#include "vtapstat/request.h"
#include "vtapstat/screen.h"
#include "vtapstat/table.h"

enum { EXIT_OK = 0, EXIT_DEGRADED = 1, EXIT_USAGE = 2, EXIT_NO_ANSWER = 3 };

static const double interval_default = 2, interval_min = 0.1, interval_max = 86400;

struct options {
	bool json;
	bool watch;
	double interval;    /* seconds */
	const char *path;   /* NULL: the daemon's default */
	const char *daemon; /* "client", "collector" or NULL: whichever is there */
};

/* One answer, or why there is none. */
struct look {
	char *answer;
	size_t size;
	struct document *document; /* NULL: none, then text and hint say why */
	char why[512];
	const char *hint; /* may be NULL */
};

static const struct {
	const char *daemon, *path, *hint;
} daemons[] = {
    {"collector", "/run/vtap/collector.sock",
     "is vtap-collector running? systemctl status vtap-collector"},
    {"client", "/run/vtap/client.sock", "is vtap-client running? systemctl status vtap-client"},
};

enum { DAEMONS = sizeof(daemons) / sizeof(daemons[0]) };

static const char any_hint[] = "is vtap-collector or vtap-client running? "
			       "systemctl status vtap-collector vtap-client";

static void usage(FILE *out)
{
	fputs(
	    "usage: vtapstat [-j|--json] [-w|--watch[=SECONDS]] [-s|--socket PATH] "
	    "[client|collector]\n"
	    "\n"
	    "  -j, --json             print the daemon's answer as it is\n"
	    "  -w, --watch[=SECONDS]  again and again, every 2 seconds or as given\n"
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

/* The exit status to end with at once, or -1 to go on. */
static int parse_daemon(int argc, char **argv, struct options *options)
{
	if (optind == argc)
		return -1;
	if (strcmp(argv[optind], "client") != 0 && strcmp(argv[optind], "collector") != 0) {
		fprintf(stderr, "vtapstat: \"%s\" is neither client nor collector\n", argv[optind]);
		if (options->watch && parse_interval(argv[optind], &options->interval))
			fprintf(stderr, "vtapstat: seconds are written --watch=%s or -w%s\n",
				argv[optind], argv[optind]);
		return EXIT_USAGE;
	}
	if (optind + 1 < argc) {
		usage(stderr);
		return EXIT_USAGE;
	}
	options->daemon = argv[optind];
	return -1;
}

static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
	    {"json", no_argument, NULL, 'j'},         {"watch", optional_argument, NULL, 'w'},
	    {"socket", required_argument, NULL, 's'}, {"version", no_argument, NULL, 'V'},
	    {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "jw::s:Vh", longs, NULL)) != -1) {
		switch (c) {
		case 'j':
			options->json = true;
			break;
		case 'w':
			options->watch = true;
			if (optarg != NULL && !parse_interval(optarg, &options->interval)) {
				fprintf(stderr,
					"vtapstat: \"%s\" is not a number of seconds "
					"from 0.1 to 86400\n",
					optarg);
				return EXIT_USAGE;
			}
			break;
		case 's':
			options->path = optarg;
			break;
		case 'V':
			puts("vtapstat " PACKAGE_VERSION);
			return EXIT_OK;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	return parse_daemon(argc, argv, options);
}

/* A socket that may not be looked at counts as there: asking it then says why. */
static bool is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* The socket to ask, and the hint for when nobody answers; NULL: no daemon has one. */
static const char *choose_path(const struct options *options, const char **hint)
{
	*hint = any_hint;
	for (size_t i = 0; i < DAEMONS; i++) {
		bool named =
		    options->daemon != NULL && strcmp(options->daemon, daemons[i].daemon) == 0;

		if (!named && (options->daemon != NULL || options->path != NULL ||
			       !is_there(daemons[i].path)))
			continue;
		*hint = daemons[i].hint;
		return options->path != NULL ? options->path : daemons[i].path;
	}
	return options->path;
}

static void explain(struct look *look, const char *path, int error, const char *running)
{
	const char *text = strerror(error);

	switch (error) {
	case EACCES:
	case EPERM:
		look->hint = "are you in group vtap?";
		break;
	case ENOENT:
	case ENOTDIR:
	case ECONNREFUSED:
		look->hint = running;
		break;
	case ETIMEDOUT:
		text = "no answer within 5 s";
		look->hint = running;
		break;
	case ENODATA:
		text = "connection closed without an answer";
		break;
	case EFBIG:
		text = "the answer is too large";
		break;
	default:
		break;
	}
	snprintf(look->why, sizeof(look->why), "%s: %s", path, text);
}

/* Asks once. The exit status that the answer stands for. */
static int look_at(const struct options *options, struct look *look)
{
	const char *running;
	const char *path = choose_path(options, &running);
	char why[384] = "";
	int error;

	memset(look, 0, sizeof(*look));
	if (path == NULL) {
		snprintf(look->why, sizeof(look->why), "no daemon: neither %s nor %s is there",
			 daemons[0].path, daemons[1].path);
		look->hint = running;
		return EXIT_NO_ANSWER;
	}
	error = request_status(path, &look->answer, &look->size);
	if (error < 0) {
		explain(look, path, -error, running);
		return EXIT_NO_ANSWER;
	}
	look->document = document_parse(look->answer, look->size, why, sizeof(why));
	if (look->document == NULL) {
		snprintf(look->why, sizeof(look->why), "%s: %s", path, why);
		return EXIT_NO_ANSWER;
	}
	if (options->daemon != NULL &&
	    strcmp(options->daemon, document_daemon(look->document)) != 0) {
		snprintf(look->why, sizeof(look->why), "%s: a %s answers there, not a %s", path,
			 document_daemon(look->document), options->daemon);
		document_free(look->document);
		look->document = NULL;
		return EXIT_NO_ANSWER;
	}
	return document_is_ok(look->document) ? EXIT_OK : EXIT_DEGRADED;
}

static void look_end(struct look *look)
{
	document_free(look->document);
	free(look->answer);
}

static void print_why(const struct look *look, FILE *out)
{
	fputs("vtapstat: ", out);
	table_print_text(look->why, out);
	fputc('\n', out);
	if (look->hint != NULL)
		fprintf(out, "vtapstat: %s\n", look->hint);
}

/* The answer to stdout, or why there is none to stderr. */
static int print_look(const struct options *options, const struct look *look)
{
	if (look->document == NULL) {
		print_why(look, stderr);
		return 0;
	}
	if (!options->json)
		return document_print(look->document, time(NULL), stdout);
	fwrite(look->answer, 1, look->size, stdout);
	if (look->answer[look->size - 1] != '\n')
		putchar('\n');
	return 0;
}

static int redraw(const struct options *options, const struct look *look)
{
	struct winsize size;
	char *text = NULL, *frame = NULL;
	size_t text_size;
	FILE *out = open_memstream(&text, &text_size);
	int error = 0;

	if (out == NULL)
		return -ENOMEM;
	if (look->document != NULL) {
		error = document_print(look->document, time(NULL), out);
	} else {
		print_why(look, out);
		fprintf(out, "\ntrying again every %g s\n", options->interval);
	}
	fclose(out);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
		size =
		    (struct winsize){.ws_row = 24, .ws_col = 80}; /* a serial line knows no size */
	if (error == 0 && text != NULL)
		frame = screen_frame(text, size.ws_row, size.ws_col);
	if (frame != NULL)
		fputs(frame, stdout);
	else
		error = -ENOMEM;
	free(frame);
	free(text);
	return error;
}

static int flush(int error)
{
	if (error == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		error = errno != 0 ? -errno : -EIO;
	if (error < 0)
		fprintf(stderr, "vtapstat: cannot print: %s\n", strerror(-error));
	return error;
}

/* Nothing is left to undo: every frame ends with a newline and leaves the terminal's modes alone.
 */
static void on_interrupt(int signo)
{
	(void)signo;
	_exit(EXIT_OK);
}

static int watch(const struct options *options)
{
	const struct sigaction action = {.sa_handler = on_interrupt};
	const struct timespec pause = {
	    .tv_sec = (time_t)options->interval,
	    .tv_nsec = (long)((options->interval - (double)(time_t)options->interval) * 1e9),
	};
	bool terminal = !options->json && isatty(STDOUT_FILENO);

	sigaction(SIGINT, &action, NULL);
	for (bool first = true;; first = false) {
		struct look look;
		int error;

		look_at(options, &look);
		if (!terminal && !options->json && !first && look.document != NULL)
			putchar('\n');
		error = terminal ? redraw(options, &look) : print_look(options, &look);
		error = flush(error);
		look_end(&look);
		if (error < 0)
			return EXIT_NO_ANSWER;
		nanosleep(&pause, NULL);
	}
}

int main(int argc, char **argv)
{
	struct options options = {.interval = interval_default};
	struct look look;
	int status;

	/* only the encoding: numbers are written the same everywhere */
	setlocale(LC_CTYPE, "");
	status = parse_options(argc, argv, &options);
	if (status >= 0)
		return status;
	if (options.watch)
		return watch(&options);
	status = look_at(&options, &look);
	if (flush(print_look(&options, &look)) < 0)
		status = EXIT_NO_ANSWER;
	look_end(&look);
	return status;
}
