/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Snapshots and their look-ups, the marks of ownership, sets of interface indexes.
 */
#include "common/object.h"

#include <check.h>
#include <linux/pkt_sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ifset.h"
#include "common/tc.h"
#include "tests/unit/message.h"

START_TEST(empty_snapshot)
{
	struct snapshot s = {0};
	size_t count = 9;

	ck_assert_int_eq(snapshot_sort(&s), 0);
	ck_assert_ptr_null(snapshot_link(&s, 1));
	ck_assert_ptr_null(snapshot_link_named(&s, "eth0"));
	ck_assert_ptr_null(snapshot_hook(&s, 1));
	ck_assert_ptr_null(snapshot_root_qdisc(&s, 1));
	ck_assert_ptr_null(snapshot_first_address(&s, 1));
	ck_assert_ptr_null(snapshot_filters(&s, 1, TC_INGRESS, &count));
	ck_assert_uint_eq(count, 0);
	snapshot_clear(&s);
}
END_TEST

START_TEST(reserved_arrays)
{
	ARRAY_OF(int) numbers = {0};

	ARRAY_RESERVE(&numbers, 20);
	ck_assert_uint_eq(numbers.capacity, 20);
	ck_assert_uint_eq(numbers.count, 0);
	const int *first = ARRAY_ADD(&numbers);
	for (int i = 1; i < 20; i++)
		*(int *)ARRAY_ADD(&numbers) = i;
	ck_assert_ptr_eq(first, numbers.items);
	ck_assert_int_eq(numbers.items[0], 0); /* zeroed */
	ARRAY_RESERVE(&numbers, 3);            /* never less than there is */
	ck_assert_uint_eq(numbers.capacity, 20);
	*(int *)ARRAY_ADD(&numbers) = 20;
	for (int i = 0; i <= 20; i++)
		ck_assert_int_eq(numbers.items[i], i);
	free(numbers.items);
}
END_TEST

enum { LINKS = 500 };

/* Links 2, 4, 6 ..., in a random order: every fourth has a hook with filters, every third
 * addresses. */
static void fill(struct snapshot *s, uint64_t seed)
{
	int order[LINKS];

	for (int i = 0; i < LINKS; i++)
		order[i] = i;
	for (int i = LINKS - 1; i > 0; i--) {
		int k = (int)(random_next(&seed) % (uint64_t)(i + 1)), swap = order[i];
		order[i] = order[k];
		order[k] = swap;
	}
	for (int i = 0; i < LINKS; i++) {
		int n = order[i], ifindex = 2 * n + 2;
		struct link *link = ARRAY_ADD(&s->links);
		link->ifindex = ifindex;
		snprintf(link->name, sizeof(link->name), "veth%d", n);
		struct qdisc *root = ARRAY_ADD(&s->qdiscs);
		*root = (struct qdisc){.ifindex = ifindex, .parent = TC_H_ROOT};
		for (int k = 0; n % 3 == 0 && k < 3; k++)
			((struct address *)ARRAY_ADD(&s->addresses))->ifindex = ifindex;
		if (n % 4)
			continue;
		struct qdisc *hook = ARRAY_ADD(&s->qdiscs);
		*hook = (struct qdisc){.ifindex = ifindex, .parent = TC_H_CLSACT};
		for (uint32_t k = 0; k < 5; k++) {
			struct filter *f = ARRAY_ADD(&s->filters);
			*f = (struct filter){.ifindex = ifindex,
					     .parent = TC_EGRESS,
					     .pref = (uint16_t)(5 - k),
					     .handle = k};
		}
		struct filter *f = ARRAY_ADD(&s->filters);
		*f = (struct filter){
		    .ifindex = ifindex, .parent = TC_INGRESS, .insns = calloc(1, 8)};
	}
}

START_TEST(look_ups)
{
	struct snapshot s = {0};
	char name[IFNAMSIZ];
	size_t count;

	fill(&s, random_seed(4));
	ck_assert_int_eq(snapshot_sort(&s), 0);
	for (int n = 0; n < LINKS; n++) {
		int ifindex = 2 * n + 2;
		snprintf(name, sizeof(name), "veth%d", n);
		ck_assert_int_eq(snapshot_link(&s, ifindex)->ifindex, ifindex);
		ck_assert_str_eq(snapshot_link(&s, ifindex)->name, name);
		ck_assert_ptr_eq(snapshot_link_named(&s, name), snapshot_link(&s, ifindex));
		ck_assert_int_eq(snapshot_root_qdisc(&s, ifindex)->ifindex, ifindex);
		ck_assert_int_eq(snapshot_hook(&s, ifindex) != NULL, n % 4 == 0);
		ck_assert_int_eq(snapshot_first_address(&s, ifindex) != NULL, n % 3 == 0);
		const struct filter *f = snapshot_filters(&s, ifindex, TC_EGRESS, &count);
		ck_assert_uint_eq(count, n % 4 ? 0 : 5);
		ck_assert_int_eq(f != NULL, n % 4 == 0);
		for (size_t k = 1; k < count; k++)
			ck_assert_uint_gt(f[k].pref, f[k - 1].pref);
		snapshot_filters(&s, ifindex, TC_INGRESS, &count);
		ck_assert_uint_eq(count, n % 4 ? 0 : 1);
		ck_assert_ptr_null(snapshot_link(&s, ifindex + 1));
		ck_assert_ptr_null(snapshot_hook(&s, ifindex + 1));
		ck_assert_ptr_null(snapshot_first_address(&s, ifindex + 1));
		ck_assert_ptr_null(snapshot_filters(&s, ifindex + 1, TC_INGRESS, &count));
	}
	ck_assert_ptr_null(snapshot_link_named(&s, "veth"));
	ck_assert_ptr_null(snapshot_link_named(&s, "veth500"));
	ck_assert_ptr_null(snapshot_link(&s, 0));
	snapshot_clear(&s);
	ck_assert_uint_eq(s.links.count, 0);
}
END_TEST

START_TEST(cookies)
{
	uint8_t cookie[COOKIE_SIZE], other[COOKIE_SIZE];

	cookie_make(cookie, OWNER_CLIENT, COOKIE_MADE_QDISC, "soc");
	ck_assert_int_eq(cookie_owner(cookie, COOKIE_SIZE), OWNER_CLIENT);
	ck_assert(cookie_made_qdisc(cookie, COOKIE_SIZE));
	ck_assert(cookie_names(cookie, COOKIE_SIZE, "soc"));
	ck_assert(!cookie_names(cookie, COOKIE_SIZE, "so"));
	ck_assert(!cookie_names(cookie, COOKIE_SIZE, ""));
	cookie_make(other, OWNER_COLLECTOR, 0, "soc");
	ck_assert_int_eq(cookie_owner(other, COOKIE_SIZE), OWNER_COLLECTOR);
	ck_assert(!cookie_made_qdisc(other, COOKIE_SIZE));
	for (size_t size = 0; size < COOKIE_SIZE; size++) {
		ck_assert_int_eq(cookie_owner(cookie, size), OWNER_NONE);
		ck_assert(!cookie_made_qdisc(cookie, size));
		ck_assert(!cookie_names(cookie, size, "soc"));
	}
	cookie[0] ^= 1;
	ck_assert_int_eq(cookie_owner(cookie, COOKIE_SIZE), OWNER_NONE);
	ck_assert(!cookie_names(cookie, COOKIE_SIZE, "soc"));
	cookie[0] ^= 1;
	cookie[5] = 3; /* an owner that does not exist */
	ck_assert_int_eq(cookie_owner(cookie, COOKIE_SIZE), OWNER_NONE);
}
END_TEST

/* It stays in the kernel over an upgrade: these bytes are for ever. */
START_TEST(cookie_bytes)
{
	static const uint8_t wanted[COOKIE_SIZE] = {'v',  't',  'a',  'p',  1,    1,    1,    0,
						    0xaf, 0x63, 0xdc, 0x4c, 0x86, 0x01, 0xec, 0x8c};
	uint8_t cookie[COOKIE_SIZE];

	memset(cookie, 0xff, sizeof(cookie));
	cookie_make(cookie, OWNER_CLIENT, COOKIE_MADE_QDISC, "a"); /* FNV-1a's published value */
	ck_assert_int_eq(memcmp(cookie, wanted, sizeof(wanted)), 0);
	ck_assert_uint_eq(owner_group(OWNER_CLIENT), 0x76740001);
	ck_assert_uint_eq(owner_group(OWNER_COLLECTOR), 0x76740002);
	ck_assert_uint_eq(owner_group(OWNER_NONE), 0);
}
END_TEST

START_TEST(equal_vxlans)
{
	struct vxlan a = {.vni = 1, .port = 4789}, b = a;

	ck_assert(vxlan_equal(&a, &b));
	b.local.family = 10; /* "::" */
	ck_assert(vxlan_equal(&a, &b));
	b.local.bytes[15] = 1;
	ck_assert(!vxlan_equal(&a, &b));
	ck_assert(!vxlan_equal(&b, &a));
}
END_TEST

START_TEST(interface_sets)
{
	struct ifset set = {0};
	bool in[1000] = {false};
	uint64_t state = random_seed(5);

	ck_assert(!ifset_has(&set, 0));
	for (int i = 0; i < 600; i++) {
		int ifindex = (int)(random_next(&state) % 1000);
		ck_assert_int_eq(ifset_add(&set, ifindex), 0);
		in[ifindex] = true;
	}
	size_t count = 0;
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(ifset_has(&set, i), in[i]);
		count += in[i];
	}
	ck_assert_uint_eq(set.count, count);
	ck_assert(!ifset_has(&set, -1));
	ck_assert(!ifset_has(&set, 1000));
	ifset_clear(&set);
	ck_assert(!ifset_has(&set, 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("object");
	TCase *tests = tcase_create("object");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, empty_snapshot);
	tcase_add_test(tests, reserved_arrays);
	tcase_add_test(tests, look_ups);
	tcase_add_test(tests, cookies);
	tcase_add_test(tests, cookie_bytes);
	tcase_add_test(tests, equal_vxlans);
	tcase_add_test(tests, interface_sets);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
