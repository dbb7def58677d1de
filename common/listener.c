/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making and removing the socket at a path. Called at start and end only: it may wait, shortly, and
 * it changes the process's umask for moments, so no other thread may be making files.
 */

#include "common/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_TRIES = 20 }; /* of 10 ms */

static const char group_name[] = "vtap";
static const char group_file[] = "/etc/group";

struct words {
	char *text;
	size_t size;
};

/* "WHAT PATH: error" into why; returns the error to pass upward. */
static int explain(const struct words *why, int error, const char *what, const char *path)
{
	snprintf(why->text, why->size, "%s %s: %s", what, path, strerror(error));
	return -error;
}

/* Opens the directory of `path`, made if only its last component is missing. */
static int open_directory(const char *path, const struct words *why)
{
	const char *slash = strrchr(path, '/');
	char directory[sizeof(((struct sockaddr_un *)NULL)->sun_path)] = ".";
	int error = 0;
	mode_t mask;
	int fd;

	if (slash != NULL) {
		size_t size = slash == path ? 1 : (size_t)(slash - path);

		memcpy(directory, path, size);
		directory[size] = '\0';
	}
	mask = umask(0022);
	if (mkdir(directory, 0755) < 0 && errno != EEXIST)
		error = errno;
	umask(mask);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	/* EROFS and EACCES of mkdir say more than the ENOENT that follows from them */
	if (error != 0)
		return explain(why, error, "cannot make directory", directory);
	return explain(why, errno, "cannot open directory", directory);
}

/*
 * Two daemons that start at once must not both take the same stale socket for their own. Others can
 * open the directory and hold this lock too, so it is not waited for without end; going on without
 * it is what happens to be right almost always.
 */
static void lock_directory(int fd)
{
	static const struct timespec pause = {.tv_nsec = 10000000};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			return;
		nanosleep(&pause, NULL);
	}
}

/* Removes a socket that nobody listens on. 0 when there is nothing at the path afterwards. */
static int remove_stale(const struct sockaddr_un *name, const struct words *why)
{
	struct stat st;
	int error = 0;
	int fd;

	if (lstat(name->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : explain(why, errno, "cannot look at", name->sun_path);
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(why->text, why->size, "%s exists and is not a socket", name->sun_path);
		return -EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return explain(why, errno, "cannot make a socket for", name->sun_path);
	if (connect(fd, (const struct sockaddr *)name, sizeof(*name)) < 0)
		error = errno;
	close(fd);
	if (error == ECONNREFUSED) {
		if (unlink(name->sun_path) < 0 && errno != ENOENT)
			return explain(why, errno, "cannot replace", name->sun_path);
		return 0;
	}
	if (error == ENOENT)
		return 0;
	if (error != 0 && error != EAGAIN && error != EPROTOTYPE)
		return explain(why, error, "cannot tell who uses", name->sun_path);
	snprintf(why->text, why->size, "%s is in use by another daemon", name->sun_path);
	return -EADDRINUSE;
}

/*
 * The group's number by /etc/group alone: getgrnam() would load every name service of the host into
 * the daemon for good, half a megabyte of it, and may wait for a directory server. A group that
 * only such a service knows is not found here; under systemd the socket unit names the group, and
 * this is not used. (gid_t)-1: there is none.
 */
static gid_t find_group(const char *name)
{
	FILE *file = fopen(group_file, "re");
	const struct group *group = NULL;
	gid_t found = (gid_t)-1;

	if (file == NULL)
		return found;
	do
		group = fgetgrent(file);
	while (group != NULL && strcmp(group->gr_name, name) != 0);
	if (group != NULL)
		found = group->gr_gid;
	fclose(file);
	return found;
}

/* Where the group is missing, or we may not give to it, the socket stays with our own group. */
static void give_to_group(const char *path)
{
	gid_t group = find_group(group_name);

	if (group != (gid_t)-1 && lchown(path, (uid_t)-1, group) < 0)
		return;
}

/* At no moment may others than the owner connect before the group is right. */
static int bind_path(const struct sockaddr_un *name, int backlog, struct listener *listener,
		     const struct words *why)
{
	struct stat st;
	mode_t mask;
	int error;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return explain(why, errno, "cannot make a socket for", name->sun_path);
	mask = umask(0177);
	error = bind(fd, (const struct sockaddr *)name, sizeof(*name)) < 0 ? errno : 0;
	umask(mask);
	if (error != 0) {
		close(fd);
		return explain(why, error, "cannot bind", name->sun_path);
	}
	give_to_group(name->sun_path);
	if (chmod(name->sun_path, 0660) < 0 || lstat(name->sun_path, &st) < 0 ||
	    listen(fd, backlog) < 0) {
		error = errno;
		unlink(name->sun_path);
		close(fd);
		return explain(why, error, "cannot listen on", name->sun_path);
	}
	listener->fd = fd;
	listener->device = st.st_dev;
	listener->inode = st.st_ino;
	return 0;
}

int listener_open(const char *path, int backlog, struct listener *out, char *why, size_t why_size)
{
	const struct words words = {.text = why, .size = why_size};
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int directory, error;

	if (path[0] == '\0' || strlen(path) >= sizeof(name.sun_path))
		return explain(&words, path[0] == '\0' ? ENOENT : ENAMETOOLONG, "socket", path);
	memcpy(name.sun_path, path, strlen(path));
	directory = open_directory(path, &words);
	if (directory < 0)
		return directory;
	out->path = strdup(path);
	if (out->path == NULL) {
		close(directory);
		return explain(&words, ENOMEM, "socket", path);
	}
	lock_directory(directory);
	error = remove_stale(&name, &words);
	if (error == 0)
		error = bind_path(&name, backlog, out, &words);
	close(directory); /* and its lock */
	if (error < 0)
		free(out->path);
	return error;
}

/* What the service manager passes is configuration, and may be anything. */
int listener_adopt(int fd, struct listener *out, char *why, size_t why_size)
{
	const struct words words = {.text = why, .size = why_size};
	int domain = 0, type = 0, listening = 0;
	socklen_t size = sizeof(int);
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || domain != AF_UNIX ||
	    type != SOCK_STREAM || !listening) {
		snprintf(why, why_size,
			 "the passed descriptor %d is not a listening UNIX stream socket", fd);
		return -EINVAL;
	}
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return explain(&words, errno, "cannot use", "the passed descriptor");
	*out = (struct listener){.fd = fd};
	return 0;
}

void listener_close(struct listener *listener)
{
	struct stat st;

	/* somebody may have put another socket at the path since */
	if (listener->path != NULL && lstat(listener->path, &st) == 0 &&
	    st.st_dev == listener->device && st.st_ino == listener->inode)
		unlink(listener->path);
	close(listener->fd);
	free(listener->path);
}
