/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A text as one frame of a terminal. A value: it writes nothing itself and asks no terminal.
 */
#ifndef VTAP_VTAPSTAT_SCREEN_H
#define VTAP_VTAPSTAT_SCREEN_H

#include <stddef.h>

/* Rows that the harmless lines of `text` take; lines longer than `columns` wrap. */
size_t screen_rows(const char *text, size_t columns);

/*
 * What to send to a terminal of this size so that it shows the harmless lines of `text` and nothing
 * of an earlier frame; what does not fit below becomes a count of lines. malloc'd; NULL: no memory.
 */
char *screen_frame(const char *text, size_t rows, size_t columns);

#endif
