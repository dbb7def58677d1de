/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel that answers anything: whole passes of both daemons (observe, plan, diff, apply, look
 * again) over the real netlink port, with libmnl's socket functions replaced by ones that send
 * nothing and receive the input. Nothing reaches the machine's own kernel.
 *
 * Input: a byte of choices, then the answers as netlink messages one after the other. Each has the
 * sequence number of the request it answers, unless its own is KEEP. A message with the flag JOINED
 * comes in one datagram with the next.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "client/copies.h"
#include "client/paths.h"
#include "collector/cutter.h"
#include "collector/plan.h"
#include "common/knob.h"
#include "common/reconcile.h"
#include "common/rtnl.h"
#include "common/tcx.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/make_setup.h"
#include "tests/fuzz/mutate_netlink.h"

enum { JOINED = 0x8000, KEEP = 0x4b454550 };
enum { CHOICE_COLLECTOR = 1, CHOICE_NFT = 2, CHOICE_TO_NOTHING = 4, CHOICE_PARTIAL = 8 };

static const char client_conf[] = "collector \"soc\" { address = \"10.0.0.9\" clamp_mss = true }\n"
				  "collector \"six\" { address = \"fd00::9\" vni = 7 "
				  "encap = \"gretap\" rate = \"1mbit\" }\n"
				  "mirror \"eth0\" { collector = {\"soc\", \"six\"} "
				  "filter = \"not port 22\" }\n"
				  "mirror \"eth1\" { collector = \"soc\" method = \"tee\" }\n";
static const char collector_conf[] = "vxlan { vni = \"any\" underlay = \"dual\" }\n"
				     "gretap { }\n"
				     "gre { underlay = \"ipv6\" gro = true }\n";

/* ---- the machine ----------------------------------------------------------------------------- */

static struct {
	struct fuzz_input answers;
	uint32_t seq;
	uint16_t flags; /* of the last request */
	size_t requests;
} machine;

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	(void)bus, (void)flags;
	return (struct mnl_socket *)&machine;
}

int mnl_socket_bind(struct mnl_socket *nl, unsigned int groups, pid_t pid)
{
	(void)nl, (void)groups, (void)pid;
	return 0;
}

int mnl_socket_setsockopt(const struct mnl_socket *nl, int type, void *buf, socklen_t len)
{
	(void)nl, (void)type, (void)buf, (void)len;
	return 0;
}

int mnl_socket_get_fd(const struct mnl_socket *nl)
{
	(void)nl;
	return -1;
}

unsigned int mnl_socket_get_portid(const struct mnl_socket *nl)
{
	(void)nl;
	return 7;
}

int mnl_socket_close(struct mnl_socket *nl)
{
	(void)nl;
	return 0;
}

/* What is asked must be a message: all of its attributes, to the last byte. */
ssize_t mnl_socket_sendto(const struct mnl_socket *nl, const void *req, size_t siz)
{
	const struct nlmsghdr *request = req;

	(void)nl;
	fuzz_check(siz >= sizeof(*request) && request->nlmsg_len == siz);
	machine.seq = request->nlmsg_seq;
	machine.flags = request->nlmsg_flags;
	machine.requests++;
	return (ssize_t)siz;
}

/* One message of the input at `to`; 0: there are no more. */
static size_t take_message(uint8_t *to, size_t room, bool *joined)
{
	struct fuzz_input *in = &machine.answers;
	struct nlmsghdr header;
	size_t size = in->left < room ? in->left : room;

	*joined = false;
	if (size >= sizeof(header)) {
		memcpy(&header, in->at, sizeof(header));
		if (header.nlmsg_len >= sizeof(header) && header.nlmsg_len < size - 3)
			size = NLMSG_ALIGN(header.nlmsg_len);
		memcpy(to, in->at, size);
		*joined = header.nlmsg_flags & JOINED;
		header.nlmsg_flags &= (uint16_t)~JOINED;
		if (header.nlmsg_seq != KEEP)
			header.nlmsg_seq = machine.seq;
		memcpy(to, &header, sizeof(header));
	} else {
		memcpy(to, in->at, size);
	}
	in->at += size;
	in->left -= size;
	return size;
}

/* When the input has ended: yes to everything, and nothing to see. */
static size_t last_word(uint8_t *to)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr report;
	} message = {.header = {.nlmsg_seq = machine.seq}};

	message.header.nlmsg_type = (machine.flags & NLM_F_DUMP) ? NLMSG_DONE : NLMSG_ERROR;
	message.header.nlmsg_len = sizeof(message);
	memcpy(to, &message, sizeof(message));
	return sizeof(message);
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t siz)
{
	bool joined = true;
	size_t size = 0;

	(void)nl;
	if (!machine.answers.left)
		return (ssize_t)last_word(buf);
	while (joined && machine.answers.left && size < siz)
		size += take_message((uint8_t *)buf + size, siz - size, &joined);
	return (ssize_t)size;
}

int knob_read_offloads(int fd, const char *device, uint32_t *on)
{
	(void)fd, (void)device;
	*on = machine.answers.left & 3;
	return 0;
}

int knob_set_offloads(int fd, const char *device, uint32_t off, uint32_t on)
{
	(void)fd, (void)device, (void)off, (void)on;
	return 0;
}

enum checksums knob_checksums(int fd, const char *device)
{
	(void)fd, (void)device;
	return machine.answers.left & 1 ? CHECKSUMS_KERNEL : CHECKSUMS_ANYBODY;
}

int knob_ipv6_off(const char *device)
{
	return device[0] ? 0 : -ENODEV;
}

int knob_ipv6_quiet(const char *device)
{
	return device[0] ? 0 : -ENODEV;
}

int tcx_query(int ifindex, bool egress, uint32_t ids[TCX_PROGRAMS], size_t *count)
{
	*count = ifindex % 4 == 3 ? 2 : 0;
	ids[0] = (uint32_t)ifindex;
	ids[1] = egress;
	return 0;
}

unsigned int if_nametoindex(const char *name)
{
	return name[0] ? 77 : 0;
}

/* ---- the daemons ----------------------------------------------------------------------------- */

static struct setup *setup, *untouched;
static struct collector_config *collector;

static int plan_as_client(void *ctx, struct reconcile *r, struct desired *desired)
{
	struct plan work = setup_plan(setup, 0);

	(void)ctx;
	copies_count(setup, &r->seen, 1000);
	blind_look(setup, &r->seen, r->seen_all);
	paths_find(setup, r->kernel);
	return plan_client(&work, &r->seen, &r->made, r->subjects, desired);
}

static int plan_as_collector(void *ctx, struct reconcile *r, struct desired *desired)
{
	struct plan_door door = {.prog_fd = 3, .prog_id = 5, .cut_end_fd = 4, .cut_end_id = 6};

	(void)ctx;
	for (enum encap e = ENCAP_VXLAN; e < ENCAPS; e++) {
		door.seal_fd[e] = 10 + (int)e;
		door.seal_id[e] = 20 + e;
	}
	door.crossing = (enum crossing_state)(r->seen.links.count % 3);
	cutter_ready(&r->seen, door.cut_end_id, collector);
	return plan_collector(collector, door, &r->seen, &r->made, r->subjects, desired);
}

static void ran(void *ctx, const struct op *op, int error, const char *why)
{
	char text[OP_TEXT];

	(void)ctx;
	fuzz_check(!error || why[0]);
	fuzz_check(strlen(op_text(op, text)) < sizeof(text));
	if (!error && op->owner == OWNER_CLIENT)
		copies_applied(setup, op);
}

static int (*run_message)(struct kernel *kernel, const struct op *op, char *why, size_t why_size);

/* All but what would load libnftables, which has a socket of its own. */
static int run(struct kernel *kernel, const struct op *op, char *why, size_t why_size)
{
	if (op->type == OP_RULESET_PUT || op->type == OP_RULESET_DELETE)
		return 0;
	return run_message(kernel, op, why, why_size);
}

static void pass(struct rtnl *rtnl, uint8_t choices)
{
	bool client = !(choices & CHOICE_COLLECTOR);
	struct subjects subjects = {0};
	size_t at = choices;
	struct reconcile r = {.kernel = rtnl_kernel(rtnl),
			      .owner = client ? OWNER_CLIENT : OWNER_COLLECTOR,
			      .subjects = &subjects,
			      .plan = client ? plan_as_client : plan_as_collector,
			      .ran = ran};

	if (client) {
		fuzz_check(setup_subjects(setup, &subjects) == 0);
	} else {
		for (unsigned i = 0; i < SUBJECTS; i++)
			fuzz_check(subjects_add(&subjects, "%u", i) >= 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		subjects_begin(&subjects);
		reconcile_pass(&r, choices & CHOICE_TO_NOTHING);
		subjects_end(&subjects);
		r.partial = choices & CHOICE_PARTIAL;
	}
	kernel_programs_changed(r.kernel, r.owner, &r.seen);
	kernel_some_programs_changed(r.kernel, r.owner, &r.seen, &at);
	rtnl_nft_changed(rtnl);
	if (client) {
		paths_changed(setup, r.kernel);
		for (size_t i = 0; i < r.seen.links.count; i++)
			if (setup_concerns(setup, &r.seen.links.items[i]))
				copies_link_gone(setup, &r.seen.links.items[i]);
	}
	reconcile_clear(&r);
	subjects_clear(&subjects);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct problems problems = {0};

	(void)argc, (void)argv;
	setup = fuzz_setup(client_conf);
	untouched = fuzz_setup(client_conf);
	collector =
	    collector_config_read(fuzz_file(collector_conf, sizeof(collector_conf) - 1), &problems);
	fuzz_check(collector && !problems.count);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uint8_t choices = fuzz_u8(&input);
	struct rtnl *rtnl;

	memset(&machine, 0, sizeof(machine));
	machine.answers = input;
	fuzz_setup_reset(setup, untouched);
	fuzz_check(rtnl_open(&rtnl) == 0);
	if (choices & CHOICE_NFT)
		fuzz_check(rtnl_use_nft(rtnl) == 0);
	run_message = rtnl_kernel(rtnl)->run;
	rtnl_kernel(rtnl)->run = run;
	pass(rtnl, choices);
	rtnl_close(rtnl);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	if (size < 2 || seed % 64 == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	return 1 + mutate_netlink(data + 1, size - 1, max_size - 1, seed);
}
