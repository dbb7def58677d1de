/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request of each operation: which message, for which device. What is in the messages is
 * compared with ip(8)'s and tc(8)'s elsewhere.
 */
#include "common/op.h"

#include <check.h>
#include <linux/if_addr.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "common/tc.h"
#include "common/way.h"

enum { IFINDEX = 7, TARGET = 9 };

static _Alignas(struct nlmsghdr) char buffer[8192];

static const struct want_link link_wanted = {.name = "vtap-soc", .kind = LINK_VXLAN, .mtu = 1400};
static const struct want_qdisc qdisc_wanted = {.kind = QDISC_CLSACT};
static const struct sock_filter all[] = {{.code = 6, .k = 0xffffffff}};
static const struct want_filter filter_wanted = {.parent = TC_EGRESS,
						 .pref = 2,
						 .handle = 1,
						 .insns = all,
						 .insns_count = 1,
						 .action = ACTION_MIRROR};

static bool message(const struct op *op, struct nlmsg *m)
{
	*m = (struct nlmsg){.header = (struct nlmsghdr *)buffer, .size = sizeof(buffer)};
	memset(buffer, 0, sizeof(buffer));
	return op_message(op, op->type == OP_LINK_CREATE ? 0 : IFINDEX, TARGET, m);
}

/* Where each kind of message has the device that it is about. */
static int device_of(const struct nlmsghdr *header)
{
	const void *family = NLMSG_DATA(header);

	switch (header->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return ((const struct ifinfomsg *)family)->ifi_index;
	case RTM_DELADDR:
		return (int)((const struct ifaddrmsg *)family)->ifa_index;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return way_device(header);
	default:
		return ((const struct tcmsg *)family)->tcm_ifindex;
	}
}

START_TEST(messages)
{
	static const struct {
		struct op op;
		uint16_t type, flags;
	} rows[] = {
	    {{.type = OP_LINK_CREATE, .link = &link_wanted, .owner = OWNER_CLIENT},
	     RTM_NEWLINK,
	     NLM_F_CREATE | NLM_F_EXCL},
	    {{.type = OP_LINK_CHANGE, .link = &link_wanted}, RTM_NEWLINK, 0},
	    {{.type = OP_LINK_MTU, .link = &link_wanted}, RTM_NEWLINK, 0},
	    {{.type = OP_LINK_UP}, RTM_NEWLINK, 0},
	    {{.type = OP_LINK_DELETE}, RTM_DELLINK, 0},
	    {{.type = OP_ADDRESS_DELETE,
	      .address = {.ifindex = 3, .addr = {.family = AF_INET}, .prefix_len = 24}},
	     RTM_DELADDR,
	     0},
	    {{.type = OP_WAY_PUT, .way = WAY_IPV4}, RTM_NEWROUTE, NLM_F_CREATE},
	    {{.type = OP_WAY_DELETE, .way = WAY_IPV4}, RTM_DELROUTE, 0},
	    {{.type = OP_QDISC_CREATE, .qdisc = &qdisc_wanted},
	     RTM_NEWQDISC,
	     NLM_F_CREATE | NLM_F_EXCL},
	    {{.type = OP_QDISC_DELETE, .parent = TC_H_CLSACT}, RTM_DELQDISC, 0},
	    {{.type = OP_FILTER_PUT, .filter = &filter_wanted}, RTM_NEWTFILTER, NLM_F_CREATE},
	    {{.type = OP_FILTER_DELETE, .parent = TC_EGRESS, .pref = 2, .handle = 1},
	     RTM_DELTFILTER,
	     0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct nlmsg m;

		ck_assert_msg(message(&rows[i].op, &m), "row %zu", i);
		ck_assert(!m.overflow);
		ck_assert_msg(m.header->nlmsg_type == rows[i].type, "row %zu: type %u", i,
			      m.header->nlmsg_type);
		ck_assert_msg((m.header->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL)) ==
				  rows[i].flags,
			      "row %zu: flags %#x", i, m.header->nlmsg_flags);
		ck_assert_uint_ne(m.header->nlmsg_flags & NLM_F_REQUEST, 0);
		ck_assert_msg(device_of(m.header) ==
				  (rows[i].op.type == OP_LINK_CREATE ? 0 : IFINDEX),
			      "row %zu: device %d", i, device_of(m.header));
	}
}
END_TEST

/* The target is the caller's, who knows the ifindex; the operation has its name. */
START_TEST(a_mirror_has_its_target)
{
	const struct op op = {.type = OP_FILTER_PUT, .filter = &filter_wanted};
	struct filter filter;
	struct nlmsg m;

	ck_assert(message(&op, &m));
	ck_assert(filter_parse(m.header, &filter));
	ck_assert_int_eq(filter.target, TARGET);
	ck_assert_int_eq(filter.ifindex, IFINDEX);
	ck_assert_uint_eq(filter.pref, 2);
	free(filter.insns);
}
END_TEST

START_TEST(others_have_none)
{
	static const enum op_type types[] = {OP_IPV6_OFF, OP_IPV6_QUIET, OP_OFFLOADS,
					     OP_RULESET_PUT, OP_RULESET_DELETE};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		const struct op op = {.type = types[i]};
		struct nlmsg m;
		ck_assert(!message(&op, &m));
	}
}
END_TEST

START_TEST(too_small_a_buffer)
{
	const struct op op = {.type = OP_LINK_CREATE, .link = &link_wanted};
	struct nlmsg m = {.header = (struct nlmsghdr *)buffer, .size = 64};

	ck_assert(op_message(&op, 0, 0, &m));
	ck_assert(m.overflow);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("op");
	TCase *tcase = tcase_create("op");

	tcase_add_test(tcase, messages);
	tcase_add_test(tcase, a_mirror_has_its_target);
	tcase_add_test(tcase, others_have_none);
	tcase_add_test(tcase, too_small_a_buffer);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
