/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters over a restart: a later client goes on where an earlier one was, and believes no text
 * that is not of the same tunnels.
 */
#include "client/state.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/copies.h"
#include "tests/unit/client_rig.h"

static struct fake_kernel fake;
static struct client_rig rig;

static void setup(void)
{
	client_rig_at_work(&rig, &fake);
}

static void teardown(void)
{
	client_rig_free(&rig);
	fake_kernel_free(&fake);
}

static void count(struct client_rig *r)
{
	ck_assert_int_eq(reconcile_observe(&r->reconcile), 0);
	copies_count(r->setup, &r->reconcile.seen, 1000);
}

/* Stream 0 is ingress, 1 is egress, of "soc". */
static void send_egress(uint64_t packets)
{
	struct link *tunnel = fake_link(&fake, "vtap-soc");
	struct filter *filter = fake_filter(&fake, "eth0", 0xfffffff3, 2, FILTER_HANDLE);

	ck_assert_ptr_nonnull(filter);
	filter->stats.packets += packets;
	filter->stats.bytes += packets * 100;
	tunnel->stats.tx_packets += packets;
	tunnel->stats.tx_bytes += packets * (100 - 14);
}

static void restart(struct client_rig *next, const char *text, bool good)
{
	client_rig_start(next, &fake, client_rig_simple);
	ck_assert_int_eq(reconcile_observe(&next->reconcile), 0);
	ck_assert(state_restore(next->setup, &next->reconcile.seen, text) == good);
}

START_TEST(goes_on)
{
	struct client_rig next;

	send_egress(10);
	count(&rig);
	rig.setup->stream_accounts[1].packets += 1000; /* of filters that were replaced since */
	rig.setup->tunnel_accounts[0].tx_packets += 1000;
	char *text = state_text(rig.setup);
	send_egress(5); /* nobody looks: the text is older than that */
	restart(&next, text, true);
	send_egress(2);
	count(&next);
	ck_assert_uint_eq(next.setup->stream_accounts[1].packets, 1017);
	ck_assert_uint_eq(next.setup->stream_accounts[1].bytes, 1700);
	ck_assert_uint_eq(next.setup->stream_accounts[0].packets, 0);
	ck_assert_uint_eq(next.setup->tunnel_accounts[0].tx_packets, 1017);
	client_rig_free(&next);
	free(text);
}
END_TEST

START_TEST(another_tunnel_starts_anew)
{
	struct client_rig next;

	send_egress(10);
	count(&rig);
	char *text = state_text(rig.setup);
	fake_delete_link(&fake, "vtap-soc");
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	restart(&next, text, true);
	ck_assert_uint_eq(next.setup->stream_accounts[1].packets, 0);
	ck_assert_uint_eq(next.setup->tunnel_accounts[0].tx_packets, 0);
	client_rig_free(&next);
	free(text);
}
END_TEST

static void by_the_lane(struct client_rig *r, uint64_t packets)
{
	struct express_counts now = r->setup->lanes[0].last;

	now.packets += packets;
	now.bytes += packets * 100;
	lane_count(&r->setup->lanes[0], &now);
	send_egress(packets);
	fake_link(&fake, "vtap-soc")->stats.tx_packets -= packets;
	fake_link(&fake, "vtap-soc")->stats.tx_bytes -= packets * (100 - 14);
}

START_TEST(lanes_go_on)
{
	struct client_rig next;

	by_the_lane(&rig, 10);
	count(&rig);
	char *text = state_text(rig.setup);
	/* with the map of before, and what it has counted since */
	by_the_lane(&rig, 5);
	restart(&next, text, true);
	lane_count(&next.setup->lanes[0], &rig.setup->lanes[0].last);
	count(&next);
	ck_assert_uint_eq(next.setup->lanes[0].counts.packets, 15);
	ck_assert_uint_eq(next.setup->stream_accounts[1].packets, 15);
	ck_assert_uint_eq(next.setup->stream_accounts[1].bytes, 1500);
	client_rig_free(&next);
	/* with a new one: what came since the text was written is lost, and nothing else */
	restart(&next, text, true);
	lane_count(&next.setup->lanes[0], &(struct express_counts){0});
	lane_count(&next.setup->lanes[0], &(struct express_counts){.packets = 1, .bytes = 100});
	count(&next);
	ck_assert_uint_eq(next.setup->lanes[0].counts.packets, 11);
	ck_assert_uint_eq(next.setup->tunnel_accounts[0].tx_packets, 11);
	client_rig_free(&next);
	/* the books of a tunnel that was made anew begin with it */
	fake_delete_link(&fake, "vtap-soc");
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	restart(&next, text, true);
	count(&next);
	ck_assert_uint_eq(next.setup->lanes[0].counts.packets, 10);
	ck_assert_uint_eq(next.setup->tunnel_accounts[0].tx_packets, 0);
	client_rig_free(&next);
	free(text);
}
END_TEST

/* As a client before the express lane wrote it. */
START_TEST(reads_the_version_before)
{
	static const char format[] =
	    "{\"version\":2,\"tunnels\":[{\"collector\":\"soc\",\"ifindex\":%d,\"numbers\":"
	    "[7,700,0,0,0,0,0,0,0,0,0,0,0,0,0]}],\"streams\":[{\"interface\":\"eth0\","
	    "\"direction\":\"egress\",\"collector\":\"soc\",\"numbers\":[7,700,0,0,0,0,0,0,0]}]}";
	struct client_rig next;
	char text[512];

	snprintf(text, sizeof(text), format, fake_link(&fake, "vtap-soc")->ifindex);
	restart(&next, text, true);
	ck_assert_uint_eq(next.setup->tunnel_accounts[0].tx_packets, 7);
	ck_assert_uint_eq(next.setup->stream_accounts[1].bytes, 700);
	client_rig_free(&next);
}
END_TEST

/* As a client before the newest of the reasons wrote it. */
START_TEST(reads_fewer_reasons)
{
	struct client_rig next;

	by_the_lane(&rig, 10);
	count(&rig);
	char *text = state_text(rig.setup);
	for (char *at = text; (at = strstr(at, "\"lane")); at++) {
		char *end = strchr(at, ']'), *last = end;
		while (*last != ',')
			last--;
		memmove(last, end, strlen(end) + 1);
	}
	restart(&next, text, true);
	ck_assert_uint_eq(next.setup->lanes[0].counts.packets, 10);
	ck_assert_uint_eq(next.setup->lanes[0].last.packets, 10);
	client_rig_free(&next);
	free(text);
}
END_TEST

START_TEST(believes_no_other_text)
{
	static const char *const texts[] = {
	    "",
	    "{",
	    "[]",
	    "17",
	    "{}",
	    "{\"version\":1,\"tunnels\":[],\"streams\":[]}",
	    "{\"version\":2,\"tunnels\":{},\"streams\":[]}",
	};
	struct client_rig next;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		restart(&next, texts[i], false);
		client_rig_free(&next);
	}
}
END_TEST

START_TEST(survives_every_cut)
{
	char *text = state_text(rig.setup);

	for (size_t size = 0; text[size]; size++) {
		struct client_rig next;
		char *cut = strndup(text, size);
		restart(&next, cut, false);
		client_rig_free(&next);
		free(cut);
	}
	free(text);
}
END_TEST

START_TEST(survives_strange_numbers)
{
	static const char text[] =
	    "{\"version\":2,\"tunnels\":[null,1,{\"collector\":7},{"
	    "\"collector\":\"soc\","
	    "\"ifindex\":\"x\",\"numbers\":[1]}],\"streams\":[null,{\"numbers\":{}}]}";
	struct client_rig next;

	restart(&next, text, true);
	ck_assert_uint_eq(next.setup->tunnel_accounts[0].tx_packets, 0);
	client_rig_free(&next);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("state");
	TCase *tests = tcase_create("state");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, goes_on);
	tcase_add_test(tests, another_tunnel_starts_anew);
	tcase_add_test(tests, lanes_go_on);
	tcase_add_test(tests, reads_the_version_before);
	tcase_add_test(tests, reads_fewer_reasons);
	tcase_add_test(tests, believes_no_other_text);
	tcase_add_test(tests, survives_every_cut);
	tcase_add_test(tests, survives_strange_numbers);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
