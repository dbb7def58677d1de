/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See served.h.
 */
#include "tests/unit/served.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t served_pid;

static void on_term(void *ctx)
{
	loop_stop(ctx);
}

static int serve(const struct served *served, int ready)
{
	struct loop *loop;
	int error;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	loop = loop_new();
	if (loop == NULL || loop_signal(loop, SIGTERM, on_term, loop) < 0)
		return 2;
	error = served->open(loop, served->ctx);
	if (error != 0)
		return error;
	if (served->descriptors > 0) {
		const struct rlimit limit = {(rlim_t)served->descriptors,
					     (rlim_t)served->descriptors};

		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (write(ready, "r", 1) != 1 || loop_run(loop) < 0)
		return 4;
	served->close(served->ctx);
	loop_free(loop);
	return 0;
}

void served_start(const struct served *served)
{
	int ready[2];
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	fflush(NULL);
	served_pid = fork();
	ck_assert_int_ge(served_pid, 0);
	if (served_pid == 0) {
		int result;

		close(ready[0]);
		result = serve(served, ready[1]);
		close(ready[1]);
		exit(result);
	}
	close(ready[1]);
	ck_assert_msg(read(ready[0], &c, 1) == 1, "the daemon did not start");
	close(ready[0]);
}

struct rusage served_end(void)
{
	struct rusage usage;
	int result;

	ck_assert_int_eq(kill(served_pid, SIGTERM), 0);
	ck_assert_int_eq(wait4(served_pid, &result, 0, &usage), served_pid);
	served_pid = 0;
	ck_assert_msg(WIFEXITED(result) && WEXITSTATUS(result) == 0, "daemon ended with %#x",
		      result);
	return usage;
}

long served_stop(void)
{
	const struct rusage usage = served_end();

	return usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 +
	       usage.ru_stime.tv_sec * 1000 + usage.ru_stime.tv_usec / 1000;
}

void served_kill(void)
{
	if (served_pid <= 0)
		return;
	kill(served_pid, SIGKILL);
	waitpid(served_pid, NULL, 0);
	served_pid = 0;
}

void served_say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

char *served_hear(int fd, size_t room, int patience_ms)
{
	char *text = malloc(room + 1);
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	size_t size = 0;

	ck_assert_ptr_nonnull(text);
	for (;;) {
		ssize_t n;

		ck_assert_msg(poll(&pollfd, 1, patience_ms) == 1, "no answer");
		ck_assert_uint_lt(size, room);
		n = recv(fd, text + size, room - size, 0);
		ck_assert_msg(n >= 0, "recv: %s", strerror(errno));
		if (n == 0)
			break;
		size += (size_t)n;
	}
	text[size] = '\0';
	close(fd);
	return text;
}
