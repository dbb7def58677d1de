/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a client counts of its copies over passes, repairs and reloads, by either method.
 */
#include "client/copies.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "client/tee.h"
#include "common/tc.h"
#include "tests/unit/client_rig.h"

#define SOC "collector \"soc\" { address = \"10.0.0.9\" }\n"
#define TEE "mirror \"eth0\" { method = \"tee\" }\n"
#define LAB "collector \"lab\" { address = \"10.0.0.8\" vni = 43 }\n"

static struct fake_kernel fake;
static struct client_rig rig;

static void setup(void)
{
	client_rig_host(&fake);
	client_rig_start(&rig, &fake, client_rig_simple);
	rig.now_ms = 5000;
}

static void teardown(void)
{
	client_rig_free(&rig);
	fake_kernel_free(&fake);
}

static void pass(void)
{
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	rig.now_ms += 50;
}

/* Frames of 100 bytes that eth0 sends, copied to soc. */
static void traffic(uint64_t frames)
{
	struct filter *f = fake_filter(&fake, "eth0", TC_EGRESS, 2, FILTER_HANDLE);
	struct link *tunnel = fake_link(&fake, "vtap-soc");

	f->stats.packets += frames;
	f->stats.bytes += frames * 100;
	tunnel->stats.tx_packets += frames;
	tunnel->stats.tx_bytes += frames * 86;
}

static const struct stream_account *stream(const char *collector, enum direction direction)
{
	const struct setup *s = rig.setup;

	for (size_t i = 0; i < s->streams_count; i++)
		if (s->streams[i].direction == direction &&
		    strcmp(s->config->collectors[s->streams[i].collector].name, collector) == 0)
			return &s->stream_accounts[i];
	ck_abort_msg("no stream to %s", collector);
}

START_TEST(counts_what_is_copied)
{
	pass();
	traffic(10);
	pass();
	ck_assert_uint_eq(stream("soc", EGRESS)->packets, 10);
	ck_assert_uint_eq(stream("soc", EGRESS)->bytes, 1000);
	ck_assert_uint_eq(stream("soc", INGRESS)->packets, 0);
	ck_assert_uint_eq(rig.setup->tunnel_accounts[0].tx_bytes, 1000);
}
END_TEST

START_TEST(goes_on_over_repairs)
{
	pass();
	traffic(10);
	pass();
	fake_delete_qdisc(&fake, "eth0", TC_H_CLSACT);
	pass();
	ck_assert_uint_eq(stream("soc", EGRESS)->packets, 10);
	traffic(
	    20); /* more than before: only copies_applied() tells that the filter is a new one */
	pass();
	ck_assert_uint_eq(stream("soc", EGRESS)->packets, 30);
	fake_delete_link(&fake, "vtap-soc");
	pass();
	traffic(5);
	pass();
	ck_assert_uint_eq(stream("soc", EGRESS)->packets, 35);
	ck_assert_uint_eq(rig.setup->tunnel_accounts[0].tx_packets, 35);
}
END_TEST

START_TEST(goes_on_over_reloads)
{
	pass();
	traffic(10);
	pass();
	client_rig_reload(&rig, LAB SOC
			  "mirror \"eth0\" { collector = {\"lab\", \"soc\"} filter = \"tcp\" }\n");
	ck_assert_uint_eq(stream("soc", EGRESS)->packets, 10);
	ck_assert_uint_eq(stream("lab", EGRESS)->packets, 0);
	ck_assert_uint_eq(rig.setup->tunnel_accounts[1].tx_packets, 10);
	pass();
	pass();
	ck_assert_uint_eq(stream("soc", EGRESS)->packets, 10);
	ck_assert_uint_eq(rig.setup->tunnel_accounts[0].tx_packets, 0);
}
END_TEST

START_TEST(strangers_are_not_counted)
{
	fake_add_link(&fake, "vtap-soc");
	fake_link(&fake, "vtap-soc")->stats.tx_packets = 99;
	pass();
	ck_assert_uint_eq(rig.setup->tunnel_accounts[0].tx_packets, 0);
}
END_TEST

/* What its last message says of a tunnel that somebody removed still counts; of other links not. */
START_TEST(last_words_of_a_tunnel)
{
	pass();
	traffic(10);
	pass();
	const uint64_t sent = rig.setup->tunnel_accounts[0].tx_packets;
	traffic(5);
	copies_link_gone(rig.setup, fake_link(&fake, "eth0"));
	ck_assert_uint_eq(rig.setup->tunnel_accounts[0].tx_packets, sent);
	copies_link_gone(rig.setup, fake_link(&fake, "vtap-soc"));
	ck_assert_uint_eq(rig.setup->tunnel_accounts[0].tx_packets, sent + 5);
}
END_TEST

/* What is seen of the counters between two looks at everything. */
START_TEST(losses_are_seen_without_a_look)
{
	struct kernel *kernel = &fake.kernel;
	const struct snapshot *seen = &rig.reconcile.seen;

	pass();
	ck_assert_int_eq(kernel_moved(kernel, OWNER_CLIENT, seen), MOVED_NOTHING);
	fake_link(&fake, "eth0")->stats.tx_packets++;
	fake_link(&fake, "eth0")->stats.tx_dropped++;
	ck_assert_int_eq(kernel_moved(kernel, OWNER_CLIENT, seen), MOVED_NOTHING);
	traffic(3);
	ck_assert_int_eq(kernel_moved(kernel, OWNER_CLIENT, seen), MOVED_PACKETS);
	fake_link(&fake, "vtap-soc")->stats.tx_errors++;
	ck_assert_int_eq(kernel_moved(kernel, OWNER_CLIENT, seen), MOVED_AND_LOST);
	pass();
	ck_assert_int_eq(kernel_moved(kernel, OWNER_CLIENT, seen), MOVED_NOTHING);
	fake_link(&fake, "vtap-soc")->stats.tx_dropped++;
	ck_assert_int_eq(kernel_moved(kernel, OWNER_CLIENT, seen), MOVED_AND_LOST);
	fake_delete_link(&fake, "vtap-soc"); /* of which an event tells */
	ck_assert_int_eq(kernel_moved(kernel, OWNER_CLIENT, seen), MOVED_NOTHING);
}
END_TEST

static bool look_due(void)
{
	return copies_look_due(rig.setup,
			       kernel_moved(&fake.kernel, OWNER_CLIENT, &rig.reconcile.seen));
}

START_TEST(a_look_is_due_while_copies_are_lost)
{
	struct express_counts *lane;

	pass();
	lane = &rig.setup->lanes[0].counts;
	traffic(10);
	lane->packets += 10;
	ck_assert(!look_due());
	pass();
	fake_link(&fake, "vtap-soc")->stats.tx_errors += 10;
	ck_assert(look_due());
	pass();
	ck_assert(rig.setup->tunnels[0].all_lost);
	ck_assert(!look_due()); /* nothing more was sent */
	traffic(1);
	ck_assert(look_due());
	pass();
	ck_assert(!rig.setup->tunnels[0].all_lost);
	ck_assert(!look_due());
	lane->dropped += 10;
	ck_assert(look_due());
	pass();
	ck_assert(rig.setup->tunnels[0].all_lost);
	ck_assert(!look_due());
	lane->packets++;
	ck_assert(look_due());
	pass();
	ck_assert(!rig.setup->tunnels[0].all_lost);
}
END_TEST

static void tunnel_sends(uint64_t packets)
{
	struct link *tunnel = fake_link(&fake, "vtap-soc");

	tunnel->stats.tx_packets += packets;
	tunnel->stats.tx_bytes += packets * 100;
}

/* Packets of 100 bytes that eth0 sends, copied to soc by method tee. */
static void tee_traffic(uint64_t packets)
{
	char name[TALLY_NAME];

	tee_counter("eth0", "soc", EGRESS, name);
	for (size_t i = 0; i < fake.ruleset.tallies.count; i++) {
		struct tally *tally = &fake.ruleset.tallies.items[i];
		if (strcmp(tally->name, name) != 0)
			continue;
		tally->packets += packets;
		tally->bytes += packets * 100;
		tunnel_sends(packets);
		return;
	}
	ck_abort_msg("no counter %s", name);
}

START_TEST(by_nftables)
{
	client_rig_reload(&rig, SOC TEE);
	ck_assert(setup_plans_nft(rig.setup));
	pass();
	tee_traffic(10);
	pass();
	ck_assert_uint_eq(stream("soc", EGRESS)->packets, 10);
	ck_assert_uint_eq(stream("soc", EGRESS)->bytes, 10 * 114);
	fake_flush_ruleset(&fake);
	pass();
	tee_traffic(5);
	pass();
	ck_assert_uint_eq(stream("soc", EGRESS)->packets, 15);
	/* what the table that is left counted was counted already */
	fake.ruleset.print = 0;
	pass();
	ck_assert_uint_eq(stream("soc", EGRESS)->owed_packets, 0);
	tee_traffic(1);
	pass();
	ck_assert_uint_eq(stream("soc", EGRESS)->packets, 16);
	/* by tc, from zero again */
	client_rig_reload(&rig, client_rig_simple);
	ck_assert(!setup_plans_nft(rig.setup));
	pass();
	struct filter *f = fake_filter(&fake, "eth0", TC_EGRESS, 2, FILTER_HANDLE);
	f->stats.packets += 4;
	f->stats.bytes += 4 * 114;
	tunnel_sends(4);
	pass();
	ck_assert_uint_eq(stream("soc", EGRESS)->packets, 20);
	ck_assert_uint_eq(stream("soc", EGRESS)->bytes, 20 * 114);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("copies");
	TCase *tests = tcase_create("copies");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, counts_what_is_copied);
	tcase_add_test(tests, goes_on_over_repairs);
	tcase_add_test(tests, goes_on_over_reloads);
	tcase_add_test(tests, strangers_are_not_counted);
	tcase_add_test(tests, last_words_of_a_tunnel);
	tcase_add_test(tests, losses_are_seen_without_a_look);
	tcase_add_test(tests, a_look_is_due_while_copies_are_lost);
	tcase_add_test(tests, by_nftables);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
