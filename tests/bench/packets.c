/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Benchmark: what a packet costs that leaves a monitored host, or comes in. Leaving, it is a UDP
 * datagram of a socket of the host's; coming in, a frame that a packet socket puts on the other end
 * of the host's cable (veth), which the host receives within the call that sends. There a socket
 * takes what it has room for; the rest is thrown away at the socket, which is the end of the way.
 *
 * With one side it is a plain sender; the output has the number of packets.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "side.h"

enum {
	BATCH = 64,
	BATCHES = 4, /* of a turn */
	FLOWS = 64,  /* source ports of what comes in */
	HEADERS = ETH_HLEN + (int)sizeof(struct iphdr) + (int)sizeof(struct udphdr),
};

static size_t sizes[BATCH], sizes_count;
static uint8_t zeros[ETH_FRAME_LEN];

struct sender {
	int fd;
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	uint8_t frames[BATCH][ETH_FRAME_LEN];
};

/* Frame sizes, as in "60,60,590,1514"; the turn goes through them again and again. */
static bool parse_sizes(char *text)
{
	for (char *one; (one = strsep(&text, ",")) && sizes_count < BATCH;) {
		size_t size = strtoul(one, NULL, 10);
		if (size < 60 || size > ETH_FRAME_LEN)
			return false;
		sizes[sizes_count++] = size;
	}
	return sizes_count > 0;
}

static void link_messages(struct sender *s, int headers)
{
	for (size_t i = 0; i < BATCH; i++) {
		size_t size = sizes[i % sizes_count] - (size_t)headers;
		s->vectors[i] = (struct iovec){headers ? zeros : s->frames[i], size};
		s->messages[i].msg_hdr.msg_iov = &s->vectors[i];
		s->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

static bool open_out(struct side *side)
{
	struct sender *s = side->own;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(SIDE_PORT)};

	inet_pton(AF_INET, SIDE_FAR, &to.sin_addr);
	link_messages(s, HEADERS);
	if (!side_enter(side->host))
		return false;
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return s->fd >= 0 && connect(s->fd, (struct sockaddr *)&to, sizeof(to)) == 0;
}

static uint16_t checksum(const void *from, size_t size)
{
	const uint16_t *p = from;
	uint32_t sum = 0;

	for (; size > 1; size -= 2)
		sum += *p++;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void make_frame(uint8_t *frame, size_t size, size_t flow, const uint8_t *to,
		       const uint8_t *from)
{
	struct iphdr ip = {.version = 4,
			   .ihl = 5,
			   .ttl = 64,
			   .protocol = IPPROTO_UDP,
			   .tot_len = htons((uint16_t)(size - ETH_HLEN)),
			   .saddr = inet_addr(SIDE_FAR),
			   .daddr = inet_addr(SIDE_HOST)};
	struct udphdr udp = {.source = htons((uint16_t)(1024 + flow)),
			     .dest = htons(SIDE_PORT),
			     .len = htons((uint16_t)(size - ETH_HLEN - sizeof(ip)))};

	ip.check = checksum(&ip, sizeof(ip));
	memcpy(frame, to, ETH_ALEN);
	memcpy(frame + ETH_ALEN, from, ETH_ALEN);
	frame[12] = ETH_P_IP >> 8;
	frame[13] = ETH_P_IP & 0xff;
	memcpy(frame + ETH_HLEN, &ip, sizeof(ip));
	memcpy(frame + ETH_HLEN + sizeof(ip), &udp, sizeof(udp));
}

/* A socket that receives in the host, and the host's address on the cable. */
static bool open_host(const char *ns, uint8_t mac[ETH_ALEN])
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(SIDE_PORT)};
	struct ifreq ask = {.ifr_name = "eth0"};
	int small = 4096, on = 1;

	if (!side_enter(ns))
		return false;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || ioctl(fd, SIOCGIFHWADDR, &ask) < 0)
		return false;
	memcpy(mac, ask.ifr_hwaddr.sa_data, ETH_ALEN);
	return true; /* it stays open as long as the process lives */
}

static bool open_in(struct side *side)
{
	struct sender *s = side->own;
	struct sockaddr_ll at = {.sll_family = AF_PACKET};
	struct ifreq ask = {.ifr_name = "eth0"};
	uint8_t host[ETH_ALEN], far[ETH_ALEN];
	int on = 1;

	if (!open_host(side->host, host) || !side_enter(side->far))
		return false;
	s->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	at.sll_ifindex = (int)if_nametoindex("eth0");
	if (s->fd < 0 || ioctl(s->fd, SIOCGIFHWADDR, &ask) < 0 ||
	    setsockopt(s->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0 ||
	    bind(s->fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return false;
	memcpy(far, ask.ifr_hwaddr.sa_data, ETH_ALEN);
	for (size_t i = 0; i < BATCH; i++)
		make_frame(s->frames[i], sizes[i % sizes_count], i % FLOWS, host, far);
	link_messages(s, 0);
	return true;
}

static double take_turn(struct side *side)
{
	struct sender *s = side->own;
	int sent = 0;

	for (int i = 0; i < BATCHES; i++) {
		int result = sendmmsg(s->fd, s->messages, BATCH, 0);
		sent += result > 0 ? result : 0;
	}
	return sent;
}

int main(int argc, char **argv)
{
	static struct side sides[SIDES_MAX];
	size_t count = argc > 4 ? (size_t)argc - 4 : 0;

	if (!count || !parse_sizes(argv[3])) {
		fprintf(stderr, "usage: packets out|in SECONDS SIZE,... NAME:HOST:FAR...\n");
		return 2;
	}
	if (!sides_parse(sides, argv + 4, count))
		return 2;
	for (size_t i = 0; i < count; i++) {
		sides[i].own = calloc(1, sizeof(struct sender));
		if (!sides[i].own ||
		    !(argv[1][0] == 'i' ? open_in(&sides[i]) : open_out(&sides[i]))) {
			perror(sides[i].name);
			return 1;
		}
	}
	sides_take_turns(sides, count, atof(argv[2]), take_turn, CLOCK_THREAD_CPUTIME_ID);
	return !sides_print(sides, count);
}
