/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log lines to stderr: one write(2) for each, so that lines of several processes do not mix. Must
 * not allocate, and must not let text from outside (device names, kernel and library messages)
 * reach a terminal as control sequences.
 */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 }; /* newline included; longer lines end in "..." */

static const char *log_program = "vtap";
static bool log_verbose;
static bool log_journal;

/* The service manager names the journal's stream as "DEVICE:INODE"; a child whose stderr was
 * redirected inherits the variable but not the stream. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;
	int end = -1;

	if (stream == NULL || sscanf(stream, "%ju:%ju%n", &device, &inode, &end) != 2 || end < 0 ||
	    stream[end] != '\0')
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_open(const char *program, bool verbose)
{
	log_program = program;
	log_verbose = verbose;
	log_journal = stderr_is_journal();
}

static size_t write_prefix(char *line, size_t size, int priority)
{
	int length;

	if (log_journal)
		length = snprintf(line, size, "<%d>", priority);
	else if (priority <= LOG_ERR)
		length = snprintf(line, size, "%s: error: ", log_program);
	else if (priority == LOG_WARNING)
		length = snprintf(line, size, "%s: warning: ", log_program);
	else
		length = snprintf(line, size, "%s: ", log_program);
	if (length < 0)
		return 0;
	return (size_t)length < size ? (size_t)length : size - 1;
}

/* C0, DEL, and C1 (as UTF-8 writes it: c2 80 to c2 9f) become harmless; the length stays. */
static void neutralise(char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\n' || c == '\t') {
			text[i] = ' ';
		} else if (c < 0x20 || c == 0x7f) {
			text[i] = '?';
		} else if (c >= 0x80 && c < 0xa0 && i > 0 && (unsigned char)text[i - 1] == 0xc2) {
			text[i - 1] = '?';
			text[i] = '?';
		}
	}
}

/* Makes room for "..." and the newline without leaving half a UTF-8 sequence. */
static size_t cut(char *line)
{
	static const char dots[3] = {'.', '.', '.'}; /* no NUL: a newline comes next */
	size_t size = LINE_MAX_BYTES - 4;

	while (size > 0 && ((unsigned char)line[size] & 0xc0) == 0x80)
		size--;
	memcpy(line + size, dots, sizeof(dots));
	return size + sizeof(dots);
}

void log_line(int priority, const char *format, ...)
{
	char line[LINE_MAX_BYTES + 1];
	int saved_errno = errno;
	size_t prefix, size;
	va_list args;
	int length;

	if (priority >= LOG_DEBUG && !log_verbose)
		return;
	prefix = write_prefix(line, sizeof(line) / 2, priority);
	errno = saved_errno; /* for %m */
	va_start(args, format);
	length = vsnprintf(line + prefix, sizeof(line) - prefix, format, args);
	va_end(args);
	size = prefix + (length > 0 ? (size_t)length : 0);
	if (size >= LINE_MAX_BYTES)
		size = cut(line);
	while (size > prefix && line[size - 1] == '\n')
		size--;
	neutralise(line + prefix, size - prefix);
	line[size++] = '\n';
	while (write(STDERR_FILENO, line, size) < 0 && errno == EINTR)
		;
	errno = saved_errno;
}
