/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the client wants, and why it does not get it, as tables over the fake kernel.
 */
#include "client/plan.h"

#include <check.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/gre.h"
#include "common/tc.h"
#include "tests/unit/client_rig.h"

#define SOC "collector \"soc\" { address = \"10.0.0.9\" }\n"
#define SIX "collector \"six\" { address = \"fd00::9\" }\n"

static struct fake_kernel fake;
static struct client_rig rig;

static void setup(void)
{
	client_rig_host(&fake);
}

static void teardown(void)
{
	ck_assert_str_eq(fake.touched, "");
	client_rig_free(&rig);
	fake_kernel_free(&fake);
}

static void start(const char *config)
{
	client_rig_start(&rig, &fake, config);
}

static void pass(void)
{
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
}

static void expect_reason(const char *label, const char *wanted)
{
	ck_assert_str_eq(client_rig_reason(&rig, label), wanted);
}

/* ---- blocked --------------------------------------------------------------------------------- */

static void no_interface(void)
{
	fake_delete_link(&fake, "eth0");
	fake_add_link(&fake, "eth1");
	fake_set_route(&fake, "10.0.0.9", "eth1", "10.0.0.1", 9000);
}

static void no_ethernet(void)
{
	fake_link(&fake, "eth0")->type = ARPHRD_NONE;
}

static void no_packets(void)
{
	fake_link(&fake, "eth0")->type = ARPHRD_CAN;
}

static void own_device(void)
{
	fake_link(&fake, "eth0")->group = owner_group(OWNER_COLLECTOR);
	fake_set_route(&fake, "10.0.0.9", NULL, NULL, 0);
}

static void ingress_qdisc(void)
{
	fake_add_qdisc(&fake, "eth0", "ingress");
}

static void pref_taken(void)
{
	fake_add_qdisc(&fake, "eth0", "clsact");
	fake_add_filter(&fake, "eth0", TC_EGRESS, 2, 0x80000800, "u32");
}

static void pref_of_other_protocol(void)
{
	fake_add_qdisc(&fake, "eth0", "clsact");
	fake_add_filter(&fake, "eth0", TC_INGRESS, 2, 1, "bpf")->protocol = ETH_P_IP;
}

static void device_taken(void)
{
	fake_add_link(&fake, "vtap-soc");
}

static void no_route(void)
{
	fake_set_route(&fake, "10.0.0.9", NULL, NULL, 0);
}

static const struct {
	void (*arrange)(void);
	const char *collector, *ingress, *egress;
} blocks[] = {
    {no_interface, "", "eth0 does not exist", "eth0 does not exist"},
    {no_ethernet, "", "eth0 has no Ethernet header, which vxlan carries: use encap \"gre\"",
     "eth0 has no Ethernet header, which vxlan carries: use encap \"gre\""},
    {no_packets, "", "eth0 is neither an Ethernet nor an IP interface",
     "eth0 is neither an Ethernet nor an IP interface"},
    {own_device, "no route to 10.0.0.9 (Network is unreachable)", "eth0 is a device of vtap's own",
     "eth0 is a device of vtap's own"},
    {ingress_qdisc, "", "",
     "eth0 has an ingress qdisc of somebody else's, which leaves no hook for egress"},
    {pref_taken, "", "", "pref 2 of eth0 egress is taken by a u32 filter: choose another tc_pref"},
    {pref_of_other_protocol, "",
     "pref 2 of eth0 ingress is taken by a bpf filter: choose another tc_pref", ""},
    {device_taken, "there is a device vtap-soc (hardware) that vtap-client did not make", "", ""},
    {no_route, "no route to 10.0.0.9 (Network is unreachable)", "", ""},
};

START_TEST(blocked)
{
	bool usable = blocks[_i].arrange != device_taken;

	blocks[_i].arrange();
	start(client_rig_simple);
	pass();
	expect_reason("collector soc", blocks[_i].collector);
	expect_reason("mirror eth0 ingress to soc", blocks[_i].ingress);
	expect_reason("mirror eth0 egress to soc", blocks[_i].egress);
	ck_assert_int_eq(fake_filter(&fake, "eth0", TC_INGRESS, 2, FILTER_HANDLE) != NULL,
			 usable && !blocks[_i].ingress[0]);
	ck_assert_int_eq(fake_filter(&fake, "eth0", TC_EGRESS, 2, FILTER_HANDLE) != NULL,
			 usable && !blocks[_i].egress[0]);
	/* what follows from it is not the reason */
	rig.setup->tunnel_accounts[0].lost_in_a_row = ACCOUNT_ALL_LOST;
	pass();
	expect_reason("collector soc", blocks[_i].collector[0]
					   ? blocks[_i].collector
					   : "copies are made, and all of them are lost");
}
END_TEST

START_TEST(route_through_a_device_of_its_own)
{
	start(client_rig_simple);
	pass();
	fake_add_link(&fake, "vtap0");
	fake_link(&fake, "vtap0")->group = owner_group(OWNER_COLLECTOR);
	fake_set_route(&fake, "10.0.0.9", "vtap0", "10.0.0.1", 0);
	pass();
	ck_assert_ptr_null(fake_link(&fake, "vtap-soc"));
	expect_reason("collector soc",
		      "the route to 10.0.0.9 leads through a device of vtap's own");
	expect_reason("mirror eth0 egress to soc", ""); /* the collector's says it */
	ck_assert_ptr_null(fake_filter(&fake, "eth0", TC_EGRESS, 2, FILTER_HANDLE));
	fake_set_route(&fake, "10.0.0.9", "eth0", "10.0.0.1", 9000);
	pass();
	expect_reason("mirror eth0 egress to soc", "");
}
END_TEST

START_TEST(appears_later)
{
	no_interface();
	start(client_rig_simple);
	pass();
	fake_add_link(&fake, "eth0");
	pass();
	ck_assert(!subjects_blocked(&rig.subjects));
	ck_assert_ptr_nonnull(fake_filter(&fake, "eth0", TC_EGRESS, 2, FILTER_HANDLE));
}
END_TEST

/* ---- tunnels --------------------------------------------------------------------------------- */

START_TEST(tunnel_as_configured)
{
	start("collector \"soc\" { address = \"10.0.0.9\" local = \"10.0.0.2\" vni = 7 port = 8472 "
	      "ttl = 9 dscp = 10 oversize = \"drop\" rate = \"8mbit\" device = \"tap\" }\n"
	      "mirror \"eth0\" { }\n");
	pass();
	const struct link *tap = fake_link(&fake, "tap");
	struct vxlan wanted = {.vni = 7, .port = 8472, .ttl = 9, .tos = 40, .df = VXLAN_DF_SET};
	ck_assert(ip_addr_parse("10.0.0.9", &wanted.remote) &&
		  ip_addr_parse("10.0.0.2", &wanted.local));
	ck_assert_ptr_nonnull(tap);
	ck_assert(vxlan_equal(&tap->vxlan, &wanted));
	ck_assert_uint_eq(tap->offloads & OFFLOAD_TX_CHECKSUM, 0);
	size_t caps = 0;
	for (size_t i = 0; i < fake.qdiscs.count; i++)
		caps += fake.qdiscs.items[i].qdisc.handle == TBF_HANDLE &&
			fake.qdiscs.items[i].qdisc.tbf.rate == 1000000;
	ck_assert_uint_eq(caps, 1);
}
END_TEST

#define GRETAP "collector \"soc\" { address = \"10.0.0.9\" encap = \"gretap\" dscp = 1 }\n"

START_TEST(gre_as_configured)
{
	start(GRETAP "collector \"six\" { address = \"fd00::9\" encap = \"gre\" vni = 0 }\n"
		     "mirror \"eth0\" { collector = {\"soc\", \"six\"} }\n");
	pass();
	ck_assert(!subjects_blocked(&rig.subjects));
	const struct link *soc = fake_link(&fake, "vtap-soc"), *six = fake_link(&fake, "vtap-six");
	struct gre gre = {.key_in = 42, .key_out = 42, .ttl = 64, .tos = 4, .ignore_df = true};
	struct gre gre6 = {.ipv6 = true, .ttl = 64};
	ck_assert(ip_addr_parse("10.0.0.9", &gre.remote) && ip_addr_parse("fd00::9", &gre6.remote));
	ck_assert(ip_addr_parse("fd00::1", &gre6.local)); /* as the route has it */
	ck_assert_str_eq(soc->kind_name, "gretap");
	ck_assert(gre_equal(&soc->gre, &gre));
	ck_assert_str_eq(six->kind_name, "ip6gre");
	ck_assert(gre_equal(&six->gre, &gre6));
	ck_assert_uint_ge(soc->mtu, 60000);
	ck_assert(fake_sealed(&fake, soc) && fake_sealed(&fake, six));
	/* nothing is left to do, and another encapsulation is another device */
	unsigned before = fake.changes;
	pass();
	ck_assert_uint_eq(fake.changes, before);
	int ifindex = six->ifindex;
	fake_set_route(&fake, "fd00::9", "eth0", "fd00::2", 9000);
	pass();
	ck_assert(ip_addr_parse("fd00::2", &gre6.local));
	ck_assert(gre_equal(&fake_link(&fake, "vtap-six")->gre, &gre6));
	ck_assert_int_eq(fake_link(&fake, "vtap-six")->ifindex, ifindex);
	client_rig_reload(&rig, client_rig_simple);
	pass();
	ck_assert_str_eq(fake_link(&fake, "vtap-soc")->kind_name, "vxlan");
	ck_assert_ptr_null(fake_link(&fake, "vtap-six"));
}
END_TEST

START_TEST(gre_is_kept_as_it_should_be)
{
	start(GRETAP "mirror \"eth0\" { }\n");
	pass();
	int ifindex = fake_link(&fake, "vtap-soc")->ifindex;
	fake_link(&fake, "vtap-soc")->gre.pmtudisc = true;
	fake_link(&fake, "vtap-soc")->gre.key_out = 1;
	fake_link(&fake, "vtap-soc")->mtu = 1476;
	pass();
	ck_assert_int_eq(fake_link(&fake, "vtap-soc")->ifindex, ifindex);
	ck_assert(!fake_link(&fake, "vtap-soc")->gre.pmtudisc);
	ck_assert_uint_eq(fake_link(&fake, "vtap-soc")->gre.key_out, 42);
	ck_assert_uint_ge(fake_link(&fake, "vtap-soc")->mtu, 60000);
}
END_TEST

START_TEST(gre_without_room)
{
	/* IPv4: fragments, and no hop */
	fake_set_route(&fake, "10.0.0.9", "eth0", "10.0.0.1", 1541);
	start(GRETAP "mirror \"eth0\" { }\n");
	pass();
	ck_assert_uint_eq(rig.setup->tunnels[0].needed_mtu, 1542);
	ck_assert(rig.setup->tunnels[0].too_small);
	ck_assert_ptr_null(fake_link(&fake, "vtap-soc-h"));
	ck_assert(!subjects_blocked(&rig.subjects));
	client_rig_free(&rig);
	/* IPv6: ICMP errors to production */
	fake_set_route(&fake, "fd00::9", "eth0", "fd00::1", 1561);
	start("collector \"six\" { address = \"fd00::9\" encap = \"gretap\" }\nmirror \"eth0\" { "
	      "}\n");
	pass();
	expect_reason("collector six",
		      "the path MTU 1561 is less than 1562, and gretap over IPv6 would tell "
		      "production's hosts to send less: raise it, or use encap \"vxlan\"");
	ck_assert_ptr_null(fake_link(&fake, "vtap-six"));
	fake_set_route(&fake, "fd00::9", "eth0", "fd00::1", 1562);
	pass();
	ck_assert(!subjects_blocked(&rig.subjects));
	ck_assert_ptr_nonnull(fake_link(&fake, "vtap-six"));
}
END_TEST

START_TEST(ip_interfaces_go_through_gre)
{
	fake_link(&fake, "eth0")->type = ARPHRD_NONE;
	start("collector \"soc\" { address = \"10.0.0.9\" encap = \"gre\" }\n"
	      "mirror \"eth0\" { filter = \"udp\" }\n");
	pass();
	ck_assert(!subjects_blocked(&rig.subjects));
	const struct filter *bare = fake_filter(&fake, "eth0", TC_EGRESS, 2, FILTER_HANDLE);
	ck_assert_ptr_nonnull(bare);
	size_t count = bare->insns_count;
	fake_link(&fake, "eth0")->type = ARPHRD_ETHER;
	pass();
	ck_assert_uint_gt(fake_filter(&fake, "eth0", TC_EGRESS, 2, FILTER_HANDLE)->insns_count,
			  count); /* tags and a type are in the way there */
	fake_link(&fake, "eth0")->type = ARPHRD_NONE;
	client_rig_reload(&rig, "collector \"soc\" { address = \"10.0.0.9\" encap = \"gre\" }\n"
				"mirror \"eth0\" { filter = \"ether host 2:0:0:0:0:1\" }\n");
	pass();
	expect_reason("mirror eth0 egress to soc",
		      "the filter asks for what packets of eth0 do not have: they begin with an IP "
		      "header");
}
END_TEST

START_TEST(overheads_and_hop)
{
	static const struct {
		uint32_t mtu, soc, six; /* of eth0, of the paths */
		bool soc_hop, six_hop;
	} rows[] = {{1500, 1550, 1570, false, false},
		    {1500, 1549, 1570, true, false},
		    {1500, 1550, 1569, false, true},
		    {9000, 1550, 9070, true, false},
		    {1000, 1500, 1500, false, false}};

	start(SOC SIX "mirror \"eth0\" { collector = {\"soc\", \"six\"} }\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		fake_link(&fake, "eth0")->mtu = rows[i].mtu;
		fake_set_route(&fake, "10.0.0.9", "eth0", "10.0.0.1", rows[i].soc);
		fake_set_route(&fake, "fd00::9", "eth0", "fd00::1", rows[i].six);
		pass();
		rig.now_ms += 60000; /* what nobody uses has drained */
		pass();
		ck_assert_uint_eq(rig.setup->tunnels[0].needed_mtu, rows[i].mtu + 50);
		ck_assert_uint_eq(rig.setup->tunnels[1].needed_mtu, rows[i].mtu + 70);
		ck_assert_uint_eq(rig.setup->tunnels[0].path_mtu, rows[i].soc);
		ck_assert_int_eq(fake_link(&fake, "vtap-soc-h") != NULL, rows[i].soc_hop);
		ck_assert_int_eq(fake_link(&fake, "vtap-six-h") != NULL, rows[i].six_hop);
		const struct filter *out = fake_filter(&fake, "eth0", TC_EGRESS, 2, FILTER_HANDLE);
		const struct filter *in = fake_filter(&fake, "eth0", TC_INGRESS, 2, FILTER_HANDLE);
		ck_assert_int_eq(
		    out->target,
		    fake_link(&fake, rows[i].soc_hop ? "vtap-soc-h" : "vtap-soc")->ifindex);
		ck_assert_int_eq(in->target, fake_link(&fake, "vtap-soc")->ifindex);
	}
	/* the path's MTU is the link's when the route has none of its own */
	fake_link(&fake, "eth0")->mtu = 1500;
	fake_set_route(&fake, "10.0.0.9", "eth0", "10.0.0.1", 0);
	pass();
	ck_assert_uint_eq(rig.setup->tunnels[0].path_mtu, 1500);
	ck_assert_ptr_nonnull(fake_link(&fake, "vtap-soc-h"));
}
END_TEST

START_TEST(no_hop_for_ingress_alone)
{
	fake_set_route(&fake, "10.0.0.9", "eth0", "10.0.0.1", 1500);
	start(SOC "mirror \"eth0\" { direction = \"ingress\" }\n");
	pass();
	ck_assert(rig.setup->tunnels[0].too_small);
	ck_assert_ptr_null(fake_link(&fake, "vtap-soc-h"));
	ck_assert_ptr_null(fake_filter(&fake, "eth0", TC_EGRESS, 2, FILTER_HANDLE));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_plan");
	TCase *tests = tcase_create("client_plan");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, blocked, 0, sizeof(blocks) / sizeof(*blocks));
	tcase_add_test(tests, route_through_a_device_of_its_own);
	tcase_add_test(tests, appears_later);
	tcase_add_test(tests, tunnel_as_configured);
	tcase_add_test(tests, gre_as_configured);
	tcase_add_test(tests, gre_is_kept_as_it_should_be);
	tcase_add_test(tests, gre_without_room);
	tcase_add_test(tests, ip_interfaces_go_through_gre);
	tcase_add_test(tests, overheads_and_hop);
	tcase_add_test(tests, no_hop_for_ingress_alone);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
