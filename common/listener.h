/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A listening UNIX stream socket at a path: made with the right permissions from the first moment,
 * never taken from a daemon that still answers. Knows nothing of what is said on it.
 */
#ifndef VTAP_COMMON_LISTENER_H
#define VTAP_COMMON_LISTENER_H

#include <stddef.h>
#include <sys/types.h>

struct listener {
	int fd;
	char *path; /* NULL: the service manager's */
	dev_t device;
	ino_t inode;
};

/*
 * Mode 0660, group "vtap" where that exists; makes the last directory of the path if it is missing.
 * A stale socket is replaced, one in use is -EADDRINUSE. On error a negative errno, and words in
 * why. May wait some tenths of a second.
 */
int listener_open(const char *path, int backlog, struct listener *out, char *why, size_t why_size);
/* Takes over a descriptor from the service manager. On error it stays the caller's. */
int listener_adopt(int fd, struct listener *out, char *why, size_t why_size);
void listener_close(
    struct listener *listener); /* and removes the path, if it is ours and still this socket */

#endif
