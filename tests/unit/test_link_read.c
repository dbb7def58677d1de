/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages about links and addresses that are read: dumps of a real kernel, whole, cut off and
 * broken.
 */
#include "tests/unit/link_rig.h"

#include <check.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

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

int main(void)
{
	Suite *suite = suite_create("link_read");
	TCase *tests = tcase_create("link_read");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, reads_vxlan);
	tcase_add_test(tests, reads_other_vxlans);
	tcase_add_test(tests, reads_other_kinds);
	tcase_add_test(tests, reads_what_it_wrote);
	tcase_add_test(tests, reads_counters);
	tcase_add_test(tests, reads_addresses);
	tcase_add_test(tests, damaged);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
