/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/counts.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "collector/reassembly.h"

#define SECOND_NS UINT64_C(1000000000)
enum { FORGET_AT_ONCE = 1024 }; /* clients; more follow with the next sample */

void counts_init(struct counts *counts, uint64_t seed)
{
	clients_init(&counts->clients, seed);
}

void counts_free(struct counts *counts)
{
	clients_free(&counts->clients);
}

int counts_restore(struct counts *counts, const struct door *door)
{
	return door_read_settled(door, &counts->undelivered.settled);
}

static int take_client(void *ctx, const struct door_client *client)
{
	return clients_add(ctx, client);
}

static uint64_t read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* After the totals were read, so that a client is either among the clients or forgotten. */
static int forget_silent(struct counts *counts, struct door *door, uint64_t silence_ns)
{
	struct door_client *silent;

	if (!silence_ns)
		return 0;
	silent = calloc(FORGET_AT_ONCE, sizeof(*silent));
	if (!silent)
		return -ENOMEM;
	size_t count = clients_silent(&counts->clients, silence_ns, silent, FORGET_AT_ONCE);
	door_forget(door, silent, count);
	free(silent);
	return 0;
}

/* Totals, and what follows from how they changed. */
static int sample_totals(struct counts *counts, struct door *door,
			 const struct clients_clock *clock)
{
	const uint64_t rejected_before = counts->totals.rejected.packets;
	struct door_rejected_set *sets;
	size_t cpus;

	int error = door_read_totals(door, &counts->totals);
	if (!error && undelivered_sample(&counts->undelivered, clock->mono_ns, reassembly_waits(),
					 &counts->totals))
		error = door_write_settled(door, &counts->undelivered.settled);
	if (error || counts->totals.rejected.packets == rejected_before)
		return error;
	error = door_read_rejected(door, &sets, &cpus);
	if (error)
		return error;
	error = rejected_update(&counts->rejected, clock, sets, cpus);
	free(sets);
	return error;
}

int counts_sample(struct counts *counts, struct door *door, uint64_t forget_after_s,
		  unsigned *pause_ms)
{
	const uint64_t cpu_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	struct clients_clock clock = {.mono_ns = read_clock(CLOCK_MONOTONIC),
				      .boot_ns = read_clock(CLOCK_BOOTTIME),
				      .real_ns = (int64_t)read_clock(CLOCK_REALTIME)};

	clock.sleeps = door_note_sleep(door, clock.mono_ns, clock.boot_ns);
	clients_begin_sample(&counts->clients, &clock);
	int error = door_each_client(door, take_client, &counts->clients);
	clients_end_sample(&counts->clients, !error);
	if (!error)
		error = sample_totals(counts, door, &clock);
	if (!error)
		error = forget_silent(counts, door, forget_after_s * SECOND_NS);
	*pause_ms = clients_pause_ms(read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns);
	return error;
}
