/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages about links and addresses: those that are sent against those of ip(8), those that are
 * read against dumps of a real kernel, whole, cut off and broken.
 */
#include "common/link.h"

#include <check.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/dump_link.h"
#include "tests/unit/golden_link.h"
#include "tests/unit/message.h"

static const char *const vxlan_nests[] = {"18", "18/2", NULL};
/* the peer of a veth is an ifinfomsg and attributes */
static const char *const veth_nests[] = {"18", "18/2", "18/2/1+16", NULL};
static const char *const *nests = vxlan_nests;
static const char *const all[] = {NULL};

static _Alignas(struct nlmsghdr) char buffer[4096];
static struct nlmsg m;

static struct ip_addr ip(const char *text)
{
	struct ip_addr addr;

	ck_assert(ip_addr_parse(text, &addr));
	return addr;
}

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

static void create(const char *name, enum owner owner, const struct vxlan *vxlan)
{
	struct want_link want = {.kind = LINK_VXLAN, .vxlan = *vxlan};

	strcpy(want.name, name);
	link_put_create(&m, buffer, sizeof(buffer), &want, owner);
}

/* ---- sent ------------------------------------------------------------------------------------ */

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

/* ---- read ------------------------------------------------------------------------------------ */

static struct link parse(const char *hex)
{
	struct nlmsghdr *message = message_from_hex(hex);
	struct link link;

	ck_assert(link_parse(message, &link));
	free(message);
	return link;
}

START_TEST(reads_vxlan)
{
	struct link link = parse(dump_vxlan_ipv4);
	struct vxlan vxlan = {.vni = 42,
			      .port = 4789,
			      .remote = ip("10.9.0.3"),
			      .local = ip("10.9.0.1"),
			      .ttl = 63,
			      .tos = 0x10};

	ck_assert_str_eq(link.name, "vtap-soc");
	ck_assert_str_eq(link.kind_name, "vxlan");
	ck_assert_int_eq(link.kind, LINK_VXLAN);
	ck_assert_int_eq(link.ifindex, 4);
	ck_assert_uint_eq(link.type, ARPHRD_ETHER);
	ck_assert_uint_eq(link.mtu, 1400);
	ck_assert_uint_eq(link.group, owner_group(OWNER_CLIENT));
	ck_assert_int_eq(link.master, 0);
	ck_assert_uint_eq(link.flags & (IFF_UP | IFF_NOARP), IFF_UP | IFF_NOARP);
	ck_assert(link.ipv6);
	ck_assert_uint_eq(link.stats.tx_packets, 18);
	ck_assert_uint_eq(link.stats.tx_bytes, 1734);
	ck_assert_uint_eq(link.stats.rx_packets, 0);
	ck_assert(vxlan_equal(&link.vxlan, &vxlan));
}
END_TEST

START_TEST(reads_other_vxlans)
{
	struct link link = parse(dump_vxlan_ipv6);
	struct vxlan v6 = {
	    .vni = 77, .port = 4790, .remote = ip("fd00::2"), .local = ip("fd00::1"), .ttl = 64};
	struct vxlan external = {.port = 4791, .external = true, .zero_csum6_rx = true};

	ck_assert_str_eq(link.name, "vtap-six");
	ck_assert(!link.ipv6);
	ck_assert_uint_ne(link.flags & IFF_UP, 0);
	ck_assert(vxlan_equal(&link.vxlan, &v6));
	link = parse(dump_vxlan_external);
	ck_assert_uint_eq(link.group, owner_group(OWNER_COLLECTOR));
	ck_assert_uint_eq(link.flags & IFF_UP, 0);
	ck_assert(link.ipv6);
	ck_assert(vxlan_equal(&link.vxlan, &external));
}
END_TEST

START_TEST(reads_other_kinds)
{
	struct link link = parse(dump_hop);

	ck_assert_str_eq(link.name, "vtap-soc-h");
	ck_assert_int_eq(link.kind, LINK_VETH);
	ck_assert_int_eq(link.peer, 8);
	ck_assert_uint_eq(link.mtu, 65535);
	ck_assert_uint_eq(link.group, owner_group(OWNER_CLIENT));
	ck_assert_uint_ne(link.flags & IFF_NOARP, 0);
	link = parse(dump_veth);
	ck_assert_str_eq(link.name, "v0");
	ck_assert_int_eq(link.kind, LINK_VETH);
	ck_assert_int_eq(link.peer, 2);
	ck_assert_uint_eq(link.group, 0);
	ck_assert_uint_eq(link.stats.tx_packets, 18);
	ck_assert_uint_eq(link.stats.tx_bytes, 1548);
	ck_assert_uint_eq(link.stats.rx_packets, 7);
	ck_assert_uint_eq(link.stats.rx_bytes, 586);
}
END_TEST

START_TEST(reads_what_it_wrote)
{
	struct vxlan vxlan = {.vni = 0xffffff,
			      .port = 65535,
			      .remote = ip("fd00::2"),
			      .ttl = 255,
			      .tos = 0xfc,
			      .learning = true};
	struct link link;

	create("vtap-123456789a", OWNER_CLIENT, &vxlan); /* the longest name there is */
	((struct ifinfomsg *)NLMSG_DATA(m.header))->ifi_index = 7;
	ck_assert(link_parse(m.header, &link));
	ck_assert_str_eq(link.name, "vtap-123456789a");
	ck_assert(vxlan_equal(&link.vxlan, &vxlan));
	ck_assert_uint_eq(link.group, owner_group(OWNER_CLIENT));
	((struct ifinfomsg *)NLMSG_DATA(m.header))->ifi_index = 0;
	ck_assert(!link_parse(m.header, &link));
	((struct ifinfomsg *)NLMSG_DATA(m.header))->ifi_index = -7;
	ck_assert(!link_parse(m.header, &link));
	link_put_mtu(&m, buffer, sizeof(buffer), 4, 1400); /* no name */
	ck_assert(!link_parse(m.header, &link));
}
END_TEST

START_TEST(reads_counters)
{
	const struct rtnl_link_stats64 sent = {.rx_packets = 1,
					       .rx_bytes = 2,
					       .rx_dropped = 3,
					       .tx_packets = 4,
					       .tx_bytes = 5,
					       .tx_dropped = 6,
					       .tx_errors = 1ULL << 40};
	struct if_stats_msg info = {.ifindex = 4};
	struct link_stats got;

	link_put_get_stats(&m, buffer, sizeof(buffer), 4);
	ck_assert_uint_eq(m.header->nlmsg_type, RTM_GETSTATS);
	memcpy(&info, NLMSG_DATA(m.header), sizeof(info));
	ck_assert_uint_eq(info.ifindex, 4);
	ck_assert_uint_eq(info.filter_mask, 1u << (IFLA_STATS_LINK_64 - 1));
	ck_assert(!link_stats_parse(m.header, &got));
	nlmsg_start(&m, buffer, sizeof(buffer), RTM_NEWSTATS, 0, &info, sizeof(info));
	ck_assert(!link_stats_parse(m.header, &got));
	nlmsg_put(&m, IFLA_STATS_LINK_64, &sent, 12 * 8); /* by an older kernel */
	ck_assert(link_stats_parse(m.header, &got));
	ck_assert_uint_eq(got.rx_packets, sent.rx_packets);
	ck_assert_uint_eq(got.rx_bytes, sent.rx_bytes);
	ck_assert_uint_eq(got.rx_dropped, sent.rx_dropped);
	ck_assert_uint_eq(got.tx_packets, sent.tx_packets);
	ck_assert_uint_eq(got.tx_bytes, sent.tx_bytes);
	ck_assert_uint_eq(got.tx_dropped, sent.tx_dropped);
	ck_assert_uint_eq(got.tx_errors, sent.tx_errors);
}
END_TEST

START_TEST(reads_addresses)
{
	static const struct {
		const char *hex, *addr;
		int ifindex;
		unsigned prefix_len;
	} rows[] = {{dump_address_ipv4, "10.9.0.1", 3, 24},
		    {dump_address_peer, "10.9.1.1", 2, 32},
		    {dump_address_ipv6, "fe80::6c4d:daff:fe30:73c6", 2, 64}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct nlmsghdr *message = message_from_hex(rows[i].hex);
		struct ip_addr wanted = ip(rows[i].addr);
		struct address address;

		ck_assert(address_parse(message, &address));
		ck_assert(ip_addr_equal(&address.addr, &wanted));
		ck_assert_int_eq(address.ifindex, rows[i].ifindex);
		ck_assert_uint_eq(address.prefix_len, rows[i].prefix_len);
		free(message);
	}
}
END_TEST

static void read_link(const struct nlmsghdr *message)
{
	struct link link;

	if (!link_parse(message, &link))
		return;
	ck_assert_int_gt(link.ifindex, 0);
	ck_assert_ptr_nonnull(memchr(link.name, '\0', sizeof(link.name)));
	ck_assert_ptr_nonnull(memchr(link.kind_name, '\0', sizeof(link.kind_name)));
}

static void read_address(const struct nlmsghdr *message)
{
	struct address address;

	if (address_parse(message, &address))
		ck_assert_uint_ne(ip_addr_size(&address.addr), 0);
}

START_TEST(damaged)
{
	static const char *const links[] = {dump_veth, dump_vxlan_ipv4, dump_vxlan_ipv6,
					    dump_vxlan_external, dump_hop};
	static const char *const addresses[] = {dump_address_ipv4, dump_address_peer,
						dump_address_ipv6};
	uint64_t seed = random_seed(2);

	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		message_truncate(links[i], read_link);
		message_mutate(links[i], read_link, 60000, seed + i);
	}
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		message_truncate(addresses[i], read_address);
		message_mutate(addresses[i], read_address, 30000, seed + i);
	}
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
	tcase_add_test(tests, reads_vxlan);
	tcase_add_test(tests, reads_other_vxlans);
	tcase_add_test(tests, reads_other_kinds);
	tcase_add_test(tests, reads_what_it_wrote);
	tcase_add_test(tests, reads_counters);
	tcase_add_test(tests, reads_addresses);
	tcase_add_test(tests, damaged);
	tcase_add_test(tests, overflows_at_every_size);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
