/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A look on standard output: as JSON, as text, or as a frame of a terminal.
 */
#ifndef VTAP_VTAPSTAT_SHOW_H
#define VTAP_VTAPSTAT_SHOW_H

#include "vtapstat/arguments.h"
#include "vtapstat/look.h"

/* Each returns 0 or a negative errno, after saying it: output that is lost must not look like
 * success. */
int show_text(const struct look *look, const char *sort);
int show_json(const struct look *look);      /* the bytes as they came */
int show_json_line(const struct look *look); /* the same without newlines in it */
int show_frame(const struct look *look, const struct arguments *arguments);

#endif
