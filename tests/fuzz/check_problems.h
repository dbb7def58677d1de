/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What holds for the problems of either configuration.
 */
#ifndef VTAP_TESTS_FUZZ_CHECK_PROBLEMS_H
#define VTAP_TESTS_FUZZ_CHECK_PROBLEMS_H

#include "common/problems.h"

/* There are some, each a line that begins with the path, in the order of the file's lines. */
void fuzz_check_problems(const struct problems *problems, const char *path);

#endif
