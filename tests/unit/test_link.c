/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages about links and addresses that are sent, against those of ip(8).
 */
#include "tests/unit/link_rig.h"

#include <check.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const vxlan_nests[] = {"18", "18/2", NULL};
/* the peer of a veth is an ifinfomsg and attributes */
static const char *const veth_nests[] = {"18", "18/2", "18/2/1+16", NULL};
static const char *const *nests = vxlan_nests;
static const char *const all[] = {NULL};

/* ip(8) writes the kind without the NUL that ends it, the kernel takes both. */
static void end_kind(char *text)
{
	char *kind = strstr(text, "\n18/1=");

	if (!kind)
		return;
	char *end = strchr(kind + 1, '\n');
	if (strncmp(end - 2, "00", 2) == 0)
		memmove(end - 2, end, strlen(end) + 1);
}

static void expect_without(const char *golden, size_t family_size, const char *const *ignored)
{
	struct nlmsghdr *message = message_from_hex(golden);
	char *wanted = message_text(message, family_size, nests, ignored);
	char *got = message_text(m.header, family_size, nests, ignored);

	ck_assert(!m.overflow);
	end_kind(wanted);
	end_kind(got);
	ck_assert_str_eq(got, wanted);
	free(wanted);
	free(got);
	free(message);
}

START_TEST(creates_vxlan_as_ip_does)
{
	struct vxlan v4 = {.vni = 42,
			   .port = 4789,
			   .remote = ip("10.9.0.2"),
			   .local = ip("10.9.0.1"),
			   .ttl = 64,
			   .tos = 0x28};
	struct vxlan v6 = {
	    .vni = 77, .port = 4790, .remote = ip("fd00::2"), .local = ip("fd00::1"), .ttl = 64};
	struct vxlan external = {.port = 4791, .external = true, .zero_csum6_rx = true};
	struct vxlan df = {
	    .vni = 43, .port = 4792, .remote = ip("10.9.0.2"), .ttl = 64, .df = VXLAN_DF_SET};

	create("vtap-soc", OWNER_CLIENT, &v4);
	expect_without(ip_vxlan_ipv4, sizeof(struct ifinfomsg), all);
	create("vtap-six", OWNER_CLIENT, &v6);
	expect_without(ip_vxlan_ipv6, sizeof(struct ifinfomsg), all);
	create("vtap0", OWNER_COLLECTOR, &external);
	expect_without(ip_vxlan_external, sizeof(struct ifinfomsg), all);
	create("vtap-df", OWNER_CLIENT, &df);
	expect_without(ip_vxlan_df, sizeof(struct ifinfomsg), all);
}
END_TEST

START_TEST(creates_veth_as_ip_does)
{
	struct want_link want = {
	    .name = "vtap-soc-h", .peer = "vtap-soc-x", .mtu = 65535, .kind = LINK_VETH};

	nests = veth_nests;
	link_put_create(&m, buffer, sizeof(buffer), &want, OWNER_CLIENT);
	expect_without(ip_veth, sizeof(struct ifinfomsg), all);
	nests = vxlan_nests;
}
END_TEST

/* An ipv6 endpoint is told by its local address alone, and it must be in the message. */
START_TEST(creates_with_any_address)
{
	struct vxlan vxlan = {.vni = 42, .port = 4789, .local = {.family = AF_INET6}};
	static const char *const nothing[] = {NULL};

	create("vtap0", OWNER_COLLECTOR, &vxlan);
	char *text = message_text(m.header, sizeof(struct ifinfomsg), nests, nothing);
	ck_assert_ptr_nonnull(strstr(text, "\n18/2/17=00000000000000000000000000000000\n"));
	ck_assert_ptr_null(strstr(text, "\n18/2/4="));
	free(text);
}
END_TEST

static void expect_df(const char *value)
{
	static const char *const nothing[] = {NULL};
	char line[32];

	char *text = message_text(m.header, sizeof(struct ifinfomsg), nests, nothing);
	snprintf(line, sizeof(line), "\n18/2/29=%s\n", value);
	ck_assert_msg(strstr(text, line), "no%sin:\n%s", line, text);
	free(text);
}

START_TEST(changes_as_ip_does)
{
	/* ip(8) repeats the VNI, which is known and cannot change; vtap always says what DF is to
	 * be */
	static const char *const vni[] = {"18/2/1", "18/2/29", NULL};
	struct want_link want = {.kind = LINK_VXLAN, .mtu = 1400};

	want.vxlan = (struct vxlan){.vni = 42,
				    .port = 4789,
				    .remote = ip("10.9.0.3"),
				    .local = ip("10.9.0.1"),
				    .ttl = 63,
				    .tos = 0x10};
	link_put_change(&m, buffer, sizeof(buffer), &want, 4);
	expect_without(ip_change, sizeof(struct ifinfomsg), vni);
	expect_df("00");
	want.vxlan.df = VXLAN_DF_SET;
	link_put_change(&m, buffer, sizeof(buffer), &want, 4);
	expect_df("01");
	link_put_mtu(&m, buffer, sizeof(buffer), 4, 1400);
	expect_without(ip_mtu, sizeof(struct ifinfomsg), all);
	link_put_up(&m, buffer, sizeof(buffer), 4, false);
	expect_without(ip_up, sizeof(struct ifinfomsg), all);
	link_put_delete(&m, buffer, sizeof(buffer), 4);
	expect_without(ip_delete, sizeof(struct ifinfomsg), all);
}
END_TEST

START_TEST(deletes_addresses_as_ip_does)
{
	/* ip(8) names the address as that of the peer too */
	static const char *const peer[] = {"1", NULL};
	struct address v4 = {.ifindex = 5, .addr = ip("192.0.2.7"), .prefix_len = 24};
	struct address v6 = {.ifindex = 2, .addr = ip("fd00:1::7"), .prefix_len = 64};

	address_put_delete(&m, buffer, sizeof(buffer), &v4);
	expect_without(ip_address_ipv4, sizeof(struct ifaddrmsg), peer);
	address_put_delete(&m, buffer, sizeof(buffer), &v6);
	expect_without(ip_address_ipv6, sizeof(struct ifaddrmsg), peer);
}
END_TEST

START_TEST(in_place_or_not)
{
	struct link from = {.kind = LINK_VXLAN,
			    .vxlan = {.vni = 42,
				      .port = 4789,
				      .remote = ip("10.9.0.2"),
				      .local = ip("10.9.0.1"),
				      .ttl = 64}};
	struct want_link want = {.kind = LINK_VXLAN, .vxlan = from.vxlan};
	struct vxlan *to = &want.vxlan;

	ck_assert(link_changes_in_place(&from, &want));
	to->remote = ip("10.9.0.3");
	to->local = ip("10.9.0.4");
	to->ttl = 1;
	to->tos = 4;
	to->df = VXLAN_DF_SET;
	ck_assert(link_changes_in_place(&from, &want));
	to->local = (struct ip_addr){0}; /* no message can take a local address away */
	ck_assert(!link_changes_in_place(&from, &want));
	*to = from.vxlan;
	to->remote = ip("fd00::1");
	ck_assert(!link_changes_in_place(&from, &want));
#define DIFFERS(field, value)                                    \
	do {                                                     \
		*to = from.vxlan;                                \
		to->field = value;                               \
		ck_assert(!link_changes_in_place(&from, &want)); \
	} while (0)
	DIFFERS(vni, 43);
	DIFFERS(port, 4790);
	DIFFERS(learning, true);
	DIFFERS(external, true);
	DIFFERS(zero_csum6_rx, true);
	DIFFERS(lower, 3);
}
END_TEST

START_TEST(overflows_at_every_size)
{
	struct want_link want = {
	    .name = "vtap-soc", .kind = LINK_VXLAN, .vxlan = {.vni = 42, .port = 4789, .ttl = 64}};

	want.vxlan.remote = ip("fd00::2");
	link_put_create(&m, buffer, sizeof(buffer), &want, OWNER_CLIENT);
	for (size_t size = 0, needed = m.header->nlmsg_len; size <= needed; size++) {
		char *small = malloc(size + !size);

		link_put_create(&m, small, size, &want, OWNER_CLIENT);
		ck_assert_int_eq(m.overflow, size < needed);
		free(small);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link");
	TCase *tests = tcase_create("link");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, creates_vxlan_as_ip_does);
	tcase_add_test(tests, creates_veth_as_ip_does);
	tcase_add_test(tests, creates_with_any_address);
	tcase_add_test(tests, changes_as_ip_does);
	tcase_add_test(tests, deletes_addresses_as_ip_does);
	tcase_add_test(tests, in_place_or_not);
	tcase_add_test(tests, overflows_at_every_size);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
