/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door's programs in the kernel (BPF_PROG_TEST_RUN), attached nowhere, against door_model.c:
 * the verdict, what is counted as what, and for whom. Needs what loading them needs; without it the
 * target is skipped.
 *
 * Input: a byte of choices, then gso_size (2 bytes) and gso_segs (1) where chosen, then a frame.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/door.h"
#include "collector/door_key.h"
#include "collector/rules.h"
#include "tests/fuzz/door_model.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/random_packet.h"
#include "tests/unit/message.h"

enum { CHOICE_STRICT = 1, CHOICE_GSO = 2, CHOICE_SEAL = 4 };
enum { CLIENTS = 256, FORGET_AT = 200, HEAD_MAX = 4 };

/* Two doors: any VNI and every encapsulation; and one VNI and no GRE. */
static struct door *doors[2];
static struct door_rules rules[2];
static struct ip_prefix allow[3];
static struct collector_config configs[2];

/* ---- what was counted ------------------------------------------------------------------------ */

struct seen {
	struct ip_addr address;
	const struct door_model *model;
	struct door_counter count;
	bool found;
	size_t clients;
	struct door_client all[CLIENTS];
};

static int see(void *ctx, const struct door_client *client)
{
	struct seen *seen = ctx;

	fuzz_check(seen->clients < CLIENTS);
	seen->all[seen->clients++] = *client;
	if (ip_addr_equal(&client->address, &seen->address) &&
	    client->vni == seen->model->key.vni &&
	    client->encap == door_key_encap(&seen->model->key)) {
		fuzz_check(!seen->found);
		seen->found = true;
		seen->count = client->count;
	}
	return 0;
}

static struct seen *look(const struct door *door, const struct door_model *model)
{
	static struct seen seen[2];
	static unsigned turn;
	struct seen *now = &seen[turn++ % 2];

	memset(now, 0, sizeof(*now));
	now->model = model;
	if (model->key.family)
		now->address = door_key_address(&model->key);
	fuzz_check(door_each_client(door, see, now) == 0);
	return now;
}

static struct door_totals totals(const struct door *door)
{
	struct door_totals now;

	fuzz_check(door_read_totals(door, &now) == 0);
	return now;
}

static void expect(struct door_counter *counter, const struct door_sum *sum)
{
	counter->packets += sum->packets;
	counter->bytes += sum->bytes;
}

/* ---- a run ----------------------------------------------------------------------------------- */

/* Linux 6.18 runs no frame whose IP header is not whole. */
static bool runs(const struct door_frame *frame)
{
	unsigned type = (unsigned)frame->bytes[12] << 8 | frame->bytes[13];

	return frame->size >= (type == 0x0800 ? 34 : type == 0x86dd ? 54 : 14);
}

static int run(int fd, const struct door_frame *frame)
{
	struct __sk_buff context = {.gso_size = frame->gso_size, .gso_segs = frame->gso_segs};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes,
		    .data_size_in = (uint32_t)frame->size, .ctx_in = &context,
		    .ctx_size_in = sizeof(context));

	fuzz_check(bpf_prog_test_run_opts(fd, &opts) == 0);
	return (int)opts.retval;
}

static void check_seal(const struct door *door, const struct door_frame *frame)
{
	struct door_totals before = totals(door);
	struct door_sum sum = door_model_delivered(frame);

	fuzz_check(run(door_seal_fd(door, ENCAP_VXLAN), frame) == TC_ACT_SHOT);
	struct door_totals after = totals(door);
	expect(&before.delivered, &sum);
	fuzz_check(!memcmp(&before, &after, sizeof(after)));
}

static void check_door(unsigned which, const struct door_frame *frame)
{
	struct door *door = doors[which];
	struct door_model model = door_model(frame, &rules[which].admit);
	struct door_totals wanted = totals(door);
	struct seen *before = look(door, &model);
	bool shot = model.verdict == DOOR_MALFORMED || model.verdict == DOOR_UNWANTED;
	bool let_in = model.verdict == DOOR_TUNNEL &&
		      collector_config_allows(&configs[which], &before->address);

	if (model.verdict == DOOR_TUNNEL && !let_in)
		shot = true;
	if (model.verdict == DOOR_MALFORMED)
		expect(&wanted.malformed, &model.sum);
	else if (shot)
		expect(&wanted.rejected, &model.sum);
	else if (let_in)
		expect(&wanted.accepted, &model.sum);
	fuzz_check(run(door_prog_fd(door), frame) == (shot ? TC_ACT_SHOT : TC_ACT_UNSPEC));
	struct door_totals now = totals(door);
	fuzz_check(!memcmp(&wanted, &now, sizeof(now)));
	struct seen *after = look(door, &model);
	if (let_in)
		expect(&before->count, &model.sum);
	fuzz_check(after->found == (before->found || let_in) &&
		   after->clients == before->clients + (let_in && !before->found));
	fuzz_check(after->count.packets == before->count.packets &&
		   after->count.bytes == before->count.bytes);
	/* the table never fills up: that is test_door's */
	if (after->clients > FORGET_AT) {
		door_forget(door, after->all, after->clients);
		fuzz_check(look(door, &model)->clients < after->clients);
	}
}

/* ---- the target ------------------------------------------------------------------------------ */

static struct door *open_door(struct collector_config *config)
{
	struct door *door;
	char why[512] = "";
	bool lost;

	config->allow = allow;
	config->allow_count = sizeof(allow) / sizeof(*allow);
	config->max_clients = CLIENTS;
	int error = door_open(config, NULL, 0, 0, &door, &lost, why, sizeof(why));
	if (error == -EPERM || error == -EACCES || error == -ENOSYS) {
		fprintf(stderr, "skipped: %s\n", why);
		exit(FUZZ_SKIPPED);
	}
	fuzz_check(!error);
	return door;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const texts[] = {"10.0.0.0/8", "192.168.7.0/24", "fc00::/7"};
	struct collector_endpoint *any = configs[0].endpoints, *strict = configs[1].endpoints;

	(void)argc, (void)argv;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		fuzz_check(ip_prefix_parse(texts[i], &allow[i]));
	any[ENCAP_VXLAN] = (struct collector_endpoint){.enabled = true, .port = 4789};
	any[ENCAP_GRETAP] = (struct collector_endpoint){.enabled = true};
	any[ENCAP_GRE] = (struct collector_endpoint){.enabled = true, .underlay = UNDERLAY_IPV6};
	strict[ENCAP_VXLAN] = (struct collector_endpoint){
	    .enabled = true, .port = 4789, .vni = 42, .underlay = UNDERLAY_DUAL};
	/* frames of a test run come in on this namespace's lo: it must be none that forwards */
	fuzz_leave_network();
	for (size_t i = 0; i < 2; i++) {
		doors[i] = open_door(&configs[i]);
		rules[i] = rules_configured(&configs[i]);
		door_set_rules(doors[i], &rules[i], &configs[i]);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uint8_t choices = fuzz_u8(&input);
	struct door_frame frame = {0};

	if (choices & CHOICE_GSO) {
		frame.gso_size = (uint32_t)fuzz_u8(&input) << 8;
		frame.gso_size |= fuzz_u8(&input);
		frame.gso_segs = fuzz_u8(&input);
	}
	if (input.left < 14 || input.left > PACKET_MAX)
		return 0;
	frame.bytes = input.at;
	frame.size = input.left;
	if (!runs(&frame))
		return 0;
	if (choices & CHOICE_SEAL)
		check_seal(doors[0], &frame);
	else
		check_door(choices & CHOICE_STRICT, &frame);
	return 0;
}

/* New frames, whole; else bytes. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	static struct random_packet packet;
	uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	if (size < HEAD_MAX || seed % 2 || max_size < HEAD_MAX + PACKET_MAX)
		return LLVMFuzzerMutate(data, size, max_size);
	if (random_next(&random) % 2)
		LLVMFuzzerMutate(data, HEAD_MAX, HEAD_MAX);
	size_t head = data[0] & CHOICE_GSO ? HEAD_MAX : 1;
	random_packet(&packet, random, true);
	memcpy(data + head, packet.bytes, packet.size);
	return head + packet.size;
}
