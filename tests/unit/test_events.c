/* SPDX-License-Identifier: BSD-2-Clause */
/* Real events, of routes in a network namespace of the test's own, and answers that come late. */
#include <check.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "common/events.h"
#include "common/talk.h"

enum { SKIPPED = 77, GIVE_UP_MS = 3000 };

static struct loop *loop;
static struct rtnl *rtnl;
static struct talk talker;
static struct events events;
static struct snapshot seen;
static struct ifset look;

static bool there;     /* the route */
static int asked;      /* how often routes were asked for */
static int changed_at; /* which of those sees a change; 0: none does */
static int woken;
static bool everywhere;

static bool none_concerns(void *ctx, const struct link *link)
{
	(void)ctx, (void)link;
	return false;
}

static bool routes_changed(void *ctx)
{
	(void)ctx;
	return ++asked == changed_at;
}

static void wake(void *ctx, bool look_everywhere)
{
	(void)ctx;
	woken++;
	everywhere |= look_everywhere;
	loop_stop(loop);
}

static void stop(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

/* A blackhole, which needs no link. */
static void route(uint16_t type, uint16_t flags)
{
	static const uint8_t to[4] = {192, 0, 2, 1};
	struct rtmsg info = {.rtm_family = AF_INET,
			     .rtm_dst_len = 32,
			     .rtm_table = RT_TABLE_MAIN,
			     .rtm_protocol = RTPROT_STATIC,
			     .rtm_type = RTN_BLACKHOLE};
	struct nlmsg m;

	nlmsg_start(&m, talker.request, TALK_SIZE, type, flags | NLM_F_ACK, &info, sizeof(info));
	nlmsg_put(&m, RTA_DST, to, sizeof(to));
	ck_assert_int_eq(talk(&talker, &m, NULL, NULL), 0);
}

static void del_route(void)
{
	if (there)
		route(RTM_DELROUTE, 0);
	there = false;
}

static void add_route(void)
{
	there = true;
	route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
}

static void run_for(uint64_t ms)
{
	struct loop_timer *timer = loop_timer_new(loop, stop, NULL);

	loop_timer_set(timer, ms);
	ck_assert_int_eq(loop_run(loop), 0);
	loop_timer_clear(timer);
}

static void set_up(void)
{
	asked = changed_at = woken = 0;
	everywhere = false;
	loop = loop_new();
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(rtnl_open(&rtnl), 0);
	ck_assert_int_eq(talk_open(&talker, NETLINK_ROUTE), 0);
	events = (struct events){
	    .loop = loop,
	    .rtnl = rtnl,
	    .context = {.seen = &seen, .owner = OWNER_CLIENT, .concerns = none_concerns},
	    .look = &look,
	    .routes_changed = routes_changed,
	    .wake = wake};
	ck_assert_int_eq(events_open(&events), 0);
}

static void tear_down(void)
{
	del_route();
	loop_free(loop);
	events_close(&events);
	talk_close(&talker);
	rtnl_close(rtnl);
	ifset_clear(&look);
}

START_TEST(routes_that_are_other_wake_at_once)
{
	changed_at = 1;
	add_route();
	run_for(GIVE_UP_MS);
	ck_assert_int_eq(woken, 1);
	ck_assert_int_eq(asked, 1);
	ck_assert(!everywhere);
}
END_TEST

/* As with an IPv4 route of which the kernel told before it took it away. */
START_TEST(routes_are_asked_for_once_more)
{
	changed_at = 2;
	add_route();
	run_for(GIVE_UP_MS);
	ck_assert_int_eq(woken, 1);
	ck_assert_int_eq(asked, 2);
}
END_TEST

/* Each event, also one that comes while the second look at those before it is waited for. */
START_TEST(each_event_is_followed_by_a_second_look)
{
	add_route();
	while (!asked)
		run_for(1);
	ck_assert_int_eq(asked, 1);
	del_route();
	add_route();
	changed_at = 4; /* these two at once, the second look at the first one, that at these two */
	run_for(GIVE_UP_MS);
	ck_assert_int_eq(woken, 1);
}
END_TEST

START_TEST(no_event_no_question)
{
	run_for(100);
	ck_assert_int_eq(asked, 0);
	events_look_at_routes(&events);
	ck_assert_int_eq(asked, 1);
	ck_assert_int_eq(woken, 0);
	changed_at = 2;
	events_look_at_routes(&events);
	ck_assert_int_eq(woken, 1);
}
END_TEST

START_TEST(whoever_has_no_routes_is_not_asked)
{
	events.routes_changed = NULL;
	add_route();
	run_for(100);
	events_look_at_routes(&events);
	ck_assert_int_eq(asked, 0);
	ck_assert_int_eq(woken, 0);
}
END_TEST

/* However fast it flows: a burst at once, then one reading each rest, and nothing is missed. */
START_TEST(a_stream_is_read_now_and_then)
{
	uint64_t start_ms = loop_now_ms();

	for (int i = 0; i < 20 * EVENTS_AT_ONCE; i++) {
		there ? del_route() : add_route();
		run_for(0);
	}
	/* a second look, too, comes once in a while */
	uint64_t rests = 1 + (loop_now_ms() - start_ms) / EVENTS_REST_MS;
	ck_assert_uint_le((uint64_t)asked, rests * (EVENTS_AT_ONCE + 1));
	ck_assert_int_ge(asked, 1);
	changed_at = asked + 1;
	there ? del_route() : add_route();
	run_for(GIVE_UP_MS);
	ck_assert_int_eq(woken, 1);
}
END_TEST

START_TEST(after_a_stream_events_are_waited_for_again)
{
	for (int i = 0; events.in_a_row < EVENTS_AT_ONCE && i < 100 * EVENTS_AT_ONCE; i++) {
		there ? del_route() : add_route();
		run_for(0);
	}
	for (int i = 0; events.in_a_row && i < GIVE_UP_MS / EVENTS_REST_MS; i++)
		run_for(EVENTS_REST_MS);
	ck_assert_uint_eq(events.in_a_row, 0);
	for (int i = 0; i < 2; i++) {
		run_for(2 * EVENTS_REST_MS); /* the second look at the last one */
		changed_at = asked + 1;
		there ? del_route() : add_route();
		run_for(GIVE_UP_MS);
		ck_assert_int_eq(woken, 1 + i);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("events");
	TCase *tests = tcase_create("routes");

	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		fprintf(stderr, "skipped: no network namespace: %s\n", strerror(errno));
		return SKIPPED;
	}
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, routes_that_are_other_wake_at_once);
	tcase_add_test(tests, routes_are_asked_for_once_more);
	tcase_add_test(tests, each_event_is_followed_by_a_second_look);
	tcase_add_test(tests, no_event_no_question);
	tcase_add_test(tests, whoever_has_no_routes_is_not_asked);
	tcase_add_test(tests, a_stream_is_read_now_and_then);
	tcase_add_test(tests, after_a_stream_events_are_waited_for_again);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
