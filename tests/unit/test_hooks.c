/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which clsact qdiscs are vtap's own: learnt from marks, remembered as text, forgotten when gone.
 */
#include "common/hooks.h"

#include <check.h>
#include <stdlib.h>

#include "tests/unit/client_rig.h"

static struct fake_kernel fake;
static struct client_rig rig;

static void setup(void)
{
	client_rig_at_work(&rig, &fake);
}

static void teardown(void)
{
	client_rig_free(&rig);
	fake_kernel_free(&fake);
}

/* Killed after the clsact was made and before a filter could say so. */
START_TEST(remembers_its_clsact)
{
	struct client_rig next;
	int eth0 = fake_link(&fake, "eth0")->ifindex;

	char *text = hooks_text(&rig.reconcile.made);
	while (fake_filter(&fake, "eth0", 0xfffffff2, 2, FILTER_HANDLE))
		fake_delete_filter(&fake, fake.filters.count - 1);
	client_rig_start(&next, &fake, client_rig_simple);
	ck_assert(!ifset_has(&next.reconcile.made, eth0));
	ck_assert_int_eq(hooks_read(&next.reconcile.made, text), 0);
	ck_assert(ifset_has(&next.reconcile.made, eth0));
	ck_assert_int_eq(reconcile_pass(&next.reconcile, true), 0);
	ck_assert_uint_eq(fake.qdiscs.count, 0);
	client_rig_free(&next);
	free(text);
}
END_TEST

START_TEST(learns_from_marks)
{
	struct ifset made = {0};
	int eth0 = fake_link(&fake, "eth0")->ifindex;

	ck_assert_int_eq(hooks_update(&made, &rig.reconcile.seen, OWNER_CLIENT), 0);
	ck_assert_uint_eq(made.count, 1);
	ck_assert(ifset_has(&made, eth0));
	ifset_clear(&made);
	ck_assert_int_eq(hooks_update(&made, &rig.reconcile.seen, OWNER_COLLECTOR), 0);
	ck_assert_uint_eq(made.count, 0);
	ifset_clear(&made);
}
END_TEST

START_TEST(forgets_what_has_no_clsact)
{
	struct ifset made = {0};

	ck_assert_int_eq(ifset_add(&made, fake_add_link(&fake, "eth1")), 0);
	int ingress = fake_add_link(&fake, "eth2");
	fake_add_qdisc(&fake, "eth2", "ingress");
	ck_assert_int_eq(ifset_add(&made, ingress), 0);
	ck_assert_int_eq(ifset_add(&made, 999), 0);
	ck_assert_int_eq(reconcile_observe(&rig.reconcile), 0);
	ck_assert_int_eq(hooks_update(&made, &rig.reconcile.seen, OWNER_COLLECTOR), 0);
	ck_assert_uint_eq(made.count, 0);
	ifset_clear(&made);
}
END_TEST

START_TEST(text_goes_and_comes)
{
	static const int items[] = {1, 7, 2147483647};
	struct ifset made = {0}, again = {0};

	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(ifset_add(&made, items[i]), 0);
	char *text = hooks_text(&made);
	ck_assert_str_eq(text, "1\n7\n2147483647\n");
	ck_assert_int_eq(hooks_read(&again, text), 0);
	ck_assert_uint_eq(again.count, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert(ifset_has(&again, items[i]));
	free(text);
	ifset_clear(&made);
	ifset_clear(&again);
}
END_TEST

START_TEST(believes_no_other_text)
{
	static const char *const texts[] = {
	    "", "x", "-3\n", "0\n", "99999999999999999999\n", "4x\n5\n", "{\"made\":[1]}"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct ifset made = {0};
		ck_assert_int_eq(hooks_read(&made, texts[i]), 0);
		ck_assert_msg(!made.count, "%s", texts[i]);
		ifset_clear(&made);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hooks");
	TCase *tests = tcase_create("hooks");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, remembers_its_clsact);
	tcase_add_test(tests, learns_from_marks);
	tcase_add_test(tests, forgets_what_has_no_clsact);
	tcase_add_test(tests, text_goes_and_comes);
	tcase_add_test(tests, believes_no_other_text);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
