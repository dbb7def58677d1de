/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/file.h"

#define RUN_DIR "/run/vtap"

static char lock_path[128];
static int lock_fd = -1;

/* The file of this path, open and locked: a descriptor; one that its last owner removed meanwhile
 * is not it any more. */
static int lock_file(const char *path)
{
	struct stat held, named;

	for (;;) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return -errno;
		file_share(fd, path);
		int error = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
		bool same = fstat(fd, &held) == 0 && stat(path, &named) == 0 &&
			    held.st_ino == named.st_ino && held.st_dev == named.st_dev;
		if (!error && same)
			return fd;
		close(fd);
		if (error)
			return error;
	}
}

/* The kernel never gives a namespace's cookie to another one; the inode of /proc/self/ns/net it
 * does. */
static int namespace_cookie(uint64_t *cookie)
{
	socklen_t size = sizeof(*cookie);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error =
	    fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &size) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return error;
}

int instance_lock(const char *name, char *why, size_t why_size)
{
	uint64_t cookie = 0;
	int error = namespace_cookie(&cookie);
	if (error) {
		snprintf(why, why_size, "the network namespace has no cookie: %s",
			 strerror(-error));
		return error;
	}
	if (mkdir(RUN_DIR, 0755) < 0 && errno != EEXIST) {
		snprintf(why, why_size, RUN_DIR ": %s", strerror(errno));
		return -errno;
	}
	snprintf(lock_path, sizeof(lock_path), RUN_DIR "/%s-%llu.lock", name,
		 (unsigned long long)cookie);
	lock_fd = lock_file(lock_path);
	if (lock_fd >= 0)
		return 0;
	if (lock_fd == -EAGAIN)
		snprintf(why, why_size, "another %s is running in this network namespace", name);
	else
		snprintf(why, why_size, "%s: %s", lock_path, strerror(-lock_fd));
	lock_path[0] = '\0';
	return lock_fd;
}

void instance_file(const char *suffix, char *path, size_t size)
{
	size_t stem = lock_path[0] ? strlen(lock_path) - strlen(".lock") : 0;

	if (stem)
		snprintf(path, size, "%.*s.%s", (int)stem, lock_path, suffix);
	else if (size)
		path[0] = '\0';
}

void instance_unlock(void)
{
	if (!lock_path[0])
		return;
	unlink(lock_path);
	close(lock_fd);
	lock_path[0] = '\0';
}

int instance_privileges(bool bpf, char *why, size_t why_size)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (syscall(SYS_capget, &header, data) < 0) {
		snprintf(why, why_size, "capget: %s", strerror(errno));
		return -errno;
	}
	static const struct {
		int capability;
		const char *name;
		bool for_bpf;
	} needed[] = {{CAP_NET_ADMIN, "CAP_NET_ADMIN", false},
		      {CAP_BPF, "CAP_BPF", true},
		      {CAP_PERFMON, "CAP_PERFMON", true}};
	uint64_t have = data[0].effective | (uint64_t)data[1].effective << 32;
	char missing[64] = "";

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		/* what eBPF needs was part of CAP_SYS_ADMIN, and still is */
		bool enough = have & 1ULL << needed[i].capability ||
			      (needed[i].for_bpf && (!bpf || have & 1ULL << CAP_SYS_ADMIN));
		if (!enough)
			snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing),
				 "%s%s", missing[0] ? ", " : "", needed[i].name);
	}
	if (!missing[0])
		return 0;
	snprintf(why, why_size, "not permitted: this needs root, or these capabilities: %s",
		 missing);
	return -EPERM;
}
