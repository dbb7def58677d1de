/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The express lane as the plan has it: where its program belongs, which way copies take, and what
 * keeps them from it.
 */
#include "client/plan.h"

#include <check.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "client/paths.h"
#include "common/tc.h"
#include "tests/unit/client_rig.h"

#define MIRROR    "mirror \"eth0\" { }\n"
#define SOC(keys) "collector \"soc\" { address = \"10.0.0.9\" " keys " }\n" MIRROR

enum { PROGRAM = 77, MTU = 9000, SMALL = 1500 };

static struct fake_kernel fake;
static struct client_rig rig;

static void setup(void)
{
	fake_kernel_init(&fake);
	fake_add_link(&fake, "eth0");
	fake_link(&fake, "eth0")->mtu = SMALL;
	fake_add_link(&fake, "eth1");
	fake_link(&fake, "eth1")->mtu = MTU;
	fake_set_route(&fake, "10.0.0.9", "eth1", "10.0.0.1", MTU);
	fake_set_route(&fake, "fd00::9", "eth1", "fd00::1", MTU);
}

static void teardown(void)
{
	ck_assert_str_eq(fake.touched, "");
	client_rig_free(&rig);
	fake_kernel_free(&fake);
}

/* As if lanes.c had loaded the programs. */
static void load(uint32_t id)
{
	for (size_t i = 0; i < rig.setup->config->collectors_count; i++)
		rig.setup->lanes[i].prog_id = id;
	rig.setup->port_min = 1000;
	rig.setup->port_max = 2000;
}

static void pass(void)
{
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
}

static void start(const char *config)
{
	client_rig_start(&rig, &fake, config);
	load(PROGRAM);
	pass();
}

static uint32_t program_on(const char *device)
{
	const struct filter *f = fake_filter(&fake, device, TC_EGRESS, 1, FILTER_HANDLE);

	if (!f)
		return 0;
	ck_assert_str_eq(f->prog_name, PROG_NAME_EXPRESS);
	ck_assert_int_eq(f->action, ACTION_VERDICT);
	return f->prog_id;
}

static void expect_off(const char *words)
{
	ck_assert_str_eq(rig.setup->lanes[0].off, words);
	ck_assert_int_eq(rig.setup->lanes[0].way.oif, 0);
	ck_assert(!subjects_blocked(&rig.subjects));
}

static void expect_nothing_to_do(void)
{
	unsigned before = fake.changes;

	pass();
	ck_assert_uint_eq(fake.changes, before);
}

START_TEST(who_fills_in_checksums)
{
	static const struct {
		enum checksums checksums;
		const char *kind;
		bool finishes;
	} cases[] = {
	    {CHECKSUMS_KERNEL, "", true},   {CHECKSUMS_KERNEL, "veth", true},
	    {CHECKSUMS_HARDWARE, "", true}, {CHECKSUMS_HARDWARE, "veth", false},
	    {CHECKSUMS_ANYBODY, "", false}, {CHECKSUMS_ANYBODY, "veth", false},
	};

	start("collector \"soc\" { address = \"10.0.0.9\" }\n" MIRROR);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fake.routes.items[0].route.checksums = cases[i].checksums;
		snprintf(fake_link(&fake, "eth1")->kind_name, KIND_SIZE, "%s", cases[i].kind);
		pass();
		ck_assert_int_eq(rig.setup->lanes[0].way.finishes, cases[i].finishes);
	}
}
END_TEST

START_TEST(way_as_configured)
{
	fake.routes.items[0].route.checksums = CHECKSUMS_KERNEL;
	start("collector \"soc\" { address = \"10.0.0.9\" vni = 7 port = 8472 ttl = 9 dscp = 10 "
	      "}\n" MIRROR);
	const struct express_way *way = &rig.setup->lanes[0].way;

	ck_assert_str_eq(rig.setup->lanes[0].off, "");
	ck_assert_int_eq(way->encap, ENCAP_VXLAN);
	ck_assert_uint_eq(way->vni, 7);
	ck_assert_uint_eq(way->port, 8472);
	ck_assert_uint_eq(way->ttl, 9);
	ck_assert_uint_eq(way->tos, 40);
	ck_assert_int_eq(way->oif, fake_link(&fake, "eth1")->ifindex);
	ck_assert_uint_eq(way->mtu, MTU);
	ck_assert_uint_eq(way->port_min, 1000);
	ck_assert_uint_eq(way->port_max, 2000);
	ck_assert(way->resegment && !way->checksum && way->finishes);
	ck_assert_int_eq(way->hop_entry, 0);
	struct ip_addr from, to;
	ck_assert(ip_addr_parse("10.0.0.1", &from) && ip_addr_parse("10.0.0.9", &to));
	ck_assert(ip_addr_equal(&way->local, &from) && ip_addr_equal(&way->remote, &to));
	ck_assert(ip_addr_equal(&way->via, &rig.setup->paths[0].route.via));
	ck_assert_uint_eq(program_on("vtap-soc"), PROGRAM);
	expect_nothing_to_do();
}
END_TEST

/* Copies with production's route never meet the tunnel itself when it is too small. */
START_TEST(at_the_hop_too)
{
	fake_set_route(&fake, "10.0.0.9", "eth1", "10.0.0.1", SMALL);
	start(SOC(""));
	const struct express_way *way = &rig.setup->lanes[0].way;
	const struct filter *mirror = fake_filter(&fake, "eth0", TC_EGRESS, 2, FILTER_HANDLE);

	ck_assert_uint_eq(program_on("vtap-soc"), PROGRAM);
	ck_assert_uint_eq(program_on("vtap-soc-h"), PROGRAM);
	ck_assert_int_eq(mirror->target, fake_link(&fake, "vtap-soc-h")->ifindex);
	ck_assert_int_eq(way->hop_entry, fake_link(&fake, "vtap-soc-h")->ifindex);
	ck_assert_int_eq(way->hop_exit, fake_link(&fake, "vtap-soc-x")->ifindex);
	ck_assert_uint_eq(way->mtu, SMALL);
	expect_nothing_to_do();
	client_rig_reload(&rig, SOC("accelerate = off"));
	pass();
	ck_assert_uint_eq(program_on("vtap-soc"), 0);
	ck_assert_uint_eq(program_on("vtap-soc-h"), 0);
	expect_nothing_to_do();
	client_rig_reload(&rig, SOC("oversize = fragment"));
	load(PROGRAM);
	pass();
	ck_assert_uint_eq(program_on("vtap-soc-h"), PROGRAM);
	ck_assert(!rig.setup->lanes[0].way.resegment);
}
END_TEST

START_TEST(put_back)
{
	fake_set_route(&fake, "10.0.0.9", "eth1", "10.0.0.1", SMALL);
	start(SOC(""));
	fake_delete_qdisc(&fake, "vtap-soc", TC_H_CLSACT);
	fake_delete_qdisc(&fake, "vtap-soc-h", TC_H_CLSACT);
	pass();
	ck_assert_uint_eq(program_on("vtap-soc"), PROGRAM);
	ck_assert_uint_eq(program_on("vtap-soc-h"), PROGRAM);
	/* another daemon's program gives way to this one's */
	load(PROGRAM + 1);
	pass();
	ck_assert_uint_eq(program_on("vtap-soc"), PROGRAM + 1);
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, true), 0);
	ck_assert_uint_eq(fake.filters.count, 0);
}
END_TEST

/* Copies do not need it. */
START_TEST(refused_by_the_kernel)
{
	client_rig_start(&rig, &fake, SOC(""));
	load(PROGRAM);
	fake.fail_error = -EINVAL;
	for (unsigned n = 1; !rig.subjects.items[3].reason[0] || rig.subjects.items[0].reason[0];
	     n++) {
		ck_assert_uint_lt(n, 30);
		client_rig_free(&rig);
		fake_kernel_free(&fake);
		setup();
		client_rig_start(&rig, &fake, SOC(""));
		load(PROGRAM);
		fake.fail_error = -EINVAL;
		fake.fail_at = n;
		(void)reconcile_pass(&rig.reconcile, false);
	}
	ck_assert_str_eq(rig.subjects.items[3].label, "express lane to soc");
	ck_assert(fake_link(&fake, "vtap-soc")->flags & IFF_UP);
	ck_assert_ptr_nonnull(fake_filter(&fake, "eth0", TC_EGRESS, 2, FILTER_HANDLE));
}
END_TEST

static void no_route(void)
{
	fake_set_route(&fake, "10.0.0.9", NULL, NULL, 0);
}

static void tunnel_underlay(void)
{
	fake_link(&fake, "eth1")->type = ARPHRD_NONE;
}

static void several(void)
{
	fake.routes.items[0].route.several = true;
}

static void wrapped(void)
{
	fake.routes.items[0].route.wrapped = true;
}

static void on_this_host(void)
{
	fake.routes.items[0].route.local = true;
}

static void silent(void)
{
	fake.routes.items[0].route.next_hop = NEXT_HOP_ASKED;
}

static void policy(void)
{
	struct ip_prefix *prefix = ARRAY_ADD(&fake.policies);

	ck_assert_ptr_nonnull(prefix);
	ck_assert(ip_prefix_parse("10.0.0.8/30", prefix));
}

/* Has an Ethernet header, but would tell production to send less. */
static void tunnel_of_ethernet(void)
{
	strcpy(fake_link(&fake, "eth1")->kind_name, "geneve");
}

static const struct {
	void (*arrange)(void);
	const char *words;
	bool of_route;
} obstacles[] = {
    {no_route, "no route", true},
    {tunnel_underlay, "eth1 has no Ethernet header", false},
    {tunnel_of_ethernet, "eth1 is a tunnel itself", false},
    {several, "the route has several next hops", true},
    {wrapped, "the route encapsulates packets", true},
    {on_this_host, "the collector is on this host", true},
    {silent, "the next hop has not answered yet", true},
    {policy, "an IPsec policy may be for these packets", false},
};

/* The program stays, the way goes; and comes back. */
START_TEST(no_plain_way)
{
	start(SOC(""));
	struct fake_route before = fake.routes.items[0];
	unsigned changes = fake.changes;

	obstacles[_i].arrange();
	ck_assert(!obstacles[_i].of_route || paths_changed(rig.setup, &fake.kernel));
	(void)reconcile_pass(&rig.reconcile, false);
	ck_assert_str_eq(rig.setup->lanes[0].off, obstacles[_i].words);
	ck_assert_int_eq(rig.setup->lanes[0].way.oif, 0);
	ck_assert_uint_eq(program_on("vtap-soc"), PROGRAM);
	fake.routes.items[0] = before;
	fake.policies.count = 0;
	fake_link(&fake, "eth1")->type = ARPHRD_ETHER;
	fake_link(&fake, "eth1")->kind_name[0] = 0;
	pass();
	ck_assert_str_eq(rig.setup->lanes[0].off, "");
	ck_assert_int_ne(rig.setup->lanes[0].way.oif, 0);
	ck_assert_uint_eq(fake.changes, changes);
}
END_TEST

START_TEST(policies_of_others_are_no_obstacle)
{
	struct ip_prefix *prefix = ARRAY_ADD(&fake.policies);

	ck_assert(ip_prefix_parse("10.0.0.10/31", prefix));
	prefix = ARRAY_ADD(&fake.policies);
	ck_assert(ip_prefix_parse("::/0", prefix));
	start(SOC(""));
	ck_assert_str_eq(rig.setup->lanes[0].off, "");
	fake.policies.items[0] = (struct ip_prefix){0}; /* any family, any address */
	pass();
	expect_off("an IPsec policy may be for these packets");
}
END_TEST

static const struct {
	const char *config, *words;
} rulings[] = {
    {SOC("accelerate = \"off\""), "accelerate is \"off\""},
    {SOC("encap = gre"), "encap is \"gre\""},
    {SOC("rate = \"1mbit\""), "rate is set: the cap is on the kernel's path"},
    {SOC("udp_checksum = on"), "udp_checksum is \"on\": the kernel's path computes it"},
    {"collector \"six\" { address = \"fd00::9\" }\n" MIRROR,
     "udp_checksum is not \"off\": over IPv6 the kernel's path computes it"},
};

/* Nothing is put where the configuration leaves no room. */
START_TEST(ruled_out)
{
	client_rig_start(&rig, &fake, rulings[_i].config);
	ck_assert(!setup_plans_lanes(rig.setup));
	load(PROGRAM);
	pass();
	expect_off(rulings[_i].words);
	ck_assert_uint_eq(program_on(rig.setup->config->collectors[0].device), 0);
	ck_assert_int_eq(rig.setup->lanes[0].subject, -1);
}
END_TEST

START_TEST(over_ipv6)
{
	start("collector \"six\" { address = \"fd00::9\" udp_checksum = off }\n" MIRROR);
	ck_assert_str_eq(rig.setup->lanes[0].off, "");
	ck_assert_int_eq(rig.setup->lanes[0].way.remote.family, AF_INET6);
	client_rig_reload(&rig,
			  "collector \"six\" { address = \"fd00::9\" encap = gretap }\n" MIRROR);
	load(PROGRAM);
	pass();
	ck_assert_str_eq(rig.setup->lanes[0].off, "");
	ck_assert_int_eq(rig.setup->lanes[0].way.encap, ENCAP_GRETAP);
	ck_assert_uint_eq(program_on("vtap-six"), PROGRAM);
}
END_TEST

START_TEST(not_loaded)
{
	client_rig_start(&rig, &fake, SOC(""));
	strcpy(rig.setup->lanes[0].unloaded, "missing: CAP_BPF");
	pass();
	expect_off("missing: CAP_BPF");
	ck_assert_uint_eq(program_on("vtap-soc"), 0);
	expect_nothing_to_do();
}
END_TEST

/* What a lane has counted goes on, whatever program counts it. */
START_TEST(counts_go_on)
{
	struct lane lane = {0};
	struct express_counts now = {
	    .packets = 5, .bytes = 500, .passed = {[EXPRESS_PASS_VLAN] = 1}};

	lane_count(&lane, &now);
	now.packets = 7;
	lane_count(&lane, &now);
	now = (struct express_counts){.packets = 2, .passed = {[EXPRESS_PASS_VLAN] = 3}};
	lane_count(&lane, &now);
	ck_assert_uint_eq(lane.counts.packets, 9);
	ck_assert_uint_eq(lane.counts.bytes, 500);
	ck_assert_uint_eq(lane.counts.passed[EXPRESS_PASS_VLAN], 3);
}
END_TEST

START_TEST(a_reload_takes_lanes_along)
{
	start(SOC(""));
	rig.setup->lanes[0].counts.packets = 5;
	client_rig_reload(&rig, "collector \"new\" { address = \"10.0.0.8\" vni = 43 }\n"
				"collector \"soc\" { address = \"10.0.0.9\" }\n"
				"mirror \"eth0\" { collector = {\"new\", \"soc\"} }\n");
	ck_assert_uint_eq(rig.setup->lanes[0].prog_id, 0);
	ck_assert_uint_eq(rig.setup->lanes[1].prog_id, PROGRAM);
	ck_assert_uint_eq(rig.setup->lanes[1].counts.packets, 5);
	ck_assert_str_eq(rig.subjects.items[rig.setup->lanes[1].subject].label,
			 "express lane to soc");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan_lane");
	TCase *tests = tcase_create("plan_lane");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, who_fills_in_checksums);
	tcase_add_test(tests, way_as_configured);
	tcase_add_test(tests, at_the_hop_too);
	tcase_add_test(tests, put_back);
	tcase_add_test(tests, refused_by_the_kernel);
	tcase_add_loop_test(tests, no_plain_way, 0, sizeof(obstacles) / sizeof(*obstacles));
	tcase_add_test(tests, policies_of_others_are_no_obstacle);
	tcase_add_loop_test(tests, ruled_out, 0, sizeof(rulings) / sizeof(*rulings));
	tcase_add_test(tests, over_ipv6);
	tcase_add_test(tests, not_loaded);
	tcase_add_test(tests, counts_go_on);
	tcase_add_test(tests, a_reload_takes_lanes_along);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
