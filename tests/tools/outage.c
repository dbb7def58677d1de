/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Test tool: breaks a mirror again and again, and measures how long no copy comes. It sends
 * numbered frames on the monitored interface without pause, in the client's namespace, and reads
 * the copies from the endpoint in the collector's. It prints one line for each repair: microseconds
 * from the first frame that was not copied to the first copy after it, how many were not, and
 * microseconds from the kernel's event of the break to that copy; -1: there was no such event
 * before it. To delete a device takes the kernel a while, and it tells of it near the end.
 *
 * "filter" deletes the egress filters of pref 2, "link NAME" a device. "again COMMAND" runs a shell
 * command that makes the monitored interface anew; the clock starts with the first frame that the
 * new one takes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FRAME = 60, TYPE = 0x88b5, STEP_US = 50, GIVE_UP_S = 10, PREF = 2, WINDOW = 1 << 18 };

struct bench {
	const char *interface, *kind, *what;
	int packets; /* sends on the monitored interface */
	int reader;  /* on the endpoint */
	int netlink;
	int events;
	uint64_t number;
};

static const uint8_t magic[4] = {'v', 't', 'o', 'g'};

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void pause_us(long us)
{
	struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
	nanosleep(&t, NULL);
}

static bool enter(const char *ns)
{
	char path[128];
	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good = fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
	if (!good)
		perror(path);
	close(fd);
	return good;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static bool send_frame(struct bench *b)
{
	uint8_t frame[FRAME] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,      2,
				0,    0,    0,    0,    1,    TYPE >> 8, TYPE & 0xff};
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex(b->interface)};

	if (!to.sll_ifindex)
		return false;
	memcpy(frame + ETH_HLEN, magic, sizeof(magic));
	memcpy(frame + ETH_HLEN + sizeof(magic), &b->number, sizeof(b->number));
	if (sendto(b->packets, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return false;
	b->number++;
	return true;
}

/* The number of a copy that has come; false: none has. */
static bool read_copy(struct bench *b, uint64_t *number)
{
	uint8_t frame[2048];
	ssize_t size;

	while ((size = recv(b->reader, frame, sizeof(frame), MSG_DONTWAIT)) > 0) {
		if (size < FRAME || memcmp(frame + ETH_HLEN, magic, sizeof(magic)) != 0)
			continue;
		memcpy(number, frame + ETH_HLEN + sizeof(magic), sizeof(*number));
		return true;
	}
	return false;
}

/* Sends until the copy of a frame with `from` or a later number comes. */
static bool until_copied(struct bench *b, uint64_t from, uint64_t *first)
{
	double end = now_us() + GIVE_UP_S * 1e6;

	while (now_us() < end) {
		send_frame(b);
		while (read_copy(b, first))
			if (*first >= from)
				return true;
		pause_us(STEP_US);
	}
	fprintf(stderr, "outage: no copy within %d s\n", GIVE_UP_S);
	return false;
}

/* ---- breaking -------------------------------------------------------------------------------- */

static int ask(struct bench *b, uint16_t type, const void *body, size_t size)
{
	struct {
		struct nlmsghdr header;
		char body[256];
	} m = {.header = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(size),
			  .nlmsg_type = type,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK}};
	struct nlmsgerr *error = (struct nlmsgerr *)m.body;

	memcpy(m.body, body, size);
	if (send(b->netlink, &m, m.header.nlmsg_len, 0) < 0 ||
	    recv(b->netlink, &m, sizeof(m), 0) < (ssize_t)NLMSG_LENGTH(sizeof(*error)))
		return -errno;
	return error->error;
}

static int hurt(struct bench *b)
{
	if (strcmp(b->kind, "filter") == 0) {
		struct tcmsg tcm = {.tcm_ifindex = (int)if_nametoindex(b->interface),
				    .tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
				    .tcm_info = TC_H_MAKE(PREF << 16, 0)};
		return ask(b, RTM_DELTFILTER, &tcm, sizeof(tcm));
	}
	struct ifinfomsg info = {.ifi_index = (int)if_nametoindex(b->what)};
	return ask(b, RTM_DELLINK, &info, sizeof(info));
}

/* Empties the event socket; whether it told of the break. */
static bool told(struct bench *b, int ifindex)
{
	struct {
		struct nlmsghdr header;
		char body[16384];
	} m;
	bool filter = strcmp(b->kind, "filter") == 0, found = false;

	while (recv(b->events, &m, sizeof(m), MSG_DONTWAIT) > 0) {
		const struct ifinfomsg *link = (const struct ifinfomsg *)m.body;
		const struct tcmsg *tcm = (const struct tcmsg *)m.body;
		if (filter)
			found |=
			    m.header.nlmsg_type == RTM_DELTFILTER && tcm->tcm_ifindex == ifindex;
		else
			found |= m.header.nlmsg_type == RTM_DELLINK && link->ifi_index == ifindex &&
				 link->ifi_family == AF_UNSPEC;
	}
	return found;
}

/* Runs the command; returns when a frame went out on the new interface, which is when. */
static double make_again(struct bench *b, pid_t *child)
{
	double end = now_us() + GIVE_UP_S * 1e6, at;
	unsigned before = if_nametoindex(b->interface);

	*child = fork();
	if (*child == 0) {
		execl("/bin/sh", "sh", "-c", b->what, (char *)NULL);
		_exit(127);
	}
	do {
		unsigned there = if_nametoindex(b->interface);
		at = now_us();
		if (there && there != before && send_frame(b))
			return at;
		pause_us(STEP_US);
	} while (at < end);
	fprintf(stderr, "outage: the interface did not come again\n");
	return 0;
}

/*
 * Breaks it beside the traffic, as the break itself may take a while. The outage is from the first
 * frame that was not copied to the first copy behind the last such frame.
 */
static bool break_beside(struct bench *b)
{
	static double sent_at[WINDOW], came_at[WINDOW];
	uint64_t from = b->number, enough = UINT64_MAX, copy = 0;
	double end = now_us() + GIVE_UP_S * 1e6, outage = 0, told_at = 0;
	bool filter = strcmp(b->kind, "filter") == 0;
	int ifindex = (int)if_nametoindex(filter ? b->interface : b->what), status;

	told(b, ifindex); /* of the breaks before */
	pid_t child = fork();

	if (child == 0)
		_exit(hurt(b) != 0);
	memset(came_at, 0, sizeof(came_at));
	while (enough == UINT64_MAX || copy < enough) {
		if (now_us() > end || b->number - from >= WINDOW) {
			fprintf(stderr, "outage: no copy within %d s\n", GIVE_UP_S);
			return false;
		}
		sent_at[b->number - from] = now_us();
		send_frame(b);
		while (read_copy(b, &copy))
			if (copy >= from)
				came_at[copy - from] = now_us();
		if (told_at == 0 && told(b, ifindex))
			told_at = now_us();
		if (enough == UINT64_MAX && waitpid(child, &status, WNOHANG) == child) {
			if (status)
				return false;
			enough = b->number;
		}
		pause_us(STEP_US);
	}
	uint64_t first = 0, last = copy - from, missed = 0;
	while (first < last && came_at[first] > 0)
		first++;
	for (uint64_t i = first; i < last; i++)
		missed += came_at[i] == 0;
	while (last > first && came_at[last - 1] > 0)
		last--;
	if (missed)
		outage = came_at[last] - sent_at[first];
	bool after = missed && told_at > 0 && told_at < came_at[last];
	printf("%.0f %llu %.0f\n", outage, (unsigned long long)missed,
	       after ? came_at[last] - told_at : -1);
	return true;
}

static bool make_anew(struct bench *b)
{
	uint64_t from = b->number, first;
	pid_t child;
	double start = make_again(b, &child);

	if (start == 0 || !until_copied(b, from, &first))
		return false;
	printf("%.0f %llu -1\n", now_us() - start, (unsigned long long)(first - from));
	waitpid(child, NULL, 0);
	return true;
}

static bool one_repair(struct bench *b)
{
	uint64_t first;

	if (!until_copied(b, b->number, &first))
		return false;
	/* apart from the pass before: events that follow one within 50 ms are gathered */
	pause_us(200000 + rand() % 50000);
	return strcmp(b->kind, "again") == 0 ? make_anew(b) : break_beside(b);
}

int main(int argc, char **argv)
{
	struct bench b = {0};
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = 0};
	struct sockaddr_nl groups = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_TC};
	int count;

	if (argc < 7) {
		fprintf(stderr, "usage: outage CLIENT_NS INTERFACE COLLECTOR_NS ENDPOINT COUNT "
				"filter|link|again [NAME|COMMAND]\n");
		return 2;
	}
	b.interface = argv[2];
	b.kind = argv[6];
	b.what = argc > 7 ? argv[7] : "";
	count = atoi(argv[5]);
	if (!enter(argv[3]))
		return 1;
	b.reader = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	to.sll_protocol = (uint16_t)(ETH_P_ALL << 8);
	to.sll_ifindex = (int)if_nametoindex(argv[4]);
	if (b.reader < 0 || bind(b.reader, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("outage: reader");
		return 1;
	}
	if (!enter(argv[1]))
		return 1;
	b.packets = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	b.netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	b.events = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (bind(b.events, (struct sockaddr *)&groups, sizeof(groups)) < 0) {
		perror("outage: events");
		return 1;
	}
	for (int i = 0; i < count; i++)
		if (!one_repair(&b))
			return 1;
	return 0;
}
