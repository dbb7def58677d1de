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
	const struct door_sleeps *sleeps; /* NULL: none are known */
};
/* A moment before by BOOTTIME. */
uint64_t clients_clock_boot(const struct clients_clock *clock, uint64_t mono_ns);

struct client {
	struct ip_addr address;
	uint32_t vni;
	enum encap encap;
	uint32_t sample; /* the last one it was in */
	bool leaving;    /* the door may have forgotten it since: then the next one is another */
	struct door_counter count;
	double packets_per_s;
	double bits_per_s;
	uint64_t first_boot_ns;
	uint64_t last_boot_ns;

	/* how the above came about */
	struct door_counter base;      /* counted by doors that started anew since */
	struct door_counter raw;       /* what the door said last */
	struct door_counter rate_from; /* count when the present rate interval started */
	uint64_t rate_from_ns;         /* when that was read; like read_ns MONOTONIC */
	uint64_t read_ns;              /* when `raw` was read */
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
 * about a second long or longer.
 */
void clients_begin_sample(struct clients *clients, const struct clients_clock *clock);
int clients_add(struct clients *clients, const struct door_client *seen); /* 0 or -ENOMEM */
void clients_end_sample(struct clients *clients, bool complete);

/* How long to wait for the next sample when one took cost_ns of processor time: so that sampling
 * takes a hundredth of a processor at most, and is a second where it can be. */
unsigned clients_pause_ms(uint64_t cost_ns);

/*
 * Up to `max` of the clients that were silent for silence_ns or longer in the latest sample, asleep
 * or awake, as the door knows them; returns how many. The caller makes the door forget them.
 */
size_t clients_silent(struct clients *clients, uint64_t silence_ns, struct door_client *out,
		      size_t max);
/* The door forgot some: whoever is counted from nothing in the next sample is a client anew, not
 * one whose count goes on. */
void clients_may_have_left(struct clients *clients);

/* By address, VNI and encapsulation; valid until the next sample. */
const struct client *clients_sorted(struct clients *clients, size_t *count);

/* What the wall clock, as it was set at the latest sample, said at a moment of BOOTTIME. */
time_t clients_wall(const struct clients *clients, uint64_t boot_ns);

#endif
