/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/rejected.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/door_key.h"

/* ---- one source, from all processors --------------------------------------------------------- */

static bool same(const struct door_rejected_source *a, const struct door_rejected_source *b)
{
	return a->address[0] == b->address[0] && a->address[1] == b->address[1];
}

static uint64_t packets_of(const struct door_rejected_source *way)
{
	return way->score - way->inherited;
}

/* Adds each source of one set and processor to those of the processors before. */
static size_t merge(struct door_rejected_source *into, size_t count,
		    const struct door_rejected_set *set)
{
	for (size_t w = 0; w < DOOR_REJECTED_WAYS; w++) {
		const struct door_rejected_source *way = &set->ways[w];
		size_t i = 0;

		/* a copy made while its source changed places may be anything */
		if (!way->score || way->inherited >= way->score)
			continue;
		while (i < count && !same(&into[i], way))
			i++;
		if (i == count)
			into[count++] = (struct door_rejected_source){
			    .address = {way->address[0], way->address[1]}};
		into[i].score += packets_of(way);
		into[i].bytes += way->bytes;
		if (way->last_mono_ns > into[i].last_mono_ns)
			into[i].last_mono_ns = way->last_mono_ns;
	}
	return count;
}

/* ---- the busiest ----------------------------------------------------------------------------- */

static bool busier(const struct rejected_source *a, const struct rejected_source *b)
{
	if (a->count.packets != b->count.packets)
		return a->count.packets > b->count.packets;
	return ip_addr_compare(&a->address, &b->address) < 0;
}

static void offer(struct rejected *to, const struct door_rejected_source *merged)
{
	struct rejected_source source = {.address = door_words_address(merged->address),
					 .count = {merged->score, merged->bytes},
					 .last_mono_ns = merged->last_mono_ns};
	size_t at;

	if (to->count == REJECTED_TOP && !busier(&source, &to->top[REJECTED_TOP - 1]))
		return;
	if (to->count < REJECTED_TOP)
		to->count++;
	for (at = to->count - 1; at > 0 && busier(&source, &to->top[at - 1]); at--)
		to->top[at] = to->top[at - 1];
	to->top[at] = source;
}

/* The door's stamp is CLOCK_MONOTONIC: what was converted before a suspend stays as it is. */
static void stamp(struct rejected_source *source, const struct rejected *before,
		  const struct clients_clock *clock)
{
	source->last_boot_ns = clients_clock_boot(clock, source->last_mono_ns);
	for (size_t i = 0; i < before->count; i++)
		if (before->top[i].last_mono_ns == source->last_mono_ns &&
		    ip_addr_equal(&before->top[i].address, &source->address))
			source->last_boot_ns = before->top[i].last_boot_ns;
}

int rejected_update(struct rejected *rejected, const struct clients_clock *clock,
		    const struct door_rejected_set *sets, size_t cpus)
{
	struct door_rejected_source *merged = calloc(cpus * DOOR_REJECTED_WAYS, sizeof(*merged));
	struct rejected now = {.count = 0};

	if (!merged)
		return -ENOMEM;
	for (size_t s = 0; s < DOOR_REJECTED_SETS; s++) {
		size_t count = 0;

		memset(merged, 0, cpus * DOOR_REJECTED_WAYS * sizeof(*merged));
		for (size_t cpu = 0; cpu < cpus; cpu++)
			count = merge(merged, count, &sets[s * cpus + cpu]);
		for (size_t i = 0; i < count; i++)
			offer(&now, &merged[i]);
	}
	free(merged);
	for (size_t i = 0; i < now.count; i++)
		stamp(&now.top[i], rejected, clock);
	*rejected = now;
	return 0;
}
