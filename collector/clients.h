/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clients as values: what the door counted, sample by sample, with rates and times that people
 * can read. No clock: the time of a sample is a parameter.
 */
#ifndef VTAP_COLLECTOR_CLIENTS_H
#define VTAP_COLLECTOR_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "collector/door.h"

/* One moment by three clocks; in nanoseconds. MONOTONIC stands still in a suspend, REALTIME can be
 * set. */
struct clients_clock {
	uint64_t mono_ns;
	uint64_t boot_ns;
	int64_t real_ns;
};

struct client {
	struct ip_addr address;
	uint32_t vni;
	uint32_t sample; /* the last one it was in */
	struct door_counter count;
	double packets_per_s;
	double bits_per_s;
	uint64_t first_boot_ns;
	uint64_t last_boot_ns;

	/* how the above came about */
	struct door_counter base;      /* counted by doors that started anew since */
	struct door_counter raw;       /* what the door said last */
	struct door_counter rate_from; /* count when the present rate interval started */
	uint64_t raw_first_boot_ns;
	uint64_t raw_last_mono_ns;
};

struct clients {
	struct client *entries;
	size_t count, room;
	uint32_t *slots;    /* open addressing: index into entries + 1; 0: free */
	size_t slots_count; /* a power of two, at least twice `room` */
	uint64_t seed;
	bool sorted;
	uint32_t sample;
	struct clients_clock clock;
	int64_t real_minus_boot_ns;
	struct clients_clock rate_from; /* all zero: no interval has started */
};

/* seed: random, so that nobody can choose addresses that collide. */
void clients_init(struct clients *clients, uint64_t seed);
void clients_free(struct clients *clients);

/*
 * A sample: begin, add each client of the door, end. complete: the door was read to its end, so
 * whoever was not added has gone. Rates are those of the last interval between two samples that was
 * at least a second long.
 */
void clients_begin_sample(struct clients *clients, const struct clients_clock *clock);
int clients_add(struct clients *clients, const struct door_client *seen); /* 0 or -ENOMEM */
void clients_end_sample(struct clients *clients, bool complete);

/* By address, then VNI; valid until the next sample. */
const struct client *clients_sorted(struct clients *clients, size_t *count);

/* Wall clock times as of the latest sample. */
time_t clients_wall_first(const struct clients *clients, const struct client *client);
time_t clients_wall_last(const struct clients *clients, const struct client *client);

#endif
