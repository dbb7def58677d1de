/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Benchmark: TCP between a monitored host and the far end of its cable. "ask" sends questions of
 * the far end to the host and waits for the answers, both ends in one thread: what one processor
 * can do, without the scheduler's part in it; a unit is a transaction. "out" and "in" send as fast
 * as they can over a number of connections, from one thread and processor to another: throughput,
 * by the clock on the wall; a unit is a byte.
 *
 * Congestion control is Reno, which every kernel has, and which sends when it can. BBR, where it is
 * the system's default, sets timers to keep its pace: they cost a host that has nothing else to do
 * more than copies cost another one, which is never ahead of its pace.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "side.h"

enum {
	FLOWS_MAX = 64,
	BULK = 4 << 20, /* bytes of a turn, of all flows together */
	PIECE = 256 << 10,
	ASKS = 50, /* transactions of a turn */
	QUESTION = 100,
	ANSWER = 1000,
	STALLED_MS = 5000,
};

struct flow {
	int host, far; /* sockets */
	int from, to;  /* the same two, by the direction of bulk */
};

static struct flow *flows_of(const struct side *side)
{
	return side->own;
}

static size_t flows_count = 1;
static bool inward;
static uint8_t block[PIECE], sink[PIECE];

/* ---- connections ----------------------------------------------------------------------------- */

static int open_socket(void)
{
	static const char control[] = "reno";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, control, sizeof(control) - 1) < 0)
		return -1;
	return fd;
}

/* Connects the far end to the host, without waiting: the connection is made within the call, and
 * what is accepted is set as the listening socket is. */
static bool open_flows(struct side *side)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(SIDE_PORT)};

	inet_pton(AF_INET, SIDE_HOST, &at.sin_addr);
	if (!side_enter(side->host))
		return false;
	int listener = open_socket();
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(listener, 1) < 0 || !side_enter(side->far))
		return false;
	for (size_t i = 0; i < flows_count; i++) {
		struct flow *f = &flows_of(side)[i];
		f->far = open_socket();
		if (f->far < 0 || connect(f->far, (struct sockaddr *)&at, sizeof(at)) < 0)
			return false;
		f->host = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (f->host < 0)
			return false;
		f->from = inward ? f->far : f->host;
		f->to = inward ? f->host : f->far;
	}
	close(listener);
	return true;
}

/* What TCP sent in the direction of bulk, repetitions and the turn that was not counted included.
 */
static void print_sent(const struct side *side)
{
	unsigned long long sent = 0;
	unsigned repeated = 0;

	for (size_t i = 0; i < flows_count; i++) {
		struct tcp_info info = {0};
		socklen_t size = sizeof(info);
		getsockopt(flows_of(side)[i].from, IPPROTO_TCP, TCP_INFO, &info, &size);
		sent += info.tcpi_bytes_sent;
		repeated += info.tcpi_total_retrans;
	}
	printf("sent %s %llu %u\n", side->name, sent, repeated);
}

/* ---- bulk ------------------------------------------------------------------------------------ */

/* The turn that the receiving thread is to take part in, and how much of it came. */
static struct {
	sem_t begun, ended;
	struct side *side;
	size_t received;
} bulk;

/* Waits for one of the sockets in `fds`, of which those below zero do not count. */
static bool wait_for(struct pollfd *fds)
{
	return poll(fds, flows_count, STALLED_MS) > 0;
}

static size_t receive_once(const struct flow *flows)
{
	size_t received = 0;

	for (size_t i = 0; i < flows_count; i++) {
		ssize_t in = recv(flows[i].to, sink, PIECE, MSG_DONTWAIT);
		received += in > 0 ? (size_t)in : 0;
	}
	return received;
}

static size_t receive_bulk(const struct flow *flows, size_t size)
{
	struct pollfd fds[FLOWS_MAX];
	size_t received = 0;

	for (size_t i = 0; i < flows_count; i++)
		fds[i] = (struct pollfd){.fd = flows[i].to, .events = POLLIN};
	while (received < size) {
		size_t now = receive_once(flows);
		if (!now && !wait_for(fds))
			break;
		received += now;
	}
	return received;
}

/* By turns over all flows, the same amount in each. */
static bool send_bulk(const struct flow *flows, size_t size)
{
	size_t left[FLOWS_MAX], unsent = size;
	struct pollfd fds[FLOWS_MAX];

	for (size_t i = 0; i < flows_count; i++)
		left[i] = size / flows_count;
	while (unsent) {
		size_t before = unsent;
		for (size_t i = 0; i < flows_count; i++) {
			size_t piece = left[i] < PIECE ? left[i] : PIECE;
			ssize_t out = 0;
			if (piece)
				out = send(flows[i].from, block, piece, MSG_DONTWAIT);
			left[i] -= out > 0 ? (size_t)out : 0;
			unsent -= out > 0 ? (size_t)out : 0;
			fds[i] =
			    (struct pollfd){.fd = left[i] ? flows[i].from : -1, .events = POLLOUT};
		}
		if (unsent == before && !wait_for(fds))
			return false;
	}
	return true;
}

static size_t bulk_size(void)
{
	return BULK / flows_count * flows_count;
}

static void *receive(void *unused)
{
	for (;;) {
		sem_wait(&bulk.begun);
		bulk.received = receive_bulk(flows_of(bulk.side), bulk_size());
		sem_post(&bulk.ended);
	}
	return unused;
}

static double bulk_turn(struct side *side)
{
	bulk.side = side;
	sem_post(&bulk.begun);
	bool sent = send_bulk(flows_of(side), bulk_size());
	sem_wait(&bulk.ended);
	if (!sent || bulk.received < bulk_size()) { /* what is late would be the next turn's */
		fprintf(stderr, "%s: nothing came for %d ms\n", side->name, STALLED_MS);
		exit(1);
	}
	return (double)bulk_size();
}

/* The first and the last processor of those that may be used. */
static bool choose_processors(cpu_set_t *first, cpu_set_t *last)
{
	size_t low = 0, high = CPU_SETSIZE - 1;
	cpu_set_t all;

	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		return false;
	while (!CPU_ISSET(low, &all))
		low++;
	while (!CPU_ISSET(high, &all))
		high--;
	CPU_ZERO(first);
	CPU_SET(low, first);
	CPU_ZERO(last);
	CPU_SET(high, last);
	return true;
}

static bool start_receiver(void)
{
	cpu_set_t sends, receives;
	pthread_t thread;

	return choose_processors(&sends, &receives) && sem_init(&bulk.begun, 0, 0) == 0 &&
	       sem_init(&bulk.ended, 0, 0) == 0 &&
	       pthread_create(&thread, NULL, receive, NULL) == 0 &&
	       pthread_setaffinity_np(thread, sizeof(receives), &receives) == 0 &&
	       pthread_setaffinity_np(pthread_self(), sizeof(sends), &sends) == 0;
}

/* ---- questions and answers ------------------------------------------------------------------- */

static bool pass(int from, int to, size_t size)
{
	return send(from, block, size, 0) == (ssize_t)size &&
	       recv(to, block, size, MSG_WAITALL) == (ssize_t)size;
}

static double ask_turn(struct side *side)
{
	struct flow *f = side->own;

	for (int i = 0; i < ASKS; i++)
		if (!pass(f->far, f->host, QUESTION) || !pass(f->host, f->far, ANSWER))
			return 0;
	return ASKS;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static bool open_all(struct side *sides, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		sides[i].own = calloc(flows_count, sizeof(struct flow));
		if (!sides[i].own || !open_flows(&sides[i])) {
			perror(sides[i].name);
			return false;
		}
	}
	return true;
}

static int usage(void)
{
	fprintf(stderr, "usage: streams ask SECONDS NAME:HOST:FAR...\n"
			"       streams out|in SECONDS FLOWS NAME:HOST:FAR...\n");
	return 2;
}

int main(int argc, char **argv)
{
	static struct side sides[SIDES_MAX];
	bool ask = argc > 1 && strcmp(argv[1], "ask") == 0;
	int first = ask ? 3 : 4;

	if (argc <= first)
		return usage();
	inward = strcmp(argv[1], "in") == 0;
	if (!ask)
		flows_count = (size_t)atoi(argv[3]);
	if (!flows_count || flows_count > FLOWS_MAX)
		return usage();
	size_t count = (size_t)(argc - first);
	if (!sides_parse(sides, argv + first, count))
		return 2;
	if (!open_all(sides, count) || (!ask && !start_receiver()))
		return 1;
	if (ask)
		sides_take_turns(sides, count, atof(argv[2]), ask_turn, CLOCK_THREAD_CPUTIME_ID);
	else
		sides_take_turns(sides, count, atof(argv[2]), bulk_turn, CLOCK_MONOTONIC);
	bool good = sides_print(sides, count);
	for (size_t i = 0; i < count; i++)
		print_sent(&sides[i]);
	return !good;
}
