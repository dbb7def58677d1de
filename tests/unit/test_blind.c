/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is ahead of a mirror's filter, and when that is worth a word.
 */
#include "client/blind.h"

#include <check.h>
#include <linux/if_ether.h>
#include <stdio.h>

#include "common/ahead.h"
#include "common/tc.h"
#include "tests/unit/client_rig.h"

#define INGRESS_MIRROR "mirror eth0 ingress to soc"
#define EGRESS_MIRROR  "mirror eth0 egress to soc"

static struct fake_kernel fake;
static struct client_rig rig;

static int (*dump_programs)(struct kernel *kernel, struct snapshot *s, int ifindex,
			    uint32_t parent);
static size_t asked;

static int count_and_dump(struct kernel *kernel, struct snapshot *s, int ifindex, uint32_t parent)
{
	asked++;
	return dump_programs(kernel, s, ifindex, parent);
}

static void setup(void)
{
	fake_kernel_init(&fake);
	dump_programs = fake.kernel.dump_programs;
	fake.kernel.dump_programs = count_and_dump;
	fake_add_link(&fake, "eth0");
	fake_add_link(&fake, "eth1");
	fake_set_route(&fake, "10.0.0.9", "eth1", "10.0.0.1", 9000);
	client_rig_start(&rig, &fake, client_rig_simple);
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
}

static void teardown(void)
{
	ck_assert_str_eq(fake.touched, "");
	client_rig_free(&rig);
	fake_kernel_free(&fake);
}

static const char *reason_after_pass(const char *label)
{
	rig.reconcile.partial = false;
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	return client_rig_reason(&rig, label);
}

static void receive(unsigned packets, unsigned copied)
{
	struct filter *ours = fake_filter(&fake, "eth0", TC_INGRESS, 2, FILTER_HANDLE);

	fake_link(&fake, "eth0")->stats.rx_packets += packets;
	fake_link(&fake, "eth0")->stats.rx_bytes += packets * 100;
	ours->stats.packets += copied;
	ours->stats.bytes += copied * 86;
}

/* ---- evidence -------------------------------------------------------------------------------- */

static struct blind_sample sample(uint64_t passed, uint64_t exempt, uint64_t copied)
{
	return (struct blind_sample){.ifindex = 1,
				     .passed = {passed, passed * 100},
				     .exempt = {exempt, exempt * 100},
				     .copied = {copied, copied * 100}};
}

static const struct {
	uint64_t passed, exempt, copied;
	bool filtered, starved;
} cases[] = {
    {BLIND_PACKETS - 1, 0, 0, false, false}, /* too few to tell */
    {BLIND_PACKETS, 0, 0, false, true},
    {BLIND_PACKETS, 0, 0, true, true},
    {100, 0, 100, false, false},
    {100, 95, 0, false, false}, /* tunnel packets, mostly */
    {100, 50, 0, false, true},
    {100, 0, 5, false, true}, /* ARP, as it were */
    {100, 0, 5, true, false}, /* the user's filter matches little */
    {100, 0, 60, false, false},
};

START_TEST(judges)
{
	struct blind blind = {0};
	struct blind_sample now = sample(1000, 500, 300);

	blind_judge(&blind, &now);
	ck_assert(!blind.starved);
	now = sample(1000 + cases[_i].passed, 500 + cases[_i].exempt, 300 + cases[_i].copied);
	now.filtered = cases[_i].filtered;
	blind_judge(&blind, &now);
	ck_assert_int_eq(blind.starved, cases[_i].starved);
}
END_TEST

START_TEST(few_at_a_time_add_up)
{
	struct blind blind = {0};

	for (uint64_t i = 0; i <= BLIND_PACKETS; i++) {
		struct blind_sample now = sample(i, 0, 0);
		blind_judge(&blind, &now);
		ck_assert_int_eq(blind.starved, i >= BLIND_PACKETS);
	}
	struct blind_sample now = sample(100, 0, 90);
	blind_judge(&blind, &now);
	ck_assert(!blind.starved);
}
END_TEST

START_TEST(counters_that_begin_anew_prove_nothing)
{
	struct blind blind = {0};
	struct blind_sample now = sample(1000, 0, 1000);

	blind_judge(&blind, &now);
	now = sample(2000, 0, 0); /* the filter was put anew */
	blind_judge(&blind, &now);
	ck_assert(!blind.starved);
	now = sample(2100, 0, 0);
	now.ifindex = 2;
	blind_judge(&blind, &now);
	ck_assert(!blind.starved);
}
END_TEST

/* ---- tcx programs, of which no event tells ----------------------------------------------------
 */

enum { MANY_LINKS = 500, ROUNDS = 2 * MANY_LINKS / KERNEL_SOME_HOOKS + 1 };

static bool some_changed(size_t *at)
{
	asked = 0;
	bool changed =
	    kernel_some_programs_changed(&fake.kernel, OWNER_CLIENT, &rig.reconcile.seen, at);
	ck_assert_uint_le(asked, KERNEL_SOME_HOOKS + 1); /* a link has two */
	return changed;
}

START_TEST(many_hooks_are_asked_in_turn)
{
	char name[IFNAMSIZ];
	size_t at = 0;
	int rounds = 1;

	ck_assert(!some_changed(&at));
	ck_assert_uint_gt(asked, 0);
	for (int i = 0; i < MANY_LINKS; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		fake_add_link(&fake, name);
		fake_add_qdisc(&fake, name, "clsact");
	}
	ck_assert_int_eq(reconcile_observe(&rig.reconcile), 0);
	for (int i = 0; i < 2 * ROUNDS; i++)
		ck_assert(!some_changed(&at));
	ck_assert_uint_ge(asked, KERNEL_SOME_HOOKS);
	fake_add_program(&fake, "many250", TC_EGRESS, 7);
	while (!some_changed(&at))
		ck_assert_int_le(++rounds, ROUNDS);
	ck_assert_int_eq(reconcile_observe(&rig.reconcile), 0);
	for (int i = 0; i < 2 * ROUNDS; i++)
		ck_assert(!some_changed(&at));
	/* and where there are fewer by now */
	for (int i = 0; i < MANY_LINKS; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		fake_delete_link(&fake, name);
	}
	fake.programs.count = 0;
	ck_assert_int_eq(reconcile_observe(&rig.reconcile), 0);
	ck_assert(!some_changed(&at));
	fake_add_program(&fake, "eth0", TC_EGRESS, 8);
	ck_assert(some_changed(&at));
}
END_TEST

/* ---- in a pass ------------------------------------------------------------------------------- */

START_TEST(nothing_ahead_nothing_said)
{
	reason_after_pass(INGRESS_MIRROR);
	receive(1000, 0);
	ck_assert_str_eq(reason_after_pass(INGRESS_MIRROR), "");
}
END_TEST

START_TEST(tcx_program)
{
	fake_add_program(&fake, "eth0", TC_INGRESS, 7);
	ck_assert(kernel_programs_changed(&fake.kernel, OWNER_CLIENT, &rig.reconcile.seen));
	ck_assert_str_eq(reason_after_pass(INGRESS_MIRROR), "");
	ck_assert(!kernel_programs_changed(&fake.kernel, OWNER_CLIENT, &rig.reconcile.seen));
	receive(50, 50);
	ck_assert_str_eq(reason_after_pass(INGRESS_MIRROR), "");
	receive(50, 0);
	ck_assert_str_eq(reason_after_pass(INGRESS_MIRROR),
			 "packets pass and are not copied, as tcx program 7 of eth0 ingress may "
			 "keep them back: it must return TCX_NEXT (-1)");
	ck_assert_str_eq(client_rig_reason(&rig, EGRESS_MIRROR), "");
	fake.programs.count = 0;
	ck_assert_str_eq(reason_after_pass(INGRESS_MIRROR), "");
}
END_TEST

START_TEST(programs_are_kept_over_a_narrow_look)
{
	fake_add_program(&fake, "eth0", TC_INGRESS, 7);
	reason_after_pass(INGRESS_MIRROR);
	rig.reconcile.partial = true; /* looks at no link */
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	ck_assert_uint_eq(rig.reconcile.seen.programs.count, 1);
}
END_TEST

START_TEST(xdp_program)
{
	fake_link(&fake, "eth0")->xdp = 9;
	reason_after_pass(INGRESS_MIRROR);
	receive(50, 0);
	ck_assert_str_eq(reason_after_pass(INGRESS_MIRROR),
			 "packets pass and are not copied, as XDP program 9 of eth0 may keep them "
			 "back: it must return XDP_PASS");
}
END_TEST

START_TEST(program_on_our_own_device)
{
	fake_add_program(&fake, "vtap-soc", TC_EGRESS, 7);
	ck_assert_str_eq(
	    reason_after_pass("collector soc"),
	    "there is a tcx program 7 of vtap-soc egress, vtap's own device: detach it");
}
END_TEST

START_TEST(the_lane_on_our_own_device)
{
	rig.setup->lanes[0].prog_id = 7;
	fake_add_program(&fake, "vtap-soc", TC_EGRESS, 7);
	ck_assert_str_eq(reason_after_pass("collector soc"), "");
	fake_add_program(&fake, "vtap-soc", TC_EGRESS, 8);
	ck_assert_str_eq(
	    reason_after_pass("collector soc"),
	    "there is a tcx program 8 of vtap-soc egress, vtap's own device: detach it");
}
END_TEST

static const struct {
	uint16_t pref;
	enum fate fate;
	bool counted;
	unsigned hits;
	enum ahead ahead;
} filters[] = {
    {1, FATE_ON, true, 5, AHEAD_NOTHING},   {1, FATE_END, true, 0, AHEAD_NOTHING},
    {1, FATE_END, true, 5, AHEAD_DOES},     {1, FATE_END, false, 0, AHEAD_MAY},
    {1, FATE_UNKNOWN, false, 0, AHEAD_MAY}, {3, FATE_END, true, 5, AHEAD_NOTHING},
};

START_TEST(filters_ahead)
{
	struct filter *f = fake_add_filter(&fake, "eth0", TC_INGRESS, filters[_i].pref, 5, "u32");

	f->fate = filters[_i].fate;
	f->counted = filters[_i].counted;
	f->stats.packets = filters[_i].hits;
	const char *reason = reason_after_pass(INGRESS_MIRROR);
	const struct link *link = snapshot_link_named(&rig.reconcile.seen, "eth0");
	ck_assert_int_eq(ahead_of(&rig.reconcile.seen, link, TC_INGRESS, 2, FILTER_HANDLE),
			 filters[_i].ahead);
	ck_assert_str_eq(reason,
			 filters[_i].ahead == AHEAD_DOES
			     ? "the u32 filter at pref 1 of eth0 ingress keeps packets from vtap's "
			       "filter behind it: its action must end with \"continue\""
			     : "");
}
END_TEST

/* Newest first, whatever the handle. */
START_TEST(order_within_a_pref)
{
	struct filter filters_seen[] = {
	    {.ifindex = 1,
	     .parent = TC_INGRESS,
	     .pref = 2,
	     .handle = 9,
	     .order = 1,
	     .fate = FATE_UNKNOWN},
	    {.ifindex = 1,
	     .parent = TC_INGRESS,
	     .pref = 2,
	     .handle = FILTER_HANDLE,
	     .order = 2,
	     .owner = OWNER_CLIENT},
	};
	struct snapshot seen = {.filters = {filters_seen, 2, 2}};
	struct link link = {.ifindex = 1, .name = "eth0"};

	ck_assert_int_eq(ahead_of(&seen, &link, TC_INGRESS, 2, FILTER_HANDLE), AHEAD_MAY);
	filters_seen[0].order = 3;
	ck_assert_int_eq(ahead_of(&seen, &link, TC_INGRESS, 2, FILTER_HANDLE), AHEAD_NOTHING);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("blind");
	TCase *tests = tcase_create("blind");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, judges, 0, sizeof(cases) / sizeof(*cases));
	tcase_add_test(tests, few_at_a_time_add_up);
	tcase_add_test(tests, counters_that_begin_anew_prove_nothing);
	tcase_add_test(tests, many_hooks_are_asked_in_turn);
	tcase_add_test(tests, nothing_ahead_nothing_said);
	tcase_add_test(tests, tcx_program);
	tcase_add_test(tests, programs_are_kept_over_a_narrow_look);
	tcase_add_test(tests, xdp_program);
	tcase_add_test(tests, program_on_our_own_device);
	tcase_add_test(tests, the_lane_on_our_own_device);
	tcase_add_loop_test(tests, filters_ahead, 0, sizeof(filters) / sizeof(*filters));
	tcase_add_test(tests, order_within_a_pref);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
