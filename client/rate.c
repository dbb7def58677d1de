/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tc's units: "bit" counts bits and "bps" bytes per second, k is 1000 and ki 1024; a number alone
 * counts bits. Percentages, which need an interface with a speed, are not rates here.
 */
#include "client/rate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The factor of a unit's first letters, which it moves past. */
static double take_prefix(const char **unit)
{
	static const char letters[] = "kmgt";
	const char *letter = **unit ? strchr(letters, **unit | 0x20) : NULL;
	double base = 1000, factor = 1;

	if (!letter)
		return 1;
	++*unit;
	if ((**unit | 0x20) == 'i') {
		base = 1024;
		++*unit;
	}
	for (const char *l = letters; l <= letter; l++)
		factor *= base;
	return factor;
}

bool rate_parse(const char *text, uint64_t *bytes_per_s)
{
	size_t digits = strspn(text, "0123456789.");
	const char *unit = text + digits;
	char *end;
	double rate;

	if (strcmp(text, "none") == 0) {
		*bytes_per_s = 0;
		return true;
	}
	rate = strtod(text, &end);
	/* Neither "inf" nor "0x10" nor "1e3", all of which strtod() takes. */
	if (digits == 0 || end != unit)
		return false;
	rate *= take_prefix(&unit);
	if (strcasecmp(unit, "bit") == 0 || end[0] == 0)
		rate /= 8;
	else if (strcasecmp(unit, "bps") != 0)
		return false;
	if (rate < 1 || rate > 0x1p53)
		return false;
	*bytes_per_s = (uint64_t)rate;
	return true;
}
