/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The metrics' HTTP server on a real socket. The daemon's side runs in a child that ends by
 * SIGTERM; the test is its readers, good and bad.
 */
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
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

#include "common/loop.h"
#include "common/metrics_server.h"

/* More than the kernel's buffers of a connection take. */
enum { LARGE_LINES = 2000 * 1000, PATIENCE_MS = 20000, ROOM = 32 << 20 };

static pid_t daemon_pid;
static struct ip_endpoint endpoint;
static int other = -1; /* somebody else's socket at that port */

/* ---- the daemon's side ----------------------------------------------------------------------- */

struct daemon {
	struct loop *loop;
	uint64_t lines;  /* of the document */
	int descriptors; /* limit; 0: none */
	uint64_t documents;
};

/* The first line has the document's number, then there are as many lines as asked for. */
static void write_document(void *ctx, struct metrics_text *text)
{
	struct daemon *daemon = ctx;

	metrics_single(text, METRICS_GAUGE, "document", "Number.", ++daemon->documents);
	text->family = "line";
	for (uint64_t i = 0; i < daemon->lines; i++)
		metrics_sample(text, NULL, i);
}

static void on_term(void *ctx)
{
	loop_stop(((struct daemon *)ctx)->loop);
}

static int run_daemon(struct daemon *daemon, int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	daemon->loop = loop_new();
	if (!daemon->loop || loop_signal(daemon->loop, SIGTERM, on_term, daemon) < 0)
		return 2;
	struct metrics_server *server = metrics_server_new(daemon->loop, write_document, daemon);
	if (!server)
		return 3;
	metrics_server_listen(server, &endpoint);
	if (daemon->descriptors) {
		const struct rlimit limit = {(rlim_t)daemon->descriptors,
					     (rlim_t)daemon->descriptors};
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (write(ready, "r", 1) != 1 || loop_run(daemon->loop) < 0)
		return 4;
	metrics_server_free(server);
	loop_free(daemon->loop);
	return 0;
}

/* A port that was free a moment ago, or that is taken by `other`. */
static void choose_port(bool taken)
{
	struct sockaddr_in name = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(name);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(s, (struct sockaddr *)&name, size), 0);
	ck_assert_int_eq(listen(s, 1), 0);
	ck_assert_int_eq(getsockname(s, (struct sockaddr *)&name, &size), 0);
	ck_assert(ip_addr_parse("127.0.0.1", &endpoint.addr));
	endpoint.port = ntohs(name.sin_port);
	if (taken)
		other = s;
	else
		close(s);
}

static void start(struct daemon daemon)
{
	int ready[2];
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	fflush(NULL);
	daemon_pid = fork();
	ck_assert_int_ge(daemon_pid, 0);
	if (daemon_pid == 0) {
		close(ready[0]);
		if (other >= 0)
			close(other); /* the test has it */
		int result = run_daemon(&daemon, ready[1]);
		close(ready[1]);
		exit(result);
	}
	close(ready[1]);
	ck_assert_msg(read(ready[0], &c, 1) == 1, "the daemon did not start");
	close(ready[0]);
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

/* ---- the readers' side ----------------------------------------------------------------------- */

static int try_dial(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET,
				   .sin_port = htons(endpoint.port),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int small = 4096;

	ck_assert_int_ge(fd, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int dial(void)
{
	int fd = try_dial();

	ck_assert_msg(fd >= 0, "connect: %s", strerror(errno));
	return fd;
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Everything up to the end, which must be an orderly one; closes. */
static char *hear(int fd)
{
	char *text = malloc(ROOM);
	size_t size = 0;
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};

	ck_assert_ptr_nonnull(text);
	for (;;) {
		ck_assert_msg(poll(&pollfd, 1, PATIENCE_MS) == 1, "no answer");
		ck_assert_uint_lt(size, ROOM - 1);
		ssize_t n = recv(fd, text + size, ROOM - 1 - size, 0);
		ck_assert_msg(n >= 0, "recv: %s", strerror(errno));
		if (n == 0)
			break;
		size += (size_t)n;
	}
	text[size] = '\0';
	close(fd);
	return text;
}

#define GET "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

static char *ask(const char *request)
{
	int fd = dial();

	say(fd, request);
	return hear(fd);
}

static void expect(const char *request, const char *status, const char *words)
{
	char *answer = ask(request);

	ck_assert_msg(strncmp(answer, status, strlen(status)) == 0, "%s\n%s", request, answer);
	ck_assert_msg(strstr(answer, words) != NULL, "%s\n%s", request, answer);
	ck_assert_msg(strstr(answer, "Connection: close\r\n") != NULL, "%s\n%s", request, answer);
	free(answer);
}

static unsigned long document_number(const char *answer)
{
	const char *line = strstr(answer, "\ndocument ");

	ck_assert_msg(line != NULL, "%.200s", answer);
	return strtoul(line + strlen("\ndocument "), NULL, 10);
}

static void rest(long ms)
{
	poll(NULL, 0, (int)ms);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void setup(void)
{
	choose_port(false);
}

static void teardown(void)
{
	if (daemon_pid > 0) {
		kill(daemon_pid, SIGKILL);
		waitpid(daemon_pid, NULL, 0);
	}
}

START_TEST(requests_and_answers)
{
	start((struct daemon){.lines = 2});
	expect(GET, "HTTP/1.1 200 OK\r\n", "\r\n\r\n# HELP document Number.\n");
	expect(GET, "HTTP/1.1 200 OK\r\n", "\nline 0\nline 1\n");
	expect(GET, "HTTP/1.1 200 OK\r\n",
	       "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
	expect("GET /metrics?x=y HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n", "line 1\n");
	expect("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", "at /metrics");
	expect("GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 ", "");
	expect("GET /%6detrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 ", "");
	expect("GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 ", "");
	expect("DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 ", "Allow: GET, HEAD");
	expect("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 405 ",
	       "Allow: GET, HEAD");
	/* keep-alive is not to be had */
	expect("GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.0 200 ",
	       "line 1\n");
	char *answer = ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	ck_assert_msg(strncmp(answer, "HTTP/1.1 200 OK\r\n", 17) == 0, "%s", answer);
	ck_assert_str_eq(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
	free(answer);
	stop();
}
END_TEST

/* Whatever it is: an answer that is no document, or an end, and the next one is served. */
START_TEST(nonsense)
{
	static const char *const requests[] = {
	    "\r\n\r\n",
	    "GET\r\n\r\n",
	    "GET  HTTP/1.1\r\n\r\n",
	    "\x16\x03\x01\x02\r\n\r\n",
	    "FOO /metrics HTTP/1.1\r\n\r\n",
	    "GET /metrics HTTP/9.9\r\n\r\n",
	    "GET * HTTP/1.1\r\n\r\n",
	    "GET /metrics HTTP/1.1\r\nno colon\r\n\r\n",
	    "POST /metrics HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n",
	    "POST /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
	    "POST /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n"};
	char *large = malloc(1 << 20);

	start((struct daemon){.lines = 2});
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		int fd = dial();
		say(fd, requests[i]);
		shutdown(fd, SHUT_WR);
		char *answer = hear(fd);
		ck_assert_msg(strstr(answer, "line 1") == NULL || i == 5, "%s", requests[i]);
		free(answer);
	}
	memset(large, 'x', 1 << 20);
	for (int i = 0; i < 3; i++) {
		int fd = dial();
		if (i)
			say(fd, i == 1 ? "GET /" : "GET /metrics HTTP/1.1\r\nX: ");
		/* it is cut off, maybe before all of this was taken */
		send(fd, large, 1 << 20, MSG_NOSIGNAL);
		close(fd);
	}
	free(large);
	expect(GET, "HTTP/1.1 200 OK\r\n", "line 1\n");
	stop();
}
END_TEST

START_TEST(large)
{
	char line[32];

	start((struct daemon){.lines = LARGE_LINES});
	char *answer = ask(GET);
	snprintf(line, sizeof(line), "\nline %d\n", LARGE_LINES - 1);
	ck_assert(strlen(answer) > strlen(line));
	ck_assert_str_eq(answer + strlen(answer) - strlen(line), line);
	ck_assert_ptr_nonnull(strstr(answer, "Content-Length: "));
	ck_assert_uint_eq(strtoul(strstr(answer, "Content-Length: ") + 16, NULL, 10),
			  strlen(strstr(answer, "\r\n\r\n") + 4));
	free(answer);
	stop();
}
END_TEST

/* Readers that do not read keep two documents in memory, and nobody from reading. */
START_TEST(slow_readers)
{
	int slow[6];

	start((struct daemon){.lines = LARGE_LINES});
	for (int i = 0; i < 6; i++) {
		char bytes[64];

		slow[i] = dial();
		say(slow[i], GET);
		ck_assert_int_gt(recv(slow[i], bytes, sizeof(bytes), 0), 0);
		rest(METRICS_FRESH_MS + 100);
	}
	char *answer = ask(GET);
	ck_assert_uint_eq(document_number(answer), 2);
	free(answer);
	for (int i = 0; i < 6; i++)
		close(slow[i]);
	/* with them the old documents go */
	unsigned long number;
	do {
		rest(50);
		answer = ask(GET);
		number = document_number(answer);
		free(answer);
	} while (number < 3);
	stop();
}
END_TEST

/* Who comes when all places are taken waits until one of them gets free; those who say nothing lose
 * theirs. */
START_TEST(connections)
{
	int silent[METRICS_CONNECTIONS_MAX];
	struct pollfd answer = {.events = POLLIN};

	start((struct daemon){.lines = 2});
	for (int i = 0; i < METRICS_CONNECTIONS_MAX; i++) {
		silent[i] = dial();
		say(silent[i], "GET /met");
	}
	answer.fd = dial();
	say(answer.fd, GET);
	ck_assert_int_eq(poll(&answer, 1, 500), 0);
	close(silent[0]);
	char *text = hear(answer.fd);
	ck_assert_ptr_nonnull(strstr(text, "line 1\n"));
	free(text);
	for (int i = 1; i < METRICS_CONNECTIONS_MAX; i++)
		free(hear(silent[i]));
	expect(GET, "HTTP/1.1 200 OK\r\n", "line 1\n");
	ck_assert_int_lt(stop(), 2000);
}
END_TEST

/* Without descriptors it waits, and does not spin. */
START_TEST(descriptors)
{
	int fds[32];

	start((struct daemon){.lines = 2, .descriptors = 20});
	for (int i = 0; i < 32; i++)
		fds[i] = dial();
	rest(2000);
	for (int i = 0; i < 32; i++)
		close(fds[i]);
	expect(GET, "HTTP/1.1 200 OK\r\n", "line 1\n");
	ck_assert_int_lt(stop(), 1000);
}
END_TEST

START_TEST(port_taken)
{
	choose_port(true);
	start((struct daemon){.lines = 2});
	rest(100);
	close(other);
	int fd;
	while ((fd = try_dial()) < 0)
		rest(50);
	say(fd, GET);
	char *answer = hear(fd);
	ck_assert_ptr_nonnull(strstr(answer, "line 1\n"));
	free(answer);
	stop();
}
END_TEST

/* The end of the daemon is not put off by a reader. */
START_TEST(end_while_reading)
{
	start((struct daemon){.lines = LARGE_LINES});
	int slow = dial(), silent = dial();
	say(slow, GET);
	char c;
	ck_assert_int_eq(recv(slow, &c, 1, 0), 1);
	stop();
	close(slow);
	close(silent);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics_server");
	TCase *tests = tcase_create("metrics_server");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, requests_and_answers);
	tcase_add_test(tests, nonsense);
	tcase_add_test(tests, large);
	tcase_add_test(tests, slow_readers);
	tcase_add_test(tests, connections);
	tcase_add_test(tests, descriptors);
	tcase_add_test(tests, port_taken);
	tcase_add_test(tests, end_while_reading);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
