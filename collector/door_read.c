/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the door counted, read from its maps. Changes nothing but what a daemon leaves for the next
 * one.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/door.h"
#include "collector/door_private.h"
#include "collector/door_shared.h"

static void add(struct door_counter *to, const struct door_sum *sum)
{
	to->packets += sum->packets;
	to->bytes += sum->bytes;
}

int door_read_totals(const struct door *door, struct door_totals *out)
{
	struct door_sums *sums = calloc(door->cpus, sizeof(*sums));
	uint32_t zero = 0;
	int error;

	memset(out, 0, sizeof(*out));
	if (!sums)
		return -ENOMEM;
	error = bpf_map_lookup_elem(bpf_map__fd(door->kept[TOTALS]), &zero, sums);
	for (size_t cpu = 0; !error && cpu < door->cpus; cpu++) {
		add(&out->delivered, &sums[cpu].delivered);
		add(&out->accepted, &sums[cpu].accepted);
		add(&out->rejected, &sums[cpu].rejected);
		add(&out->overflow, &sums[cpu].overflow);
		add(&out->malformed, &sums[cpu].malformed);
	}
	free(sums);
	if (!error)
		add(&out->forgotten, &door->table.head->forgotten);
	return error;
}

int door_read_rejected(const struct door *door, struct door_rejected_set **out, size_t *cpus)
{
	uint32_t count = DOOR_REJECTED_SETS, token;
	struct door_rejected_set *sets = calloc(count, door->cpus * sizeof(*sets));
	uint32_t *keys = calloc(count, sizeof(*keys));
	int error = -ENOMEM;

	if (sets && keys)
		error = bpf_map_lookup_batch(bpf_map__fd(door->kept[REJECTED]), NULL, &token, keys,
					     sets, &count, NULL);
	if (error == -ENOENT) /* there are no more than these */
		error = 0;
	free(keys);
	if (error) {
		free(sets);
		return error;
	}
	*out = sets;
	*cpus = door->cpus;
	return 0;
}

int door_read_settled(const struct door *door, struct door_counter *out)
{
	struct door_settled settled = {0};
	uint32_t zero = 0;
	int error = bpf_map_lookup_elem(bpf_map__fd(door->kept[SETTLED]), &zero, &settled);

	*out = (struct door_counter){settled.undelivered.packets, settled.undelivered.bytes};
	return error;
}

int door_write_settled(const struct door *door, const struct door_counter *settled)
{
	const struct door_settled value = {.undelivered = {settled->packets, settled->bytes}};
	uint32_t zero = 0;

	return bpf_map_update_elem(bpf_map__fd(door->kept[SETTLED]), &zero, &value, BPF_ANY);
}
