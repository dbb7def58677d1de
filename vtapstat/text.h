/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text from elsewhere on a terminal: what could move its cursor or hide is shown as "?". Widths are
 * those of characters in the locale's encoding.
 */
#ifndef VTAP_VTAPSTAT_TEXT_H
#define VTAP_VTAPSTAT_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* Writes the harmless form of `text` and a NUL, never more than strlen(text) + 1 bytes. Returns the
 * terminal's columns that it takes. */
size_t text_clean(const char *text, char *out);
void text_print(const char *text, FILE *out); /* its harmless form: one line */
/* Columns that a harmless text of `size` bytes takes; colour sequences (style.h) take none. */
size_t text_width(const char *text, size_t size);
/* How many bytes of a harmless text fit into `columns`; how many of these they take in *used. */
size_t text_fit(const char *text, size_t columns, size_t *used);
const char *text_ellipsis(void); /* one column wide */

#endif
