/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/reassembly.h"

#include <stdio.h>
#include <string.h>

/* The number behind `key` at the start of a line; -1: no such line. */
static long read_number(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	char line[256];
	long number = -1;

	if (!file)
		return -1;
	while (number < 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) != 0 ||
		    sscanf(line + strlen(key), "%ld", &number) != 1)
			number = -1;
	fclose(file);
	return number;
}

bool reassembly_waits(void)
{
	/* a kernel without IPv6 has no second file, and no such fragments */
	return read_number("/proc/self/net/sockstat", "FRAG: inuse ") != 0 ||
	       read_number("/proc/self/net/sockstat6", "FRAG6: inuse ") > 0;
}
