/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop with real time, pipes and signals. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/loop.h"

static struct loop *loop;
static int pipe_ends[2];

struct probe {
	struct loop_timer *timer;
	uint64_t at_ms;
	int calls;
	int stop_after;
};

static void set_up(void)
{
	loop = loop_new();
	ck_assert_ptr_nonnull(loop);
	ck_assert_ptr_nonnull(loop_base(loop));
	ck_assert_int_eq(pipe(pipe_ends), 0);
}

static void tear_down(void)
{
	loop_free(loop);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static void count(void *ctx)
{
	struct probe *probe = ctx;

	probe->at_ms = loop_now_ms();
	if (++probe->calls == probe->stop_after)
		loop_stop(loop);
}

static void read_and_count(void *ctx)
{
	char c;

	ck_assert_int_eq(read(pipe_ends[0], &c, 1), 1);
	count(ctx);
}

START_TEST(timers_run_once_and_not_before_their_time)
{
	struct probe probe = {.stop_after = 1}, never = {0};
	uint64_t start;

	probe.timer = loop_timer_new(loop, count, &probe);
	never.timer = loop_timer_new(loop, count, &never);
	for (int i = 0; i < 20; i++) { /* the early ones are those of the coarse clock */
		probe.calls = 0;
		start = loop_now_ms();
		loop_timer_set(probe.timer, 7);
		loop_timer_set(never.timer, 1);
		loop_timer_clear(never.timer);
		ck_assert_int_eq(loop_run(loop), 0);
		ck_assert_int_eq(probe.calls, 1);
		ck_assert_uint_ge(probe.at_ms, start + 7);
		ck_assert_uint_lt(probe.at_ms, start + 2000);
	}
	ck_assert_int_eq(never.calls, 0);
}
END_TEST

START_TEST(setting_again_restarts)
{
	struct probe probe = {.stop_after = 1};
	uint64_t start = loop_now_ms();

	probe.timer = loop_timer_new(loop, count, &probe);
	loop_timer_set(probe.timer, 1);
	loop_timer_set(probe.timer, 50);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_uint_ge(probe.at_ms, start + 50);
}
END_TEST

static void be_slow_then_set(void *ctx)
{
	struct probe *probe = ctx;

	poll(NULL, 0, 60);
	probe->at_ms = loop_now_ms();
	loop_timer_set(probe->timer, 30);
}

static uint64_t second_at;

static void note_and_stop(void *ctx)
{
	(void)ctx;
	second_at = loop_now_ms();
	loop_stop(loop);
}

START_TEST(a_timer_set_late_in_a_callback_counts_from_then)
{
	struct probe probe = {0};
	struct loop_timer *first = loop_timer_new(loop, be_slow_then_set, &probe);

	probe.timer = loop_timer_new(loop, note_and_stop, NULL);
	loop_timer_set(first, 0);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_uint_ge(second_at, probe.at_ms + 30);
}
END_TEST

START_TEST(descriptors_stay_watched)
{
	struct probe probe = {.stop_after = 3};

	ck_assert_int_eq(loop_watch(loop, pipe_ends[0], read_and_count, &probe), 0);
	ck_assert_int_eq(write(pipe_ends[1], "abc", 3), 3);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_eq(probe.calls, 3);
}
END_TEST

START_TEST(a_descriptor_rests_until_it_is_resumed)
{
	struct probe probe = {.stop_after = 3}, rest = {.stop_after = 1};
	int fd = fcntl(pipe_ends[0], F_DUPFD, SIGWINCH);

	rest.timer = loop_timer_new(loop, count, &rest);
	ck_assert_int_eq(loop_watch(loop, fd, read_and_count, &probe), 0);
	/* a signal of the same number is another thing */
	ck_assert_int_eq(loop_signal(loop, fd, count, &probe), 0);
	ck_assert_int_eq(write(pipe_ends[1], "abc", 3), 3);
	loop_pause(loop, fd);
	loop_timer_set(rest.timer, 20);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_eq(probe.calls, 0);
	ck_assert_int_eq(loop_resume(loop, fd), 0);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_eq(probe.calls, 3);
	loop_pause(loop, pipe_ends[1]); /* not watched */
	ck_assert_int_eq(loop_resume(loop, pipe_ends[1]), -ENOENT);
	loop_free(loop); /* before the descriptor goes */
	loop = NULL;
	close(fd);
}
END_TEST

START_TEST(a_descriptor_that_cannot_be_watched)
{
	struct probe probe = {0};

	ck_assert_int_lt(loop_watch(loop, 1000000, count, &probe), 0);
}
END_TEST

START_TEST(signals_arrive_in_the_loop)
{
	struct probe probe = {.stop_after = 1};

	ck_assert_int_eq(loop_signal(loop, SIGUSR2, count, &probe), 0);
	for (int i = 1; i <= 3; i++) {
		probe.calls = 0;
		raise(SIGUSR2);
		ck_assert_int_eq(loop_run(loop), 0);
		ck_assert_int_eq(probe.calls, 1);
	}
}
END_TEST

START_TEST(a_stop_before_the_run_counts)
{
	struct probe probe = {.stop_after = 1};

	loop_stop(loop);
	ck_assert_int_eq(loop_run(loop), 0); /* returns, and only this time */
	probe.timer = loop_timer_new(loop, count, &probe);
	loop_timer_set(probe.timer, 1);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_eq(probe.calls, 1);
	loop_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop");
	TCase *tcase = tcase_create("loop");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, timers_run_once_and_not_before_their_time);
	tcase_add_test(tcase, setting_again_restarts);
	tcase_add_test(tcase, a_timer_set_late_in_a_callback_counts_from_then);
	tcase_add_test(tcase, descriptors_stay_watched);
	tcase_add_test(tcase, a_descriptor_rests_until_it_is_resumed);
	tcase_add_test(tcase, a_descriptor_that_cannot_be_watched);
	tcase_add_test(tcase, signals_arrive_in_the_loop);
	tcase_add_test(tcase, a_stop_before_the_run_counts);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
