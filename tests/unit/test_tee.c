/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text that nftables is given, word for word.
 */
#include "client/tee.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "client/setup.h"
#include "tests/unit/client_rig.h"
#include "tests/unit/golden_tee.h"

static struct setup *setup;
static struct tee tee;
static uint64_t print;

static void start(const char *config)
{
	setup = client_rig_setup(config);
	tee.config = setup->config;
}

static void teardown(void)
{
	tee_clear(&tee);
	setup_free(setup);
	setup = NULL;
}

static void add(const char *interface, enum direction direction, size_t collector, int device)
{
	struct tee_copy *copy = ARRAY_ADD(&tee.copies);

	*copy = (struct tee_copy){interface, setup->config->collectors[collector].name, direction,
				  device};
}

static void expect(const char *wanted)
{
	char *text = tee_text(&tee, &print);

	ck_assert_str_eq(text, wanted);
	free(text);
}

static void expect_part(const char *part, bool there)
{
	char *text = tee_text(&tee, &print);

	ck_assert_msg((strstr(text, part) != NULL) == there, "%s\n%s", part, text);
	free(text);
}

START_TEST(both_directions)
{
	start("collector \"soc\" { address = \"10.77.0.99\" }\n");
	add("eth0", INGRESS, 0, 17);
	add("eth0", EGRESS, 0, 17);
	ck_assert_int_eq(tee_add_clamp(&tee, "eth0", 1450), 0);
	expect(golden_both);
	expect(golden_both);
}
END_TEST

START_TEST(over_ipv6)
{
	start("collector \"six\" { address = \"2001:db8::99\" port = 4790 }\n");
	add("eth0", INGRESS, 0, 17);
	expect(golden_ipv6);
}
END_TEST

START_TEST(over_gre)
{
	start("collector \"a\" { address = \"10.0.0.9\" encap = \"gre\" }\n"
	      "collector \"b\" { address = \"2001:db8::99\" encap = \"gretap\" }\n");
	add("eth0", INGRESS, 0, 17);
	add("eth0", EGRESS, 1, 18);
	expect_part("ip saddr 10.0.0.9 meta l4proto gre return\n", true);
	expect_part("ip daddr 10.0.0.9 meta l4proto gre return\n", true);
	expect_part("icmp type != 8 @th,136,8 47 @th,192,32 0x0a000009 return\n", true);
	expect_part("ip6 daddr 2001:db8::99 meta l4proto gre return\n", true);
	expect_part("udp", false);
}
END_TEST

START_TEST(several)
{
	start("collector \"a\" { address = \"10.0.0.8\" vni = 1 }\n"
	      "collector \"b\" { address = \"10.0.0.9\" vni = 2 }\n");
	add("eth0", INGRESS, 0, 17);
	add("eth0", INGRESS, 1, 18);
	add("eth1", INGRESS, 1, 18);
	char *text = tee_text(&tee, &print);
	uint64_t before = print;
	unsigned enters = 0;
	for (const char *at = text; (at = strstr(at, "goto ingress_copies")); at++)
		enters++;
	ck_assert_uint_eq(enters, 2 * 2); /* each interface once, in each table */
	ck_assert_ptr_nonnull(
	    strstr(text, "dup to 192.0.0.8 device 17 comment \"eth0 ingress to a\""));
	ck_assert_ptr_nonnull(
	    strstr(text, "dup to 192.0.0.8 device 18 comment \"eth0 ingress to b\""));
	ck_assert_ptr_null(strstr(text, "postrouting"));
	free(text);
	tee.copies.items[2].device = 19; /* made anew */
	free(tee_text(&tee, &print));
	ck_assert(print != before);
}
END_TEST

/* What an administrator may call things must not end up as rules. */
START_TEST(names)
{
	char one[TALLY_NAME], other[TALLY_NAME];

	start("collector \"a} x\\\"\" { address = \"10.0.0.8\" device = \"t\" }\n");
	add("eth0", INGRESS, 0, 17);
	expect_part("comment \"eth0 ingress to a} x_\"\n", true);
	ck_assert(tee_name_fits("eth0.1@x-y_z"));
	ck_assert(!tee_name_fits("eth*") && !tee_name_fits("e\"0") && !tee_name_fits("e\\0"));
	tee_counter("eth0", "soc", INGRESS, one);
	tee_counter("eth0", "soc", EGRESS, other);
	ck_assert_str_ne(one, other);
	tee_counter("eth", "0soc", INGRESS, other);
	ck_assert_str_ne(one, other);
}
END_TEST

START_TEST(clamps)
{
	start("collector \"a\" { address = \"10.0.0.8\" }\n");
	ck_assert_int_eq(tee_add_clamp(&tee, "eth0", 1450), 0);
	ck_assert_int_eq(tee_add_clamp(&tee, "eth0", 1430), 0);
	ck_assert_int_eq(tee_add_clamp(&tee, "eth0", 1440), 0);
	ck_assert_int_eq(tee_add_clamp(&tee, "eth1", 590), 0);
	ck_assert_uint_eq(tee.clamps.count, 2);
	expect_part("iifname \"eth0\" tcp flags syn tcp option maxseg size set 1390\n", true);
	expect_part("oifname \"eth0\" tcp flags syn tcp option maxseg size set 1370\n", true);
	expect_part("oifname \"eth1\" tcp flags syn tcp option maxseg size set 550\n", true);
	expect_part("maxseg size set 530", false); /* IPv6 over so little: not as small as that */
	expect_part("dup", false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tee");
	TCase *tcase = tcase_create("tee");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, both_directions);
	tcase_add_test(tcase, over_ipv6);
	tcase_add_test(tcase, over_gre);
	tcase_add_test(tcase, several);
	tcase_add_test(tcase, names);
	tcase_add_test(tcase, clamps);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
