/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hop as the plan has it when it is no longer needed: how long it stays, and that nothing leads
 * to it meanwhile.
 */
#include "client/plan.h"

#include <check.h>
#include <stdlib.h>

#include "common/tc.h"
#include "tests/unit/client_rig.h"

enum { DRAINED_MS = 2000 };

static struct fake_kernel fake;
static struct client_rig rig;

static void pass(void)
{
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
}

/* In use. */
static void setup(void)
{
	client_rig_host(&fake);
	fake_set_route(&fake, "10.0.0.9", "eth0", "10.0.0.1", 1500);
	client_rig_start(&rig, &fake, client_rig_simple);
	pass();
}

static void teardown(void)
{
	ck_assert_str_eq(fake.touched, "");
	client_rig_free(&rig);
	fake_kernel_free(&fake);
}

static void expect_hop(bool there, const char *egress_leads_to, bool drained)
{
	unsigned before = fake.changes;

	ck_assert_int_eq(fake_link(&fake, "vtap-soc-h") != NULL, there);
	ck_assert_int_eq(fake_link(&fake, "vtap-soc-x") != NULL, there);
	ck_assert_int_eq(fake_filter(&fake, "eth0", TC_EGRESS, 2, FILTER_HANDLE)->target,
			 fake_link(&fake, egress_leads_to)->ifindex);
	ck_assert_int_eq(setup_hop_drained(rig.setup, rig.now_ms), drained);
	if (drained)
		return;
	pass();
	ck_assert_uint_eq(fake.changes, before);
}

static void path_mtu(uint32_t mtu)
{
	fake_set_route(&fake, "10.0.0.9", "eth0", "10.0.0.1", mtu);
	pass();
}

/* Copies may still be on their way through it. */
START_TEST(stays_for_copies_on_their_way)
{
	expect_hop(true, "vtap-soc-h", false);
	int ifindex = fake_link(&fake, "vtap-soc-h")->ifindex;
	path_mtu(1550);
	expect_hop(true, "vtap-soc", false);
	const struct filter *out = fake_filter(&fake, "vtap-soc-x", TC_INGRESS, 1, FILTER_HANDLE);
	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(out->target, fake_link(&fake, "vtap-soc")->ifindex);
	rig.now_ms += DRAINED_MS / 2;
	expect_hop(true, "vtap-soc", false);
	/* in use again, and then it drains anew */
	path_mtu(1500);
	expect_hop(true, "vtap-soc-h", false);
	ck_assert_int_eq(fake_link(&fake, "vtap-soc-h")->ifindex, ifindex);
	rig.now_ms += 10 * DRAINED_MS;
	expect_hop(true, "vtap-soc-h", false);
	path_mtu(1550);
	expect_hop(true, "vtap-soc", false);
	rig.now_ms += DRAINED_MS - 1;
	expect_hop(true, "vtap-soc", false);
	rig.now_ms++;
	expect_hop(true, "vtap-soc", true);
	pass();
	expect_hop(false, "vtap-soc", false);
}
END_TEST

START_TEST(who_else_finds_it_draining)
{
	path_mtu(1550);
	/* another daemon's life: it does not know since when */
	client_rig_reload(&rig, client_rig_simple);
	rig.now_ms += DRAINED_MS;
	pass();
	expect_hop(true, "vtap-soc", false);
	/* without a route it does not come into use again */
	fake_set_route(&fake, "10.0.0.9", NULL, NULL, 0);
	pass();
	expect_hop(true, "vtap-soc", false);
	rig.now_ms += DRAINED_MS;
	expect_hop(true, "vtap-soc", true);
	pass();
	expect_hop(false, "vtap-soc", false);
	/* at the end all goes at once */
	path_mtu(1500);
	path_mtu(1550);
	ck_assert_ptr_nonnull(fake_link(&fake, "vtap-soc-h"));
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, true), 0);
	ck_assert_ptr_null(fake_link(&fake, "vtap-soc-h"));
	ck_assert_ptr_null(fake_link(&fake, "vtap-soc-x"));
}
END_TEST

/* A pass that events asked for plans twice when something is to be done, and is the one that comes
 * where they do not end. */
START_TEST(goes_in_the_middle_of_events)
{
	path_mtu(1550);
	expect_hop(true, "vtap-soc", false);
	rig.now_ms += DRAINED_MS;
	rig.reconcile.partial = true;
	pass();
	expect_hop(false, "vtap-soc", false);
	/* and drains anew the next time */
	path_mtu(1500);
	rig.now_ms += DRAINED_MS;
	path_mtu(1550);
	expect_hop(true, "vtap-soc", false);
}
END_TEST

/* The route may go between the two. */
START_TEST(goes_although_the_route_does)
{
	path_mtu(1550);
	rig.now_ms += DRAINED_MS;
	fake_set_route(&fake, "10.0.0.9", NULL, NULL, 0);
	rig.reconcile.partial = true;
	pass();
	expect_hop(false, "vtap-soc", false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan_hop");
	TCase *tests = tcase_create("plan_hop");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, stays_for_copies_on_their_way);
	tcase_add_test(tests, who_else_finds_it_draining);
	tcase_add_test(tests, goes_in_the_middle_of_events);
	tcase_add_test(tests, goes_although_the_route_does);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
