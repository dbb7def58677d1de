/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of the diff: what is wanted of a kernel, and the operations that follow. The kernel
 * is the fake one, brought to where it should be by the operations themselves.
 */
#ifndef VTAP_TESTS_DIFF_RIG_H
#define VTAP_TESTS_DIFF_RIG_H

#include "common/diff.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hooks.h"
#include "common/tc.h"
#include "tests/unit/fake_kernel.h"

static const struct sock_filter drop_all[] = {BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT)};
static const struct sock_filter take_all[] = {BPF_STMT(BPF_RET | BPF_K, 0xffff)};

static struct fake_kernel fake;
static struct snapshot seen;
static struct desired desired;
static struct ifset made;
static struct ops ops;

/* What is wanted; tests change it before they call wish(). */
static struct {
	struct vxlan vxlan;
	uint32_t mtu;
	uint64_t rate;
	bool hop, no_mirror, no_tunnel, door;
	const char *collector;
} wished;

static inline struct device named(const char *name)
{
	struct device device = {0};

	snprintf(device.name, sizeof(device.name), "%s", name);
	return device;
}

static inline void want_hook(struct device device, enum qdisc_kind kind)
{
	struct want_qdisc *want = ARRAY_ADD(&desired.qdiscs);

	*want = (struct want_qdisc){.device = device, .kind = kind};
	want->tbf = (struct tbf){wished.rate, 10000, 20000};
}

static inline struct want_filter *want_filter(struct device device, uint32_t parent,
					      enum filter_action action, const char *target)
{
	struct want_filter *want = ARRAY_ADD(&desired.filters);

	*want = (struct want_filter){.device = device,
				     .parent = parent,
				     .pref = 1,
				     .handle = FILTER_HANDLE,
				     .insns = take_all,
				     .insns_count = 1,
				     .action = action};
	if (action == ACTION_VERDICT)
		want->insns = drop_all;
	else
		want->target = named(target);
	return want;
}

static inline void want_tunnel(void)
{
	struct want_link *want = ARRAY_ADD(&desired.links);

	*want = (struct want_link){.name = "tun",
				   .kind = LINK_VXLAN,
				   .vxlan = wished.vxlan,
				   .mtu = wished.mtu,
				   .offloads_off = OFFLOAD_TX_CHECKSUM};
	want_hook(named("tun"), QDISC_CLSACT);
	want_filter(named("tun"), TC_INGRESS, ACTION_VERDICT, NULL);
	if (wished.rate)
		want_hook(named("tun"), QDISC_TBF);
	if (!wished.hop)
		return;
	want = ARRAY_ADD(&desired.links);
	*want =
	    (struct want_link){.name = "tun-h", .peer = "tun-x", .kind = LINK_VETH, .mtu = 65535};
	want = ARRAY_ADD(&desired.links);
	*want = (struct want_link){
	    .name = "tun-x", .peer = "tun-h", .kind = LINK_VETH, .mtu = 65535, .born = true};
	want_hook(named("tun-x"), QDISC_CLSACT);
	cookie_make(want_filter(named("tun-x"), TC_INGRESS, ACTION_REDIRECT, "tun")->cookie,
		    OWNER_CLIENT, 0, "soc");
}

/* Judges what comes in for the tunnel. */
static inline void want_door(void)
{
	struct device eth0 = named("eth0");

	eth0.ifindex = fake_link(&fake, "eth0")->ifindex;
	want_hook(eth0, QDISC_CLSACT);
	want_filter(eth0, TC_INGRESS, ACTION_VERDICT, NULL);
}

static inline void wish(void)
{
	desired_clear(&desired);
	desired.owner = OWNER_CLIENT;
	if (!wished.no_tunnel)
		want_tunnel();
	if (wished.door)
		want_door();
	if (wished.no_mirror)
		return;
	struct device eth0 = named("eth0");
	eth0.ifindex = fake_link(&fake, "eth0")->ifindex;
	want_hook(eth0, QDISC_CLSACT);
	struct want_filter *want =
	    want_filter(eth0, TC_EGRESS, ACTION_MIRROR, wished.hop ? "tun-h" : "tun");
	bool mine = ifset_has(&made, eth0.ifindex) || !snapshot_hook(&seen, eth0.ifindex);
	want->pref = 2;
	cookie_make(want->cookie, OWNER_CLIENT, mine ? COOKIE_MADE_QDISC : 0, wished.collector);
}

static inline void compute(void)
{
	ck_assert_int_eq(kernel_observe(&fake.kernel, OWNER_CLIENT, &seen, NULL), 0);
	ck_assert_int_eq(hooks_update(&made, &seen, OWNER_CLIENT), 0);
	wish();
	ops_clear(&ops);
	ck_assert_int_eq(diff(&seen, &desired, &made, &ops), 0);
}

/* One line per operation: "text (why)". */
static inline void expect(const char *wanted)
{
	char *got = NULL, text[OP_TEXT];
	size_t size;

	compute();
	FILE *out = open_memstream(&got, &size);
	for (size_t i = 0; i < ops.count; i++)
		fprintf(out, "%s (%s)\n", op_text(&ops.items[i], text), ops.items[i].why);
	fclose(out);
	ck_assert_str_eq(got, wanted);
	free(got);
}

static inline void run(void)
{
	char why[OP_TEXT];

	for (size_t i = 0; i < ops.count; i++) {
		const struct op *op = &ops.items[i];
		int error = fake.kernel.run(&fake.kernel, op, why, sizeof(why));
		/* the other end of a veth goes with the first */
		ck_assert_msg(!error || op->type == OP_LINK_DELETE, "%s: %s", op_text(op, why),
			      strerror(-error));
		if (op->type == OP_QDISC_CREATE && op->qdisc->kind == QDISC_CLSACT &&
		    op->device.ifindex)
			ck_assert_int_eq(ifset_add(&made, op->device.ifindex), 0);
	}
}

/* To where everything is as desired. */
static inline void settle(void)
{
	for (int i = 0; i < 4; i++) {
		compute();
		run();
	}
	expect("");
}

static inline void setup(void)
{
	fake_kernel_init(&fake);
	fake_add_link(&fake, "eth0");
	memset(&wished, 0, sizeof(wished));
	wished.collector = "soc";
	wished.vxlan = (struct vxlan){.vni = 42, .port = 4789, .ttl = 64};
	ck_assert(ip_addr_parse("10.0.0.9", &wished.vxlan.remote));
}

static inline void teardown(void)
{
	ck_assert_str_eq(fake.touched, "");
	ck_assert_str_eq(fake.unsealed, "");
	fake_kernel_free(&fake);
	snapshot_clear(&seen);
	desired_clear(&desired);
	ifset_clear(&made);
	ops_clear(&ops);
}

#endif
