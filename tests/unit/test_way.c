/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The routes to tunnels that nftables copies to: told from any other, in recorded answers.
 */
#include "common/way.h"

#include <check.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/message.h"

/* Of Linux 6.18: what "ip route get ADDRESS oif vt fibmatch" gets, vt being interface 2. */
static const char way4[] =
    "4400000018000000010000009b67000002200000fe7600010400000008000f00fe00000008000100c000000808"
    "0006000200000008000500c00000080800040002000000";
static const char way6[] =
    "8800000018000000010000009b6700000a800000ff7600010400000008000f00ff00000014000100fe80000000"
    "0000000000000000007674080006000200000014000500fe80000000000000000000000000767408000400020000"
    "0024000c00000000000000000000000000000000000000000000000000000000000000000005001400000000"
    "00";
static const char multicast[] =
    "7400000018000000010000009b6700000a080000ff0200050000000008000f00ff00000014000100ff00000000"
    "00000000000000000000000800060000010000080004000200000024000c0000000000000000000000000000"
    "000000000000000000000000000000000000000500140000000000";

static const struct {
	enum way way;
	const char *answer;
} ways[] = {{WAY_IPV4, way4}, {WAY_IPV6, way6}, {WAY_MULTICAST, multicast}};

START_TEST(answers)
{
	for (size_t i = 0; i < 3; i++) {
		struct nlmsghdr *m = message_from_hex(ways[i].answer);
		ck_assert_int_eq(way_device(m), 2);
		for (size_t j = 0; j < 3; j++)
			ck_assert_int_eq(way_parse(m, ways[j].way, 2), i == j);
		ck_assert(!way_parse(m, ways[i].way, 3));
		free(m);
	}
}
END_TEST

/* The default route through the device, or one without the gateway, is not the way. */
START_TEST(other_routes)
{
	struct nlmsghdr *m = message_from_hex(way4);

	((uint8_t *)m)[17] = 0;
	ck_assert(!way_parse(m, WAY_IPV4, 2));
	free(m);
	m = message_from_hex(way4);
	((uint8_t *)m)[59] ^= 1;
	ck_assert(!way_parse(m, WAY_IPV4, 2));
	free(m);
}
END_TEST

START_TEST(requests)
{
	static const char *const nests[] = {NULL};
	char buffer[256];
	struct nlmsg m;

	way_put(&m, buffer, sizeof(buffer), WAY_IPV4, 7);
	char *text = message_text(m.header, sizeof(struct rtmsg), nests, nests);
	ck_assert_ptr_nonnull(strstr(text, "1=c0000008"));
	ck_assert_ptr_nonnull(strstr(text, "5=c0000008"));
	ck_assert_ptr_nonnull(strstr(text, "4=07000000"));
	ck_assert_ptr_nonnull(strstr(text, "6=07000000"));
	free(text);
	struct rtmsg info;
	memcpy(&info, NLMSG_DATA(m.header), sizeof(info));
	ck_assert(info.rtm_table == RT_TABLE_LOCAL && info.rtm_flags == RTNH_F_ONLINK);
	way_put_delete(&m, buffer, sizeof(buffer), WAY_MULTICAST, 7);
	memcpy(&info, NLMSG_DATA(m.header), sizeof(info));
	ck_assert(m.header->nlmsg_type == RTM_DELROUTE && info.rtm_dst_len == 8);
}
END_TEST

static void read_all(const struct nlmsghdr *m)
{
	way_device(m);
	for (size_t i = 0; i < 3; i++)
		way_parse(m, ways[i].way, 2);
}

START_TEST(broken_messages)
{
	for (size_t i = 0; i < 3; i++) {
		message_truncate(ways[i].answer, read_all);
		message_mutate(ways[i].answer, read_all, 2000, random_seed(i + 1));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("way");
	TCase *tcase = tcase_create("way");

	tcase_add_test(tcase, answers);
	tcase_add_test(tcase, other_routes);
	tcase_add_test(tcase, requests);
	tcase_add_test(tcase, broken_messages);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
