/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Problems found in a configuration file: all of them are collected, so that all can be reported at
 * once.
 */
#ifndef VTAP_COMMON_PROBLEMS_H
#define VTAP_COMMON_PROBLEMS_H

#include <stddef.h>

struct problems {
	char **text; /* each "FILE:LINE: text", or "FILE: text" where there is no line */
	size_t count;
};

/* line 0: the problem belongs to no line. Without memory the problem is still counted. */
void problems_add(struct problems *problems, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
const char *problems_text(const struct problems *problems, size_t i);
void problems_clear(struct problems *problems);

#endif
