/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Benchmark: a TAP in user space, as good as it can be in a few hundred lines, to compare vtap
 * with. It reads an interface through a memory-mapped ring (AF_PACKET, TPACKET_V3), both
 * directions, and sends what it read as VXLAN over a UDP socket, straight from the ring: many
 * datagrams in a call (sendmmsg), and runs of equal size as one (UDP_SEGMENT). What the kernel
 * holds as one super-packet it cuts as TCP segments, and checksums that a NIC would have written it
 * writes, as the copies must be the frames of the wire. Frames that find the ring full are lost;
 * the kernel counts them.
 *
 * Without a collector it sends nothing and counts packets and bytes by source address, as a
 * collector in user space would.
 *
 * Runs until SIGTERM; then prints how many frames it read, sent, and lost. It has no use for VLAN
 * tags that the kernel keeps beside the frame, and for super-packets of anything but TCP.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
	BLOCK = 1 << 20,
	BLOCKS = 64,
	RETIRE_MS = 1,
	MESSAGES = 256,    /* of a call */
	RUN = 64,          /* datagrams of a message */
	RUN_BYTES = 60000, /* an IP packet's worth, with room for headers */
	PARTS = 3,         /* of a datagram: VXLAN header, frame's header, the rest */
	HEADER_MAX = 160,  /* of a frame that is cut */
	VNI = 42,
	VXLAN_PORT = 4789,
	UDP_IPV4_HEADERS = 28,
};

struct run { /* datagrams of one size, of which the last may be shorter */
	size_t size, bytes, count;
	struct iovec parts[RUN * PARTS];
	size_t parts_count;
	uint8_t headers[RUN][HEADER_MAX];
	union {
		char bytes[CMSG_SPACE(sizeof(uint16_t))];
		struct cmsghdr align;
	} control;
};

static const uint8_t vxlan[8] = {8, 0, 0, 0, 0, 0, VNI, 0};
static volatile sig_atomic_t told_to_stop;
static struct run runs[MESSAGES];
static size_t runs_count, largest_run;
static int out = -1;
static struct {
	uint64_t packets, bytes;
} sources[1 << 16]; /* by the last two bytes of an IPv4 address */
static uint64_t frames_read, frames_sent, frames_refused;

static void stop(int number)
{
	(void)number;
	told_to_stop = 1;
}

/* ---- sending --------------------------------------------------------------------------------- */

static void fill_message(struct mmsghdr *m, struct run *r)
{
	uint16_t size = (uint16_t)r->size;

	*m = (struct mmsghdr){.msg_hdr = {.msg_iov = r->parts, .msg_iovlen = r->parts_count}};
	if (r->count == 1)
		return;
	m->msg_hdr.msg_control = r->control.bytes;
	m->msg_hdr.msg_controllen = sizeof(r->control.bytes);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m->msg_hdr);
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(c), &size, sizeof(size));
}

static void flush(void)
{
	static struct mmsghdr messages[MESSAGES];
	size_t done = 0;

	for (size_t i = 0; i < runs_count; i++)
		fill_message(&messages[i], &runs[i]);
	while (done < runs_count) {
		int n = sendmmsg(out, messages + done, (unsigned)(runs_count - done), 0);
		if (n < 0 && errno == EINTR)
			continue;
		for (int i = 0; i < n; i++)
			frames_sent += runs[done + (size_t)i].count;
		if (n < 0)
			frames_refused += runs[done].count;
		done += n < 0 ? 1 : (size_t)n;
	}
	runs_count = 0;
}

/* Where a datagram of this size goes: to the run before, if it is of the same size and has room. */
static struct run *run_for(size_t size)
{
	struct run *last = runs_count ? &runs[runs_count - 1] : NULL;

	if (last && size <= last->size && last->size <= largest_run && last->count < RUN &&
	    last->bytes + size <= RUN_BYTES && last->bytes == last->size * last->count)
		return last;
	if (runs_count == MESSAGES)
		flush();
	last = &runs[runs_count++];
	last->size = size;
	last->bytes = last->count = last->parts_count = 0;
	return last;
}

static void add_part(struct run *r, const void *from, size_t size)
{
	struct iovec *part = &r->parts[r->parts_count++];

	part->iov_len = size;
	memcpy(&part->iov_base, &from, sizeof(from)); /* sendmmsg does not write there */
}

/* A frame that stays where it is until the next flush; or its header, which is copied, and the
 * rest. */
static void add_frame(const uint8_t *header, size_t header_size, const uint8_t *rest,
		      size_t rest_size)
{
	size_t size = sizeof(vxlan) + header_size + rest_size;
	struct run *r = run_for(size);

	add_part(r, vxlan, sizeof(vxlan));
	if (header_size) {
		memcpy(r->headers[r->count], header, header_size);
		add_part(r, r->headers[r->count], header_size);
	}
	add_part(r, rest, rest_size);
	r->bytes += size;
	r->count++;
}

/* ---- frames of the wire ---------------------------------------------------------------------- */

/* Not folded; RFC 1071 does not care about the order of bytes. */
static uint64_t add_up(uint64_t sum, const uint8_t *p, size_t size)
{
	uint32_t four;
	uint16_t two;

	for (; size >= 4; p += 4, size -= 4) {
		memcpy(&four, p, 4);
		sum += four;
	}
	if (size >= 2) {
		memcpy(&two, p, 2);
		sum += two;
		p += 2;
		size -= 2;
	}
	if (size) {
		two = 0;
		memcpy(&two, p, 1);
		sum += two;
	}
	return sum;
}

static uint16_t folded(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void store(uint8_t *at, uint16_t value)
{
	memcpy(at, &value, sizeof(value));
}

/* The checksum that a NIC would write: the field holds the pseudo header's sum. */
static void finish_checksum(uint8_t *frame, size_t size, const struct virtio_net_hdr *h)
{
	size_t field = (size_t)h->csum_start + h->csum_offset;

	if (field + 2 > size)
		return;
	uint16_t sum = (uint16_t)~folded(add_up(0, frame + h->csum_start, size - h->csum_start));
	store(frame + field, sum ? sum : 0xffff);
}

/* Lengths, numbers and sums in the header of one segment of a TCP super-packet. */
static void fix_segment(uint8_t *header, size_t tcp_at, const uint8_t *rest, size_t rest_size,
			size_t offset, uint16_t number, bool last)
{
	uint8_t *l3 = header + ETH_HLEN;
	struct tcphdr *tcp = (struct tcphdr *)(void *)(header + tcp_at);
	size_t tcp_size = (size_t)tcp->doff * 4, length = tcp_size + rest_size;
	uint64_t sum = htons((uint16_t)length) + (uint64_t)htons(IPPROTO_TCP);

	if (l3[0] >> 4 == 4) {
		struct iphdr *ip = (struct iphdr *)(void *)l3;
		ip->tot_len = htons((uint16_t)(tcp_at - ETH_HLEN + length));
		ip->id = htons((uint16_t)(ntohs(ip->id) + number));
		ip->check = 0;
		ip->check = (uint16_t)~folded(add_up(0, l3, (size_t)ip->ihl * 4));
		sum = add_up(sum, (uint8_t *)&ip->saddr, 8);
	} else {
		store(l3 + 4,
		      htons((uint16_t)(tcp_at - ETH_HLEN - sizeof(struct ip6_hdr) + length)));
		sum = add_up(sum, l3 + 8, 32);
	}
	tcp->seq = htonl(ntohl(tcp->seq) + (uint32_t)offset);
	if (!last)
		tcp->fin = tcp->psh = 0;
	tcp->check = 0;
	tcp->check =
	    (uint16_t)~folded(add_up(add_up(sum, (uint8_t *)tcp, tcp_size), rest, rest_size));
}

static bool cut(const uint8_t *frame, size_t size, const struct virtio_net_hdr *h)
{
	size_t tcp_at = h->csum_start;
	uint8_t header[HEADER_MAX];
	uint16_t number = 0;

	if (!h->gso_size || tcp_at < ETH_HLEN + sizeof(struct iphdr) ||
	    tcp_at + sizeof(struct tcphdr) > size)
		return false;
	size_t all = tcp_at + (size_t)(frame[tcp_at + 12] >> 4) * 4;
	if (all > HEADER_MAX || all > size)
		return false;
	for (size_t at = all; at < size; at += h->gso_size, number++) {
		size_t part = size - at < h->gso_size ? size - at : h->gso_size;
		memcpy(header, frame, all);
		fix_segment(header, tcp_at, frame + at, part, at - all, number, at + part == size);
		add_frame(header, all, frame + at, part);
	}
	return true;
}

static void count_frame(const uint8_t *frame, size_t size)
{
	if (size < ETH_HLEN + sizeof(struct iphdr))
		return;
	size_t source = (size_t)(frame[ETH_HLEN + 14] << 8 | frame[ETH_HLEN + 15]);
	sources[source].packets++;
	sources[source].bytes += size;
}

static void copy_frame(uint8_t *frame, size_t size)
{
	const struct virtio_net_hdr *h = (const void *)(frame - sizeof(*h));
	uint8_t kind = h->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;

	frames_read++;
	if (out < 0) {
		count_frame(frame, size);
		return;
	}
	if ((kind == VIRTIO_NET_HDR_GSO_TCPV4 || kind == VIRTIO_NET_HDR_GSO_TCPV6) &&
	    cut(frame, size, h))
		return;
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		finish_checksum(frame, size, h);
	add_frame(NULL, 0, frame, size);
}

/* ---- the ring -------------------------------------------------------------------------------- */

static int open_ring(const char *interface, uint8_t **ring)
{
	struct tpacket_req3 want = {.tp_block_size = BLOCK,
				    .tp_block_nr = BLOCKS,
				    .tp_frame_size = 2048,
				    .tp_frame_nr = BLOCK / 2048 * BLOCKS,
				    .tp_retire_blk_tov = RETIRE_MS};
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = (int)if_nametoindex(interface)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), version = TPACKET_V3, on = 1;

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &want, sizeof(want)) < 0)
		return -1;
	*ring = mmap(NULL, (size_t)BLOCK * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*ring == MAP_FAILED || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return -1;
	return fd;
}

static void copy_block(struct tpacket_hdr_v1 *block, uint8_t *start)
{
	uint8_t *at = start + block->offset_to_first_pkt;

	for (uint32_t i = 0; i < block->num_pkts; i++) {
		const struct tpacket3_hdr *packet = (const void *)at;
		copy_frame(at + packet->tp_mac, packet->tp_snaplen);
		at += packet->tp_next_offset;
	}
	flush();
}

static void follow(int fd, uint8_t *ring)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	for (size_t i = 0; !told_to_stop; i = (i + 1) % BLOCKS) {
		struct tpacket_block_desc *block = (void *)(ring + i * BLOCK);
		uint32_t *status = &block->hdr.bh1.block_status;
		while (!(__atomic_load_n(status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) {
			if (told_to_stop)
				return;
			poll(&wait, 1, -1);
		}
		copy_block(&block->hdr.bh1, (uint8_t *)block);
		__atomic_store_n(status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	}
}

static int open_out(const char *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(VXLAN_PORT)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 16 << 20, mtu = 0;
	socklen_t length = sizeof(mtu);

	if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0 ||
	    getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &length) < 0)
		return -1;
	int dont = IP_PMTUDISC_DONT; /* copies that are too large are fragmented */
	setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &dont, sizeof(dont));
	largest_run = (size_t)mtu - UDP_IPV4_HEADERS;
	return fd;
}

int main(int argc, char **argv)
{
	struct tpacket_stats_v3 lost = {0};
	socklen_t size = sizeof(lost);
	uint8_t *ring;

	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: tap INTERFACE [COLLECTOR]\n");
		return 2;
	}
	struct sigaction action = {.sa_handler = stop};
	sigaction(SIGTERM, &action, NULL);
	if (argc == 3)
		out = open_out(argv[2]);
	int fd = argc == 3 && out < 0 ? -1 : open_ring(argv[1], &ring);
	if (fd < 0) {
		perror("tap");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	follow(fd, ring);
	getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &lost, &size);
	printf("read %llu sent %llu refused %llu lost %u\n", (unsigned long long)frames_read,
	       (unsigned long long)frames_sent, (unsigned long long)frames_refused, lost.tp_drops);
	return 0;
}
