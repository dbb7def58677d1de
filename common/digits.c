/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * It must not ask the locale, and knows nothing of signs and fractions.
 */
#include "common/digits.h"

static unsigned digits_count(uint64_t value)
{
	unsigned count = 1;

	while (value >= 10) {
		value /= 10;
		count++;
	}
	return count;
}

char *digits_put_padded(char *to, uint64_t value, unsigned width)
{
	for (unsigned i = width; i-- > 0; value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + width;
}

char *digits_put(char *to, uint64_t value)
{
	return digits_put_padded(to, value, digits_count(value));
}
