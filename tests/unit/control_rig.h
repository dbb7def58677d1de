/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of the control socket: a real one in a directory of its own, served by a child, and
 * its clients.
 */
#ifndef VTAP_TESTS_CONTROL_RIG_H
#define VTAP_TESTS_CONTROL_RIG_H

#include "common/control.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/served.h"

static const char small[] = "{\"daemon\":\"test\"}";
enum { LARGE = 8 << 20, PATIENCE_MS = 10000 };

static char directory[] = "/tmp/vtap-control-XXXXXX";
static char path[128];

struct daemon {
	control_status_fn status;
	size_t answer_size; /* 0: `small` */
	int descriptors;    /* limit; 0: none */
	int listen_fd;
	struct control *control;
};

static inline char *status(void *ctx)
{
	const struct daemon *daemon = ctx;
	char *text;

	if (daemon->answer_size == 0)
		return strdup(small);
	text = malloc(daemon->answer_size + 1);
	if (text != NULL) {
		memset(text, 'x', daemon->answer_size);
		text[daemon->answer_size] = '\0';
	}
	return text;
}

static inline int open_control(struct loop *loop, void *ctx)
{
	struct daemon *daemon = ctx;
	char why[256] = "";

	if (control_open(loop, path, daemon->listen_fd, daemon->status, daemon, &daemon->control,
			 why, sizeof(why)) == 0)
		return 0;
	fprintf(stderr, "%s\n", why);
	return 3;
}

static inline void close_control(void *ctx)
{
	control_close(((struct daemon *)ctx)->control);
}

static inline void start(struct daemon daemon, control_status_fn fn)
{
	daemon.status = fn;
	served_start(&(struct served){.open = open_control,
				      .close = close_control,
				      .ctx = &daemon,
				      .descriptors = daemon.descriptors});
}

static inline void start_small(void)
{
	start((struct daemon){.listen_fd = -1}, status);
}

static inline struct sockaddr_un name_of(const char *text)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	ck_assert_uint_lt(strlen(text), sizeof(name.sun_path));
	memcpy(name.sun_path, text, strlen(text));
	return name;
}

static inline int dial(void)
{
	struct sockaddr_un name = name_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_msg(connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0, "connect: %s",
		      strerror(errno));
	return fd;
}

static inline char *hear(int fd)
{
	return served_hear(fd, LARGE + 4096, PATIENCE_MS);
}

static inline void hear_exactly(int fd, const char *want)
{
	char *text = hear(fd);

	ck_assert_str_eq(text, want);
	free(text);
}

static inline void ask(const char *request, const char *want)
{
	int fd = dial();

	served_say(fd, request);
	hear_exactly(fd, want);
}

static inline void ask_small(void)
{
	ask("status\n", "{\"daemon\":\"test\"}\n");
}

static inline void set_up(void)
{
	memcpy(strrchr(directory, '-') + 1, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/run/test.sock", directory);
}

static inline void tear_down(void)
{
	char parent[128];

	served_kill();
	unlink(path);
	snprintf(parent, sizeof(parent), "%s/run", directory);
	rmdir(parent);
	ck_assert_int_eq(rmdir(directory), 0);
}

#endif
