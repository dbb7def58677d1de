/* SPDX-License-Identifier: BSD-2-Clause */
#include "side.h"

#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TURNS_MAX = 1 << 20 };

bool sides_parse(struct side *sides, char **texts, size_t count)
{
	if (!count || count > SIDES_MAX) {
		fprintf(stderr, "1 to %d sides\n", SIDES_MAX);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		char *text = texts[i];
		sides[i] = (struct side){.name = strsep(&text, ":")};
		sides[i].host = strsep(&text, ":");
		sides[i].far = text;
		sides[i].turns = malloc(TURNS_MAX * sizeof(*sides[i].turns));
		if (!sides[i].far || !sides[i].turns) {
			fprintf(stderr, "%s: not NAME:HOST:FAR\n", sides[i].name);
			return false;
		}
	}
	return true;
}

bool side_enter(const char *ns)
{
	char path[128];

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good = fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
	if (!good)
		perror(path);
	if (fd >= 0)
		close(fd);
	return good;
}

static double clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void one_turn(struct side *side, side_turn turn, clockid_t clock)
{
	double start = clock_ns(clock);
	double units = turn(side);
	double took = clock_ns(clock) - start;

	side->units += units;
	if (side->count < TURNS_MAX)
		side->turns[side->count++] = units > 0 ? (float)(took / units) : INFINITY;
}

void sides_take_turns(struct side *sides, size_t count, double seconds, side_turn turn,
		      clockid_t clock)
{
	double end = clock_ns(CLOCK_MONOTONIC) + seconds * 1e9;

	for (size_t i = 0; i < count; i++)
		turn(&sides[i]); /* what is cold, such as caches and routes, is not what is measured
				  */
	do {
		size_t order[SIDES_MAX] = {0};
		for (size_t i = 0; i < count; i++) {
			size_t j = (size_t)rand() % (i + 1);
			order[i] = order[j];
			order[j] = i;
		}
		for (size_t i = 0; i < count; i++)
			one_turn(&sides[order[i]], turn, clock);
	} while (clock_ns(CLOCK_MONOTONIC) < end);
}

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static float percentile(float *values, size_t count, size_t percent)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[count * percent / 100];
}

/* The median of this side's turns by the first side's of the same round. */
static bool compare_rounds(const struct side *first, struct side *side)
{
	float *ratios = malloc(side->count * sizeof(*ratios));

	if (!ratios)
		return false;
	for (size_t i = 0; i < side->count; i++)
		ratios[i] = side->turns[i] / first->turns[i];
	side->ratio = percentile(ratios, side->count, 50);
	free(ratios);
	return true;
}

bool sides_print(struct side *sides, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!compare_rounds(&sides[0], &sides[i]))
			return false;
	for (size_t i = 0; i < count; i++) {
		struct side *s = &sides[i];
		double median = (double)percentile(s->turns, s->count, 50);
		if (!isfinite(median)) {
			fprintf(stderr, "%s: most turns did not work\n", s->name);
			return false;
		}
		printf("%s %.4f %.4f %.4f %.4f %.0f\n", s->name, (double)s->turns[0],
		       (double)percentile(s->turns, s->count, 25), median, (double)s->ratio,
		       s->units + s->cold_units);
	}
	return true;
}
