/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Method tee over the fake kernel: what is made and unmade, and what is blocked.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/setup.h"
#include "client/tee.h"
#include "common/tc.h"
#include "tests/unit/client_rig.h"

#define SOC "collector \"soc\" { address = \"10.0.0.9\" }\n"
#define TEE "mirror \"eth0\" { method = \"tee\" }\n"

static struct fake_kernel fake;
static struct client_rig rig;

static void setup(void)
{
	fake_kernel_init(&fake);
	fake_add_link(&fake, "eth0");
	fake_set_route(&fake, "10.0.0.9", "eth0", "10.0.0.1", 9000);
}

static void teardown(void)
{
	ck_assert_str_eq(fake.touched, "");
	ck_assert_str_eq(fake.unsealed, "");
	client_rig_free(&rig);
	fake_kernel_free(&fake);
}

static void start(const char *config)
{
	client_rig_start(&rig, &fake, config);
	rig.now_ms = 5000;
}

static void pass(void)
{
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	rig.now_ms += 50;
}

static void expect_nothing_to_do(void)
{
	unsigned operations = fake.operations;

	pass();
	ck_assert_uint_eq(fake.operations, operations);
}

static void expect_rules(const char *part, bool there)
{
	ck_assert_ptr_nonnull(fake.ruleset_text);
	ck_assert_msg((strstr(fake.ruleset_text, part) != NULL) == there, "%s\n%s", part,
		      fake.ruleset_text);
}

static void expect_copies_to_tunnel(void)
{
	char rule[64];

	snprintf(rule, sizeof(rule), "dup to 192.0.0.8 device %d comment",
		 fake_link(&fake, "vtap-soc")->ifindex);
	expect_rules(rule, true);
}

START_TEST(made)
{
	start(SOC TEE);
	pass();
	const struct link *tunnel = fake_link(&fake, "vtap-soc");
	ck_assert_uint_eq(tunnel->ways, WAY_IPV4 | WAY_IPV6); /* and not the kernel's own */
	ck_assert(tunnel->ipv6 && tunnel->ipv6_quiet && tunnel->mtu == TEE_DEVICE_MTU);
	ck_assert_ptr_null(fake_link(&fake, "vtap-soc-h"));
	ck_assert_uint_eq(fake.filters.count, 2); /* the tunnel's seal, and its lane */
	expect_copies_to_tunnel();
	expect_rules("maxseg", false);
	expect_nothing_to_do();
}
END_TEST

static void tunnel_deleted(void)
{
	fake_delete_link(&fake, "vtap-soc");
}

static void flushed(void)
{
	fake_flush_ruleset(&fake);
}

static void rules_changed(void)
{
	fake.ruleset.intact = false;
}

static void one_table(void)
{
	fake.ruleset.print = 0;
}

static void route_deleted(void)
{
	fake_link(&fake, "vtap-soc")->ways = WAY_IPV6;
}

static void multicast_route(void)
{
	fake_link(&fake, "vtap-soc")->ways |= WAY_MULTICAST;
}

static void a_router(void)
{
	fake_link(&fake, "vtap-soc")->ipv6_quiet = false;
}

enum { SHOWN = 64 };

struct shown {
	char text[SHOWN][OP_TEXT];
	size_t count;
};

static bool shows(const struct shown *shown, const char *text)
{
	for (size_t i = 0; i < shown->count; i++)
		if (strcmp(shown->text[i], text) == 0)
			return true;
	return false;
}

/* A dry run leaves out what only the kernel's own doings will make necessary: deletions. */
static void expect_shown(void *ctx, const struct op *op, int error, const char *why)
{
	char text[OP_TEXT];

	(void)error, (void)why;
	op_text(op, text);
	if (op->type != OP_WAY_DELETE && op->type != OP_ADDRESS_DELETE)
		ck_assert_msg(shows(ctx, text), "a dry run did not show: %s", text);
}

static void preview(struct shown *shown)
{
	struct desired desired = {.owner = OWNER_CLIENT};
	struct ops ops = {0};

	shown->count = 0;
	ck_assert_int_eq(reconcile_preview(&rig.reconcile, &desired, &ops), 0);
	ck_assert_uint_lt(ops.count, SHOWN);
	for (size_t i = 0; i < ops.count; i++)
		op_text(&ops.items[i], shown->text[shown->count++]);
	ops_clear(&ops);
	desired_clear(&desired);
}

START_TEST(a_dry_run_shows_all_rounds)
{
	static struct shown shown;

	start(SOC TEE);
	preview(&shown);
	ck_assert_uint_eq(fake.operations, 0);
	ck_assert(shows(&shown, "put tables vtap-client"));
	ck_assert(shows(&shown, "vtap-soc: put IPv4 route"));
	rig.reconcile.ran = expect_shown;
	rig.reconcile.ran_ctx = &shown;
	pass();
	expect_copies_to_tunnel();
	preview(&shown);
	ck_assert_uint_eq(shown.count, 0);
	fake_delete_link(&fake, "vtap-soc");
	preview(&shown);
	pass();
	rig.reconcile.ran = NULL;
}
END_TEST

START_TEST(a_dry_run_leaves_tables_of_others)
{
	static struct shown shown;

	fake.ruleset.present = fake.ruleset.foreign = true;
	start(SOC TEE);
	preview(&shown);
	ck_assert(!shows(&shown, "put tables vtap-client"));
	fake.ruleset.present = fake.ruleset.foreign = false;
}
END_TEST

static const struct {
	void (*act)(void);
	unsigned puts; /* of the tables */
} breaks[] = {{tunnel_deleted, 1}, {flushed, 1},         {rules_changed, 1}, {one_table, 1},
	      {route_deleted, 0},  {multicast_route, 0}, {a_router, 0}};

START_TEST(repaired)
{
	start(SOC TEE);
	pass();
	char *before = fake_text(&fake);
	breaks[_i].act();
	pass();
	ck_assert_uint_eq(rig.subjects.items[rig.setup->nft_subject].operations, breaks[_i].puts);
	ck_assert(fake.ruleset.intact && fake.ruleset.print);
	expect_copies_to_tunnel();
	char *after = fake_text(&fake);
	if (breaks[_i].act != tunnel_deleted)
		ck_assert_str_eq(before, after);
	expect_nothing_to_do();
	free(before);
	free(after);
}
END_TEST

START_TEST(unmade)
{
	char *before = fake_text(&fake);

	start(SOC TEE);
	pass();
	client_rig_reload(&rig, client_rig_simple);
	pass();
	ck_assert(!fake.ruleset.present);
	ck_assert_uint_eq(fake_link(&fake, "vtap-soc")->ways, 0);
	ck_assert(!fake_link(&fake, "vtap-soc")->ipv6);
	client_rig_reload(&rig, SOC TEE);
	pass();
	ck_assert(fake.ruleset.present);
	ck_assert_uint_eq(fake.filters.count, 2);
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, true), 0);
	char *after = fake_text(&fake);
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

/* Whatever fails, and whenever: the next passes come to the same end. */
START_TEST(failures)
{
	for (unsigned i = 1; i < 30; i++) {
		start(SOC TEE);
		fake.operations = 0;
		fake.fail_at = i;
		int error = reconcile_pass(&rig.reconcile, false);
		ck_assert_int_eq(error != 0, fake.operations >= i);
		fake.fail_at = 0;
		pass();
		ck_assert_uint_eq(fake_link(&fake, "vtap-soc")->ways, WAY_IPV4 | WAY_IPV6);
		expect_copies_to_tunnel();
		ck_assert_int_eq(reconcile_pass(&rig.reconcile, true), 0);
		client_rig_free(&rig);
	}
	start(SOC TEE);
}
END_TEST

START_TEST(without_ipv6)
{
	start(SOC TEE);
	pass();
	struct link *tunnel = fake_link(&fake, "vtap-soc");
	tunnel->ipv6 = false;
	tunnel->ipv6_never = true;
	tunnel->ways = WAY_IPV4;
	expect_nothing_to_do();
}
END_TEST

/* ---- blocked --------------------------------------------------------------------------------- */

static void no_interface(void)
{
	fake_delete_link(&fake, "eth0");
	fake_add_link(&fake, "eth1");
	fake_set_route(&fake, "10.0.0.9", "eth1", "10.0.0.1", 9000);
}

static void in_a_bridge(void)
{
	int bridge = fake_add_link(&fake, "br0");
	fake_link(&fake, "eth0")->master = bridge;
}

static void in_a_vrf(void)
{
	in_a_bridge();
	strcpy(fake_link(&fake, "br0")->kind_name, "vrf");
}

static void too_large(void)
{
	fake_link(&fake, "eth0")->mtu = 65536;
}

static void foreign_tables(void)
{
	fake.ruleset = (struct ruleset){.present = true, .foreign = true};
}

static const struct {
	void (*arrange)(void);
	const char *mirror, *nftables;
} blocks[] = {
    {no_interface, "eth0 does not exist", ""},
    {in_a_bridge,
     "eth0 is a part of br0: what it carries reaches nftables there, if at all; use method \"tc\"",
     ""},
    {in_a_vrf, "", ""},
    {too_large, "eth0 has an MTU of 65536, method \"tee\" can copy 65400: use method \"tc\"", ""},
    {foreign_tables, "", "nftables has a table of this name that vtap-client did not make"},
};

START_TEST(blocked)
{
	blocks[_i].arrange();
	start(SOC TEE);
	pass();
	ck_assert_str_eq(client_rig_reason(&rig, "mirror eth0 ingress to soc"), blocks[_i].mirror);
	ck_assert_str_eq(client_rig_reason(&rig, "nftables"), blocks[_i].nftables);
	bool good = !blocks[_i].mirror[0] && !blocks[_i].nftables[0];
	ck_assert_int_eq(fake.ruleset_text != NULL, good);
}
END_TEST

/* ---- the clamp ------------------------------------------------------------------------------- */

START_TEST(clamp_for_either_method)
{
	start(
	    "collector \"soc\" { address = \"10.0.0.9\" clamp_mss = true }\nmirror \"eth0\" { }\n");
	pass();
	ck_assert(!fake.ruleset.present); /* 9000 is enough */
	fake_set_route(&fake, "10.0.0.9", "eth0", "10.0.0.1", 1500);
	pass();
	expect_rules("iifname \"eth0\" tcp flags syn tcp option maxseg size set 1410", true);
	expect_rules("dup", false);
	ck_assert_uint_eq(fake_link(&fake, "vtap-soc")->ways, 0);
	fake_set_route(&fake, "10.0.0.9", "eth0", "10.0.0.1", 1400);
	pass();
	expect_rules("set 1310", true);
	client_rig_reload(&rig, client_rig_simple);
	pass();
	ck_assert(!fake.ruleset.present);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan_tee");
	TCase *tests = tcase_create("plan_tee");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, made);
	tcase_add_test(tests, a_dry_run_shows_all_rounds);
	tcase_add_test(tests, a_dry_run_leaves_tables_of_others);
	tcase_add_loop_test(tests, repaired, 0, sizeof(breaks) / sizeof(*breaks));
	tcase_add_test(tests, unmade);
	tcase_add_test(tests, failures);
	tcase_add_test(tests, without_ipv6);
	tcase_add_loop_test(tests, blocked, 0, sizeof(blocks) / sizeof(*blocks));
	tcase_add_test(tests, clamp_for_either_method);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
