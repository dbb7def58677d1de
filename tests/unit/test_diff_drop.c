/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The diff as tables: what is there and not wanted, and what is not vtap's to remove.
 */
#include "tests/unit/diff_rig.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Others have no business on links of ours. */
START_TEST(strays)
{
	settle();
	fake_add_qdisc(&fake, "tun", "fq");
	fake_add_filter(&fake, "tun", TC_INGRESS, 1, 7, "bpf");
	fake_add_filter(&fake, "tun", TC_EGRESS, 7, 0x80000000, "u32");
	fake_add_filter(&fake, "tun", TC_EGRESS, 7, 0x80000800, "u32");
	fake_add_filter(&fake, "tun", TC_EGRESS, 9, 1, "bpf");
	fake_add_filter(&fake, "eth0", TC_EGRESS, 9, 1, "bpf");
	expect("tun ingress: delete filter pref 1 handle 0x7 (not vtap's)\n"
	       "tun egress: delete filters pref 7 (not vtap's)\n"
	       "tun egress: delete filters pref 9 (not vtap's)\n"
	       "tun: delete qdisc root (not vtap's)\n");
	settle();
	ck_assert_ptr_nonnull(fake_filter(&fake, "eth0", TC_EGRESS, 9, 1));
	/* another kind in the place of the seal */
	fake_delete_qdisc(&fake, "tun", TC_H_CLSACT);
	fake_add_qdisc(&fake, "tun", "clsact");
	fake_add_filter(&fake, "tun", TC_INGRESS, 1, 0x80000800, "u32");
	expect("tun ingress: delete filters pref 1 (not vtap's)\n"
	       "tun ingress: put filter pref 1 handle 0x76746170: drop everything (missing)\n");
	settle();
	/* a cap takes the place of a stray at once */
	fake_add_qdisc(&fake, "tun", "fq");
	wished.rate = 1000000;
	expect("tun: create qdisc tbf rate 8000000 bit/s (missing)\n");
	settle();
}
END_TEST

START_TEST(to_nothing)
{
	wished.rate = 1000000;
	settle();
	wished.no_mirror = wished.no_tunnel = true;
	expect("eth0 egress: delete filter pref 2 handle 0x76746170 (no longer wanted)\n"
	       "tun: delete (no longer wanted)\n"
	       "eth0: delete qdisc clsact (vtap made it, nobody uses it)\n");
	settle();
}
END_TEST

START_TEST(to_nothing_with_others_on_the_hook)
{
	settle();
	fake_add_filter(&fake, "eth0", TC_INGRESS, 7, 0x80000800, "u32");
	wished.no_mirror = wished.no_tunnel = true;
	expect("eth0 egress: delete filter pref 2 handle 0x76746170 (no longer wanted)\n"
	       "tun: delete (no longer wanted)\n");
	settle();
	/* once they are gone it goes too */
	fake_delete_filter(&fake, 0);
	expect("eth0: delete qdisc clsact (vtap made it, nobody uses it)\n");
}
END_TEST

START_TEST(strangers_are_left_alone)
{
	fake_add_link(&fake, "vtap-foreign");
	fake_add_link(&fake, "tun0");
	fake_link(&fake, "tun0")->kind = LINK_VXLAN;
	fake_link(&fake, "tun0")->group = owner_group(OWNER_COLLECTOR);
	fake_add_qdisc(&fake, "tun0", "clsact");
	fake_add_filter(&fake, "tun0", TC_INGRESS, 1, FILTER_HANDLE, "bpf")->action =
	    ACTION_VERDICT;
	fake_add_qdisc(&fake, "vtap-foreign", "clsact");
	fake_add_filter(&fake, "vtap-foreign", TC_EGRESS, 2, FILTER_HANDLE, "bpf");
	struct filter *door =
	    fake_add_filter(&fake, "vtap-foreign", TC_INGRESS, 2, FILTER_HANDLE, "bpf");
	door->owner = OWNER_COLLECTOR;
	strcpy(door->prog_name, PROG_NAME_DOOR_MADE);
	fake_add_address(&fake, "vtap-foreign", "192.0.2.1");
	char *before = fake_text(&fake);
	settle();
	wished.no_mirror = wished.no_tunnel = true;
	settle();
	/* eth0 and these are as they were */
	char *after = fake_text(&fake);
	ck_assert_str_eq(after, before);
	free(before);
	free(after);
}
END_TEST

START_TEST(hooks_are_learnt_and_forgotten)
{
	settle();
	int eth0 = fake_link(&fake, "eth0")->ifindex;
	ifset_clear(&made);
	compute(); /* a restart: the mark in the filter tells */
	ck_assert(ifset_has(&made, eth0));
	fake_delete_qdisc(&fake, "eth0", TC_H_CLSACT);
	compute();
	ck_assert(!ifset_has(&made, eth0));
	fake_add_qdisc(&fake, "eth0", "clsact"); /* somebody else was faster */
	settle();
	ck_assert(!ifset_has(&made, eth0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("diff_drop");
	TCase *tests = tcase_create("diff_drop");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, strays);
	tcase_add_test(tests, to_nothing);
	tcase_add_test(tests, to_nothing_with_others_on_the_hook);
	tcase_add_test(tests, strangers_are_left_alone);
	tcase_add_test(tests, hooks_are_learnt_and_forgotten);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
