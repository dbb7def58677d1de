/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ten thousand clients have twenty thousand times, and gmtime() and strptime(), which care for time
 * zones and locales, would be a good part of an answer. The calendar repeats every 400 years, and a
 * year that begins in March has its leap day at its end.
 */
#include "common/utc.h"

#include <stdint.h>

#include "common/digits.h"

enum { DAY_S = 86400, YEAR_MAX = 9999 };
enum { ERA_YEARS = 400, ERA_DAYS = 146097 };
enum { DAYS_TO_1970 = 719468 }; /* since the first of March of the year 0 */

static const char form[] = "0000-00-00T00:00:00Z";

static int days_before(int year)
{
	return 365 * year + year / 4 - year / 100 + year / 400;
}

/* Before that month, counted from 0 for March. */
static int month_days(int month)
{
	return (153 * month + 2) / 5;
}

static int64_t days_of(int year, int month, int day)
{
	int shifted = month > 2 ? year : year - 1;
	int era = (shifted >= 0 ? shifted : shifted - (ERA_YEARS - 1)) / ERA_YEARS;

	return (int64_t)era * ERA_DAYS + days_before(shifted - era * ERA_YEARS) +
	       month_days((month + 9) % 12) + day - 1 - DAYS_TO_1970;
}

/* Of a day since 1970 within the years of four digits. */
static void date_of(int64_t days, int *year, int *month, int *day)
{
	int64_t since = days + DAYS_TO_1970;
	int64_t era = (since >= 0 ? since : since - (ERA_DAYS - 1)) / ERA_DAYS;
	int rest = (int)(since - era * ERA_DAYS);
	int in_era = (rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
	int shifted;

	rest -= days_before(in_era);
	shifted = (5 * rest + 2) / 153;
	*day = rest - month_days(shifted) + 1;
	*month = shifted < 10 ? shifted + 3 : shifted - 9;
	*year = (int)era * ERA_YEARS + in_era + (*month <= 2);
}

static void put(char *to, int value, unsigned width)
{
	digits_put_padded(to, (uint64_t)value, width);
}

const char *utc_format(time_t when, char text[UTC_TEXT])
{
	int64_t days = when / DAY_S;
	int seconds = (int)(when % DAY_S);
	int year, month, day;

	for (unsigned i = 0; i < UTC_TEXT; i++)
		text[i] = form[i];
	if (seconds < 0) {
		seconds += DAY_S;
		days--;
	}
	if (days < days_of(0, 1, 1) || days > days_of(YEAR_MAX, 12, 31))
		return text;
	date_of(days, &year, &month, &day);
	put(text, year, 4);
	put(text + 5, month, 2);
	put(text + 8, day, 2);
	put(text + 11, seconds / 3600, 2);
	put(text + 14, seconds / 60 % 60, 2);
	put(text + 17, seconds % 60, 2);
	return text;
}

/* Digits where the form has them, and all else as it is there. */
static bool has_form(const char *text)
{
	for (unsigned i = 0; i < UTC_TEXT; i++) {
		bool fits = form[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i];

		if (!fits)
			return false;
	}
	return true;
}

static int take(const char *text, unsigned width)
{
	int value = 0;

	for (unsigned i = 0; i < width; i++)
		value = 10 * value + (text[i] - '0');
	return value;
}

static int month_length(int year, int month)
{
	int64_t next = month < 12 ? days_of(year, month + 1, 1) : days_of(year + 1, 1, 1);

	return (int)(next - days_of(year, month, 1));
}

bool utc_parse(const char *text, time_t *when)
{
	int year, month, day, hour, minute, second;

	if (!has_form(text))
		return false;
	year = take(text, 4);
	month = take(text + 5, 2);
	day = take(text + 8, 2);
	hour = take(text + 11, 2);
	minute = take(text + 14, 2);
	second = take(text + 17, 2);
	/* 60: a leap second, which becomes the next one */
	if (month < 1 || month > 12 || day < 1 || day > month_length(year, month) || hour > 23 ||
	    minute > 59 || second > 60)
		return false;
	*when = (time_t)(days_of(year, month, day) * DAY_S + hour * 3600L + minute * 60L + second);
	return true;
}
