/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The set of hooks.h over a sudden end of the daemon: a file beside the instance's lock.
 */
#ifndef VTAP_COMMON_HOOKS_FILE_H
#define VTAP_COMMON_HOOKS_FILE_H

#include "common/ifset.h"

struct hooks_file {
	char *text; /* what is in the file; NULL: nobody knows */
};

/* Adds what an earlier daemon of this instance wrote. 0 or -ENOMEM. */
int hooks_file_restore(struct hooks_file *file, struct ifset *made);
/* Writes it unless it is there already; what fails is logged, the marks in the filters say it too,
 * from a moment later on. */
void hooks_file_save(struct hooks_file *file, const struct ifset *made);
void hooks_file_remove(struct hooks_file *file);
void hooks_file_clear(struct hooks_file *file); /* the file stays */

#endif
