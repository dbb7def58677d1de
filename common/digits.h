/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole numbers as decimal digits, for texts that have them by the ten thousand: a printf for each
 * would take longer than all the rest. A value.
 */
#ifndef VTAP_COMMON_DIGITS_H
#define VTAP_COMMON_DIGITS_H

#include <stdint.h>

enum { DIGITS_MAX = 20 }; /* of a uint64_t */

/* Writes the digits, no NUL, and returns where they end. */
char *digits_put(char *to, uint64_t value);
/* The same with zeros in front up to `width` digits; of a larger number the last ones. */
char *digits_put_padded(char *to, uint64_t value, unsigned width);

#endif
