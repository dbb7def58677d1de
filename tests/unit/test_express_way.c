/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The express lane's ways: set, grown old and renewed; its counts over a change of the program; and
 * its place in front of filters.
 */
#include <errno.h>

#include "common/tcx.h"
#include "express_rig.h"

enum { LO = 1 };

static char why[256];

static int run_ip(void)
{
	struct frame frame = {.length = 60};

	frame.bytes[12] = 0x08;
	frame.bytes[14] = 0x45;
	return rig_run(&frame);
}

START_TEST(a_way_is_set_and_taken_away)
{
	struct express_way way = rig_plain();

	ck_assert_int_eq(run_ip(), VERDICT_ON); /* none so far */
	ck_assert_int_eq(express_set(express, &way), 0);
	ck_assert_int_eq(run_ip(), VERDICT_REDIRECT);
	ck_assert_int_eq(express_set(express, &way), 0);
	ck_assert_int_eq(run_ip(), VERDICT_REDIRECT);
	ck_assert_int_eq(express_set(express, NULL), 0);
	ck_assert_int_eq(run_ip(), VERDICT_ON);
	ck_assert_uint_eq(rig_counts().passed[EXPRESS_PASS_OFF], 2);
	way.checksum = true;
	ck_assert_int_eq(express_set(express, &way), 0);
	ck_assert_int_eq(run_ip(), VERDICT_ON);
	ck_assert_uint_eq(rig_counts().passed[EXPRESS_PASS_OUTER], 1);
	way.encap = ENCAP_GRETAP; /* has none to compute */
	ck_assert_int_eq(express_set(express, &way), 0);
	ck_assert_int_eq(run_ip(), VERDICT_REDIRECT);
}
END_TEST

/* Good for a time only, and good again when somebody comes back. */
START_TEST(a_way_grows_old)
{
	struct express_way way = rig_plain();

	ck_assert_int_eq(express_renew(express, 1), 0); /* there is none */
	ck_assert_int_eq(run_ip(), VERDICT_ON);
	ck_assert_int_eq(express_set(express, &way), 0);
	ck_assert_int_eq(express_renew(express, 0), 0);
	while (run_ip() == VERDICT_REDIRECT)
		; /* the kernel's coarse clock is some milliseconds behind */
	ck_assert_int_eq(run_ip(), VERDICT_ON);
	ck_assert_uint_eq(rig_counts().passed[EXPRESS_PASS_UNATTENDED], 2);
	ck_assert_int_eq(express_renew(express, EXPRESS_GOOD_MS), 0);
	ck_assert_int_eq(run_ip(), VERDICT_REDIRECT);
	ck_assert_int_eq(express_renew(express, 0), 0);
	ck_assert_int_eq(express_set(express, &way), 0);
	ck_assert_int_eq(run_ip(), VERDICT_REDIRECT);
	/* what is no way does not become one */
	ck_assert_int_eq(express_set(express, NULL), 0);
	ck_assert_int_eq(express_renew(express, EXPRESS_GOOD_MS), 0);
	ck_assert_int_eq(run_ip(), VERDICT_ON);
}
END_TEST

/* Quicker to get to than the filter, for as long as the express is there. */
START_TEST(it_goes_in_front)
{
	uint32_t ids[TCX_PROGRAMS];
	size_t count;

	if (tcx_query(LO, true, ids, &count) == -EINVAL)
		return; /* no such hooks before Linux 6.6: nothing happens */
	ck_assert_uint_eq(count, 0);
	for (int i = 0; i < 2; i++) {
		express_front(express, (const int[EXPRESS_PLACES]){0, LO});
		ck_assert_int_eq(tcx_query(LO, true, ids, &count), 0);
		ck_assert_uint_eq(count, 1);
		ck_assert_uint_eq(ids[0], express_prog_id(express));
	}
	express_front(express, (const int[EXPRESS_PLACES]){0});
	ck_assert_int_eq(tcx_query(LO, true, ids, &count), 0);
	ck_assert_uint_eq(count, 0);
	express_front(express, (const int[EXPRESS_PLACES]){12345, LO}); /* no such device */
	express_free(express);
	express = NULL;
	ck_assert_int_eq(tcx_query(LO, true, ids, &count), 0);
	ck_assert_uint_eq(count, 0);
}
END_TEST

/* The kernel allows a range of one. */
START_TEST(a_single_source_port)
{
	struct express_way way = rig_plain();
	struct frame in = {.length = 60}, out;

	way.port_min = way.port_max;
	in.bytes[12] = 0x08;
	in.bytes[14] = 0x45;
	out = in;
	ck_assert_int_eq(express_set(express, &way), 0);
	ck_assert_int_eq(rig_run(&out), VERDICT_REDIRECT);
	ck_assert_ptr_null(rig_wrong(&way, &in, &out));
}
END_TEST

START_TEST(a_way_without_sense_changes_nothing)
{
	struct express_way good = rig_plain(), bad[7];

	ck_assert_int_eq(express_set(express, &good), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		bad[i] = good;
	bad[0].encap = ENCAP_GRE;
	bad[1].port = 0;
	bad[2].port_min = bad[2].port_max + 1;
	bad[3].vni = 1 << 24;
	bad[4].via.family = 0;
	bad[5].local.family = AF_INET6;
	bad[6].ttl = 0;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_int_eq(express_set(express, &bad[i]), -EINVAL);
		ck_assert_int_eq(run_ip(), VERDICT_REDIRECT);
	}
}
END_TEST

/* With the descriptor, by the program, with neither; and with a descriptor of something else. */
START_TEST(counts_go_on_in_the_next_one)
{
	struct express_way way = rig_plain();
	struct express *first = express;
	const uint32_t old = express_prog_id(first);
	const int kept = express_kept_fd(first);
	const struct {
		int fd;
		uint32_t id;
		uint64_t packets;
	} cases[] = {{kept, 0, 1}, {-1, old, 1}, {-1, 0, 0}, {express_prog_fd(first), 0, 0}};

	ck_assert_int_eq(express_set(express, &way), 0);
	ck_assert_int_eq(run_ip(), VERDICT_REDIRECT);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ck_assert_int_eq(express_open(&express, cases[i].fd, cases[i].id, why, sizeof(why)),
				 0);
		ck_assert_uint_ne(express_prog_id(express), old);
		ck_assert_uint_eq(rig_counts().packets, cases[i].packets);
		express_free(express);
	}
	express = first;
	ck_assert_uint_eq(rig_counts().packets, 1);
}
END_TEST

START_TEST(each_reason_has_a_name)
{
	for (int i = 0; i < EXPRESS_PASSES; i++)
		ck_assert_str_ne(express_pass_name((enum express_pass)i), "");
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_test(tests, a_way_is_set_and_taken_away);
	tcase_add_test(tests, a_way_grows_old);
	tcase_add_test(tests, it_goes_in_front);
	tcase_add_test(tests, a_single_source_port);
	tcase_add_test(tests, a_way_without_sense_changes_nothing);
	tcase_add_test(tests, counts_go_on_in_the_next_one);
	tcase_add_test(tests, each_reason_has_a_name);
}

int main(void)
{
	return rig_main("express_way", add);
}
