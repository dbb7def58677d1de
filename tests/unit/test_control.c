/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket on a real UNIX socket: what is asked and answered, and how it ends.
 */
#include "tests/unit/control_rig.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char *no_status(void *ctx)
{
	(void)ctx;
	return NULL;
}

static int listening_socket(const char *at)
{
	struct sockaddr_un name = name_of(at);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	return fd;
}

/* ---- requests ------------------------------------------------------------------------------ */

START_TEST(answers_and_closes)
{
	int fd;

	start_small();
	ask_small();
	ask("status\r\n", "{\"daemon\":\"test\"}\n");
	ask("reboot\n", "{\"error\": \"unknown request \\\"reboot\\\"; known: status\"}\n");
	ask("\n", "{\"error\": \"unknown request \\\"\\\"; known: status\"}\n");
	/* byte by byte */
	fd = dial();
	for (const char *c = "status\n"; *c != '\0'; c++)
		served_say(fd, (char[]){*c, '\0'});
	hear_exactly(fd, "{\"daemon\":\"test\"}\n");
	/* without a newline, but with an end */
	fd = dial();
	served_say(fd, "status");
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	hear_exactly(fd, "{\"daemon\":\"test\"}\n");
	/* nothing at all */
	fd = dial();
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	hear_exactly(fd, "");
	served_stop();
}
END_TEST

START_TEST(too_long_a_request_is_refused_in_words)
{
	char request[4097];

	start_small();
	memset(request, 'a', sizeof(request) - 1);
	request[sizeof(request) - 1] = '\0';
	ask(request, "{\"error\": \"request longer than 256 bytes\"}\n");
	request[256] = '\0';
	ask(request, "{\"error\": \"request longer than 256 bytes\"}\n");
	/* what follows a good request is not looked at, and does not spoil the answer */
	memcpy(request, "status\n", 7);
	request[256] = 'a';
	ask(request, "{\"daemon\":\"test\"}\n");
	served_stop();
}
END_TEST

START_TEST(no_memory_for_the_status)
{
	start((struct daemon){.listen_fd = -1}, no_status);
	ask("status\n", "{\"error\": \"out of memory\"}\n");
	served_stop();
}
END_TEST

START_TEST(large_answers_arrive_whole)
{
	char *text;
	int fd;

	start((struct daemon){.listen_fd = -1, .answer_size = LARGE}, status);
	fd = dial();
	served_say(fd, "status\n");
	text = hear(fd);
	ck_assert_uint_eq(strlen(text), LARGE + 1);
	ck_assert_uint_eq(strspn(text, "x"), LARGE);
	ck_assert_int_eq(text[LARGE], '\n');
	free(text);
	served_stop();
}
END_TEST

/* SIGPIPE has its default action in the child: dying of it would show here. */
START_TEST(peers_that_go_away_do_no_harm)
{
	start((struct daemon){.listen_fd = -1, .answer_size = LARGE}, status);
	for (int i = 0; i < 100; i++) {
		int fd = dial();

		served_say(fd, i % 2 == 0 ? "status\n" : "sta");
		close(fd);
	}
	ask("x\n", "{\"error\": \"unknown request \\\"x\\\"; known: status\"}\n");
	served_stop();
}
END_TEST

/* ---- the end ------------------------------------------------------------------------------- */

START_TEST(closing_ends_connections)
{
	int idle, half;

	start_small();
	idle = dial();
	half = dial();
	served_say(half, "stat");
	ask_small(); /* both are accepted by now */
	served_stop();
	hear_exactly(idle, "");
	hear_exactly(half, "");
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* ---- a socket of the service manager ------------------------------------------------------- */

START_TEST(a_passed_socket_is_served_and_left)
{
	int listening;

	start_small(); /* makes the directory */
	served_stop();
	listening = listening_socket(path);
	start((struct daemon){.listen_fd = listening}, status);
	ask_small();
	served_stop();
	ck_assert_int_eq(access(path, F_OK), 0);
	/* connections wait for the next daemon */
	start((struct daemon){.listen_fd = listening}, status);
	ask_small();
	served_stop();
	close(listening);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control");
	TCase *tcase = tcase_create("control");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, answers_and_closes);
	tcase_add_test(tcase, too_long_a_request_is_refused_in_words);
	tcase_add_test(tcase, no_memory_for_the_status);
	tcase_add_test(tcase, large_answers_arrive_whole);
	tcase_add_test(tcase, peers_that_go_away_do_no_harm);
	tcase_add_test(tcase, closing_ends_connections);
	tcase_add_test(tcase, a_passed_socket_is_served_and_left);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
