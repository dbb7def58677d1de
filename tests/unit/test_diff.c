/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The diff as tables: a kernel and what is desired of it in, the texts of the operations out. Here:
 * what is wanted and not there, or not as it is wanted.
 */
#include "tests/unit/diff_rig.h"

#include <check.h>
#include <linux/if_ether.h>
#include <string.h>

/* ---- making ---------------------------------------------------------------------------------- */

START_TEST(from_nothing)
{
	expect("tun: create vxlan vni 42 port 4789 to 10.0.0.9 (missing)\n"
	       "tun: turn IPv6 off (new device)\n"
	       "tun: set offloads tx-checksum off (new device)\n"
	       "tun: create qdisc clsact (missing)\n"
	       "eth0: create qdisc clsact (missing)\n"
	       "tun ingress: put filter pref 1 handle 0x76746170: drop everything (missing)\n"
	       "tun: set up (new device)\n"
	       "eth0 egress: put filter pref 2 handle 0x76746170: mirror to tun (missing)\n");
	settle();
}
END_TEST

START_TEST(from_nothing_with_hop_and_cap)
{
	wished.hop = true;
	wished.rate = 1000000;
	expect("tun: create vxlan vni 42 port 4789 to 10.0.0.9 (missing)\n"
	       "tun: turn IPv6 off (new device)\n"
	       "tun: set offloads tx-checksum off (new device)\n"
	       "tun-h: create veth, other end tun-x (missing)\n"
	       "tun-h: turn IPv6 off (new device)\n"
	       "tun-x: turn IPv6 off (new device)\n"
	       "tun: create qdisc clsact (missing)\n"
	       "tun: create qdisc tbf rate 8000000 bit/s (missing)\n"
	       "tun-x: create qdisc clsact (missing)\n"
	       "eth0: create qdisc clsact (missing)\n"
	       "tun ingress: put filter pref 1 handle 0x76746170: drop everything (missing)\n"
	       "tun-x ingress: put filter pref 1 handle 0x76746170: redirect to tun (missing)\n"
	       "tun-x: set up (new device)\n"
	       "tun: set up (new device)\n"
	       "tun-h: set up (new device)\n"
	       "eth0 egress: put filter pref 2 handle 0x76746170: mirror to tun-h (missing)\n");
	settle();
}
END_TEST

START_TEST(shared_clsact)
{
	fake_add_qdisc(&fake, "eth0", "clsact");
	settle();
	ck_assert(!ifset_has(&made, fake_link(&fake, "eth0")->ifindex));
	wished.no_mirror = wished.no_tunnel = true;
	expect("eth0 egress: delete filter pref 2 handle 0x76746170 (no longer wanted)\n"
	       "tun: delete (no longer wanted)\n");
}
END_TEST

/* ---- one difference at a time ---------------------------------------------------------------- */

static struct link *tun(void)
{
	return fake_link(&fake, "tun");
}

static struct filter *mirror(void)
{
	return fake_filter(&fake, "eth0", TC_EGRESS, 2, FILTER_HANDLE);
}

static void twist_ttl(void)
{
	tun()->vxlan.ttl = 1;
}

static void twist_local(void)
{
	ck_assert(ip_addr_parse("10.0.0.1", &wished.vxlan.local));
}

static void twist_mtu(void)
{
	wished.mtu = 1400;
}

static void twist_ipv6(void)
{
	tun()->ipv6 = true;
}

static void twist_offloads(void)
{
	tun()->offloads |= OFFLOAD_TX_CHECKSUM;
}

static void twist_gro(void)
{
	tun()->offloads ^= OFFLOAD_GRO; /* not asked for */
}

static void twist_address(void)
{
	fake_add_address(&fake, "tun", "192.0.2.1");
	fake_add_address(&fake, "tun", "192.0.2.2");
}

static void twist_down(void)
{
	tun()->flags &= ~(unsigned)IFF_UP;
}

static void twist_arp(void)
{
	tun()->flags &= ~(unsigned)IFF_NOARP;
}

static void twist_held(void)
{
	tun()->held_down = true;
}

static void twist_hook(void)
{
	fake_delete_qdisc(&fake, "eth0", TC_H_CLSACT);
}

static void twist_seal(void)
{
	fake_filter(&fake, "tun", TC_INGRESS, 1, FILTER_HANDLE)->insns[0].k = 0;
}

static void twist_program(void)
{
	mirror()->insns[0].k = 1;
}

static void twist_protocol(void)
{
	mirror()->protocol = ETH_P_IP;
}

static void twist_target(void)
{
	mirror()->target = 0;
}

static void twist_ending(void)
{
	mirror()->ends_chain = true;
}

static void twist_way(void)
{
	mirror()->to_ingress = true;
}

static void twist_action(void)
{
	mirror()->action = ACTION_NONE;
}

static void twist_flags(void)
{
	mirror()->cookie[6] ^= 0x80;
}

static void twist_rate_on(void)
{
	wished.rate = 1000000;
}

static void twist_vni(void)
{
	wished.vxlan.vni = 43;
}

static void twist_kind(void)
{
	tun()->kind = LINK_OTHER;
}

static void twist_master(void)
{
	tun()->master = 1;
}

static void twist_detour(void)
{
	tun()->detour = true;
}

static void twist_hop_in(void)
{
	wished.hop = true;
}

#define PUT(why)  "eth0 egress: put filter pref 2 handle 0x76746170: mirror to tun (" why ")\n"
#define SEAL(why) "tun ingress: put filter pref 1 handle 0x76746170: drop everything (" why ")\n"
#define AGAIN(vni)                                                                               \
	"tun: delete (cannot be changed in place)\n"                                             \
	"tun: create vxlan vni " vni " port 4789 to 10.0.0.9 (missing)\n"                        \
	"tun: turn IPv6 off (new device)\n"                                                      \
	"tun: set offloads tx-checksum off (new device)\n"                                       \
	"tun: create qdisc clsact (missing)\n" SEAL("missing") "tun: set up (new device)\n" PUT( \
	    "its target was made anew")

static const struct {
	void (*twist)(void);
	const char *wanted;
} twists[] = {
    {twist_ttl, "tun: change vxlan vni 42 port 4789 to 10.0.0.9 (settings differ)\n"},
    {twist_local,
     "tun: change vxlan vni 42 port 4789 to 10.0.0.9 from 10.0.0.1 (settings differ)\n"},
    {twist_mtu, "tun: set MTU 1400 (MTU differs)\n"},
    {twist_ipv6, "tun: turn IPv6 off (IPv6 is on)\n"},
    {twist_offloads, "tun: set offloads tx-checksum off (offloads differ)\n"},
    {twist_gro, ""},
    {twist_address, "tun: delete address 192.0.2.1/24 (the device must have none)\n"
		    "tun: delete address 192.0.2.2/24 (the device must have none)\n"},
    {twist_down, "tun: set up (down, or with ARP)\n"},
    {twist_arp, "tun: set up (down, or with ARP)\n"},
    {twist_held, "tun: set up (held down: protodown)\n"},
    {twist_hook, "eth0: create qdisc clsact (missing)\n" PUT("missing")},
    {twist_seal, SEAL("program differs")},
    {twist_program, PUT("program differs")},
    {twist_protocol, PUT("program differs")},
    {twist_target, PUT("its target was made anew")},
    {twist_ending, PUT("action differs")},
    {twist_way, PUT("action differs")},
    {twist_action, PUT("action differs")},
    {twist_flags, PUT("mark differs")},
    {twist_rate_on, "tun: create qdisc tbf rate 8000000 bit/s (missing)\n"},
    {twist_vni, AGAIN("43")},
    {twist_kind, AGAIN("42")},
    {twist_master, AGAIN("42")},
    {twist_detour, AGAIN("42")},
    {twist_hop_in,
     "tun-h: create veth, other end tun-x (missing)\n"
     "tun-h: turn IPv6 off (new device)\n"
     "tun-x: turn IPv6 off (new device)\n"
     "tun-x: create qdisc clsact (missing)\n"
     "tun-x ingress: put filter pref 1 handle 0x76746170: redirect to tun (missing)\n"
     "tun-x: set up (new device)\n"
     "tun-h: set up (new device)\n"
     "eth0 egress: put filter pref 2 handle 0x76746170: mirror to tun-h (its target was "
     "made anew)\n"},
};

START_TEST(one_difference)
{
	settle();
	twists[_i].twist();
	expect(twists[_i].wanted);
}
END_TEST

START_TEST(rate_changes)
{
	wished.rate = 1000000;
	settle();
	wished.rate = 2000000;
	expect("tun: create qdisc tbf rate 16000000 bit/s (settings differ)\n");
	settle();
	wished.rate = 0;
	expect("tun: delete qdisc tbf (no rate is configured)\n");
	settle();
}
END_TEST

/* One that judges by what there was knows nothing of what is about to come; a new one has to be
 * there before what it guards, and not earlier. */
START_TEST(another_verdict_comes_first)
{
	wished.no_mirror = wished.door = true;
	settle();
	fake_filter(&fake, "eth0", TC_INGRESS, 1, FILTER_HANDLE)->insns[0].k = 0;
	twist_vni();
	compute();
	ck_assert_uint_ge(ops.count, 3);
	ck_assert_int_eq(ops.items[0].type, OP_FILTER_PUT);
	ck_assert_str_eq(ops.items[0].device.name, "eth0");
	ck_assert_int_eq(ops.items[1].type, OP_LINK_DELETE);
	for (size_t i = 2; i < ops.count; i++) /* once */
		ck_assert(ops.items[i].type != OP_FILTER_PUT ||
			  strcmp(ops.items[i].device.name, "eth0") != 0);
	settle();
	fake_delete_qdisc(&fake, "eth0", TC_H_CLSACT);
	twist_kind();
	compute();
	ck_assert_uint_ge(ops.count, 3);
	ck_assert_int_eq(ops.items[0].type, OP_LINK_DELETE);
	size_t put = 0, up = 0;
	for (size_t i = 0; i < ops.count; i++) {
		if (ops.items[i].type == OP_FILTER_PUT &&
		    strcmp(ops.items[i].device.name, "eth0") == 0)
			put = i;
		if (ops.items[i].type == OP_LINK_UP)
			up = i;
	}
	ck_assert_uint_gt(put, 0);
	ck_assert_uint_gt(up, put);
	settle();
}
END_TEST

START_TEST(hop_out)
{
	wished.hop = true;
	settle();
	wished.hop = false;
	compute();
	/* copies are led past the hop before it goes, so that none is lost */
	expect(PUT("its target was made anew") "tun-h: delete (no longer wanted)\n"
					       "tun-x: delete (no longer wanted)\n");
	settle();
}
END_TEST

START_TEST(broken_hop)
{
	wished.hop = true;
	settle();
	strcpy(fake_link(&fake, "tun-x")->name, "other");
	settle();
	ck_assert_ptr_null(fake_link(&fake, "other"));
	ck_assert_ptr_nonnull(fake_link(&fake, "tun-x"));
}
END_TEST

START_TEST(renamed_interface_is_the_same)
{
	settle();
	strcpy(tun()->name, "other");
	compute();
	settle();
	ck_assert_ptr_null(fake_link(&fake, "other"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("diff");
	TCase *tests = tcase_create("diff");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, from_nothing);
	tcase_add_test(tests, from_nothing_with_hop_and_cap);
	tcase_add_test(tests, shared_clsact);
	tcase_add_loop_test(tests, one_difference, 0, sizeof(twists) / sizeof(*twists));
	tcase_add_test(tests, rate_changes);
	tcase_add_test(tests, another_verdict_comes_first);
	tcase_add_test(tests, hop_out);
	tcase_add_test(tests, broken_hop);
	tcase_add_test(tests, renamed_interface_is_the_same);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
