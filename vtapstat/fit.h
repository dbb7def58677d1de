/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which columns of a table give way where a terminal is too narrow, and how far.
 */
#ifndef VTAP_VTAPSTAT_FIT_H
#define VTAP_VTAPSTAT_FIT_H

#include <stddef.h>

enum { FIT_GAP = 2 }; /* blanks between columns */

struct fit_column {
	size_t floor;    /* may be cut down to this width; 0: cut only when nothing else helps */
	unsigned leaves; /* left out when cutting does not do, the lowest first; 0: never */
};

/* `widths` are those that the cells take, and become those that fit into `room`; 0: left out. */
void fit_columns(const struct fit_column *columns, size_t *widths, size_t count, size_t room);

#endif
