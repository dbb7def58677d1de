/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Test tool: writes every frame that an AF_PACKET reader sees on an interface to a pcapng file,
 * with its direction, until SIGTERM; then drains what is queued and says "frames N bytes N drops
 * N".
 * "-s" shows the frames as they will be on the wire: GSO super-packets cut, pending checksums
 * filled in. "-f" gives it a classic filter, in one line as `tcpdump -ddd` prints them. It decides
 * nothing about what it sees.
 *
 * Exit status: 0, 1 on an error, 3 when the kernel dropped frames for want of room.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

enum {
	FRAME_MAX = 512 * 1024, /* BIG TCP stays below */
	SOCKET_BUFFER = 1 << 30,
	FILTER_MAX = 512, /* instructions */
	TCP_FIN = 0x01,
	TCP_PSH = 0x08,
	TCP_CWR = 0x80,
};

struct capture {
	FILE *file;
	int fd;
	bool wire;
	unsigned long frames;
	unsigned long bytes;
	unsigned long unreadable;
};

/* ---- pcapng
 * ------------------------------------------------------------------------------------------------
 */

static void put32(FILE *f, uint32_t v)
{
	fwrite(&v, sizeof(v), 1, f);
}

static void write_header(FILE *f)
{
	put32(f, 0x0a0d0d0a);
	put32(f, 28);
	put32(f, 0x1a2b3c4d);
	put32(f, 1); /* version 1.0 */
	put32(f, 0xffffffff);
	put32(f, 0xffffffff);
	put32(f, 28);

	put32(f, 1);
	put32(f, 32);
	put32(f, 1); /* LINKTYPE_ETHERNET */
	put32(f, 0);
	put32(f, 9 | 1 << 16); /* if_tsresol: nanoseconds */
	put32(f, 9);
	put32(f, 0);
	put32(f, 32);
}

static void write_frame(struct capture *c, const uint8_t *frame, size_t size, bool outgoing)
{
	static const uint8_t zero[4];
	size_t pad = -size & 3;
	uint32_t total = (uint32_t)(44 + size + pad);
	struct timespec ts;
	uint64_t ns;

	clock_gettime(CLOCK_REALTIME, &ts);
	ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	put32(c->file, 6);
	put32(c->file, total);
	put32(c->file, 0);
	put32(c->file, (uint32_t)(ns >> 32));
	put32(c->file, (uint32_t)ns);
	put32(c->file, (uint32_t)size);
	put32(c->file, (uint32_t)size);
	fwrite(frame, size, 1, c->file);
	fwrite(zero, pad, 1, c->file);
	put32(c->file, 2 | 4 << 16); /* epb_flags: direction */
	put32(c->file, outgoing ? 2 : 1);
	put32(c->file, 0);
	put32(c->file, total);
	c->frames++;
	c->bytes += size;
}

/* ---- frames as on the wire
 * --------------------------------------------------------------------------------- */

static uint32_t sum_bytes(uint32_t sum, const uint8_t *p, size_t size)
{
	for (; size > 1; p += 2, size -= 2)
		sum += (uint32_t)(p[0] << 8 | p[1]);
	if (size)
		sum += (uint32_t)(p[0] << 8);
	return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void store16(uint8_t *p, size_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* Puts the tag that the kernel keeps beside the frame back into it; the buffer has room for it. */
static size_t restore_tag(uint8_t *frame, size_t size, const struct tpacket_auxdata *aux)
{
	uint16_t tpid = ETH_P_8021Q;

	if (!(aux->tp_status & TP_STATUS_VLAN_VALID) || size < ETH_HLEN)
		return size;
	if (aux->tp_status & TP_STATUS_VLAN_TPID_VALID)
		tpid = aux->tp_vlan_tpid;
	memmove(frame + 16, frame + 12, size - 12);
	store16(frame + 12, tpid);
	store16(frame + 14, aux->tp_vlan_tci);
	return size + 4;
}

/* Where the outer IP header and its transport header are; false: not plain TCP or UDP over IP. */
static bool find_headers(const uint8_t *frame, size_t size, size_t *l3, size_t *l4, uint8_t *proto)
{
	size_t at = 12;

	while (at + 4 <= size && ((frame[at] == 0x81 && frame[at + 1] == 0) ||
				  (frame[at] == 0x88 && frame[at + 1] == 0xa8)))
		at += 4;
	*l3 = at + 2;
	if (*l3 + 40 > size)
		return false;
	if (frame[at] == 0x08 && frame[at + 1] == 0x00) {
		*l4 = *l3 + (size_t)(frame[*l3] & 15) * 4;
		*proto = frame[*l3 + 9];
	} else if (frame[at] == 0x86 && frame[at + 1] == 0xdd) {
		*l4 = *l3 + 40;
		*proto = frame[*l3 + 6];
	} else {
		return false;
	}
	return (*proto == 6 && *l4 + 20 <= size) || (*proto == 17 && *l4 + 8 <= size);
}

/* Lengths, identification and checksums of one cut segment, `n` the how-manieth, `more` when others
 * follow. */
static void fix_segment(uint8_t *frame, size_t size, size_t l3, size_t l4, uint8_t proto,
			unsigned int n, bool more, size_t offset)
{
	bool ipv4 = frame[l3] >> 4 == 4;
	uint32_t sum = (uint32_t)(proto + size - l4);
	uint8_t *field = frame + l4 + (proto == 6 ? 16 : 6);

	if (ipv4) {
		store16(frame + l3 + 2, size - l3);
		store16(frame + l3 + 4, (size_t)(frame[l3 + 4] << 8 | frame[l3 + 5]) + n);
		store16(frame + l3 + 10, 0);
		store16(frame + l3 + 10, (uint16_t)~sum_fold(sum_bytes(0, frame + l3, l4 - l3)));
	} else {
		store16(frame + l3 + 4, size - l3 - 40);
	}
	if (proto == 6) {
		uint32_t seq;

		memcpy(&seq, frame + l4 + 4, 4);
		seq = htonl(ntohl(seq) + (uint32_t)offset);
		memcpy(frame + l4 + 4, &seq, 4);
		if (more)
			frame[l4 + 13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
		if (n)
			frame[l4 + 13] &= (uint8_t)~TCP_CWR;
	} else {
		store16(frame + l4 + 4, size - l4);
	}
	store16(field, 0);
	sum = ipv4 ? sum_bytes(sum, frame + l3 + 12, 8) : sum_bytes(sum, frame + l3 + 8, 32);
	sum = (uint16_t)~sum_fold(sum_bytes(sum, frame + l4, size - l4));
	store16(field, sum == 0 && proto == 17 ? 0xffff : sum);
}

/* Cuts one super-packet; false when it is none that can be cut. */
static bool write_segments(struct capture *c, const uint8_t *frame, size_t size,
			   const struct virtio_net_hdr *hdr, bool outgoing)
{
	static uint8_t segment[FRAME_MAX];
	size_t l3, l4, headers, offset;
	uint8_t proto;
	unsigned int n = 0;

	if (hdr->gso_type == VIRTIO_NET_HDR_GSO_NONE || !hdr->gso_size ||
	    !find_headers(frame, size, &l3, &l4, &proto))
		return false;
	if ((hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) && hdr->csum_start != l4)
		return false; /* a tunnel's: what is inside is not ours to cut */
	headers = l4 + (proto == 6 ? (size_t)(frame[l4 + 12] >> 4) * 4 : 8);
	for (offset = 0; headers + offset < size; n++) {
		size_t payload = size - headers - offset;
		bool more = payload > hdr->gso_size;

		if (more)
			payload = hdr->gso_size;
		memcpy(segment, frame, headers);
		memcpy(segment + headers, frame + headers + offset, payload);
		fix_segment(segment, headers + payload, l3, l4, proto, n, more, offset);
		write_frame(c, segment, headers + payload, outgoing);
		offset += payload;
	}
	return n > 0;
}

static void complete_checksum(uint8_t *frame, size_t size, const struct virtio_net_hdr *hdr)
{
	size_t at = (size_t)hdr->csum_start + hdr->csum_offset;
	uint16_t sum;

	if (!(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || at + 2 > size)
		return;
	sum = (uint16_t)~sum_fold(sum_bytes(0, frame + hdr->csum_start, size - hdr->csum_start));
	store16(frame + at, sum == 0 ? 0xffff : sum); /* skb_checksum_help() does so for TCP too */
}

/* ---- reading
 * -----------------------------------------------------------------------------------------------
 */

/* One frame, if there is one: true. */
static bool read_frame(struct capture *c)
{
	static uint8_t frame[FRAME_MAX];
	struct virtio_net_hdr hdr = {0};
	struct tpacket_auxdata aux = {0};
	struct sockaddr_ll from = {0};
	char control[CMSG_SPACE(sizeof(aux)) + 64];
	struct iovec iov[2] = {{&hdr, sizeof(hdr)}, {frame, sizeof(frame) - 4}};
	struct msghdr msg = {.msg_name = &from,
			     .msg_namelen = sizeof(from),
			     .msg_iov = iov,
			     .msg_iovlen = 2,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	ssize_t got = recvmsg(c->fd, &msg, MSG_DONTWAIT);
	size_t size;
	bool outgoing;

	if (got < 0) {
		if (errno == EAGAIN)
			return false;
		if (errno == EINVAL)
			c->unreadable++;
		return true; /* ENETDOWN, EINTR: go on */
	}
	if ((size_t)got < sizeof(hdr))
		return true;
	size = (size_t)got - sizeof(hdr);
	for (struct cmsghdr *m = CMSG_FIRSTHDR(&msg); m; m = CMSG_NXTHDR(&msg, m))
		if (m->cmsg_level == SOL_PACKET && m->cmsg_type == PACKET_AUXDATA)
			memcpy(&aux, CMSG_DATA(m), sizeof(aux));
	outgoing = from.sll_pkttype == PACKET_OUTGOING;
	if (c->wire && write_segments(c, frame, size, &hdr, outgoing))
		return true;
	if (c->wire)
		complete_checksum(frame, size, &hdr);
	size = restore_tag(frame, size, &aux);
	write_frame(c, frame, size, outgoing);
	return true;
}

/* Attached before the socket is bound: nothing that the filter refuses is ever queued. */
static int attach_filter(int fd, const char *text)
{
	static struct sock_filter code[FILTER_MAX];
	struct sock_fprog program = {.filter = code};
	unsigned long count;
	char *end;

	count = strtoul(text, &end, 10);
	if (count == 0 || count > FILTER_MAX)
		return -1;
	for (unsigned long i = 0; i < count; i++) {
		unsigned long field[4];

		for (int j = 0; j < 4; j++)
			field[j] = strtoul(*end ? end + 1 : end, &end, 10);
		code[i] = (struct sock_filter){(uint16_t)field[0], (uint8_t)field[1],
					       (uint8_t)field[2], (uint32_t)field[3]};
	}
	program.len = (unsigned short)count;
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int open_socket(const char *interface, const char *filter)
{
	int size = SOCKET_BUFFER, on = 1;
	struct sockaddr_ll addr = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	addr.sll_ifindex = (int)if_nametoindex(interface);
	if (fd < 0 || !addr.sll_ifindex || (filter && attach_filter(fd, filter)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -1;
	return fd;
}

static void read_until_signal(struct capture *c, int signals)
{
	struct pollfd fds[2] = {{.fd = c->fd, .events = POLLIN}, {.fd = signals, .events = POLLIN}};

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		while (read_frame(c))
			;
		fflush(c->file);
		if (fds[1].revents)
			return;
	}
}

int main(int argc, char **argv)
{
	struct capture c = {0};
	struct tpacket_stats stats = {0};
	socklen_t stats_size = sizeof(stats);
	const char *filter = NULL;
	sigset_t set;
	int signals, option;

	while ((option = getopt(argc, argv, "sf:")) != -1) {
		if (option == 's')
			c.wire = true;
		else if (option == 'f')
			filter = optarg;
		else
			argc = 0;
	}
	if (argc - optind != 2) {
		fprintf(stderr, "usage: capture [-s] [-f FILTER] INTERFACE FILE\n");
		return 1;
	}
	argv += optind - 1;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	c.fd = open_socket(argv[1], filter);
	c.file = fopen(argv[2], "wb");
	if (signals < 0 || c.fd < 0 || !c.file) {
		fprintf(stderr, "capture: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	write_header(c.file);
	fflush(c.file);
	puts("ready");
	fflush(stdout);
	read_until_signal(&c, signals);
	while (read_frame(&c))
		;
	getsockopt(c.fd, SOL_PACKET, PACKET_STATISTICS, &stats, &stats_size);
	if (fclose(c.file) || c.unreadable) {
		fprintf(stderr, "capture: %s: %lu frames unreadable\n", argv[1], c.unreadable);
		return 1;
	}
	printf("frames %lu bytes %lu drops %u\n", c.frames, c.bytes, stats.tp_drops);
	return stats.tp_drops ? 3 : 0;
}
