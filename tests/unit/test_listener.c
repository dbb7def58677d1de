/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening sockets at real paths, in a directory of the test's own. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/listener.h"

enum { BACKLOG = 8 };

static char directory[] = "/tmp/vtap-listener-XXXXXX";
static char parent[128];
static char path[128];

static void set_up(void)
{
	memcpy(strrchr(directory, '-') + 1, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(parent, sizeof(parent), "%s/run", directory);
	snprintf(path, sizeof(path), "%s/run/test.sock", directory);
}

static void tear_down(void)
{
	unlink(path);
	rmdir(parent);
	ck_assert_int_eq(rmdir(directory), 0);
}

static struct listener opens(void)
{
	struct listener listener;
	char why[256] = "";

	ck_assert_msg(listener_open(path, BACKLOG, &listener, why, sizeof(why)) == 0, "%s", why);
	return listener;
}

static void check_failure(int error, int want, const char *why, const char *word)
{
	ck_assert_msg(error == want, "%d instead of %d: %s", error, want, why);
	ck_assert_msg(strstr(why, word) != NULL, "\"%s\" without \"%s\"", why, word);
}

static void fails(const char *at, int want, const char *word)
{
	struct listener listener;
	char why[256] = "";

	check_failure(listener_open(at, BACKLOG, &listener, why, sizeof(why)), want, why, word);
}

static int dial(int flags)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | flags, 0);

	ck_assert_int_ge(fd, 0);
	memcpy(name.sun_path, path, strlen(path));
	if (connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What a killed daemon leaves. */
static void leave_stale_socket(void)
{
	struct listener listener = opens();

	close(listener.fd);
	free(listener.path);
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(dial(0), -1);
}

/* The umask of the daemon must not matter, in either direction, and must come back. */
START_TEST(permissions_and_directory)
{
	static const mode_t masks[] = {0077, 0, 0027};
	const struct group *group = getgrnam("vtap");

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		struct listener listener;
		struct stat st;

		umask(masks[i]);
		listener = opens();
		ck_assert_uint_eq(umask(masks[i]), masks[i]);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert(S_ISSOCK(st.st_mode));
		ck_assert_uint_eq(st.st_mode & 07777, 0660);
		if (group != NULL && geteuid() == 0)
			ck_assert_uint_eq(st.st_gid, group->gr_gid);
		else if (group == NULL)
			ck_assert_uint_eq(st.st_gid, getegid());
		ck_assert_int_eq(stat(parent, &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777, 0755);
		listener_close(&listener);
		ck_assert_int_ne(access(path, F_OK), 0);
		ck_assert_int_eq(rmdir(parent), 0);
	}
}
END_TEST

START_TEST(a_stale_socket_is_replaced)
{
	struct listener listener;
	int fd;

	leave_stale_socket();
	listener = opens();
	fd = dial(0);
	ck_assert_int_ge(fd, 0);
	close(fd);
	listener_close(&listener);
}
END_TEST

START_TEST(a_live_socket_is_left_alone)
{
	struct listener listener = opens();
	int fd;

	fails(path, -EADDRINUSE, "in use");
	fd = dial(0);
	ck_assert_int_ge(fd, 0);
	close(fd);
	listener_close(&listener);
}
END_TEST

START_TEST(a_live_socket_with_a_full_queue_is_left_alone)
{
	struct listener listener = opens();
	int fds[64];
	int count = 0;

	while (count < 64 && (fds[count] = dial(SOCK_NONBLOCK)) >= 0)
		count++;
	ck_assert_int_gt(count, BACKLOG - 1);
	ck_assert_int_lt(count, 64);
	fails(path, -EADDRINUSE, "in use");
	while (count > 0)
		close(fds[--count]);
	listener_close(&listener);
}
END_TEST

/* The winner stays until `hold` ends. 0: it won; 1: the path was in use. */
static int contend(int hold)
{
	struct listener listener;
	char why[256], c;
	int error = listener_open(path, BACKLOG, &listener, why, sizeof(why));

	if (error < 0)
		return error == -EADDRINUSE ? 1 : 2;
	error = read(hold, &c, 1) == 0 ? 0 : 2;
	listener_close(&listener);
	return error;
}

static int wait_for_one(void)
{
	int result;

	ck_assert_int_gt(wait(&result), 0);
	ck_assert_msg(WIFEXITED(result) && WEXITSTATUS(result) < 2, "%#x", result);
	return WEXITSTATUS(result);
}

START_TEST(of_four_that_start_at_once_one_wins)
{
	for (int round = 0; round < 100; round++) {
		int hold[2];

		leave_stale_socket(); /* to fight over */
		ck_assert_int_eq(pipe(hold), 0);
		fflush(NULL);
		for (int i = 0; i < 4; i++) {
			pid_t pid = fork();

			ck_assert_int_ge(pid, 0);
			if (pid == 0) {
				close(hold[1]);
				_exit(contend(hold[0]));
			}
		}
		close(hold[0]);
		/* two winners: the third of these would wait until the test's time is up */
		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(wait_for_one(), 1);
		close(hold[1]);
		ck_assert_int_eq(wait_for_one(), 0);
		ck_assert_int_ne(access(path, F_OK), 0);
	}
}
END_TEST

START_TEST(a_path_that_others_took_is_not_removed)
{
	struct listener ours = opens(), other;

	ck_assert_int_eq(unlink(path), 0);
	other = opens();
	listener_close(&ours);
	ck_assert_int_eq(access(path, F_OK), 0);
	listener_close(&other);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(paths_that_cannot_be)
{
	char text[512];
	int fd;

	fails("", -ENOENT, "No such file");
	snprintf(text, sizeof(text), "%s/%0200d", directory, 0);
	fails(text, -ENAMETOOLONG, "too long");
	snprintf(text, sizeof(text), "%s/a/b/c.sock", directory);
	fails(text, -ENOENT, "/a/b");
	snprintf(text, sizeof(text), "%s/file", directory);
	fd = open(text, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	fails(text, -EEXIST, "not a socket");
	ck_assert_int_eq(access(text, F_OK), 0);
	strcat(text, "/sock");
	fails(text, -ENOTDIR, "Not a directory");
	*strrchr(text, '/') = '\0';
	unlink(text);
}
END_TEST

START_TEST(a_passed_socket_keeps_its_path)
{
	struct listener made = opens(), adopted;
	char why[256] = "";

	ck_assert_int_eq(fcntl(made.fd, F_SETFL, 0), 0);
	ck_assert_msg(listener_adopt(made.fd, &adopted, why, sizeof(why)) == 0, "%s", why);
	ck_assert_int_eq(adopted.fd, made.fd);
	ck_assert_int_eq(fcntl(adopted.fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	ck_assert_int_eq(fcntl(adopted.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	listener_close(&adopted);
	ck_assert_int_eq(access(path, F_OK), 0);
	free(made.path);
}
END_TEST

START_TEST(other_passed_descriptors_are_refused)
{
	int fds[5] = {open("/dev/null", O_RDONLY | O_CLOEXEC), socket(AF_INET, SOCK_STREAM, 0),
		      socket(AF_UNIX, SOCK_DGRAM, 0)};
	struct listener listener;
	char why[256];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds + 3), 0);
	ck_assert_int_eq(listen(fds[1], 1), 0);
	for (size_t i = 0; i < 5; i++) {
		check_failure(listener_adopt(fds[i], &listener, why, sizeof(why)), -EINVAL, why,
			      "not a listening UNIX stream socket");
		ck_assert_int_eq(close(fds[i]), 0);
	}
	check_failure(listener_adopt(fds[0], &listener, why, sizeof(why)), -EINVAL, why, "not a");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listener");
	TCase *tcase = tcase_create("listener");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, permissions_and_directory);
	tcase_add_test(tcase, a_stale_socket_is_replaced);
	tcase_add_test(tcase, a_live_socket_is_left_alone);
	tcase_add_test(tcase, a_live_socket_with_a_full_queue_is_left_alone);
	tcase_add_test(tcase, of_four_that_start_at_once_one_wins);
	tcase_add_test(tcase, a_path_that_others_took_is_not_removed);
	tcase_add_test(tcase, paths_that_cannot_be);
	tcase_add_test(tcase, a_passed_socket_keeps_its_path);
	tcase_add_test(tcase, other_passed_descriptors_are_refused);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
