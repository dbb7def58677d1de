/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Colours underline what words say already; they never say anything alone.
 */
#ifndef VTAP_VTAPSTAT_STYLE_H
#define VTAP_VTAPSTAT_STYLE_H

#include <stdbool.h>

enum style { STYLE_PLAIN, STYLE_TITLE, STYLE_GOOD, STYLE_WARN, STYLE_BAD };

/* What a terminal is to be sent before and after; "" for plain text and where colour is false. */
static inline const char *style_on(enum style style, bool colour)
{
	static const char *const sequences[] = {
	    [STYLE_PLAIN] = "",        [STYLE_TITLE] = "\033[1m",  [STYLE_GOOD] = "\033[32m",
	    [STYLE_WARN] = "\033[33m", [STYLE_BAD] = "\033[1;31m",
	};

	return colour ? sequences[style] : "";
}

static inline const char *style_off(enum style style, bool colour)
{
	return colour && style != STYLE_PLAIN ? "\033[0m" : "";
}

#endif
