/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Test tool: sends UDP datagrams that carry consecutive numbers at an even rate, so that a reader
 * can tell which are missing and which came twice. Prints how many it sent, also when SIGTERM ends
 * it early. It expects no answer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { SIZE_MAX_UDP = 65507, SIZE_MIN = 12 };
enum { SECOND_NS = 1000000000, STEP_NS = 1000000, BEHIND_NS = 50000000 };

static const char magic[4] = {'v', 't', 'n', 'r'};
static volatile sig_atomic_t told_to_stop;

static void stop(int number)
{
	(void)number;
	told_to_stop = 1;
}

/* Who was held up makes up for a little, and lets the rest be: a burst would fill queues that the
 * rate does not. */
static void sleep_step(struct timespec *at)
{
	struct timespec now;

	at->tv_nsec += STEP_NS;
	if (at->tv_nsec >= SECOND_NS) {
		at->tv_nsec -= SECOND_NS;
		at->tv_sec++;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, at, NULL);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if ((now.tv_sec - at->tv_sec) * SECOND_NS + now.tv_nsec - at->tv_nsec > BEHIND_NS)
		*at = now;
}

int main(int argc, char **argv)
{
	static uint8_t payload[SIZE_MAX_UDP];
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct timespec at;
	uint64_t count, n;
	double rate, due = 0;
	size_t size;
	int fd;

	if (argc != 6 || !inet_pton(AF_INET, argv[1], &to.sin_addr)) {
		fprintf(stderr, "usage: numbered ADDRESS PORT COUNT RATE SIZE\n");
		return 1;
	}
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	count = strtoull(argv[3], NULL, 10);
	rate = atof(argv[4]);
	size = strtoul(argv[5], NULL, 10);
	if (size < SIZE_MIN || size > SIZE_MAX_UDP || rate <= 0)
		return 1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(payload, magic, sizeof(magic));
	clock_gettime(CLOCK_MONOTONIC, &at);
	signal(SIGTERM, stop);
	for (n = 0; n < count && !told_to_stop;) {
		sleep_step(&at);
		for (due += rate * STEP_NS / SECOND_NS; due >= 1 && n < count; due--, n++) {
			uint64_t number = n;

			memcpy(payload + sizeof(magic), &number, sizeof(number));
			if (sendto(fd, payload, size, 0, (struct sockaddr *)&to, sizeof(to)) < 0) {
				perror("numbered: sendto");
				return 1;
			}
		}
	}
	printf("%llu\n", (unsigned long long)n);
	return 0;
}
