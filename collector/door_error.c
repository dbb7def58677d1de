/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libbpf says while it loads, in one line. It prints through one function per process, hence
 * begin and end.
 */
#include "collector/door_error.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NAMES_SIZE = 64 };

static struct door_error *listening;

static void append(const char *text, size_t length)
{
	size_t used = strlen(listening->why);

	if (length && used + 1 < listening->size)
		snprintf(listening->why + used, listening->size - used, "%s%.*s", used ? "; " : "",
			 (int)length, text);
}

/* The verifier's log ends with what is wrong, then a line of statistics. */
static void append_verdict(char *text)
{
	char *end = strstr(text, "\nprocessed ");
	char *line;

	if (!end)
		end = strstr(text, "\n-- END PROG LOAD LOG");
	if (!end)
		return;
	*end = 0;
	line = strrchr(text, '\n');
	if (line)
		append(line + 1, strlen(line + 1));
}

__attribute__((format(printf, 2, 0))) static int hear(enum libbpf_print_level level,
						      const char *format, va_list args)
{
	char *text = NULL, *start;

	if (level != LIBBPF_WARN || vasprintf(&text, format, args) < 0)
		return 0;
	start = text;
	if (strncmp(start, "libbpf: ", 8) == 0)
		start += 8;
	/* The last two only repeat that it failed. */
	if (strstr(start, "BEGIN PROG LOAD LOG"))
		append_verdict(start);
	else if (strncmp(start, "failed to load object", 21) != 0 &&
		 strncmp(start, "failed to load BPF", 18) != 0)
		append(start, strcspn(start, "\n"));
	free(text);
	return 0;
}

static bool have(int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

/* What loading takes and this process lacks; CAP_SYS_ADMIN implies all of it. */
static size_t missing(char *names, size_t size)
{
	static const struct {
		int capability;
		const char *name;
	} needed[] = {
	    {CAP_BPF, "CAP_BPF"}, {CAP_NET_ADMIN, "CAP_NET_ADMIN"}, {CAP_PERFMON, "CAP_PERFMON"}};
	size_t used = 0;

	if (have(CAP_SYS_ADMIN))
		return 0;
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!have(needed[i].capability))
			used += (size_t)snprintf(names + used, size - used, "%s%s",
						 used ? ", " : "", needed[i].name);
	return used;
}

bool door_error_permitted(void)
{
	char names[NAMES_SIZE];

	return missing(names, sizeof(names)) == 0;
}

static bool say_missing(struct door_error *words)
{
	char names[NAMES_SIZE];
	size_t used = missing(names, sizeof(names));

	if (used)
		snprintf(words->why, words->size,
			 "not permitted to load the eBPF program, missing: %s", names);
	return used != 0;
}

void door_error_begin(struct door_error *words, char *why, size_t size)
{
	words->why = why;
	words->size = size;
	if (size)
		why[0] = 0;
	listening = words;
	words->print_before = libbpf_set_print(hear);
}

void door_error_end(struct door_error *words, int error)
{
	libbpf_set_print(words->print_before);
	listening = NULL;
	if (words->size == 0)
		return;
	if (!error)
		words->why[0] = 0;
	else if ((error == -EPERM || error == -EACCES) && say_missing(words))
		return;
	else if (error == -EPERM)
		snprintf(
		    words->why, words->size,
		    "not permitted to load the eBPF program although the capabilities are there: "
		    "is this a user namespace, or locked down?");
	else if (error == -E2BIG && !words->why[0])
		snprintf(words->why, words->size, "too many prefixes in the allow-list");
	else if (!words->why[0])
		snprintf(words->why, words->size, "%s", strerror(-error));
}
