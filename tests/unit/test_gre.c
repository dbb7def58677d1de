/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GRE devices: sent as ip(8) sends them, read back to the same values, cut off and broken; what
 * makes two of them differ, and what the kernel can change in place.
 */
#include "common/gre.h"

#include <check.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "common/link.h"
#include "tests/unit/golden_link.h"
#include "tests/unit/message.h"

static const char *const nests[] = {"18", "18/2", NULL};
static _Alignas(struct nlmsghdr) char buffer[4096];
static struct nlmsg m;

static struct ip_addr ip(const char *text)
{
	struct ip_addr addr;

	ck_assert(ip_addr_parse(text, &addr));
	return addr;
}

static struct gre over_ipv4(void)
{
	return (struct gre){.key_in = 42,
			    .key_out = 42,
			    .remote = ip("10.9.0.2"),
			    .local = ip("10.9.0.1"),
			    .ttl = 64,
			    .tos = 0x28,
			    .ignore_df = true};
}

static struct gre over_ipv6(void)
{
	return (struct gre){.ipv6 = true,
			    .key_in = 7,
			    .key_out = 7,
			    .remote = ip("fd00::2"),
			    .local = ip("fd00::1"),
			    .ttl = 33,
			    .tos = 0x28};
}

static const struct gre external = {.external = true};

static void create(const char *name, enum owner owner, enum link_kind kind, const struct gre *gre)
{
	struct want_link want = {.kind = kind, .gre = *gre};

	strcpy(want.name, name);
	link_put_create(&m, buffer, sizeof(buffer), &want, owner);
	ck_assert(!m.overflow);
}

/* ---- names ----------------------------------------------------------------------------------- */

START_TEST(kinds)
{
	static const struct {
		const char *name;
		enum link_kind kind;
		bool ipv6;
	} rows[] = {{"gretap", LINK_GRETAP, false},
		    {"gre", LINK_GRE, false},
		    {"ip6gretap", LINK_GRETAP, true},
		    {"ip6gre", LINK_GRE, true}};
	bool ipv6;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		ck_assert_int_eq(gre_kind(rows[i].name, &ipv6), rows[i].kind);
		ck_assert_int_eq(ipv6, rows[i].ipv6);
		ck_assert_str_eq(gre_kind_name(rows[i].kind, ipv6), rows[i].name);
	}
	ck_assert_int_eq(gre_kind("ip6tnl", &ipv6), LINK_OTHER);
	ck_assert_int_eq(gre_kind("grett", &ipv6), LINK_OTHER);
	ck_assert_int_eq(gre_kind("", &ipv6), LINK_OTHER);
}
END_TEST

/* ---- sent ------------------------------------------------------------------------------------ */

/* ip(8) says as well what is zero: the firewall's mark, encapsulation in UDP, the version of
 * ERSPAN; and for "encaplimit none" a limit that its flag takes back. */
static const char *const zeroes[] = {"18/2/20", "18/2/14", "18/2/15", "18/2/16",
				     "18/2/17", "18/2/22", "18/2/11", NULL};

static void expect(const char *golden, const char *kind)
{
	struct nlmsghdr *message = message_from_hex(golden);
	char *wanted = message_text(message, sizeof(struct ifinfomsg), nests, zeroes);
	char *got = message_text(m.header, sizeof(struct ifinfomsg), nests, zeroes);
	char *end = strstr(got, "\n18/1=");

	/* ip(8) writes the kind without the NUL that ends it, the kernel takes both */
	ck_assert_ptr_nonnull(end);
	end += strlen("\n18/1=") + 2 * strlen(kind);
	if (strncmp(end, "00\n", 3) == 0)
		memmove(end, end + 2, strlen(end + 2) + 1);
	ck_assert_str_eq(got, wanted);
	free(wanted);
	free(got);
	free(message);
}

START_TEST(creates_as_ip_does)
{
	const struct gre v4 = over_ipv4(), v6 = over_ipv6();

	create("vtap-gre", OWNER_CLIENT, LINK_GRETAP, &v4);
	expect(ip_gretap, "gretap");
	create("vtap-gr6", OWNER_CLIENT, LINK_GRE, &v6);
	expect(ip_ip6gre, "ip6gre");
	create("vtap1", OWNER_COLLECTOR, LINK_GRETAP, &external);
	expect(ip_gretap_external, "gretap");
}
END_TEST

/* ---- read ------------------------------------------------------------------------------------ */

static struct link read_back(void)
{
	struct link link;

	((struct ifinfomsg *)NLMSG_DATA(m.header))->ifi_index = 7;
	ck_assert(link_parse(m.header, &link));
	return link;
}

START_TEST(reads_what_it_wrote)
{
	struct gre rows[] = {over_ipv4(), over_ipv4(), over_ipv6(), over_ipv6(), external};

	rows[1].key_in = 0; /* no key at all is another thing than key 0 */
	rows[1].key_out = 0xffffffff;
	rows[1].pmtudisc = true;
	rows[1].ignore_df = false;
	rows[1].local = (struct ip_addr){0};
	rows[3].encap_limit = true;
	rows[3].tos = 0xff;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int kind = LINK_GRETAP; kind <= LINK_GRE; kind++) {
			create("vtap-gre", OWNER_CLIENT, (enum link_kind)kind, &rows[i]);
			struct link link = read_back();
			ck_assert_int_eq(link.kind, kind);
			ck_assert_str_eq(link.kind_name,
					 gre_kind_name((enum link_kind)kind, rows[i].ipv6));
			ck_assert_msg(gre_equal(&link.gre, &rows[i]), "row %zu", i);
		}
	}
}
END_TEST

/* As any other program may have made it: a key without its flag is none. */
START_TEST(a_key_needs_its_flag)
{
	const struct gre v4 = over_ipv4();
	uint8_t *bytes = (uint8_t *)buffer;

	create("vtap-gre", OWNER_CLIENT, LINK_GRETAP, &v4);
	for (size_t at = NLMSG_HDRLEN; at + 6 <= m.header->nlmsg_len; at += 4)
		if (bytes[at] == 6 && bytes[at + 1] == 0 && bytes[at + 2] == IFLA_GRE_IFLAGS &&
		    bytes[at + 4] == 0x20)
			bytes[at + 4] = 0;
	struct link link = read_back();
	ck_assert_uint_eq(link.gre.key_in, 0);
	ck_assert_uint_eq(link.gre.key_out, 42);
}
END_TEST

static void read_any(const struct nlmsghdr *message)
{
	struct link link;

	link_parse(message, &link);
}

START_TEST(broken_messages)
{
	static const char *const goldens[] = {ip_gretap, ip_ip6gre, ip_gretap_external};

	for (size_t i = 0; i < sizeof(goldens) / sizeof(*goldens); i++) {
		message_truncate(goldens[i], read_any);
		message_mutate(goldens[i], read_any, 2000, random_seed(i + 1));
	}
}
END_TEST

/* ---- compared -------------------------------------------------------------------------------- */

START_TEST(differences)
{
	const struct gre from = over_ipv4();
	struct gre to = from;

	ck_assert(gre_equal(&from, &to));
#define DIFFERS(field, value)                      \
	do {                                       \
		to = from;                         \
		to.field = value;                  \
		ck_assert(!gre_equal(&from, &to)); \
	} while (0)
	DIFFERS(ipv6, true);
	DIFFERS(key_in, 43);
	DIFFERS(key_out, 43);
	DIFFERS(remote, ip("10.9.0.3"));
	DIFFERS(local, (struct ip_addr){0});
	DIFFERS(ttl, 63);
	DIFFERS(tos, 0);
	DIFFERS(pmtudisc, true);
	DIFFERS(ignore_df, false);
	DIFFERS(encap_limit, true);
	DIFFERS(lower, 3);
	DIFFERS(external, true);
#undef DIFFERS
	/* of one that takes its metadata from elsewhere the rest is reported and means nothing */
	to = external;
	to.ttl = 9;
	ck_assert(gre_equal(&external, &to));
	to.ipv6 = true;
	ck_assert(!gre_equal(&external, &to));
}
END_TEST

START_TEST(in_place_or_not)
{
	const struct gre from = over_ipv4(), v6 = over_ipv6();
	struct gre to = from;

	to.remote = ip("10.9.0.3");
	to.local = (struct ip_addr){0};
	to.key_in = to.key_out = 0;
	to.ttl = 1;
	ck_assert(gre_changes_in_place(&from, &to));
	ck_assert(!gre_changes_in_place(&from, &v6));
	ck_assert(!gre_changes_in_place(&from, &external));
	to.lower = 3; /* no message can take that away */
	ck_assert(!gre_changes_in_place(&to, &from));
	ck_assert(!gre_changes_in_place(&from, &to));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gre");
	TCase *tcase = tcase_create("gre");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, kinds);
	tcase_add_test(tcase, creates_as_ip_does);
	tcase_add_test(tcase, reads_what_it_wrote);
	tcase_add_test(tcase, a_key_needs_its_flag);
	tcase_add_test(tcase, broken_messages);
	tcase_add_test(tcase, differences);
	tcase_add_test(tcase, in_place_or_not);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
