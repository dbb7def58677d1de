/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket on a real UNIX socket in a directory of its own. The daemon's side runs in a
 * child that ends by SIGTERM; the test is its clients.
 */

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/control.h"
#include "common/loop.h"

static const char small[] = "{\"daemon\":\"test\"}";
enum { LARGE = 8 << 20, PATIENCE_MS = 10000 };

static char directory[] = "/tmp/vtap-control-XXXXXX";
static char path[128];
static pid_t daemon_pid;

/* ---- the daemon's side --------------------------------------------------------------------- */

struct daemon {
	struct loop *loop;
	size_t answer_size; /* 0: `small` */
	int descriptors;    /* limit; 0: none */
	int listen_fd;
};

static char *status(void *ctx)
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

static char *no_status(void *ctx)
{
	(void)ctx;
	return NULL;
}

static void on_term(void *ctx)
{
	struct daemon *daemon = ctx;

	loop_stop(daemon->loop);
}

static int run_daemon(struct daemon *daemon, control_status_fn fn, int ready)
{
	struct control *control = NULL;
	char why[256] = "";
	struct rlimit limit;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	daemon->loop = loop_new();
	if (daemon->loop == NULL || loop_signal(daemon->loop, SIGTERM, on_term, daemon) < 0)
		return 2;
	if (control_open(daemon->loop, path, daemon->listen_fd, fn, daemon, &control, why,
			 sizeof(why)) < 0) {
		fprintf(stderr, "%s\n", why);
		return 3;
	}
	if (daemon->descriptors > 0) {
		limit.rlim_cur = limit.rlim_max = (rlim_t)daemon->descriptors;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (write(ready, "r", 1) != 1 || loop_run(daemon->loop) < 0)
		return 4;
	control_close(control);
	loop_free(daemon->loop);
	return 0;
}

static void start(struct daemon daemon, control_status_fn fn)
{
	int ready[2];
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	fflush(NULL);
	daemon_pid = fork();
	ck_assert_int_ge(daemon_pid, 0);
	if (daemon_pid == 0) {
		int result;

		close(ready[0]);
		result = run_daemon(&daemon, fn, ready[1]);
		close(ready[1]);
		exit(result);
	}
	close(ready[1]);
	ck_assert_msg(read(ready[0], &c, 1) == 1, "the daemon did not start");
	close(ready[0]);
}

static void start_small(void)
{
	start((struct daemon){.listen_fd = -1}, status);
}

/* The daemon ends in good order; its processor time in ms. */
static long stop(void)
{
	struct rusage usage;
	int result;

	ck_assert_int_eq(kill(daemon_pid, SIGTERM), 0);
	ck_assert_int_eq(wait4(daemon_pid, &result, 0, &usage), daemon_pid);
	daemon_pid = 0;
	ck_assert_msg(WIFEXITED(result) && WEXITSTATUS(result) == 0, "daemon ended with %#x",
		      result);
	return usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 +
	       usage.ru_stime.tv_sec * 1000 + usage.ru_stime.tv_usec / 1000;
}

/* ---- the clients' side --------------------------------------------------------------------- */

static struct sockaddr_un name_of(const char *text)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	ck_assert_uint_lt(strlen(text), sizeof(name.sun_path));
	memcpy(name.sun_path, text, strlen(text));
	return name;
}

static int dial(void)
{
	struct sockaddr_un name = name_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_msg(connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0, "connect: %s",
		      strerror(errno));
	return fd;
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Everything up to the end, which must be an orderly one; closes. */
static char *hear(int fd)
{
	size_t capacity = LARGE + 4096, size = 0;
	char *text = malloc(capacity);
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};

	ck_assert_ptr_nonnull(text);
	for (;;) {
		ssize_t n;

		ck_assert_msg(poll(&pollfd, 1, PATIENCE_MS) == 1, "no answer");
		ck_assert_uint_lt(size, capacity - 1);
		n = recv(fd, text + size, capacity - 1 - size, 0);
		ck_assert_msg(n >= 0, "recv: %s", strerror(errno));
		if (n == 0)
			break;
		size += (size_t)n;
	}
	text[size] = '\0';
	close(fd);
	return text;
}

static void hear_exactly(int fd, const char *want)
{
	char *text = hear(fd);

	ck_assert_str_eq(text, want);
	free(text);
}

static void ask(const char *request, const char *want)
{
	int fd = dial();

	say(fd, request);
	hear_exactly(fd, want);
}

static void ask_small(void)
{
	ask("status\n", "{\"daemon\":\"test\"}\n");
}

static bool is_ended(int fd)
{
	struct pollfd pollfd = {.fd = fd};

	return poll(&pollfd, 1, 0) == 1 && (pollfd.revents & POLLHUP) != 0;
}

static int listening_socket(const char *at)
{
	struct sockaddr_un name = name_of(at);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	return fd;
}

static void set_up(void)
{
	memcpy(strrchr(directory, '-') + 1, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/run/test.sock", directory);
}

static void tear_down(void)
{
	char parent[128];

	if (daemon_pid > 0) {
		kill(daemon_pid, SIGKILL);
		waitpid(daemon_pid, NULL, 0);
		daemon_pid = 0;
	}
	unlink(path);
	snprintf(parent, sizeof(parent), "%s/run", directory);
	rmdir(parent);
	ck_assert_int_eq(rmdir(directory), 0);
}

/* ---- requests ------------------------------------------------------------------------------ */

START_TEST(answers_and_closes)
{
	int fd;

	start_small();
	ask_small();
	ask("status\r\n", "{\"daemon\":\"test\"}\n");
	ask("reboot\n", "{\"error\": \"unknown request \\\"reboot\\\"; known: status\"}\n");
	ask("\n", "{\"error\": \"unknown request \\\"\\\"; known: status\"}\n");
	/* byte by byte */
	fd = dial();
	for (const char *c = "status\n"; *c != '\0'; c++)
		say(fd, (char[]){*c, '\0'});
	hear_exactly(fd, "{\"daemon\":\"test\"}\n");
	/* without a newline, but with an end */
	fd = dial();
	say(fd, "status");
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	hear_exactly(fd, "{\"daemon\":\"test\"}\n");
	/* nothing at all */
	fd = dial();
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	hear_exactly(fd, "");
	stop();
}
END_TEST

START_TEST(too_long_a_request_is_refused_in_words)
{
	char request[4097];

	start_small();
	memset(request, 'a', sizeof(request) - 1);
	request[sizeof(request) - 1] = '\0';
	ask(request, "{\"error\": \"request longer than 256 bytes\"}\n");
	request[256] = '\0';
	ask(request, "{\"error\": \"request longer than 256 bytes\"}\n");
	/* what follows a good request is not looked at, and does not spoil the answer */
	memcpy(request, "status\n", 7);
	request[256] = 'a';
	ask(request, "{\"daemon\":\"test\"}\n");
	stop();
}
END_TEST

START_TEST(no_memory_for_the_status)
{
	start((struct daemon){.listen_fd = -1}, no_status);
	ask("status\n", "{\"error\": \"out of memory\"}\n");
	stop();
}
END_TEST

START_TEST(large_answers_arrive_whole)
{
	char *text;
	int fd;

	start((struct daemon){.listen_fd = -1, .answer_size = LARGE}, status);
	fd = dial();
	say(fd, "status\n");
	text = hear(fd);
	ck_assert_uint_eq(strlen(text), LARGE + 1);
	ck_assert_uint_eq(strspn(text, "x"), LARGE);
	ck_assert_int_eq(text[LARGE], '\n');
	free(text);
	stop();
}
END_TEST

/* SIGPIPE has its default action in the child: dying of it would show here. */
START_TEST(peers_that_go_away_do_no_harm)
{
	start((struct daemon){.listen_fd = -1, .answer_size = LARGE}, status);
	for (int i = 0; i < 100; i++) {
		int fd = dial();

		say(fd, i % 2 == 0 ? "status\n" : "sta");
		close(fd);
	}
	ask("x\n", "{\"error\": \"unknown request \\\"x\\\"; known: status\"}\n");
	stop();
}
END_TEST

/* ---- limits -------------------------------------------------------------------------------- */

START_TEST(slow_peers_get_five_seconds_and_hold_nobody_up)
{
	uint64_t began, now, writer_ended = 0, reader_ended = 0, next_byte = 0;
	int writer, reader;

	start((struct daemon){.listen_fd = -1, .answer_size = LARGE}, status);
	began = loop_now_ms();
	writer = dial();
	reader = dial();
	say(reader, "status\n");
	do {
		uint64_t asked;

		now = loop_now_ms();
		ck_assert_uint_lt(now, began + PATIENCE_MS);
		/* a trickle: each byte must not buy another five seconds */
		if (writer_ended == 0 && now >= next_byte) {
			send(writer, " ", 1, MSG_NOSIGNAL);
			next_byte = now + 500;
		}
		asked = loop_now_ms();
		ask("x\n", "{\"error\": \"unknown request \\\"x\\\"; known: status\"}\n");
		ck_assert_uint_lt(loop_now_ms() - asked, 1000);
		if (writer_ended == 0 && is_ended(writer))
			writer_ended = loop_now_ms();
		if (reader_ended == 0 && is_ended(reader))
			reader_ended = loop_now_ms();
		poll(NULL, 0, 20);
	} while (writer_ended == 0 || reader_ended == 0);
	ck_assert_uint_ge(writer_ended - began, 4900);
	ck_assert_uint_le(writer_ended - began, 7000);
	ck_assert_uint_ge(reader_ended - began, 4900);
	ck_assert_uint_le(reader_ended - began, 7000);
	hear_exactly(writer, "{\"error\": \"no complete request within 5 s\"}\n");
	close(reader);
	ck_assert_int_lt(stop(), 2000);
}
END_TEST

/* Until something can be read from all of them. */
static void await_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++) {
		struct pollfd pollfd = {.fd = fds[i], .events = POLLIN};

		ck_assert_msg(poll(&pollfd, 1, PATIENCE_MS) == 1, "no answer");
	}
}

/* KiB. AddressSanitizer keeps what was freed: with it nothing can be said. */
#ifdef __SANITIZE_ADDRESS__
enum { MEMORY_LIMIT = INT_MAX };
#else
enum { MEMORY_LIMIT = 40 << 10 };
#endif

/* The most memory that the daemon has had, in KiB. */
static long stop_for_memory(void)
{
	struct rusage usage;
	int result;

	ck_assert_int_eq(kill(daemon_pid, SIGTERM), 0);
	ck_assert_int_eq(wait4(daemon_pid, &result, 0, &usage), daemon_pid);
	daemon_pid = 0;
	return usage.ru_maxrss;
}

START_TEST(those_who_ask_together_share_an_answer)
{
	enum { TOGETHER = 16 };
	int fds[TOGETHER];

	start((struct daemon){.listen_fd = -1, .answer_size = LARGE}, status);
	ck_assert_int_eq(kill(daemon_pid, SIGSTOP), 0);
	for (int i = 0; i < TOGETHER; i++) {
		fds[i] = dial();
		say(fds[i], "status\n");
	}
	ck_assert_int_eq(kill(daemon_pid, SIGCONT), 0);
	await_all(fds, TOGETHER);
	for (int i = 0; i < TOGETHER; i++) {
		char *text = hear(fds[i]);

		ck_assert_uint_eq(strlen(text), LARGE + 1);
		free(text);
	}
	/* 128 MiB if each had one of its own */
	ck_assert_int_lt(stop_for_memory(), MEMORY_LIMIT);
}
END_TEST

/* One after the other, so that none can share; those who never read make room for those who do. */
START_TEST(unread_answers_have_a_limit)
{
	int fds[8];
	char *text;

	start((struct daemon){.listen_fd = -1, .answer_size = LARGE}, status);
	for (int i = 0; i < 8; i++) {
		fds[i] = dial();
		say(fds[i], "status\n");
		await_all(&fds[i], 1);
	}
	ck_assert(is_ended(fds[0]));
	text = hear(fds[7]);
	ck_assert_uint_eq(strlen(text), LARGE + 1);
	free(text);
	/* three, where there would have been eight */
	ck_assert_int_lt(stop_for_memory(), MEMORY_LIMIT);
	for (int i = 0; i < 7; i++)
		close(fds[i]);
}
END_TEST

START_TEST(the_65th_connection_is_told)
{
	int fds[CONTROL_CONNECTIONS_MAX];

	start_small();
	for (int i = 0; i < CONTROL_CONNECTIONS_MAX; i++)
		fds[i] = dial();
	hear_exactly(dial(), "{\"error\": \"too many connections\"}\n");
	hear_exactly(dial(), "{\"error\": \"too many connections\"}\n");
	/* one ends, one comes */
	say(fds[7], "status\n");
	hear_exactly(fds[7], "{\"daemon\":\"test\"}\n");
	fds[7] = dial();
	hear_exactly(dial(), "{\"error\": \"too many connections\"}\n");
	for (int i = 0; i < CONTROL_CONNECTIONS_MAX; i++) {
		say(fds[i], "status\n");
		hear_exactly(fds[i], "{\"daemon\":\"test\"}\n");
	}
	ask_small();
	stop();
}
END_TEST

START_TEST(without_descriptors_it_waits_and_recovers)
{
	struct pollfd pollfd = {.events = POLLIN};
	int fds[40];
	long busy;

	start((struct daemon){.listen_fd = -1, .descriptors = 24}, status);
	for (int i = 0; i < 40; i++)
		fds[i] = dial(); /* those that are not accepted wait in the queue */
	pollfd.fd = fds[39];
	say(fds[39], "status\n");
	ck_assert_int_eq(poll(&pollfd, 1, 1500), 0); /* it cannot answer */
	for (int i = 0; i < 39; i++)
		close(fds[i]);
	hear_exactly(fds[39], "{\"daemon\":\"test\"}\n");
	busy = stop();
	ck_assert_msg(busy < 500, "%ld ms of processor time", busy);
}
END_TEST

START_TEST(closing_ends_connections)
{
	int idle, half;

	start_small();
	idle = dial();
	half = dial();
	say(half, "stat");
	ask_small(); /* both are accepted by now */
	stop();
	hear_exactly(idle, "");
	hear_exactly(half, "");
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* ---- a socket of the service manager ------------------------------------------------------- */

START_TEST(a_passed_socket_is_served_and_left)
{
	int listening;

	start_small(); /* makes the directory */
	stop();
	listening = listening_socket(path);
	start((struct daemon){.listen_fd = listening}, status);
	ask_small();
	stop();
	ck_assert_int_eq(access(path, F_OK), 0);
	/* connections wait for the next daemon */
	start((struct daemon){.listen_fd = listening}, status);
	ask_small();
	stop();
	close(listening);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control");
	TCase *tcase = tcase_create("control");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, answers_and_closes);
	tcase_add_test(tcase, too_long_a_request_is_refused_in_words);
	tcase_add_test(tcase, no_memory_for_the_status);
	tcase_add_test(tcase, large_answers_arrive_whole);
	tcase_add_test(tcase, peers_that_go_away_do_no_harm);
	tcase_add_test(tcase, slow_peers_get_five_seconds_and_hold_nobody_up);
	tcase_add_test(tcase, those_who_ask_together_share_an_answer);
	tcase_add_test(tcase, unread_answers_have_a_limit);
	tcase_add_test(tcase, the_65th_connection_is_told);
	tcase_add_test(tcase, without_descriptors_it_waits_and_recovers);
	tcase_add_test(tcase, closing_ends_connections);
	tcase_add_test(tcase, a_passed_socket_is_served_and_left);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
