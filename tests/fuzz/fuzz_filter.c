/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filter builder. A filter that is accepted becomes a program that the kernel takes, and that
 * says of a packet what "the filter, and not a tunnel's own packet" says: the first as libpcap's
 * program for it alone has it, the second as exemption.c has it. Run by the kernel it says the
 * same.
 *
 * Input: a byte of choices, the filter up to a byte 0, then a packet. Others are made at random.
 */
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/filter.h"
#include "client/pcap.h"
#include "tests/fuzz/exemption.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/random_filter.h"
#include "tests/fuzz/random_packet.h"
#include "tests/unit/message.h"

enum { CHOICE_EGRESS = 1, CHOICE_IP = 2, CONFIGS_SHIFT = 2 };
enum { TEXT_MAX = 512, PACKETS = 24, COLLECTORS = 3 };

static struct client_collector vxlan4 = {.encap = ENCAP_VXLAN, .port = 4789, .name = "a"};
static struct client_collector vxlan6 = {.encap = ENCAP_VXLAN, .port = 4789, .name = "b"};
static struct client_collector other4 = {.encap = ENCAP_VXLAN, .port = 8472, .name = "c"};
static struct client_collector gre4 = {.encap = ENCAP_GRE, .name = "d"};
static struct client_collector gretap6 = {.encap = ENCAP_GRETAP, .name = "e"};

static struct client_collector *const configs[][COLLECTORS] = {
    {&vxlan4}, {&vxlan6}, {&gre4}, {&gretap6}, {&vxlan4, &gretap6}, {&vxlan6, &gre4, &other4}};
enum { CONFIGS = sizeof(configs) / sizeof(*configs) };

struct choice {
	struct client_config config;
	struct client_collector collectors[COLLECTORS];
	enum direction direction;
	enum filter_layer layer;
};

/* ---- the kernel ------------------------------------------------------------------------------ */

static int ends[2] = {-1, -1}; /* a program at the second one judges what comes from the first */

/* It checks a socket's program as it does a classifier's. */
static bool kernel_takes(const struct filter_program *program)
{
	const struct sock_fprog filter = {(unsigned short)program->count, program->insns};

	if (ends[0] < 0)
		fuzz_check(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
	return setsockopt(ends[1], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) == 0;
}

static bool kernel_verdict(const uint8_t *packet, size_t size)
{
	uint8_t byte;

	fuzz_check(send(ends[0], packet, size, 0) == (ssize_t)size);
	return recv(ends[1], &byte, sizeof(byte), MSG_DONTWAIT) > 0;
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static bool verdict(const struct bpf_insn *insns, const uint8_t *packet, size_t size)
{
	uint8_t *exact = fuzz_copy(packet, size);
	bool yes = bpf_filter(insns, exact, (unsigned)size, (unsigned)size) != 0;

	free(exact);
	return yes;
}

static struct bpf_insn *as_bpf(const struct filter_program *program)
{
	struct bpf_insn *insns = calloc(program->count, sizeof(*insns));

	fuzz_check(insns);
	for (size_t i = 0; i < program->count; i++) {
		const struct sock_filter *from = &program->insns[i];
		insns[i] = (struct bpf_insn){from->code, from->jt, from->jf, from->k};
	}
	return insns;
}

struct programs {
	struct bpf_insn *whole, *alone; /* the second without the user's filter */
	struct bpf_program user;
	bool computes; /* where it loads from */
};

/*
 * As "ip[len - 44]" does, which in a packet of 43 bytes is the byte before the IP header: the
 * kernel adds up 32 bits and lets them wrap, libpcap's interpreter finds that out of bounds.
 */
static bool computes(const struct bpf_program *program)
{
	for (unsigned i = 0; i < program->bf_len; i++)
		if (program->bf_insns[i].code == (BPF_MISC | BPF_TAX) ||
		    program->bf_insns[i].code == (BPF_LDX | BPF_MEM))
			return true;
	return false;
}

/* One that was made at random is nowhere else to be seen. */
static void show(const uint8_t *packet, size_t size)
{
	for (size_t i = 0; i < size; i++)
		fprintf(stderr, "%02x%s", packet[i], i % 32 == 31 || i + 1 == size ? "\n" : "");
}

static void check_packet(const struct choice *c, const struct programs *programs,
			 const uint8_t *packet, size_t size)
{
	bool whole = verdict(programs->whole, packet, size);
	bool alone = verdict(programs->alone, packet, size);
	bool user = verdict(programs->user.bf_insns, packet, size);
	enum exemption exempt = exemption_of(&c->config, c->direction, c->layer, packet, size);

	if (whole != (alone && user) ||
	    (exempt != EXEMPT_UNSURE && alone != (exempt == EXEMPT_NOT)))
		show(packet, size);
	fuzz_check(whole == (alone && user));
	fuzz_check(programs->computes || whole == kernel_verdict(packet, size));
	fuzz_check(exempt != EXEMPT_YES || !alone);
	fuzz_check(exempt != EXEMPT_NOT || alone);
}

static void check_packets(const struct choice *c, const struct programs *programs,
			  const struct fuzz_input *given)
{
	static struct random_packet packet;
	uint64_t seed = 1;

	/* no packet is shorter than its link's header */
	if (given->left >= 14)
		check_packet(c, programs, given->at, given->left);
	for (size_t i = 0; i < given->left; i++)
		seed = seed * 31 + given->at[i];
	for (int i = 0; i < PACKETS; i++) {
		random_packet(&packet, seed + (uint64_t)i, c->layer == FILTER_ETHERNET);
		check_packet(c, programs, packet.bytes, packet.size);
	}
}

/* ---- the target ------------------------------------------------------------------------------ */

static void choose(struct choice *c, uint8_t byte)
{
	struct client_collector *const *from = configs[(byte >> CONFIGS_SHIFT) % CONFIGS];

	*c = (struct choice){.direction = byte & CHOICE_EGRESS ? EGRESS : INGRESS,
			     .layer = byte & CHOICE_IP ? FILTER_IP : FILTER_ETHERNET};
	for (; c->config.collectors_count < COLLECTORS && *from; from++)
		c->collectors[c->config.collectors_count++] = **from;
	c->config.collectors = c->collectors;
}

static void check_filter(const struct choice *c, const char *user, const struct fuzz_input *given)
{
	int link_type = c->layer == FILTER_IP ? DLT_RAW : DLT_EN10MB;
	struct filter_program whole, alone;
	struct programs programs = {0};
	char error[FILTER_ERROR_TEXT] = "";

	if (filter_build(&c->config, c->direction, c->layer, user, &whole, error)) {
		fuzz_check(error[0] && !whole.insns);
		return;
	}
	fuzz_check(filter_build(&c->config, c->direction, c->layer, "", &alone, error) == 0);
	fuzz_check(pcap_compile_text(user, link_type, &programs.user, error, sizeof(error)) == 0);
	programs.whole = as_bpf(&whole);
	programs.alone = as_bpf(&alone);
	programs.computes = computes(&programs.user);
	fuzz_check(bpf_validate(programs.whole, (int)whole.count) && kernel_takes(&whole));
	check_packets(c, &programs, given);
	free(programs.whole);
	free(programs.alone);
	pcap_free_program(&programs.user);
	filter_free(&whole);
	filter_free(&alone);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	pcap_hold();
	fuzz_check(ip_addr_parse("10.0.0.9", &vxlan4.address));
	fuzz_check(ip_addr_parse("fd00::9", &vxlan6.address));
	fuzz_check(ip_addr_parse("10.0.0.10", &other4.address));
	gre4.address = vxlan4.address;
	gretap6.address = vxlan6.address;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	char error[FILTER_ERROR_TEXT] = "";
	struct choice choice;
	size_t length;

	choose(&choice, fuzz_u8(&input));
	char *user = fuzz_text(&input, 0, &length);
	if (length <= TEXT_MAX) {
		if (filter_check(user, error))
			fuzz_check(error[0]);
		check_filter(&choice, user, &input);
	}
	free(user);
	return 0;
}

/* New filters and new packets, whole; else bytes. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	static struct random_packet packet;
	uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	char text[TEXT_MAX];

	if (size < 2 || max_size < TEXT_MAX + PACKET_MAX || seed % 4 == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	uint8_t *end = memchr(data + 1, 0, size - 1);
	size_t at = end ? (size_t)(end - data) : size;
	size_t rest = size - at;
	if (seed % 4 == 1) {
		size_t length = random_filter(text, sizeof(text), &random);
		if (1 + length + rest > max_size)
			return LLVMFuzzerMutate(data, size, max_size);
		memmove(data + 1 + length, data + at, rest);
		memcpy(data + 1, text, length);
		data[0] = (uint8_t)random_next(&random);
		return 1 + length + rest;
	}
	random_packet(&packet, random, !(data[0] & CHOICE_IP));
	if (at + 1 + packet.size > max_size)
		return LLVMFuzzerMutate(data, size, max_size);
	data[at] = 0;
	memcpy(data + at + 1, packet.bytes, packet.size);
	return at + 1 + packet.size;
}
