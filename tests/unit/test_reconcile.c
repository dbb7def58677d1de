/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Passes of the real client plan over the fake kernel: they converge, stay quiet then, and survive
 * whatever others do meanwhile.
 */
#include "tests/unit/reconcile_rig.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/message.h"

START_TEST(converges_and_is_idempotent)
{
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	ck_assert(!subjects_blocked(&rig.subjects));
	ck_assert_uint_gt(fake.changes, 0);
	ck_assert_ptr_nonnull(fake_link(&fake, "vtap-soc"));
	ck_assert_ptr_nonnull(fake_link(&fake, "vtap-soc-h"));
	ck_assert_ptr_null(fake_link(&fake, "vtap-six-h"));
	pass_quietly(&rig);
	for (size_t i = 0; i < rig.subjects.count; i++)
		ck_assert_uint_eq(rig.subjects.items[i].repairs, 0);
}
END_TEST

START_TEST(preview_changes_nothing)
{
	struct desired desired = {.owner = OWNER_CLIENT};
	struct ops ops = {0};

	ck_assert_int_eq(reconcile_preview(&rig.reconcile, &desired, &ops), 0);
	ck_assert_uint_gt(ops.count, 5);
	ck_assert_uint_eq(fake.operations, 0);
	ops_clear(&ops);
	desired_clear(&desired);
}
END_TEST

START_TEST(adopts_what_is_there)
{
	struct client_rig next;

	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	client_rig_start(&next, &fake, config);
	pass_quietly(&next);
	/* and knows what to take away in the end */
	ck_assert(ifset_has(&next.reconcile.made, fake_link(&fake, "eth0")->ifindex));
	ck_assert(!ifset_has(&next.reconcile.made, fake_link(&fake, "eth1")->ifindex));
	client_rig_free(&next);
}
END_TEST

START_TEST(to_nothing_removes_all_of_it)
{
	char *before = fake_text(&fake);

	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, true), 0);
	expect_text(before);
	free(before);
}
END_TEST

START_TEST(to_nothing_after_a_restart)
{
	char *before = fake_text(&fake);
	struct client_rig next;

	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	client_rig_start(&next, &fake, config);
	ck_assert_int_eq(reconcile_pass(&next.reconcile, true), 0);
	expect_text(before);
	client_rig_free(&next);
	free(before);
}
END_TEST

START_TEST(repairs_are_counted)
{
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	fake_delete_qdisc(&fake, "eth0", TC_H_CLSACT);
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	for (size_t i = 0; i < rig.subjects.count; i++) {
		const struct subject *s = &rig.subjects.items[i];
		ck_assert_uint_eq(s->repairs, strstr(s->label, "mirror eth0") != NULL);
	}
	pass_quietly(&rig);
}
END_TEST

/* ---- others at work -------------------------------------------------------------------------- */

static uint64_t state;

static size_t any(size_t count)
{
	return random_next(&state) % count;
}

static struct link *any_link(bool of_vtap)
{
	size_t start = any(fake.links.count);

	for (size_t i = 0; i < fake.links.count; i++) {
		struct fake_link *at = &fake.links.items[(start + i) % fake.links.count];
		if (at->foreign != of_vtap && strncmp(at->link.name, "eth", 3) != 0)
			return &at->link;
	}
	return NULL;
}

static void recreate(const char *name)
{
	struct link *old = fake_link(&fake, name);

	if (old)
		fake_delete_link(&fake, name);
	fake_add_link(&fake, name);
	if (strcmp(name, "eth0") == 0) {
		fake_set_route(&fake, "10.0.0.9", "eth0", "10.0.0.1", 0);
		fake_set_route(&fake, "fd00::9", "eth0", "fd00::1", 9000);
	}
}

static void disturb(void)
{
	struct link *ours = any_link(true);

	switch (any(12)) {
	case 0:
		if (ours)
			fake_delete_link(&fake, ours->name);
		break;
	case 1:
		if (ours)
			snprintf(ours->name, sizeof(ours->name), "renamed%zu", any(1000000));
		break;
	case 2:
		recreate(any(2) ? "eth0" : "eth1");
		break;
	case 3:
	case 4:
		if (fake.filters.count) {
			size_t at = any(fake.filters.count);
			if (!fake.filters.items[at].foreign)
				fake_delete_filter(&fake, at);
		}
		break;
	case 5:
		if (fake.qdiscs.count) {
			const struct qdisc *q = &fake.qdiscs.items[any(fake.qdiscs.count)].qdisc;
			int ifindex = q->ifindex;
			uint32_t parent = q->parent;
			for (size_t i = 0; i < fake.links.count; i++)
				if (fake.links.items[i].link.ifindex == ifindex) {
					fake_delete_qdisc(&fake, fake.links.items[i].link.name,
							  parent);
					break;
				}
		}
		break;
	case 6:
		if (ours)
			ours->flags &= ~(unsigned)IFF_UP;
		break;
	case 7:
		if (ours)
			fake_add_address(&fake, ours->name, any(2) ? "192.0.2.1" : "2001:db8::1");
		break;
	case 8:
		if (ours)
			ours->ipv6 = true;
		break;
	case 9:
		if (ours)
			ours->offloads = OFFLOAD_TX_CHECKSUM | OFFLOAD_GRO;
		break;
	case 10:
		if (ours)
			ours->vxlan.ttl = (uint8_t)(1 + any(255));
		break;
	case 11:
		if (ours)
			ours->mtu = (uint32_t)(600 + any(60000));
		break;
	}
}

START_TEST(random_walk)
{
	uint64_t seed = random_seed((uint64_t)_i + 1);

	state = seed;
	fake.after =
	    NULL; /* others leave things unsealed and up: what counts is what vtap sets up */
	for (int round = 0; round < 40; round++) {
		for (size_t n = any(6); n; n--)
			disturb();
		rig.now_ms += any(3000);
		reconcile_pass(&rig.reconcile, false);
		ck_assert_msg(!fake.unsealed[0], "VTAP_TEST_SEED=%llu: %s set up unsealed",
			      (unsigned long long)seed, fake.unsealed);
	}
	int error = -1;
	for (int pass = 0; error && pass < 3; pass++)
		error = reconcile_pass(&rig.reconcile, false);
	unsigned before = fake.operations;
	ck_assert_msg(!error && !reconcile_pass(&rig.reconcile, false) && fake.operations == before,
		      "VTAP_TEST_SEED=%llu: not at rest", (unsigned long long)seed);
	ck_assert_msg(!fake.touched[0], "VTAP_TEST_SEED=%llu: touched a stranger: %s",
		      (unsigned long long)seed, fake.touched);
	ck_assert_msg(!subjects_blocked(&rig.subjects), "VTAP_TEST_SEED=%llu",
		      (unsigned long long)seed);
	for (size_t i = 0; i < fake.links.count; i++) {
		const struct link *link = &fake.links.items[i].link;
		ck_assert_msg(fake.links.items[i].foreign || fake_sealed(&fake, link),
			      "VTAP_TEST_SEED=%llu: %s", (unsigned long long)seed, link->name);
	}
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, true), 0);
	for (size_t i = 0; i < fake.links.count; i++)
		ck_assert_msg(fake.links.items[i].foreign, "VTAP_TEST_SEED=%llu: left",
			      (unsigned long long)seed);
	for (size_t i = 0; i < fake.filters.count; i++)
		ck_assert_msg(fake.filters.items[i].foreign, "VTAP_TEST_SEED=%llu: left",
			      (unsigned long long)seed);
	for (size_t i = 0; i < fake.qdiscs.count; i++)
		ck_assert_msg(fake.qdiscs.items[i].foreign, "VTAP_TEST_SEED=%llu: left",
			      (unsigned long long)seed);
}
END_TEST

/* A pass that was told where to look asks for the filters of those links alone, and mends what is
 * wrong there. */
START_TEST(looks_where_it_is_told)
{
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	char *good = fake_text(&fake);
	unsigned whole = fake.dumps;
	pass_quietly(&rig);
	whole = fake.dumps - whole;

	for (size_t i = fake.filters.count; i-- > 0;)
		if (fake.filters.items[i].filter.ifindex == fake_link(&fake, "eth0")->ifindex)
			fake_delete_filter(&fake, i);
	unsigned partial = fake.dumps;
	rig.reconcile.partial = true;
	pass_quietly(&rig);
	partial = fake.dumps - partial;
	ck_assert_uint_lt(partial, whole);

	rig.reconcile.partial = true;
	ck_assert_int_eq(ifset_add(&rig.reconcile.look, fake_link(&fake, "eth0")->ifindex), 0);
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	expect_text(good);
	free(good);
	pass_quietly(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reconcile");
	TCase *tests = tcase_create("reconcile");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 300);
	tcase_add_test(tests, converges_and_is_idempotent);
	tcase_add_test(tests, preview_changes_nothing);
	tcase_add_test(tests, adopts_what_is_there);
	tcase_add_test(tests, to_nothing_removes_all_of_it);
	tcase_add_test(tests, to_nothing_after_a_restart);
	tcase_add_test(tests, repairs_are_counted);
	tcase_add_test(tests, looks_where_it_is_told);
	tcase_add_loop_test(tests, random_walk, 0, 40);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
