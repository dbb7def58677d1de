/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers to short text, three significant digits at most beyond 9999. Pure: the locale is not
 * asked.
 */
#include "vtapstat/units.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

static const char *const prefixes[] = {"", "k", "M", "G", "T", "P", "E", "Z", "Y"};
enum { PREFIXES = sizeof(prefixes) / sizeof(prefixes[0]) };

/* Three digits: the precision is chosen after rounding, so that 999.6 k is 1.00 M and never 1000 k.
 */
static void scale(double value, const char *gap, const char *unit, char text[UNITS_TEXT])
{
	size_t prefix = 0;
	int decimals;

	while (value >= 999.5 && prefix < PREFIXES - 1) {
		value /= 1000;
		prefix++;
	}
	if (value >= 99.95 || prefix == 0)
		decimals = 0;
	else if (value >= 9.995)
		decimals = 1;
	else
		decimals = 2;
	snprintf(text, UNITS_TEXT, "%.*f%s%s%s", decimals, value, gap, prefixes[prefix], unit);
}

static const char *count_with(uint64_t count, const char *gap, const char *unit,
			      char text[UNITS_TEXT])
{
	if (count <= 9999)
		snprintf(text, UNITS_TEXT, "%" PRIu64 "%s%s", count, gap, unit);
	else
		scale((double)count, gap, unit, text);
	return text;
}

const char *units_count(uint64_t count, char text[UNITS_TEXT])
{
	return count_with(count, "", "", text);
}

const char *units_digits(uint64_t count, char text[UNITS_TEXT])
{
	char digits[UNITS_TEXT];
	size_t size = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count);
	size_t at = 0;

	for (size_t i = 0; i < size; i++) {
		if (i > 0 && (size - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = '\0';
	return text;
}

const char *units_bytes(uint64_t bytes, char text[UNITS_TEXT])
{
	return count_with(bytes, " ", "B", text);
}

/* What no daemon of ours sends, but another might. */
static double sane(double value)
{
	if (!(value > 0))
		return 0;
	return value < 1e26 ? value : 1e26;
}

const char *units_per_s(double rate, char text[UNITS_TEXT])
{
	rate = sane(rate);
	if (rate > 0 && rate < 9.95)
		snprintf(text, UNITS_TEXT, "%.1f", rate);
	else
		scale(rate, "", "", text);
	return text;
}

const char *units_bits_per_s(double bits, char text[UNITS_TEXT])
{
	scale(sane(bits), " ", "bit/s", text);
	return text;
}

const char *units_duration(uint64_t seconds, char text[UNITS_TEXT])
{
	uint64_t minutes = seconds / 60;
	uint64_t hours = minutes / 60;
	uint64_t days = hours / 24;

	if (days > 0)
		snprintf(text, UNITS_TEXT, "%" PRIu64 "d %uh", days, (unsigned int)(hours % 24));
	else if (hours > 0)
		snprintf(text, UNITS_TEXT, "%uh %um", (unsigned int)hours,
			 (unsigned int)(minutes % 60));
	else if (minutes > 0)
		snprintf(text, UNITS_TEXT, "%um %us", (unsigned int)minutes,
			 (unsigned int)(seconds % 60));
	else
		snprintf(text, UNITS_TEXT, "%us", (unsigned int)seconds);
	return text;
}
