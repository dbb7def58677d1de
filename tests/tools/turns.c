/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Test tool: what receiving a VXLAN packet costs, in several places at once. One process sends from
 * a packet socket for each place, which is an interface whose other end receives in the same call
 * (veth); places take turns of TURN packets in random order, so that what disturbs the machine
 * disturbs all of them alike; before, each source has sent once. Prints for each place: its name,
 * and nanoseconds per packet, of the sender's processor time: least, quartile, median, and the
 * number of turns.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
	PLACES = 16,
	TURN = 500, /* packets */
	BATCH = 50,
	INNER = 60,
	OUTER = 14 + 20 + 8 + 8,
	FRAME = OUTER + INNER,
	RECORDS = 1 << 20,
};

struct place {
	const char *name;
	int fd;
	uint8_t mac[6]; /* of the receiving end */
	uint8_t (*frames)[FRAME];
	size_t next;
	float *ns;
	size_t count;
};

static double now_ns(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static unsigned ip_checksum(const uint8_t *p)
{
	unsigned sum = 0;
	for (int i = 0; i < 20; i += 2)
		sum += (unsigned)(p[i] << 8 | p[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/*
 * The n-th source's packet to the place: every other frame is "from" the one gateway that all
 * clients see, the others from a machine of the source's own.
 */
static void make_frame(uint8_t *f, const uint8_t mac[6], const uint8_t to[4], size_t n)
{
	uint8_t *ip = f + 14, *udp = ip + 20, *vxlan = udp + 8, *inner = vxlan + 8;

	memcpy(f, mac, 6);
	memcpy(f + 6, "\2\0\0\0\0\1", 6);
	put16(f + 12, ETH_P_IP);
	ip[0] = 0x45;
	put16(ip + 2, FRAME - 14);
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	ip[12] = 10;
	ip[13] = 100;
	put16(ip + 14, (unsigned)n);
	memcpy(ip + 16, to, 4);
	put16(ip + 10, ip_checksum(ip));
	put16(udp, 32768 + (unsigned)(n % 16384));
	put16(udp + 2, 4789);
	put16(udp + 4, FRAME - 34);
	vxlan[0] = 8;
	vxlan[6] = 42;
	memcpy(inner, "\2\1\1\1\1\1\2\7\7\0\0\1", 12);
	if (n & 1) {
		inner[8] = 1;
		put16(inner + 10, (unsigned)n);
	}
	put16(inner + 12, 0x88b5);
}

static int open_place(struct place *p, char *text, const uint8_t to[4], size_t sources)
{
	struct sockaddr_ll addr = {.sll_family = AF_PACKET};
	char *interface = strchr(text, ':'), *mac = interface ? strchr(interface + 1, ':') : NULL;
	int on = 1;

	if (!mac)
		return -1;
	*interface++ = '\0';
	*mac++ = '\0';
	p->name = text;
	if (sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", p->mac, p->mac + 1, p->mac + 2, p->mac + 3,
		   p->mac + 4, p->mac + 5) != 6)
		return -1;
	p->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	addr.sll_ifindex = (int)if_nametoindex(interface);
	p->frames = calloc(sources, FRAME);
	p->ns = malloc(RECORDS * sizeof(*p->ns));
	if (p->fd < 0 || !p->frames || !p->ns ||
	    setsockopt(p->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0 ||
	    bind(p->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -1;
	for (size_t i = 0; i < sources; i++)
		make_frame(p->frames[i], p->mac, to, i);
	return 0;
}

static void take_turn(struct place *p, size_t sources)
{
	struct mmsghdr messages[BATCH] = {0};
	struct iovec vectors[BATCH];
	int sent = 0;

	double start = now_ns(CLOCK_THREAD_CPUTIME_ID);
	for (int done = 0; done < TURN; done += BATCH) {
		for (int i = 0; i < BATCH; i++) {
			vectors[i] = (struct iovec){p->frames[p->next], FRAME};
			messages[i].msg_hdr.msg_iov = &vectors[i];
			messages[i].msg_hdr.msg_iovlen = 1;
			p->next = p->next + 1 < sources ? p->next + 1 : 0;
		}
		int result = sendmmsg(p->fd, messages, BATCH, 0);
		sent += result > 0 ? result : 0;
	}
	if (sent == TURN && p->count < RECORDS)
		p->ns[p->count++] = (float)((now_ns(CLOCK_THREAD_CPUTIME_ID) - start) / sent);
}

/*
 * Every source's first packet, in an order that is not that of the turns: what a receiver allocates
 * for them one after the other is not what it needs one after the other.
 */
static void introduce(struct place *p, size_t sources)
{
	/* a step that has no divisor in common with the number of sources visits all of them */
	static const size_t step = 48271;

	for (size_t i = 0, at = 0; i < sources; i++, at = (at + step) % sources)
		if (send(p->fd, p->frames[at], FRAME, 0) != FRAME)
			perror(p->name);
}

static int order(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static struct place places[PLACES];
	size_t count = argc > 4 ? (size_t)argc - 4 : 0;
	uint8_t to[4];

	if (!count || count > PLACES || inet_pton(AF_INET, argv[3], to) != 1) {
		fprintf(stderr, "usage: turns SECONDS SOURCES ADDRESS NAME:INTERFACE:MAC...\n");
		return 2;
	}
	size_t sources = strtoul(argv[2], NULL, 10);
	for (size_t i = 0; i < count; i++) {
		if (open_place(&places[i], argv[4 + i], to, sources) < 0) {
			perror(argv[4 + i]);
			return 1;
		}
	}
	for (size_t i = 0; i < count; i++)
		introduce(&places[i], sources);
	double end = now_ns(CLOCK_MONOTONIC) + atof(argv[1]) * 1e9;
	while (now_ns(CLOCK_MONOTONIC) < end) {
		size_t turns[PLACES];
		for (size_t i = 0; i < count; i++) {
			size_t j = (size_t)rand() % (i + 1);
			if (j != i)
				turns[i] = turns[j];
			turns[j] = i;
		}
		for (size_t i = 0; i < count; i++)
			take_turn(&places[turns[i]], sources);
	}
	for (size_t i = 0; i < count; i++) {
		struct place *p = &places[i];
		if (!p->count)
			return 1;
		qsort(p->ns, p->count, sizeof(*p->ns), order);
		printf("%s %.0f %.0f %.0f %zu\n", p->name, p->ns[0], p->ns[p->count / 4],
		       p->ns[p->count / 2], p->count);
	}
	return 0;
}
