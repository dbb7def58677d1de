/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tunnel's forwarding database: just the remote, or something else.
 */
#include "common/fdb.h"

#include <check.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "common/nlmsg.h"

enum { TUNNEL = 7 };

static struct link tunnel;
static struct fdb fdb;
static char buffer[256];

static void setup(void)
{
	tunnel = (struct link){.ifindex = TUNNEL, .kind = LINK_VXLAN};
	ck_assert(ip_addr_parse("10.0.0.9", &tunnel.vxlan.remote));
	fdb = (struct fdb){.link = &tunnel};
}

static void start(struct nlmsg *m, int ifindex, const char *mac, const char *to)
{
	struct ndmsg info = {.ndm_family = AF_BRIDGE, .ndm_ifindex = ifindex};
	struct ip_addr addr;

	ck_assert(ip_addr_parse(to, &addr));
	nlmsg_start(m, buffer, sizeof(buffer), RTM_NEWNEIGH, 0, &info, sizeof(info));
	nlmsg_put(m, NDA_LLADDR, mac, 6);
	nlmsg_put(m, NDA_DST, addr.bytes, ip_addr_size(&addr));
}

static void take(int ifindex, const char *mac, const char *to)
{
	struct nlmsg m;

	start(&m, ifindex, mac, to);
	fdb_take(&fdb, m.header);
}

START_TEST(just_the_remote)
{
	ck_assert(fdb_detour(&fdb)); /* nothing at all: copies go nowhere */
	take(TUNNEL, "\0\0\0\0\0\0", "10.0.0.9");
	ck_assert(!fdb_detour(&fdb));
	take(TUNNEL + 1, "\0\0\0\0\0\0", "10.0.0.10"); /* another device's */
	ck_assert(!fdb_detour(&fdb));
}
END_TEST

START_TEST(anything_else)
{
	static const struct {
		const char *mac, *to;
	} strays[] = {
	    {"\0\0\0\0\0\0", "10.0.0.10"},
	    {"\2\0\0\0\0\1", "10.0.0.9"},
	    {"\0\0\0\0\0\0", "10.0.0.9"}, /* twice: two copies */
	    {"\0\0\0\0\0\0", "fd00::9"},
	};

	for (size_t i = 0; i < sizeof(strays) / sizeof(*strays); i++) {
		setup();
		take(TUNNEL, "\0\0\0\0\0\0", "10.0.0.9");
		take(TUNNEL, strays[i].mac, strays[i].to);
		ck_assert_msg(fdb_detour(&fdb), "stray %zu", i);
	}
}
END_TEST

START_TEST(another_port_is_a_detour)
{
	struct nlmsg m;

	start(&m, TUNNEL, "\0\0\0\0\0\0", "10.0.0.9");
	nlmsg_put_be16(&m, NDA_PORT, 4790);
	fdb_take(&fdb, m.header);
	ck_assert(fdb_detour(&fdb));
}
END_TEST

START_TEST(cut_short)
{
	struct nlmsg m;

	start(&m, TUNNEL, "\0\0\0\0\0\0", "10.0.0.9");
	for (uint32_t size = sizeof(struct nlmsghdr); size < m.header->nlmsg_len; size++) {
		struct nlmsghdr *cut = malloc(size); /* exactly: the sanitizers watch its end */
		memcpy(cut, m.header, size);
		cut->nlmsg_len = size;
		setup();
		fdb_take(&fdb, cut);
		ck_assert_uint_eq(fdb.remotes, 0);
		free(cut);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fdb");
	TCase *tests = tcase_create("fdb");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, just_the_remote);
	tcase_add_test(tests, anything_else);
	tcase_add_test(tests, another_port_is_a_detour);
	tcase_add_test(tests, cut_short);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
