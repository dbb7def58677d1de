/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prometheus' side: requests to the HTTP server, over this process's own loopback, in a network
 * namespace of its own where that is permitted. Whatever comes is answered by HTTP or by the end of
 * the connection; metrics come to GET /metrics alone. And label values, whatever they are, make
 * lines of the text format.
 *
 * Input: a byte with the size of the pieces, 0: all at once; then what is sent.
 */
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/loop.h"
#include "common/metrics_server.h"
#include "tests/fuzz/fuzz.h"

enum { SENT_MAX = 4096, TURNS = 200, ANSWER_MAX = 64 * 1024 };

static struct loop *loop;
static struct ip_endpoint endpoint;
static struct sockaddr_in name = {.sin_family = AF_INET};
static unsigned documents;

/* ---- the text -------------------------------------------------------------------------------- */

struct taken {
	char *text;
	size_t size;
};

static void take(void *ctx, char *block, size_t size)
{
	struct taken *taken = ctx;

	fuzz_check(!taken->text);
	taken->text = fuzz_copy(block, size);
	taken->size = size;
	metrics_block_free(block);
}

/* name{label="VALUE"} 5\n: no newline and no quote of the value's own, but escaped ones. */
static void check_label(const uint8_t *data, size_t size)
{
	char *value = strndup((const char *)data, size);
	const struct metrics_label labels[] = {{"label", value}, {NULL, NULL}};
	struct taken taken = {0};
	struct metrics_text text = {.take = take, .ctx = &taken, .family = "name"};
	static const char start[] = "name{label=\"", end[] = "\"} 5\n";

	metrics_sample(&text, labels, 5);
	fuzz_check(metrics_end(&text) && taken.size >= sizeof(start) + sizeof(end) - 2);
	const char *at = taken.text + sizeof(start) - 1;
	const char *stop = taken.text + taken.size - (sizeof(end) - 1);
	fuzz_check(!memcmp(taken.text, start, sizeof(start) - 1) &&
		   !memcmp(stop, end, sizeof(end) - 1));
	for (; at < stop; at++) {
		fuzz_check(*at && *at != '\n' && *at != '"');
		if (*at == '\\') {
			at++;
			fuzz_check(at < stop && strchr("\\\"n", *at));
		}
	}
	free(taken.text);
	free(value);
}

static void write_document(void *ctx, struct metrics_text *text)
{
	(void)ctx;
	metrics_single(text, METRICS_GAUGE, "document", "Number.", ++documents);
}

/* ---- the server ------------------------------------------------------------------------------ */

static void turn(void)
{
	fuzz_check(event_base_loop(loop_base(loop), EVLOOP_NONBLOCK) >= 0);
}

/* All that comes, up to the server's end or to where it waits for more. */
static size_t receive(int fd, char *answer)
{
	size_t size = 0;

	for (int i = 0; i < TURNS && size < ANSWER_MAX; i++) {
		ssize_t got = recv(fd, answer + size, ANSWER_MAX - size, MSG_DONTWAIT);
		if (got > 0)
			size += (size_t)got;
		else if (got == 0 || errno != EAGAIN)
			return size;
		turn();
	}
	return size;
}

static void check_answer(const char *answer, size_t size, const uint8_t *data)
{
	static const char http[] = "HTTP/1.", document[] = "# HELP document";

	if (!size)
		return;
	/* to a request of HTTP/0.9 the answer is without headers */
	bool has_document = memmem(answer, size, document, sizeof(document) - 1) != NULL;
	if (has_document)
		fuzz_check(!memcmp(data, "GET ", 4));
	if (size < sizeof(http) - 1 || memcmp(answer, http, sizeof(http) - 1) != 0)
		return;
	/* the version is the one that was asked with, with as many digits */
	const char *code = memchr(answer, ' ', size);
	fuzz_check(!has_document || (code && answer + size - code > 4 && !memcmp(code, " 200", 4)));
}

static void converse(const uint8_t *data, size_t size, size_t piece)
{
	static char answer[ANSWER_MAX];
	const struct linger at_once = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t sent = 0;

	/* it leaves nothing behind in the kernel */
	fuzz_check(fd >= 0 &&
		   setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0 &&
		   connect(fd, (const struct sockaddr *)&name, sizeof(name)) == 0);
	turn();
	while (sent < size) {
		size_t next = piece && piece < size - sent ? piece : size - sent;
		ssize_t took = send(fd, data + sent, next, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (took < 0)
			break;
		sent += (size_t)took;
		turn();
	}
	shutdown(fd, SHUT_WR);
	turn();
	check_answer(answer, receive(fd, answer), data);
	close(fd);
	turn();
}

/* The server says where it listens: each time, here. */
void log_line(int priority, const char *format, ...)
{
	(void)priority, (void)format;
}

static void choose_port(void)
{
	socklen_t size = sizeof(name);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* one that was free a moment ago */
	fuzz_check(bind(fd, (const struct sockaddr *)&name, size) == 0 &&
		   getsockname(fd, (struct sockaddr *)&name, &size) == 0);
	close(fd);
	fuzz_check(ip_addr_parse("127.0.0.1", &endpoint.addr));
	endpoint.port = ntohs(name.sin_port);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	signal(SIGPIPE, SIG_IGN);
	fuzz_leave_network();
	choose_port();
	return 0;
}

/* A server for each input: its connections are swept by a timer, which nobody waits for. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	size_t piece = fuzz_u8(&input);

	if (input.left > SENT_MAX)
		return 0;
	check_label(input.at, input.left);
	loop = loop_new();
	struct metrics_server *server =
	    loop ? metrics_server_new(loop, write_document, NULL) : NULL;
	fuzz_check(server);
	metrics_server_listen(server, &endpoint);
	converse(input.at, input.left, piece);
	metrics_server_free(server);
	loop_free(loop);
	return 0;
}
