/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE_LIMIT = 64 * 1024 * 1024 };

char *file_read(const char *path)
{
	struct stat status;
	char *text = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0) {
		if (status.st_size <= SIZE_LIMIT)
			text = malloc((size_t)status.st_size + 1);
		else
			errno = EFBIG;
	}
	ssize_t size = text ? read(fd, text, (size_t)status.st_size) : -1;
	if (size < 0) {
		free(text);
		text = NULL;
	} else {
		text[size] = '\0';
	}
	close(fd);
	return text;
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t written = write(fd, text, left);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		text += written;
		left -= (size_t)written;
	}
	return 0;
}

void file_share(int fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[4096];
	struct stat status;

	if (geteuid() || !slash || (size_t)(slash - path) >= sizeof(directory))
		return;
	/* a second name may be that of somebody else's file */
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1)
		return;
	memcpy(directory, path, (size_t)(slash - path));
	directory[slash - path] = '\0';
	/* root may be without this capability, and then the file is root's */
	if (stat(directory, &status) == 0 && status.st_uid)
		(void)!fchown(fd, status.st_uid, status.st_gid);
}

int file_replace(const char *path, const char *text)
{
	char beside[4096];

	if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
		return -ENAMETOOLONG;
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	file_share(fd, path);
	int error = write_all(fd, text);
	if (close(fd) < 0 && !error)
		error = -errno;
	if (!error && rename(beside, path) < 0)
		error = -errno;
	if (error)
		unlink(beside);
	return error;
}
