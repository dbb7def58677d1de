/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of the client table: a table, the clocks, and samples of what a door says.
 */
#ifndef VTAP_TESTS_CLIENT_SAMPLES_H
#define VTAP_TESTS_CLIENT_SAMPLES_H

#include "collector/clients.h"

#include <check.h>

#define SECOND UINT64_C(1000000000)
#define WALL   INT64_C(1767323045) /* 2026-01-02T03:04:05Z, when the boot clock says 1000 s */

static struct clients table;
static struct clients_clock now;

static inline void setup(void)
{
	clients_init(&table, 12345);
	now = (struct clients_clock){.mono_ns = 900 * SECOND, .boot_ns = 1000 * SECOND};
	now.real_ns = WALL * (int64_t)SECOND;
}

static inline void teardown(void)
{
	clients_free(&table);
}

static inline void pass(double seconds)
{
	uint64_t ns = (uint64_t)(seconds * 1e9);

	now.mono_ns += ns;
	now.boot_ns += ns;
	now.real_ns += (int64_t)ns;
}

static inline struct door_client client_of(const char *address, uint32_t vni, uint64_t packets,
					   uint64_t bytes)
{
	struct door_client client = {.vni = vni, .count = {packets, bytes}};

	ck_assert(ip_addr_parse(address, &client.address));
	client.first_boot_ns = now.boot_ns;
	client.last_mono_ns = now.mono_ns;
	return client;
}

/* read_after: seconds from the start of the sample until the clients are read */
static inline void sample_late(const struct door_client *seen, size_t count, double read_after)
{
	clients_begin_sample(&table, &now);
	for (size_t i = 0; i < count; i++) {
		struct door_client client = seen[i];

		client.read_mono_ns = now.mono_ns + (uint64_t)(read_after * 1e9);
		ck_assert_int_eq(clients_add(&table, &client), 0);
	}
	clients_end_sample(&table, true);
}

static inline void sample(const struct door_client *seen, size_t count)
{
	sample_late(seen, count, 0);
}

static inline const struct client *only(void)
{
	size_t count;
	const struct client *client = clients_sorted(&table, &count);

	ck_assert_uint_eq(count, 1);
	return client;
}

static inline void assert_near(double value, double wanted)
{
	ck_assert_msg(value >= wanted * 0.98 && value <= wanted * 1.02,
		      "%f is not within 2 %% of %f", value, wanted);
}

#endif
