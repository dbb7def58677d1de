/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Benchmark: TCP between a monitored host and the far end of its cable, both ends in this process,
 * in one thread: what one processor can do, without the scheduler's part in it. "bulk" sends from
 * the host; a unit is a byte. "ask" sends questions of the far end to the host and waits for the
 * answers; a unit is a transaction.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "side.h"

enum {
	BULK = 2 << 20, /* bytes of a turn */
	PIECE = 256 << 10,
	ASKS = 50, /* transactions of a turn */
	QUESTION = 100,
	ANSWER = 1000,
	STALLED_MS = 5000,
};

struct stream {
	int host;
	int far;
};

static uint8_t block[PIECE], sink[PIECE];

static void prepare(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Connects the far end to the host, without waiting: the connection is made within the call. */
static bool open_stream(struct side *side)
{
	struct stream *s = side->own;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(SIDE_PORT)};

	inet_pton(AF_INET, SIDE_HOST, &at.sin_addr);
	if (!side_enter(side->host))
		return false;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(listener, 1) < 0 || !side_enter(side->far))
		return false;
	s->far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->far < 0 || connect(s->far, (struct sockaddr *)&at, sizeof(at)) < 0)
		return false;
	s->host = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	prepare(s->far);
	prepare(s->host);
	return s->host >= 0;
}

/* Waits until there is something to do; false: nothing came for long. */
static bool wait_for(struct stream *s, bool to_send)
{
	struct pollfd fds[] = {{.fd = s->far, .events = POLLIN},
			       {.fd = s->host, .events = to_send ? POLLOUT : 0}};

	return poll(fds, 2, STALLED_MS) > 0;
}

static double bulk_turn(struct side *side)
{
	struct stream *s = side->own;
	size_t sent = 0, received = 0;

	while (received < BULK) {
		ssize_t in = 0, out = 0;
		if (sent < BULK) {
			size_t left = BULK - sent;
			out = send(s->host, block, left < PIECE ? left : PIECE, MSG_DONTWAIT);
			sent += out > 0 ? (size_t)out : 0;
		}
		in = recv(s->far, sink, PIECE, MSG_DONTWAIT);
		received += in > 0 ? (size_t)in : 0;
		if (in <= 0 && out <= 0 && !wait_for(s, sent < BULK))
			return 0;
	}
	return BULK;
}

static bool pass(int from, int to, size_t size)
{
	return send(from, block, size, 0) == (ssize_t)size &&
	       recv(to, block, size, MSG_WAITALL) == (ssize_t)size;
}

static double ask_turn(struct side *side)
{
	struct stream *s = side->own;

	for (int i = 0; i < ASKS; i++)
		if (!pass(s->far, s->host, QUESTION) || !pass(s->host, s->far, ANSWER))
			return 0;
	return ASKS;
}

/* What TCP sent, repetitions and the turn that was not counted included. */
static void print_sent(const struct side *side)
{
	const struct stream *s = side->own;
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	if (getsockopt(s->host, IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
		printf("sent %s %llu %u\n", side->name, (unsigned long long)info.tcpi_bytes_sent,
		       info.tcpi_total_retrans);
}

int main(int argc, char **argv)
{
	static struct side sides[SIDES_MAX];
	size_t count = argc > 3 ? (size_t)argc - 3 : 0;

	if (!count) {
		fprintf(stderr, "usage: streams bulk|ask SECONDS NAME:HOST:FAR...\n");
		return 2;
	}
	if (!sides_parse(sides, argv + 3, count))
		return 2;
	for (size_t i = 0; i < count; i++) {
		sides[i].own = calloc(1, sizeof(struct stream));
		if (!sides[i].own || !open_stream(&sides[i])) {
			perror(sides[i].name);
			return 1;
		}
	}
	sides_take_turns(sides, count, atof(argv[2]),
			 strcmp(argv[1], "ask") == 0 ? ask_turn : bulk_turn);
	bool good = sides_print(sides, count);
	for (size_t i = 0; i < count; i++)
		print_sent(&sides[i]);
	return !good;
}
