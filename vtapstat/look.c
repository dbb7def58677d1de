/* SPDX-License-Identifier: BSD-2-Clause */
#include "vtapstat/look.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/control.h"
#include "vtapstat/request.h"
#include "vtapstat/text.h"
#include "vtapstat/view.h"

static const struct {
	const char *daemon, *path, *hint, *too;
} daemons[] = {
    {"collector", CONTROL_COLLECTOR_PATH,
     "is vtap-collector running? systemctl status vtap-collector",
     "  vtap-collector is on this host too: vtapstat collector"},
    {"client", CONTROL_CLIENT_PATH, "is vtap-client running? systemctl status vtap-client",
     "  vtap-client is on this host too: vtapstat client"},
};

enum { DAEMONS = sizeof(daemons) / sizeof(daemons[0]) };

static const char any_hint[] = "is vtap-collector or vtap-client running? "
			       "systemctl status vtap-collector vtap-client";

/* A socket that may not be looked at counts as there: asking it then says why. */
static bool is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* The socket to ask, NULL: no daemon has one; and the hints that go with it. */
static const char *choose_path(const struct arguments *arguments, struct look *look)
{
	look->hint = any_hint;
	for (size_t i = 0; i < DAEMONS; i++) {
		bool named =
		    arguments->daemon != NULL && strcmp(arguments->daemon, daemons[i].daemon) == 0;

		if (!named && (arguments->daemon != NULL || arguments->path != NULL ||
			       !is_there(daemons[i].path)))
			continue;
		look->hint = daemons[i].hint;
		for (size_t k = i + 1; k < DAEMONS && !named; k++)
			if (is_there(daemons[k].path))
				look->other = daemons[k].too;
		return arguments->path != NULL ? arguments->path : daemons[i].path;
	}
	return arguments->path;
}

/* `look->hint` is the one for a daemon that does not run; it stays where it applies. */
static void explain(struct look *look, const char *path, int error)
{
	const char *text = strerror(error);
	char late[32];

	switch (error) {
	case EACCES:
	case EPERM:
		look->hint = "root and the members of group vtap may ask: are you in group vtap? "
			     "adduser YOU vtap, then log in again";
		break;
	case ENOENT:
	case ENOTDIR:
	case ECONNREFUSED:
		break;
	case ECONNRESET:
		text = "the daemon closed the connection without an answer";
		break;
	case ETIMEDOUT:
		snprintf(late, sizeof(late), "no answer within %d s", REQUEST_TIMEOUT_S);
		text = late;
		break;
	case ENODATA:
		text = "connection closed without an answer";
		break;
	case EFBIG:
		text = "the answer is too large";
		look->hint = NULL;
		break;
	default:
		look->hint = NULL;
		break;
	}
	snprintf(look->why, sizeof(look->why), "%s: %s", path, text);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Whether the document is one that was asked for; what is wrong with it otherwise. */
static int judge(const struct arguments *arguments, const char *path, struct look *look)
{
	const char *daemon = document_daemon(look->document);

	if (arguments->daemon != NULL && strcmp(arguments->daemon, daemon) != 0) {
		snprintf(look->why, sizeof(look->why), "%s: a %s answers there, not a %s", path,
			 daemon, arguments->daemon);
		return STATUS_NO_ANSWER;
	}
	if (arguments->sort != NULL && !view_can_sort(daemon, arguments->sort)) {
		snprintf(look->why, sizeof(look->why), "%s: a %s answers, which has no column %s",
			 path, daemon, arguments->sort);
		return STATUS_USAGE;
	}
	return document_is_ok(look->document) ? STATUS_OK : STATUS_DEGRADED;
}

void look_at(const struct arguments *arguments, struct look *look)
{
	const char *path;
	char why[384] = "";
	int error;

	*look = (struct look){.status = STATUS_NO_ANSWER};
	path = choose_path(arguments, look);
	if (path == NULL) {
		snprintf(look->why, sizeof(look->why), "no daemon: neither %s nor %s is there",
			 daemons[0].path, daemons[1].path);
		return;
	}
	error = request_status(path, &look->answer, &look->size);
	if (error < 0) {
		explain(look, path, -error);
		return;
	}
	look->when_ms = now_ms();
	look->hint = NULL;
	look->document = document_parse(look->answer, look->size, why, sizeof(why));
	if (look->document == NULL) {
		snprintf(look->why, sizeof(look->why), "%s: %s", path, why);
		return;
	}
	look->status = judge(arguments, path, look);
	if (look->status > STATUS_DEGRADED) {
		document_free(look->document);
		look->document = NULL;
	}
}

void look_end(struct look *look)
{
	document_free(look->document);
	free(look->answer);
	look->document = NULL;
	look->answer = NULL;
}

void look_print_why(const struct look *look, FILE *out)
{
	fputs("vtapstat: ", out);
	text_print(look->why, out);
	fputc('\n', out);
	if (look->hint != NULL)
		fprintf(out, "vtapstat: %s\n", look->hint);
}
