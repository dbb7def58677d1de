/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small files as a whole: read, and replace at once.
 */
#ifndef VTAP_COMMON_FILE_H
#define VTAP_COMMON_FILE_H

/* Run by root, gives an open file to the owner of its directory, so that the daemon which the
 * service manager starts without root's rights goes on from where one that root started stopped. */
void file_share(int fd, const char *path);
/* Its text, malloc'd; NULL with errno set. Files over 64 MiB are refused. */
char *file_read(const char *path);
/* Writes a new file beside it and renames it, mode 0600, shared as above: a reader sees the old or
 * the new one. 0 or a negative errno. */
int file_replace(const char *path, const char *text);

#endif
