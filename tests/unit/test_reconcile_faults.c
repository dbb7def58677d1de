/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Passes over a kernel that fails: each operation and each dump, once and for ever.
 */
#include "tests/unit/reconcile_rig.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const int errors[] = {-EPERM, -ENOMEM, -EBUSY, -ENODEV, -EEXIST, -ENOENT, -EINVAL};
enum { ERRORS = sizeof(errors) / sizeof(*errors) };

static void fail_each_operation(int fault, bool later_ones_too)
{
	char *wanted = undisturbed();

	for (unsigned n = 1;; n++) {
		teardown();
		setup();
		fake.fail_error = fault;
		fake.fail_at = n;
		fake.fail_on = later_ones_too;
		int error = reconcile_pass(&rig.reconcile, false);
		bool hit = fake.operations >= n;
		ck_assert_msg(!hit || error == fake.fail_error, "operation %u: %d", n, error);
		ck_assert_int_eq(hit, subjects_blocked(&rig.subjects));
		fake.fail_on = false;
		fake.fail_at = 0;
		ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
		ck_assert(!subjects_blocked(&rig.subjects));
		expect_text(wanted);
		pass_quietly(&rig);
		if (!hit)
			break;
	}
	free(wanted);
}

START_TEST(each_operation_fails_once)
{
	fail_each_operation(errors[_i], false);
}
END_TEST

START_TEST(each_operation_fails_with_all_later_ones)
{
	fail_each_operation(errors[_i], true);
}
END_TEST

START_TEST(each_dump_fails)
{
	char *wanted = undisturbed();

	for (unsigned n = 1;; n++) {
		teardown();
		setup();
		fake.fail_error = -ENOMEM;
		fake.fail_dump_at = n;
		int error = reconcile_pass(&rig.reconcile, false);
		bool hit = fake.dumps >= n;
		fake.fail_dump_at = 0;
		ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
		(void)error; /* a failed route look-up blocks its collector, the others end the pass
			      */
		rig.now_ms += 60000; /* the hop that no route asked for has drained */
		ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
		expect_text(wanted);
		if (!hit)
			break;
	}
	free(wanted);
}
END_TEST

START_TEST(each_removal_fails)
{
	char *before = fake_text(&fake);

	for (unsigned n = 1;; n++) {
		teardown();
		setup();
		ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
		fake.fail_error = errors[_i];
		fake.fail_at = fake.operations + n;
		reconcile_pass(&rig.reconcile, true);
		bool hit = fake.operations >= fake.fail_at;
		fake.fail_at = 0;
		ck_assert_int_eq(reconcile_pass(&rig.reconcile, true), 0);
		expect_text(before);
		if (!hit)
			break;
	}
	free(before);
}
END_TEST

/* Between the observation and the operation somebody else makes the same clsact. */
static void faster(struct fake_kernel *f, const struct op *op)
{
	if (op->type != OP_QDISC_CREATE || strcmp(op->device.name, "eth0") != 0)
		return;
	f->before = NULL;
	fake_add_qdisc(f, "eth0", "clsact");
}

START_TEST(clsact_of_somebody_faster_is_not_ours)
{
	fake.before = faster;
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), -EEXIST);
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	ck_assert(!ifset_has(&rig.reconcile.made, fake_link(&fake, "eth0")->ifindex));
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, true), 0);
	for (size_t i = 0; i < fake.qdiscs.count; i++)
		if (fake.qdiscs.items[i].qdisc.ifindex == fake_link(&fake, "eth0")->ifindex)
			return;
	ck_abort_msg("removed a clsact that somebody else made");
}
END_TEST

static int plan_never_content(void *ctx, struct reconcile *r, struct desired *desired)
{
	struct want_link *want = ARRAY_ADD(&desired->links);

	(void)ctx;
	(void)r;
	*want = (struct want_link){.name = "never", .kind = LINK_VXLAN, .vxlan = {.vni = 1}};
	want->vxlan.port = (uint16_t)(1 + fake.changes);
	return 0;
}

START_TEST(gives_up_on_what_never_converges)
{
	rig.reconcile.plan = plan_never_content;
	fake.after = NULL;
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), -EAGAIN);
	fake.unsealed[0] = '\0'; /* that plan has no seal */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reconcile_faults");
	TCase *tests = tcase_create("reconcile_faults");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 300);
	tcase_add_loop_test(tests, each_operation_fails_once, 0, ERRORS);
	tcase_add_loop_test(tests, each_operation_fails_with_all_later_ones, 0, ERRORS);
	tcase_add_test(tests, each_dump_fails);
	tcase_add_loop_test(tests, each_removal_fails, 0, ERRORS);
	tcase_add_test(tests, clsact_of_somebody_faster_is_not_ours);
	tcase_add_test(tests, gives_up_on_what_never_converges);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
