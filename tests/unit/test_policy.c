/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPsec policies from the kernel's messages: those that may take what leaves for an address.
 */
#include "common/policy.h"

#include <check.h>
#include <linux/xfrm.h>
#include <stdlib.h>
#include <string.h>

struct message {
	struct nlmsghdr header;
	struct xfrm_userpolicy_info info;
};

static struct message message(int family, uint8_t direction, const char *to)
{
	struct message m = {.header = {.nlmsg_len = sizeof(m), .nlmsg_type = XFRM_MSG_NEWPOLICY}};
	struct ip_prefix prefix = {0};

	if (to)
		ck_assert(ip_prefix_parse(to, &prefix));
	m.info.dir = direction;
	m.info.sel.family = (uint16_t)family;
	m.info.sel.prefixlen_d = prefix.len;
	memcpy(&m.info.sel.daddr, prefix.addr.bytes, sizeof(m.info.sel.daddr));
	return m;
}

START_TEST(parsed)
{
	struct message m = message(AF_INET, XFRM_POLICY_OUT, "10.1.0.0/16");
	char text[IP_PREFIX_TEXT];
	struct ip_prefix prefix;

	ck_assert(policy_parse(&m.header, &prefix));
	ck_assert_str_eq(ip_prefix_format(&prefix, text), "10.1.0.0/16");
	m = message(AF_INET6, XFRM_POLICY_OUT, "fd00::/8");
	ck_assert(policy_parse(&m.header, &prefix));
	ck_assert_str_eq(ip_prefix_format(&prefix, text), "fd00::/8");
	/* host bits, and a length that is none */
	m = message(AF_INET, XFRM_POLICY_OUT, "10.1.2.3/32");
	m.info.sel.prefixlen_d = 15;
	ck_assert(policy_parse(&m.header, &prefix));
	ck_assert_str_eq(ip_prefix_format(&prefix, text), "10.0.0.0/15");
	m.info.sel.prefixlen_d = 0;
	ck_assert(policy_parse(&m.header, &prefix));
	ck_assert_str_eq(ip_prefix_format(&prefix, text), "0.0.0.0/0");
	m.info.sel.prefixlen_d = 200;
	ck_assert(policy_parse(&m.header, &prefix));
	ck_assert_str_eq(ip_prefix_format(&prefix, text), "10.1.2.3/32");
	m = message(AF_UNSPEC, XFRM_POLICY_OUT, NULL);
	ck_assert(policy_parse(&m.header, &prefix));
	ck_assert_uint_eq(prefix.addr.family, 0);
	m = message(AF_INET, XFRM_POLICY_IN, "10.1.0.0/16");
	ck_assert(!policy_parse(&m.header, &prefix));
	m = message(AF_INET, XFRM_POLICY_FWD, "10.1.0.0/16");
	ck_assert(!policy_parse(&m.header, &prefix));
	m = message(AF_INET, XFRM_POLICY_OUT, "10.1.0.0/16");
	m.header.nlmsg_len--;
	ck_assert(!policy_parse(&m.header, &prefix));
	m.header.nlmsg_len++;
	m.header.nlmsg_type = XFRM_MSG_NEWSA;
	ck_assert(!policy_parse(&m.header, &prefix));
}
END_TEST

static bool covers(const char *to, const char *address)
{
	struct snapshot s = {0};
	struct ip_prefix *prefix = ARRAY_ADD(&s.policies);
	struct ip_addr addr;

	ck_assert_ptr_nonnull(prefix);
	*prefix = (struct ip_prefix){0};
	if (to)
		ck_assert(ip_prefix_parse(to, prefix));
	ck_assert(ip_addr_parse(address, &addr));
	bool found = policy_covers(&s, &addr);
	snapshot_clear(&s);
	return found;
}

START_TEST(covered)
{
	struct snapshot none = {0};
	struct ip_addr addr;

	ck_assert(ip_addr_parse("10.0.0.1", &addr));
	ck_assert(!policy_covers(&none, &addr));
	ck_assert(covers("10.0.0.0/8", "10.0.0.1"));
	ck_assert(covers("0.0.0.0/0", "10.0.0.1"));
	ck_assert(!covers("0.0.0.0/0", "fd00::1"));
	ck_assert(!covers("11.0.0.0/8", "10.0.0.1"));
	ck_assert(covers(NULL, "10.0.0.1"));
	ck_assert(covers(NULL, "fd00::1"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tests = tcase_create("policy");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tests, parsed);
	tcase_add_test(tests, covered);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
