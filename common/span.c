/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses spans of time. It must not read a clock.
 */
#include "common/span.h"

#include <stddef.h>
#include <string.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, WEEK = 7 * DAY, MONTH = 2629800, YEAR = 31557600 };

/* As systemd has them; "m" is a minute, "M" a month of 30.44 days, "y" a year of 365.25. */
static const struct {
	const char *name;
	uint32_t seconds;
} units[] = {
    {"", 1},          {"s", 1},          {"sec", 1},         {"second", 1},       {"seconds", 1},
    {"m", MINUTE},    {"min", MINUTE},   {"minute", MINUTE}, {"minutes", MINUTE}, {"h", HOUR},
    {"hr", HOUR},     {"hour", HOUR},    {"hours", HOUR},    {"d", DAY},          {"day", DAY},
    {"days", DAY},    {"w", WEEK},       {"week", WEEK},     {"weeks", WEEK},     {"M", MONTH},
    {"month", MONTH}, {"months", MONTH}, {"y", YEAR},        {"year", YEAR},      {"years", YEAR},
};

static uint32_t unit_seconds(const char *name, size_t size)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strlen(units[i].name) == size && strncmp(units[i].name, name, size) == 0)
			return units[i].seconds;
	return 0;
}

bool span_parse(const char *text, uint64_t *seconds)
{
	uint64_t sum = 0;

	text += strspn(text, " ");
	while (*text) {
		uint64_t number = 0;
		uint32_t unit;
		size_t size;

		if (*text < '0' || *text > '9')
			return false;
		for (; *text >= '0' && *text <= '9'; text++) {
			number = number * 10 + (uint64_t)(*text - '0');
			if (number > SPAN_SECONDS_MAX)
				return false;
		}
		text += strspn(text, " ");
		size = strcspn(text, " 0123456789");
		unit = unit_seconds(text, size);
		if (!unit)
			return false;
		sum += number * unit;
		if (sum > SPAN_SECONDS_MAX)
			return false;
		text += size;
		text += strspn(text, " ");
	}
	if (sum == 0)
		return false;
	*seconds = sum;
	return true;
}
