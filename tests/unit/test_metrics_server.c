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

#include "common/metrics_server.h"
#include "tests/unit/served.h"

/* More than the kernel's buffers of a connection take. */
enum { LARGE_LINES = 2000 * 1000, PATIENCE_MS = 20000, ROOM = 32 << 20 };

static struct ip_endpoint endpoint;
static int other = -1; /* somebody else's socket at that port */

/* ---- the daemon's side ----------------------------------------------------------------------- */

struct daemon {
	uint64_t lines;  /* of the document */
	int descriptors; /* limit; 0: none */
	uint64_t documents;
	struct metrics_server *server;
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

static int open_server(struct loop *loop, void *ctx)
{
	struct daemon *daemon = ctx;

	if (other >= 0)
		close(other); /* the test has it */
	signal(SIGPIPE, SIG_IGN);
	daemon->server = metrics_server_new(loop, write_document, daemon);
	if (!daemon->server)
		return 3;
	metrics_server_listen(daemon->server, &endpoint);
	return 0;
}

static void close_server(void *ctx)
{
	metrics_server_free(((struct daemon *)ctx)->server);
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
	served_start(&(struct served){.open = open_server,
				      .close = close_server,
				      .ctx = &daemon,
				      .descriptors = daemon.descriptors});
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

static char *hear(int fd)
{
	return served_hear(fd, ROOM, PATIENCE_MS);
}

#define GET "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

static char *ask(const char *request)
{
	int fd = dial();

	served_say(fd, request);
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
	served_kill();
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
	served_stop();
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
		served_say(fd, requests[i]);
		shutdown(fd, SHUT_WR);
		char *answer = hear(fd);
		ck_assert_msg(strstr(answer, "line 1") == NULL || i == 5, "%s", requests[i]);
		free(answer);
	}
	memset(large, 'x', 1 << 20);
	for (int i = 0; i < 3; i++) {
		int fd = dial();
		if (i)
			served_say(fd, i == 1 ? "GET /" : "GET /metrics HTTP/1.1\r\nX: ");
		/* it is cut off, maybe before all of this was taken */
		send(fd, large, 1 << 20, MSG_NOSIGNAL);
		close(fd);
	}
	free(large);
	expect(GET, "HTTP/1.1 200 OK\r\n", "line 1\n");
	served_stop();
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
	served_stop();
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
		served_say(slow[i], GET);
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
	served_stop();
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
		served_say(silent[i], "GET /met");
	}
	answer.fd = dial();
	served_say(answer.fd, GET);
	ck_assert_int_eq(poll(&answer, 1, 500), 0);
	close(silent[0]);
	char *text = hear(answer.fd);
	ck_assert_ptr_nonnull(strstr(text, "line 1\n"));
	free(text);
	for (int i = 1; i < METRICS_CONNECTIONS_MAX; i++)
		free(hear(silent[i]));
	expect(GET, "HTTP/1.1 200 OK\r\n", "line 1\n");
	ck_assert_int_lt(served_stop(), 2000);
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
	ck_assert_int_lt(served_stop(), 1000);
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
	served_say(fd, GET);
	char *answer = hear(fd);
	ck_assert_ptr_nonnull(strstr(answer, "line 1\n"));
	free(answer);
	served_stop();
}
END_TEST

/* The end of the daemon is not put off by a reader. */
START_TEST(end_while_reading)
{
	start((struct daemon){.lines = LARGE_LINES});
	int slow = dial(), silent = dial();
	served_say(slow, GET);
	char c;
	ck_assert_int_eq(recv(slow, &c, 1, 0), 1);
	served_stop();
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
