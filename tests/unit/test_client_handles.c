/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which preference and handle a copy stream's filter gets, also among the filters of others.
 */
#include "client/plan.h"

#include <check.h>
#include <stdlib.h>

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

static uint32_t handle_of(const char *collector, uint32_t parent)
{
	uint32_t handle = 0;

	for (size_t i = 0; i < fake.filters.count; i++) {
		const struct filter *f = &fake.filters.items[i].filter;
		if (f->ifindex != fake_link(&fake, "eth0")->ifindex || f->parent != parent ||
		    !cookie_names(f->cookie, f->cookie_size, collector))
			continue;
		ck_assert_uint_eq(handle, 0);
		handle = f->handle;
	}
	ck_assert_uint_ne(handle, 0);
	return handle;
}

START_TEST(two_collectors_on_one_interface)
{
	start(SOC SIX "mirror \"eth0\" { collector = {\"soc\", \"six\"} }\n");
	pass();
	ck_assert(!subjects_blocked(&rig.subjects));
	ck_assert_uint_ne(handle_of("soc", TC_EGRESS), handle_of("six", TC_EGRESS));
	ck_assert_uint_ne(handle_of("soc", TC_INGRESS), handle_of("six", TC_INGRESS));
}
END_TEST

START_TEST(handles_survive_another_order)
{
	start(SOC SIX "mirror \"eth0\" { collector = {\"soc\", \"six\"} }\n");
	pass();
	uint32_t soc = handle_of("soc", TC_EGRESS), six = handle_of("six", TC_EGRESS);
	unsigned before = fake.operations;
	client_rig_reload(&rig, SIX SOC "mirror \"eth0\" { collector = {\"six\", \"soc\"} }\n");
	pass();
	ck_assert_uint_eq(handle_of("soc", TC_EGRESS), soc);
	ck_assert_uint_eq(handle_of("six", TC_EGRESS), six);
	/* the programs name both tunnels in the order of the file: nothing else is touched */
	ck_assert_uint_le(fake.operations - before, 4);
}
END_TEST

START_TEST(handles_step_over_strangers)
{
	fake_add_qdisc(&fake, "eth0", "clsact");
	for (uint32_t i = 0; i < 5; i++)
		fake_add_filter(&fake, "eth0", TC_EGRESS, 2, FILTER_HANDLE + i, "bpf");
	start(SOC SIX "mirror \"eth0\" { collector = {\"soc\", \"six\"} }\n");
	pass();
	ck_assert(!subjects_blocked(&rig.subjects));
	ck_assert_uint_ge(handle_of("soc", TC_EGRESS), FILTER_HANDLE + 5);
	ck_assert_uint_ge(handle_of("six", TC_EGRESS), FILTER_HANDLE + 5);
	ck_assert_uint_ne(handle_of("soc", TC_EGRESS), handle_of("six", TC_EGRESS));
}
END_TEST

START_TEST(another_pref)
{
	start(client_rig_simple);
	pass();
	client_rig_reload(&rig, "tc_pref = 9\n" SOC "mirror \"eth0\" { }\n");
	pass();
	ck_assert_ptr_null(fake_filter(&fake, "eth0", TC_EGRESS, 2, FILTER_HANDLE));
	ck_assert_ptr_nonnull(fake_filter(&fake, "eth0", TC_EGRESS, 9, FILTER_HANDLE));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_handles");
	TCase *tests = tcase_create("client_handles");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, two_collectors_on_one_interface);
	tcase_add_test(tests, handles_survive_another_order);
	tcase_add_test(tests, handles_step_over_strangers);
	tcase_add_test(tests, another_pref);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
