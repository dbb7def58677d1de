/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What events are worth: those that can make a difference are never taken for nothing.
 */
#include "common/hint.h"

#include <check.h>
#include <linux/if_arp.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "common/nlmsg.h"

enum { OWN_PORT = 4711, ETH0 = 2, OTHER = 3, TUNNEL = 4, UNKNOWN = 9 };

static struct snapshot seen;
static struct hint_context context;
static char buffer[1024];
static int ifindex;

static bool is_eth0(void *ctx, const struct link *link)
{
	(void)ctx;
	return strcmp(link->name, "eth0") == 0;
}

static void add(int index, const char *name, uint32_t group)
{
	struct link *link = ARRAY_ADD(&seen.links);

	*link = (struct link){.ifindex = index,
			      .type = ARPHRD_ETHER,
			      .flags = IFF_UP | IFF_RUNNING,
			      .mtu = 1500,
			      .group = group};
	strcpy(link->name, name);
}

static void setup(void)
{
	add(ETH0, "eth0", 0);
	add(OTHER, "other", 0);
	add(TUNNEL, "vtap-soc", owner_group(OWNER_CLIENT));
	ck_assert_int_eq(snapshot_sort(&seen), 0);
	context = (struct hint_context){
	    .seen = &seen, .own_port = OWN_PORT, .owner = OWNER_CLIENT, .concerns = is_eth0};
}

static void teardown(void)
{
	snapshot_clear(&seen);
}

static enum hint hint(struct nlmsg *m)
{
	ck_assert(!m->overflow);
	return hint_of(&context, m->header, &ifindex);
}

static unsigned link_flags = IFF_UP | IFF_RUNNING;

static enum hint link_event(uint16_t type, int index, const char *name, uint32_t mtu,
			    unsigned char family)
{
	struct ifinfomsg info = {.ifi_family = family,
				 .ifi_index = index,
				 .ifi_type = ARPHRD_ETHER,
				 .ifi_flags = link_flags};
	struct nlmsg m;

	nlmsg_start(&m, buffer, sizeof(buffer), type, 0, &info, sizeof(info));
	nlmsg_put_string(&m, IFLA_IFNAME, name);
	nlmsg_put_u32(&m, IFLA_MTU, mtu);
	if (index == TUNNEL)
		nlmsg_put_u32(&m, IFLA_GROUP, owner_group(OWNER_CLIENT));
	return hint(&m);
}

static enum hint tc_event(uint16_t type, int index, uint32_t port)
{
	struct tcmsg tcm = {.tcm_ifindex = index};
	struct nlmsg m;

	nlmsg_start(&m, buffer, sizeof(buffer), type, 0, &tcm, sizeof(tcm));
	m.header->nlmsg_pid = port;
	return hint(&m);
}

static enum hint address_event(uint16_t type, int index)
{
	struct ifaddrmsg info = {.ifa_family = AF_INET, .ifa_index = (unsigned)index};
	struct nlmsg m;

	nlmsg_start(&m, buffer, sizeof(buffer), type, 0, &info, sizeof(info));
	return hint(&m);
}

START_TEST(links_that_matter)
{
	ck_assert_int_eq(link_event(RTM_NEWLINK, ETH0, "eth0", 1500, AF_UNSPEC), HINT_NOTHING);
	ck_assert_int_eq(link_event(RTM_NEWLINK, ETH0, "eth0", 9000, AF_UNSPEC), HINT_PASS);
	ck_assert_int_eq(ifindex, ETH0);
	ck_assert_int_eq(link_event(RTM_NEWLINK, ETH0, "away", 1500, AF_UNSPEC), HINT_PASS);
	ck_assert_int_eq(link_event(RTM_DELLINK, ETH0, "eth0", 1500, AF_UNSPEC), HINT_PASS);
	ck_assert_int_eq(link_event(RTM_DELLINK, ETH0, "eth0", 1500, AF_BRIDGE), HINT_NOTHING);
	ck_assert_int_eq(link_event(RTM_NEWLINK, UNKNOWN, "eth0", 1500, AF_UNSPEC), HINT_PASS);
}
END_TEST

START_TEST(down_is_a_matter_of_routes)
{
	link_flags = 0;
	ck_assert_int_eq(link_event(RTM_NEWLINK, ETH0, "eth0", 1500, AF_UNSPEC), HINT_ROUTES);
	ck_assert_int_eq(link_event(RTM_NEWLINK, OTHER, "other", 1500, AF_UNSPEC), HINT_NOTHING);
	ck_assert_int_eq(link_event(RTM_NEWLINK, TUNNEL, "vtap-soc", 1500, AF_UNSPEC), HINT_PASS);
	link_flags = IFF_UP | IFF_RUNNING;
}
END_TEST

START_TEST(neighbours)
{
	struct ndmsg info = {.ndm_family = AF_BRIDGE, .ndm_ifindex = TUNNEL};
	struct nlmsg m;

	nlmsg_start(&m, buffer, sizeof(buffer), RTM_DELNEIGH, 0, &info, sizeof(info));
	ck_assert_int_eq(hint(&m), HINT_PASS);
	ck_assert_int_eq(ifindex, TUNNEL);
	info.ndm_ifindex = ETH0;
	nlmsg_start(&m, buffer, sizeof(buffer), RTM_NEWNEIGH, 0, &info, sizeof(info));
	ck_assert_int_eq(hint(&m), HINT_NOTHING);
	info = (struct ndmsg){.ndm_family = AF_INET, .ndm_ifindex = ETH0, .ndm_state = NUD_FAILED};
	nlmsg_start(&m, buffer, sizeof(buffer), RTM_NEWNEIGH, 0, &info, sizeof(info));
	ck_assert_int_eq(hint(&m), HINT_ROUTES); /* a tunnel's next hop, perhaps */
	info.ndm_state = NUD_STALE;
	nlmsg_start(&m, buffer, sizeof(buffer), RTM_NEWNEIGH, 0, &info, sizeof(info));
	ck_assert_int_eq(hint(&m), HINT_NOTHING);
	info =
	    (struct ndmsg){.ndm_family = AF_INET, .ndm_ifindex = TUNNEL, .ndm_state = NUD_FAILED};
	nlmsg_start(&m, buffer, sizeof(buffer), RTM_NEWNEIGH, 0, &info, sizeof(info));
	ck_assert_int_eq(hint(&m), HINT_NOTHING);
}
END_TEST

START_TEST(links_that_do_not)
{
	ck_assert_int_eq(link_event(RTM_NEWLINK, OTHER, "other", 9000, AF_UNSPEC), HINT_NOTHING);
	ck_assert_int_eq(link_event(RTM_NEWLINK, UNKNOWN, "veth77", 1500, AF_UNSPEC), HINT_NOTHING);
	ck_assert_int_eq(link_event(RTM_DELLINK, OTHER, "other", 1500, AF_UNSPEC), HINT_NOTHING);
	ck_assert_int_eq(link_event(RTM_DELLINK, UNKNOWN, "veth77", 1500, AF_UNSPEC), HINT_NOTHING);
	/* ... until one gets a name that does */
	ck_assert_int_eq(link_event(RTM_NEWLINK, OTHER, "eth0", 1500, AF_UNSPEC), HINT_PASS);
}
END_TEST

START_TEST(of_our_own_everything_matters)
{
	ck_assert_int_eq(link_event(RTM_NEWLINK, TUNNEL, "vtap-soc", 1500, AF_UNSPEC), HINT_PASS);
	ck_assert_int_eq(link_event(RTM_DELLINK, TUNNEL, "vtap-soc", 1500, AF_UNSPEC), HINT_PASS);
	ck_assert_int_eq(tc_event(RTM_DELTFILTER, TUNNEL, 0), HINT_PASS);
	ck_assert_int_eq(address_event(RTM_NEWADDR, TUNNEL), HINT_PASS);
}
END_TEST

START_TEST(traffic_control)
{
	static const uint16_t types[] = {RTM_NEWQDISC, RTM_DELQDISC, RTM_NEWTFILTER, RTM_DELTFILTER,
					 RTM_DELCHAIN};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		ck_assert_int_eq(tc_event(types[i], ETH0, 0), HINT_PASS);
		ck_assert_int_eq(ifindex, ETH0);
		ck_assert_int_eq(tc_event(types[i], ETH0, 1234), HINT_PASS);
		ck_assert_int_eq(tc_event(types[i], ETH0, OWN_PORT), HINT_NOTHING);
		ck_assert_int_eq(tc_event(types[i], OTHER, 0), HINT_NOTHING);
		ck_assert_int_eq(tc_event(types[i], UNKNOWN, 0), HINT_PASS);
	}
}
END_TEST

START_TEST(addresses_and_routes)
{
	struct address *address = ARRAY_ADD(&seen.addresses);
	struct rtmsg route = {0};
	struct nlmsg m;

	ck_assert_int_eq(address_event(RTM_NEWADDR, ETH0), HINT_ROUTES);
	ck_assert_int_eq(address_event(RTM_DELADDR, ETH0), HINT_ROUTES);
	context.addresses = true;
	address->ifindex = ETH0;
	ck_assert_int_eq(address_event(RTM_NEWADDR, ETH0), HINT_NOTHING);
	ck_assert_int_eq(address_event(RTM_DELADDR, ETH0), HINT_PASS);
	ck_assert_int_eq(address_event(RTM_NEWADDR, OTHER), HINT_PASS);
	nlmsg_start(&m, buffer, sizeof(buffer), RTM_DELROUTE, 0, &route, sizeof(route));
	ck_assert_int_eq(hint(&m), HINT_ROUTES);
	nlmsg_put_u32(&m, RTA_OIF, ETH0);
	ck_assert_int_eq(hint(&m), HINT_ROUTES);
	nlmsg_start(&m, buffer, sizeof(buffer), RTM_DELROUTE, 0, &route, sizeof(route));
	nlmsg_put_u32(&m, RTA_OIF, TUNNEL); /* a way of nftables' copies */
	ck_assert_int_eq(hint(&m), HINT_PASS);
	ck_assert_int_eq(ifindex, TUNNEL);
}
END_TEST

START_TEST(what_is_cut_short_matters)
{
	static const uint16_t types[] = {RTM_NEWLINK,  RTM_DELLINK,    RTM_NEWADDR,
					 RTM_DELQDISC, RTM_NEWTFILTER, 999};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct nlmsghdr *cut =
		    calloc(1, sizeof(*cut)); /* exactly: the sanitizers watch its end */
		*cut = (struct nlmsghdr){.nlmsg_len = sizeof(*cut), .nlmsg_type = types[i]};
		ck_assert_int_eq(hint_of(&context, cut, &ifindex), HINT_PASS);
		free(cut);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hint");
	TCase *tcase = tcase_create("hint");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, links_that_matter);
	tcase_add_test(tcase, down_is_a_matter_of_routes);
	tcase_add_test(tcase, neighbours);
	tcase_add_test(tcase, links_that_do_not);
	tcase_add_test(tcase, of_our_own_everything_matters);
	tcase_add_test(tcase, traffic_control);
	tcase_add_test(tcase, addresses_and_routes);
	tcase_add_test(tcase, what_is_cut_short_matters);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
