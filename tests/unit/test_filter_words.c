/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user's words in filter programs: what they let in, and which of them make no program.
 */
#include "tests/unit/filter_rig.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(words_of_the_user)
{
	static const struct {
		const char *words;
		bool plain, tagged;
	} rows[] = {
	    {"", true, true},
	    {"udp port 53", true, false},
	    {"tcp", false, false},
	    {"vlan", false, true},
	    {"vlan and udp port 53", false, true},
	    {"not vlan", true, false},
	    {"vlan 7", false, false},
	    {"vlan 101 or tcp", false, true},
	    {"udp port 53 or (vlan and udp port 53)", true, true},
	    {"not udp", false, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (enum direction d = INGRESS; d < DIRECTIONS; d++) {
			udp4(0, "10.0.0.1", "192.0.2.1", 53);
			ck_assert_msg(mirrored_by(d, rows[i].words) == rows[i].plain, "%s",
				      rows[i].words);
			udp4(1, "10.0.0.1", "192.0.2.1", 53);
			ck_assert_msg(mirrored_by(d, rows[i].words) == rows[i].tagged, "%s tagged",
				      rows[i].words);
		}
		for (unsigned tags = 0; tags <= 2; tags++) { /* and no words let a copy through */
			udp4(tags, "10.0.0.1", "10.0.0.9", PORT);
			ck_assert_msg(!mirrored_by(EGRESS, rows[i].words), "%s", rows[i].words);
		}
	}
}
END_TEST

/* What is behind the Ethernet header, as interfaces without one have it. */
static bool passes_bare(enum direction direction, const char *user)
{
	memmove(packet, packet + ETH, size -= ETH);
	return passes(direction, FILTER_IP, user);
}

START_TEST(packets_without_an_ethernet_header)
{
	struct filter_program program;
	char error[FILTER_ERROR_TEXT] = "";

	collectors[1].encap = ENCAP_GRE;
	udp4(0, "10.0.0.1", "10.0.0.9", PORT);
	ck_assert(!passes_bare(EGRESS, ""));
	udp4(0, "10.0.0.1", "10.0.0.9", PORT + 1);
	ck_assert(passes_bare(EGRESS, "udp"));
	udp4(0, "10.0.0.1", "10.0.0.9", PORT + 1);
	ck_assert(!passes_bare(EGRESS, "tcp"));
	gre6(0, "fd00::1", "fd00::9", false);
	ck_assert(!passes_bare(EGRESS, ""));
	gre6(0, "fd00::9", "fd00::1", true);
	ck_assert(!passes_bare(INGRESS, ""));
	gre6(0, "fd00::8", "fd00::1", false);
	ck_assert(passes_bare(INGRESS, "ip6 src host fd00::8"));
	ck_assert_int_eq(
	    filter_build(&config, EGRESS, FILTER_IP, "ether host 2:0:0:0:0:1", &program, error),
	    -EINVAL);
	ck_assert_str_ne(error, "");
	ck_assert_uint_eq(program.count, 0);
}
END_TEST

START_TEST(short_packets)
{
	/* a load behind the end ends a classic program with "no": nothing is mirrored, nothing
	 * breaks */
	udp4(0, "10.0.0.1", "192.0.2.1", 53);
	for (size = ETH + 34; size > 0; size--) {
		egress();
		ingress();
	}
}
END_TEST

START_TEST(bad_words)
{
	char error[FILTER_ERROR_TEXT] = "";
	struct filter_program program;

	ck_assert_int_eq(filter_check("not a filter (", error), -EINVAL);
	ck_assert_str_ne(error, "");
	error[0] = '\0';
	ck_assert_int_eq(
	    filter_build(&config, EGRESS, FILTER_ETHERNET, "tcp prot 80", &program, error),
	    -EINVAL);
	ck_assert_str_ne(error, "");
	ck_assert_ptr_null(program.insns);
	ck_assert_uint_eq(program.count, 0);
	ck_assert_int_eq(filter_check("", error), 0);
	ck_assert_int_eq(filter_check("tcp port 80", error), 0);
}
END_TEST

/* What libpcap accepts for its own interpreter, and the kernel refuses. */
START_TEST(not_for_the_kernel)
{
	static const char *const filters[][2] = {
	    {"ip6 protochain 17", "loop"},
	    {"not ip protochain 6", "loop"},
	    {"ether[0xfffff004] = 3", "before"},
	    {"geneve or (greater 60 and mpls)", "memory"},
	};
	struct filter_program program;
	char error[FILTER_ERROR_TEXT];

	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		ck_assert_int_eq(filter_check(filters[i][0], error), -EINVAL);
		ck_assert_msg(strstr(error, filters[i][1]), "%s: %s", filters[i][0], error);
		ck_assert_int_eq(
		    filter_build(&config, EGRESS, FILTER_ETHERNET, filters[i][0], &program, error),
		    -EINVAL);
		ck_assert_ptr_null(program.insns);
	}
	ck_assert_int_eq(filter_check("ip6 proto 17", error), 0);
	ck_assert_int_eq(filter_check("geneve and ip and tcp port 80", error), 0);
	ck_assert_int_eq(filter_check("ip[len - 4:4] = 7 or ip[0] & 0xf > 5", error), 0);
}
END_TEST

/* Frames that end before a second tag would, or had, or look as if: not a tag's business. */
START_TEST(tags_are_where_tags_are)
{
	start(0, 0x88b5);
	ck_assert(egress() && ingress());
	/* IPv4, and at the place of a second tag what looks like one */
	start(0, 0x0800);
	put_ip4("10.0.0.1", "10.0.0.2", 6, 0);
	put_zeros(60);
	memcpy(packet + 16, "\x81\x00", 2);
	memcpy(packet + 20, "\x08\x00", 2);
	memcpy(packet + 22 + 6, "\x20\x01", 2);
	packet[22 + 9] = 17;
	memcpy(packet + 22 + 16, "\x0a\x00\x00\x09", 4);
	ck_assert(egress() && ingress());
}
END_TEST

START_TEST(program_too_long)
{
	char *words = NULL, error[FILTER_ERROR_TEXT] = "";
	struct filter_program program;
	size_t length;
	FILE *out = open_memstream(&words, &length);

	fprintf(out, "ether[0] = 1");
	for (int i = 0; i < 5000; i++)
		fprintf(out, " or ip[%d:4] = %d", i % 60, i + 1);
	fclose(out);
	ck_assert_int_ne(filter_build(&config, EGRESS, FILTER_ETHERNET, words, &program, error), 0);
	ck_assert_str_ne(error, "");
	ck_assert_ptr_null(program.insns);
	free(words);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("filter_words");
	TCase *tests = tcase_create("filter_words");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, words_of_the_user);
	tcase_add_test(tests, short_packets);
	tcase_add_test(tests, packets_without_an_ethernet_header);
	tcase_add_test(tests, bad_words);
	tcase_add_test(tests, not_for_the_kernel);
	tcase_add_test(tests, tags_are_where_tags_are);
	tcase_add_test(tests, program_too_long);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
