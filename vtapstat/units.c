/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers to short text, three significant digits at most beyond 9999. Pure: the locale is not
 * asked. Whole numbers all the way: there may be a quarter of a million of them, and a printf of a
 * fraction takes a microsecond.
 */
#include "vtapstat/units.h"

#include <string.h>

#include "common/digits.h"

static const char *const prefixes[] = {"", "k", "M", "G", "T", "P", "E", "Z", "Y"};

static const uint64_t powers_of_10[] = {
    1ULL,
    10ULL,
    100ULL,
    1000ULL,
    10000ULL,
    100000ULL,
    1000000ULL,
    10000000ULL,
    100000000ULL,
    1000000000ULL,
    10000000000ULL,
    100000000000ULL,
    1000000000000ULL,
    10000000000000ULL,
    100000000000000ULL,
    1000000000000000ULL,
    10000000000000000ULL,
    100000000000000000ULL,
    1000000000000000000ULL,
};

/* The number is `value` with its last digits behind the point. */
static char *put_fraction(char *to, uint64_t value, unsigned decimals)
{
	to = digits_put(to, value / powers_of_10[decimals]);
	if (decimals == 0)
		return to;
	*to++ = '.';
	return digits_put_padded(to, value, decimals);
}

/*
 * Three digits of a number from 1000 on; `prefix` goes up to that of the unit shown. The
 * precision is chosen before rounding so that none gets longer by it: 999,499 is 999k, 999,500 is
 * 1.00M and never 1000k.
 */
static char *put_scaled(char *to, uint64_t value, size_t *prefix)
{
	unsigned zeros = 3; /* of the unit that it is shown in */
	unsigned decimals = 2;
	uint64_t unit;

	while (zeros < 18 && value / powers_of_10[zeros - 1] >= 9995)
		zeros += 3;
	*prefix += zeros / 3;
	if (value / powers_of_10[zeros - 2] >= 9995)
		decimals = 0;
	else if (value / powers_of_10[zeros - 3] >= 9995)
		decimals = 1;
	unit = powers_of_10[zeros - decimals];
	return put_fraction(to, value / unit + (value % unit >= unit / 2), decimals);
}

static void put_unit(char *to, const char *gap, size_t prefix, const char *unit)
{
	stpcpy(stpcpy(stpcpy(to, gap), prefixes[prefix]), unit);
}

static const char *count_with(uint64_t count, const char *gap, const char *unit,
			      char text[UNITS_TEXT])
{
	size_t prefix = 0;
	char *end = count <= 9999 ? digits_put(text, count) : put_scaled(text, count, &prefix);

	put_unit(end, gap, prefix, unit);
	return text;
}

/* 0 to 1e26. */
static void put_rate(double value, const char *gap, const char *unit, char text[UNITS_TEXT])
{
	size_t prefix = 0;
	uint64_t whole;
	char *end;

	if (value < 999.5) {
		end = digits_put(text, (uint64_t)(value + 0.5));
	} else {
		if (value >= 1e18) { /* more than a uint64_t can be, soon */
			value /= 1e9;
			prefix = 3;
		}
		whole = (uint64_t)value;
		end = put_scaled(text, whole < 1000 ? 1000 : whole, &prefix);
	}
	put_unit(end, gap, prefix, unit);
}

const char *units_count(uint64_t count, char text[UNITS_TEXT])
{
	return count_with(count, "", "", text);
}

const char *units_digits(uint64_t count, char text[UNITS_TEXT])
{
	char digits[DIGITS_MAX];
	size_t size = (size_t)(digits_put(digits, count) - digits);
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
		*put_fraction(text, (uint64_t)(rate * 10 + 0.5), 1) = '\0';
	else
		put_rate(rate, "", "", text);
	return text;
}

const char *units_bits_per_s(double bits, char text[UNITS_TEXT])
{
	put_rate(sane(bits), " ", "bit/s", text);
	return text;
}

/* Two parts: 4m 5s. */
static void put_parts(char *to, uint64_t large, const char *unit, uint64_t small,
		      const char *small_unit)
{
	to = stpcpy(digits_put(to, large), unit);
	*to++ = ' ';
	stpcpy(digits_put(to, small), small_unit);
}

const char *units_duration(uint64_t seconds, char text[UNITS_TEXT])
{
	uint64_t minutes = seconds / 60;
	uint64_t hours = minutes / 60;
	uint64_t days = hours / 24;

	if (days > 0)
		put_parts(text, days, "d", hours % 24, "h");
	else if (hours > 0)
		put_parts(text, hours, "h", minutes % 60, "m");
	else if (minutes > 0)
		put_parts(text, minutes, "m", seconds % 60, "s");
	else
		stpcpy(digits_put(text, seconds), "s");
	return text;
}
