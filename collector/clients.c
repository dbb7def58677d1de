/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clients as values: what the door counted, sample by sample, with rates and times that people
 * can read. No clock: the time of a sample is a parameter.
 */
#include "collector/clients.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/sleeps.h"

#define SECOND_NS INT64_C(1000000000)
/* A smaller change of the wall clock is the noise of reading two clocks. */
#define STEP_NS (SECOND_NS / 20)
/* The shortest interval of a rate: timers fire a little early, too. */
#define RATE_NS (SECOND_NS / 100 * 95)
enum { ROOM_AT_FIRST = 64, PAUSE_MIN_MS = 1000, PAUSE_MAX_MS = 10000 };

void clients_init(struct clients *clients, uint64_t seed)
{
	memset(clients, 0, sizeof(*clients));
	clients->seed = seed;
	clients->sorted = true;
}

void clients_free(struct clients *clients)
{
	free(clients->entries);
	free(clients->slots);
	clients_init(clients, clients->seed);
}

/* ---- the index ---- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	hash ^= hash >> 29;
	hash *= UINT64_C(0xbf58476d1ce4e5b9);
	return hash ^ hash >> 32;
}

static size_t slot_of(const struct clients *clients, const struct ip_addr *address, uint32_t vni,
		      enum encap encap)
{
	uint64_t words[2];

	memcpy(words, address->bytes, sizeof(words));
	return mix(mix(mix(clients->seed, words[0]), words[1]), (uint64_t)encap << 32 | vni) &
	       (clients->slots_count - 1);
}

/* The slot of this client, or the free one where it belongs. There is always a free one. */
static uint32_t *find(const struct clients *clients, const struct ip_addr *address, uint32_t vni,
		      enum encap encap)
{
	size_t at = slot_of(clients, address, vni, encap);

	while (clients->slots[at]) {
		const struct client *client = &clients->entries[clients->slots[at] - 1];

		if (client->vni == vni && client->encap == encap &&
		    ip_addr_equal(&client->address, address))
			break;
		at = (at + 1) & (clients->slots_count - 1);
	}
	return &clients->slots[at];
}

static void index_again(struct clients *clients)
{
	if (!clients->slots)
		return;
	memset(clients->slots, 0, clients->slots_count * sizeof(*clients->slots));
	for (size_t i = 0; i < clients->count; i++) {
		const struct client *client = &clients->entries[i];
		*find(clients, &client->address, client->vni, client->encap) = (uint32_t)i + 1;
	}
}

static int grow(struct clients *clients)
{
	size_t room = clients->room ? clients->room * 2 : ROOM_AT_FIRST;
	struct client *entries = reallocarray(clients->entries, room, sizeof(*entries));
	uint32_t *slots;

	if (!entries)
		return -ENOMEM;
	clients->entries = entries;
	slots = calloc(room * 2, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(clients->slots);
	clients->slots = slots;
	clients->slots_count = room * 2;
	clients->room = room;
	index_again(clients);
	return 0;
}

/* ---- sampling ---- */

void clients_begin_sample(struct clients *clients, const struct clients_clock *clock)
{
	int64_t offset = clock->real_ns - (int64_t)clock->boot_ns;
	int64_t change = offset - clients->real_minus_boot_ns;

	/* Kept while the wall clock was not set, else a time near a full second would be shown now
	 * so, now so. */
	if (clients->sample == 0 || change > STEP_NS || change < -STEP_NS)
		clients->real_minus_boot_ns = offset;
	clients->clock = *clock;
	clients->sample++;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * Counters never run backwards: a door that counts this client anew (its first frame is another
 * one) continues the count; one that got a slightly old copy of the table is waited for.
 */
static void take_count(struct client *client, const struct door_client *seen)
{
	if (seen->first_boot_ns != client->raw_first_boot_ns) {
		client->base = client->count;
		client->raw = (struct door_counter){0};
	}
	client->raw_first_boot_ns = seen->first_boot_ns;
	client->raw.packets = larger(client->raw.packets, seen->count.packets);
	client->raw.bytes = larger(client->raw.bytes, seen->count.bytes);
	client->count.packets = client->base.packets + client->raw.packets;
	client->count.bytes = client->base.bytes + client->raw.bytes;
}

uint64_t clients_clock_boot(const struct clients_clock *clock, uint64_t mono_ns)
{
	/* A frame can come after the sample's time was taken. */
	const uint64_t age = (clock->mono_ns > mono_ns ? clock->mono_ns - mono_ns : 0) +
			     sleeps_since(clock->sleeps, mono_ns);

	return clock->boot_ns > age ? clock->boot_ns - age : 0;
}

/* The door's stamp is CLOCK_MONOTONIC: what was converted before a suspend stays as it is. */
static void take_last(struct client *client, const struct clients_clock *clock,
		      uint64_t last_mono_ns)
{
	if (last_mono_ns == client->raw_last_mono_ns)
		return;
	client->raw_last_mono_ns = last_mono_ns;
	client->last_boot_ns =
	    larger(client->last_boot_ns, clients_clock_boot(clock, last_mono_ns));
}

static void client_start(const struct clients *clients, struct client *client,
			 const struct door_client *seen)
{
	*client = (struct client){.address = seen->address, .vni = seen->vni, .encap = seen->encap};
	client->first_boot_ns = seen->first_boot_ns;
	client->raw_first_boot_ns = seen->first_boot_ns;
	/* A client of before this interval, from a door taken over: its past is not the present
	 * rate. */
	if (clients->rate_from.mono_ns == 0 || seen->first_boot_ns < clients->rate_from.boot_ns)
		client->rate_from = seen->count;
	client->rate_from_ns = clients->rate_from.mono_ns;
}

static struct client *insert(struct clients *clients, const struct door_client *seen)
{
	struct client *client;

	if (clients->count == clients->room && grow(clients))
		return NULL;
	client = &clients->entries[clients->count++];
	*find(clients, &seen->address, seen->vni, seen->encap) = (uint32_t)clients->count;
	client_start(clients, client, seen);
	clients->sorted = false;
	return client;
}

int clients_add(struct clients *clients, const struct door_client *seen)
{
	uint32_t *slot =
	    clients->slots ? find(clients, &seen->address, seen->vni, seen->encap) : NULL;
	struct client *client =
	    slot && *slot ? &clients->entries[*slot - 1] : insert(clients, seen);

	if (!client)
		return -ENOMEM;
	if (client->leaving && client->raw_first_boot_ns != seen->first_boot_ns)
		client_start(clients, client, seen);
	client->leaving = false;
	client->sample = clients->sample;
	client->read_ns = seen->read_mono_ns;
	take_count(client, seen);
	take_last(client, &clients->clock, seen->last_mono_ns);
	return 0;
}

static void forget_gone(struct clients *clients)
{
	size_t kept = 0;

	for (size_t i = 0; i < clients->count; i++)
		if (clients->entries[i].sample == clients->sample)
			clients->entries[kept++] = clients->entries[i];
	if (kept == clients->count)
		return;
	clients->count = kept;
	index_again(clients);
}

/*
 * A big table takes long to read, and not always equally long: so each client's interval is that
 * between its own two readings.
 */
static void take_rate(struct client *client)
{
	double packets = (double)(client->count.packets - client->rate_from.packets);
	double bytes = (double)(client->count.bytes - client->rate_from.bytes);
	double seconds = 0;

	if (client->read_ns > client->rate_from_ns)
		seconds = (double)(client->read_ns - client->rate_from_ns) / SECOND_NS;
	client->packets_per_s = seconds > 0 ? packets / seconds : 0;
	client->bits_per_s = seconds > 0 ? bytes * 8 / seconds : 0;
}

void clients_end_sample(struct clients *clients, bool complete)
{
	const uint64_t start = clients->rate_from.mono_ns;
	const uint64_t now = clients->clock.mono_ns;

	clients->clock.sleeps = NULL; /* the door's, which may be another one next time */
	if (!complete)
		return; /* who was not read would seem gone, or silent */
	forget_gone(clients);
	if (start && now < start + RATE_NS)
		return;
	for (size_t i = 0; i < clients->count; i++) {
		struct client *client = &clients->entries[i];

		if (start)
			take_rate(client);
		client->rate_from = client->count;
		client->rate_from_ns = client->read_ns;
	}
	clients->rate_from = clients->clock;
}

unsigned clients_pause_ms(uint64_t cost_ns)
{
	const uint64_t pause_ms = cost_ns / 10000; /* a hundred times the cost */

	return pause_ms < PAUSE_MIN_MS   ? PAUSE_MIN_MS
	       : pause_ms > PAUSE_MAX_MS ? PAUSE_MAX_MS
					 : (unsigned)pause_ms;
}

size_t clients_silent(struct clients *clients, uint64_t silence_ns, struct door_client *out,
		      size_t max)
{
	const uint64_t now = clients->clock.boot_ns;
	size_t count = 0;

	for (size_t i = 0; i < clients->count && count < max; i++) {
		struct client *client = &clients->entries[i];

		if (now < client->last_boot_ns + silence_ns)
			continue;
		client->leaving = true;
		out[count++] = (struct door_client){.address = client->address,
						    .vni = client->vni,
						    .encap = client->encap,
						    .last_mono_ns = client->raw_last_mono_ns};
	}
	return count;
}

void clients_may_have_left(struct clients *clients)
{
	for (size_t i = 0; i < clients->count; i++)
		clients->entries[i].leaving = true;
}

/* ---- reading ---- */

static int compare(const void *left, const void *right)
{
	const struct client *a = left, *b = right;
	int order = ip_addr_compare(&a->address, &b->address);

	if (!order)
		order = (a->vni > b->vni) - (a->vni < b->vni);
	return order ? order : (int)a->encap - (int)b->encap;
}

const struct client *clients_sorted(struct clients *clients, size_t *count)
{
	if (!clients->sorted) {
		qsort(clients->entries, clients->count, sizeof(*clients->entries), compare);
		index_again(clients);
		clients->sorted = true;
	}
	*count = clients->count;
	return clients->entries;
}

time_t clients_wall(const struct clients *clients, uint64_t boot_ns)
{
	return (time_t)(((int64_t)boot_ns + clients->real_minus_boot_ns) / SECOND_NS);
}
