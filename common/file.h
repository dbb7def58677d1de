/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small files as a whole: read, and replace at once.
 */
#ifndef VTAP_COMMON_FILE_H
#define VTAP_COMMON_FILE_H

/* Its text, malloc'd; NULL with errno set. Files over 64 MiB are refused. */
char *file_read(const char *path);
/* Writes a new file beside it and renames it, mode 0600: a reader sees the old or the new one. 0 or
 * a negative errno. */
int file_replace(const char *path, const char *text);

#endif
