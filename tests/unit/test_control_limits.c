/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The limits of the control socket: time, memory, connections and descriptors.
 */
#include "tests/unit/control_rig.h"

#include <check.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_ended(int fd)
{
	struct pollfd pollfd = {.fd = fd};

	return poll(&pollfd, 1, 0) == 1 && (pollfd.revents & POLLHUP) != 0;
}

START_TEST(slow_peers_get_five_seconds_and_hold_nobody_up)
{
	uint64_t began, now, writer_ended = 0, reader_ended = 0, next_byte = 0;
	int writer, reader;

	start((struct daemon){.listen_fd = -1, .answer_size = LARGE}, status);
	began = loop_now_ms();
	writer = dial();
	reader = dial();
	served_say(reader, "status\n");
	do {
		uint64_t asked;

		now = loop_now_ms();
		ck_assert_uint_lt(now, began + PATIENCE_MS);
		/* a trickle: each byte must not buy another five seconds */
		if (writer_ended == 0 && now >= next_byte) {
			send(writer, " ", 1, MSG_NOSIGNAL);
			next_byte = now + 500;
		}
		asked = loop_now_ms();
		ask("x\n", "{\"error\": \"unknown request \\\"x\\\"; known: status\"}\n");
		ck_assert_uint_lt(loop_now_ms() - asked, 1000);
		if (writer_ended == 0 && is_ended(writer))
			writer_ended = loop_now_ms();
		if (reader_ended == 0 && is_ended(reader))
			reader_ended = loop_now_ms();
		poll(NULL, 0, 20);
	} while (writer_ended == 0 || reader_ended == 0);
	ck_assert_uint_ge(writer_ended - began, 4900);
	ck_assert_uint_le(writer_ended - began, 7000);
	ck_assert_uint_ge(reader_ended - began, 4900);
	ck_assert_uint_le(reader_ended - began, 7000);
	hear_exactly(writer, "{\"error\": \"no complete request within 5 s\"}\n");
	close(reader);
	ck_assert_int_lt(served_stop(), 2000);
}
END_TEST

/* Until something can be read from all of them. */
static void await_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++) {
		struct pollfd pollfd = {.fd = fds[i], .events = POLLIN};

		ck_assert_msg(poll(&pollfd, 1, PATIENCE_MS) == 1, "no answer");
	}
}

/* KiB. AddressSanitizer keeps what was freed: with it nothing can be said. */
#ifdef __SANITIZE_ADDRESS__
enum { MEMORY_LIMIT = INT_MAX };
#else
enum { MEMORY_LIMIT = 40 << 10 };
#endif

/* The most memory that the daemon has had, in KiB. */
static long stop_for_memory(void)
{
	return served_end().ru_maxrss;
}

START_TEST(those_who_ask_together_share_an_answer)
{
	enum { TOGETHER = 16 };
	int fds[TOGETHER];

	start((struct daemon){.listen_fd = -1, .answer_size = LARGE}, status);
	ck_assert_int_eq(kill(served_pid, SIGSTOP), 0);
	for (int i = 0; i < TOGETHER; i++) {
		fds[i] = dial();
		served_say(fds[i], "status\n");
	}
	ck_assert_int_eq(kill(served_pid, SIGCONT), 0);
	await_all(fds, TOGETHER);
	for (int i = 0; i < TOGETHER; i++) {
		char *text = hear(fds[i]);

		ck_assert_uint_eq(strlen(text), LARGE + 1);
		free(text);
	}
	/* 128 MiB if each had one of its own */
	ck_assert_int_lt(stop_for_memory(), MEMORY_LIMIT);
}
END_TEST

/* One after the other, so that none can share; those who never read make room for those who do. */
START_TEST(unread_answers_have_a_limit)
{
	int fds[8];
	char *text;

	start((struct daemon){.listen_fd = -1, .answer_size = LARGE}, status);
	for (int i = 0; i < 8; i++) {
		fds[i] = dial();
		served_say(fds[i], "status\n");
		await_all(&fds[i], 1);
	}
	ck_assert(is_ended(fds[0]));
	text = hear(fds[7]);
	ck_assert_uint_eq(strlen(text), LARGE + 1);
	free(text);
	/* three, where there would have been eight */
	ck_assert_int_lt(stop_for_memory(), MEMORY_LIMIT);
	for (int i = 0; i < 7; i++)
		close(fds[i]);
}
END_TEST

START_TEST(the_65th_connection_is_told)
{
	int fds[CONTROL_CONNECTIONS_MAX];

	start_small();
	for (int i = 0; i < CONTROL_CONNECTIONS_MAX; i++)
		fds[i] = dial();
	hear_exactly(dial(), "{\"error\": \"too many connections\"}\n");
	hear_exactly(dial(), "{\"error\": \"too many connections\"}\n");
	/* one ends, one comes */
	served_say(fds[7], "status\n");
	hear_exactly(fds[7], "{\"daemon\":\"test\"}\n");
	fds[7] = dial();
	hear_exactly(dial(), "{\"error\": \"too many connections\"}\n");
	for (int i = 0; i < CONTROL_CONNECTIONS_MAX; i++) {
		served_say(fds[i], "status\n");
		hear_exactly(fds[i], "{\"daemon\":\"test\"}\n");
	}
	ask_small();
	served_stop();
}
END_TEST

START_TEST(without_descriptors_it_waits_and_recovers)
{
	struct pollfd pollfd = {.events = POLLIN};
	int fds[40];
	long busy;

	start((struct daemon){.listen_fd = -1, .descriptors = 24}, status);
	for (int i = 0; i < 40; i++)
		fds[i] = dial(); /* those that are not accepted wait in the queue */
	pollfd.fd = fds[39];
	served_say(fds[39], "status\n");
	ck_assert_int_eq(poll(&pollfd, 1, 1500), 0); /* it cannot answer */
	for (int i = 0; i < 39; i++)
		close(fds[i]);
	hear_exactly(fds[39], "{\"daemon\":\"test\"}\n");
	busy = served_stop();
	ck_assert_msg(busy < 500, "%ld ms of processor time", busy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control_limits");
	TCase *tcase = tcase_create("control_limits");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, slow_peers_get_five_seconds_and_hold_nobody_up);
	tcase_add_test(tcase, those_who_ask_together_share_an_answer);
	tcase_add_test(tcase, unread_answers_have_a_limit);
	tcase_add_test(tcase, the_65th_connection_is_told);
	tcase_add_test(tcase, without_descriptors_it_waits_and_recovers);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
