/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client table: counts, rates and times over samples made up here.
 */
#include "collector/clients.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/sleeps.h"

#define SECOND UINT64_C(1000000000)
#define WALL   INT64_C(1767323045) /* 2026-01-02T03:04:05Z, when the boot clock says 1000 s */

static struct clients table;
static struct clients_clock now;

static void setup(void)
{
	clients_init(&table, 12345);
	now = (struct clients_clock){.mono_ns = 900 * SECOND, .boot_ns = 1000 * SECOND};
	now.real_ns = WALL * (int64_t)SECOND;
}

static void teardown(void)
{
	clients_free(&table);
}

static void pass(double seconds)
{
	uint64_t ns = (uint64_t)(seconds * 1e9);

	now.mono_ns += ns;
	now.boot_ns += ns;
	now.real_ns += (int64_t)ns;
}

static struct door_client client_of(const char *address, uint32_t vni, uint64_t packets,
				    uint64_t bytes)
{
	struct door_client client = {.vni = vni, .count = {packets, bytes}};

	ck_assert(ip_addr_parse(address, &client.address));
	client.first_boot_ns = now.boot_ns;
	client.last_mono_ns = now.mono_ns;
	return client;
}

/* read_after: seconds from the start of the sample until the clients are read */
static void sample_late(const struct door_client *seen, size_t count, double read_after)
{
	clients_begin_sample(&table, &now);
	for (size_t i = 0; i < count; i++) {
		struct door_client client = seen[i];

		client.read_mono_ns = now.mono_ns + (uint64_t)(read_after * 1e9);
		ck_assert_int_eq(clients_add(&table, &client), 0);
	}
	clients_end_sample(&table, true);
}

static void sample(const struct door_client *seen, size_t count)
{
	sample_late(seen, count, 0);
}

static const struct client *only(void)
{
	size_t count;
	const struct client *client = clients_sorted(&table, &count);

	ck_assert_uint_eq(count, 1);
	return client;
}

static void assert_near(double value, double wanted)
{
	ck_assert_msg(value >= wanted * 0.98 && value <= wanted * 1.02,
		      "%f is not within 2 %% of %f", value, wanted);
}

START_TEST(rate_of_a_steady_stream)
{
	struct door_client seen;

	sample(NULL, 0);
	pass(0.5);
	seen = client_of("10.0.0.5", 42, 0, 0);
	for (int i = 1; i <= 5; i++) {
		pass(1.003);
		seen.count.packets += 1003;
		seen.count.bytes += 1003 * 500;
		seen.last_mono_ns = now.mono_ns;
		sample(&seen, 1);
		if (i > 1) {
			assert_near(only()->packets_per_s, 1000);
			assert_near(only()->bits_per_s, 1000 * 500 * 8);
		}
	}
	ck_assert_uint_eq(only()->count.packets, 5 * 1003);
	ck_assert_uint_eq(only()->count.bytes, 5 * 1003 * 500);
}
END_TEST

START_TEST(rate_of_a_new_client_counts_all_its_frames)
{
	struct door_client seen;

	sample(NULL, 0);
	pass(0.2);
	seen = client_of("10.0.0.5", 42, 300, 30000);
	pass(0.8);
	sample(&seen, 1);
	assert_near(only()->packets_per_s, 300);
}
END_TEST

START_TEST(rate_interval_is_at_least_a_second)
{
	struct door_client seen = client_of("10.0.0.5", 42, 1000, 100000);

	sample(&seen, 1);
	for (int i = 0; i < 9; i++) { /* status requests in between; 0.9 s in all */
		pass(0.1);
		seen.count.packets += i == 4 ? 500 : 0;
		sample(&seen, 1);
		ck_assert_double_eq(only()->packets_per_s, 0);
	}
	pass(0.1);
	sample(&seen, 1);
	assert_near(only()->packets_per_s, 500);
	pass(0.1);
	sample(&seen, 1);
	assert_near(only()->packets_per_s, 500);
}
END_TEST

/* 65,536 clients are not read in no time, and now it takes this long, now that. */
START_TEST(rate_takes_the_time_of_reading_into_account)
{
	static const double late[] = {0, 0.2, 0, 0.1, 0.001, 0.3, 0.05};
	struct door_client seen = client_of("10.0.0.5", 42, 0, 0);
	uint64_t start = now.mono_ns;

	for (size_t i = 0; i < sizeof(late) / sizeof(*late); i++) {
		double at = (double)(now.mono_ns - start) / 1e9 + late[i];

		seen.count.packets = (uint64_t)(at * 10000);
		seen.count.bytes = seen.count.packets * 100;
		sample_late(&seen, 1, late[i]);
		if (i) {
			assert_near(only()->packets_per_s, 10000);
			assert_near(only()->bits_per_s, 8e6);
		}
		pass(1);
	}
}
END_TEST

/* Whatever the moments at which somebody asks: a timer that is early or late, requests between. */
START_TEST(rate_at_any_time)
{
	struct door_client seen = client_of("10.0.0.5", 42, 0, 0);
	uint64_t start = now.mono_ns, random = 1, rates = 0;

	sample(&seen, 1);
	for (int i = 0; i < 10000; i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		pass(0.003 + (double)(random >> 40) / (1 << 24) * (i % 7 ? 0.2 : 1.5));
		seen.count.packets = (now.mono_ns - start) / 1000000; /* 1000 a second */
		seen.last_mono_ns = now.mono_ns;
		sample(&seen, 1);
		if (now.mono_ns >= start + 2 * SECOND) {
			assert_near(only()->packets_per_s, 1000);
			rates++;
		}
	}
	ck_assert_uint_gt(rates, 9000);
}
END_TEST

/* An event loop's timer of one second may end after 0.996 of them: that interval counts. */
START_TEST(rate_of_an_early_timer)
{
	struct door_client seen = client_of("10.0.0.5", 42, 0, 0);

	sample(&seen, 1);
	pass(0.996);
	seen.count.packets = 996;
	sample(&seen, 1);
	assert_near(only()->packets_per_s, 1000);
}
END_TEST

START_TEST(rate_falls_to_zero_in_silence)
{
	struct door_client seen = client_of("10.0.0.5", 42, 0, 0);

	sample(&seen, 1);
	pass(1);
	seen.count = (struct door_counter){1000, 64000};
	sample(&seen, 1);
	assert_near(only()->packets_per_s, 1000);
	pass(1);
	sample(&seen, 1);
	ck_assert_double_eq(only()->packets_per_s, 0);
	ck_assert_double_eq(only()->bits_per_s, 0);
	ck_assert_uint_eq(only()->count.packets, 1000);
}
END_TEST

START_TEST(rate_ignores_the_past_of_a_door_taken_over)
{
	struct door_client seen = client_of("10.0.0.5", 42, 1000000, 64000000);

	sample(&seen, 1);
	ck_assert_double_eq(only()->packets_per_s, 0);
	pass(1);
	seen.count.packets += 10;
	sample(&seen, 1);
	assert_near(only()->packets_per_s, 10);
	clients_free(&table);
	/* taken over after a first, empty sample */
	pass(1);
	sample(NULL, 0);
	pass(1);
	sample(&seen, 1);
	ck_assert_double_eq(only()->packets_per_s, 0);
	ck_assert_uint_eq(only()->count.packets, 1000010);
}
END_TEST

START_TEST(rate_takes_no_notice_of_wall_clock_and_suspend)
{
	struct door_client seen = client_of("10.0.0.5", 42, 0, 0);

	sample(&seen, 1);
	pass(1);
	now.boot_ns += 3600 * SECOND;
	now.real_ns -= 7 * 3600 * (int64_t)SECOND;
	seen.count.packets += 100;
	sample(&seen, 1);
	assert_near(only()->packets_per_s, 100);
}
END_TEST

START_TEST(last_seen_over_a_suspend)
{
	struct door_client seen = client_of("10.0.0.5", 42, 1, 60);

	pass(2.5);
	sample(&seen, 1);
	ck_assert_int_eq(clients_wall(&table, only()->last_boot_ns), WALL);
	/* an hour asleep: MONOTONIC did not count it */
	now.boot_ns += 3600 * SECOND;
	now.real_ns += 3600 * (int64_t)SECOND;
	pass(1);
	sample(&seen, 1);
	ck_assert_int_eq(clients_wall(&table, only()->first_boot_ns), WALL);
	ck_assert_int_eq(clients_wall(&table, only()->last_boot_ns), WALL);
	pass(10);
	seen.count.packets++;
	seen.last_mono_ns = now.mono_ns;
	sample(&seen, 1);
	ck_assert_int_eq(clients_wall(&table, only()->first_boot_ns), WALL);
	ck_assert_int_eq(clients_wall(&table, only()->last_boot_ns), WALL + 3600 + 13);
}
END_TEST

/* A daemon that starts after a suspend, with what the one before it noted. */
START_TEST(times_survive_a_suspend_before_the_start)
{
	struct door_client seen = client_of("10.0.0.5", 42, 1, 60);
	struct door_sleeps sleeps = {.count = 0};

	sleeps_note(&sleeps, now.mono_ns, now.boot_ns);
	now.boot_ns += 3600 * SECOND;
	now.real_ns += 3600 * (int64_t)SECOND;
	pass(30);
	sleeps_note(&sleeps, now.mono_ns, now.boot_ns);
	now.sleeps = &sleeps;
	sample(&seen, 1);
	ck_assert_int_eq(clients_wall(&table, only()->first_boot_ns), WALL);
	ck_assert_int_eq(clients_wall(&table, only()->last_boot_ns), WALL);
	seen.last_mono_ns = now.mono_ns;
	pass(1);
	sample(&seen, 1);
	ck_assert_int_eq(clients_wall(&table, only()->last_boot_ns), WALL + 3630);
}
END_TEST

START_TEST(times_follow_a_step_of_the_wall_clock)
{
	struct door_client seen = client_of("10.0.0.5", 42, 1, 60);

	sample(&seen, 1);
	pass(5);
	now.real_ns += 86400 * (int64_t)SECOND;
	sample(&seen, 1);
	ck_assert_int_eq(clients_wall(&table, only()->first_boot_ns), WALL + 86400);
	ck_assert_int_eq(clients_wall(&table, only()->last_boot_ns), WALL + 86400);
}
END_TEST

START_TEST(times_do_not_flicker)
{
	struct door_client seen = client_of("10.0.0.5", 42, 1, 60);

	sample(&seen, 1);
	for (int i = 0; i < 10; i++) { /* the two clocks are never read at quite the same time */
		pass(1);
		now.real_ns += i % 2 ? 400 : -400;
		sample(&seen, 1);
		ck_assert_int_eq(clients_wall(&table, only()->first_boot_ns), WALL);
	}
}
END_TEST

START_TEST(last_seen_is_never_in_the_future)
{
	struct door_client seen = client_of("10.0.0.5", 42, 1, 60);

	seen.last_mono_ns += 30 * SECOND;
	sample(&seen, 1);
	ck_assert_int_eq(clients_wall(&table, only()->last_boot_ns), WALL);
}
END_TEST

START_TEST(counters_do_not_run_backwards)
{
	struct door_client seen = client_of("10.0.0.5", 42, 100, 10000);

	sample(&seen, 1);
	pass(1);
	seen.count = (struct door_counter){98, 9800}; /* a copied table */
	sample(&seen, 1);
	ck_assert_uint_eq(only()->count.packets, 100);
	ck_assert_uint_eq(only()->count.bytes, 10000);
	pass(1);
	seen.count = (struct door_counter){105, 10500};
	sample(&seen, 1);
	ck_assert_uint_eq(only()->count.packets, 105);
	pass(1);
	seen = client_of("10.0.0.5", 42, 3, 300); /* a fresh one */
	sample(&seen, 1);
	ck_assert_uint_eq(only()->count.packets, 108);
	ck_assert_uint_eq(only()->count.bytes, 10800);
	assert_near(only()->packets_per_s, 3);
	ck_assert_int_eq(clients_wall(&table, only()->first_boot_ns), WALL);
	seen.count.packets++;
	sample(&seen, 1);
	ck_assert_uint_eq(only()->count.packets, 109);
}
END_TEST

START_TEST(vanished_clients_vanish)
{
	struct door_client seen[3];
	const struct client *clients;
	size_t count;

	seen[0] = client_of("10.0.0.5", 42, 1, 60);
	seen[1] = client_of("10.0.0.6", 42, 2, 60);
	seen[2] = client_of("fd00::1", 42, 3, 60);
	sample(seen, 3);
	clients_sorted(&table, &count);
	ck_assert_uint_eq(count, 3);
	clients_begin_sample(&table, &now);
	clients_end_sample(&table, false); /* the door could not be read */
	clients_sorted(&table, &count);
	ck_assert_uint_eq(count, 3);
	seen[1] = seen[2];
	sample(seen, 2);
	clients = clients_sorted(&table, &count);
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(clients[0].count.packets, 1);
	ck_assert_uint_eq(clients[1].count.packets, 3);
	seen[2] = client_of("10.0.0.6", 42, 7, 420); /* back again: counted from nothing */
	sample(seen, 3);
	clients = clients_sorted(&table, &count);
	ck_assert_uint_eq(count, 3);
	ck_assert_uint_eq(clients[1].count.packets, 7);
	sample(NULL, 0);
	clients_sorted(&table, &count);
	ck_assert_uint_eq(count, 0);
}
END_TEST

static size_t silent(double seconds, struct door_client *out, size_t max)
{
	return clients_silent(&table, (uint64_t)(seconds * 1e9), out, max);
}

START_TEST(silent_clients_are_found)
{
	struct door_client seen[3], found[3];

	seen[0] = client_of("10.0.0.5", 42, 1, 60);
	seen[1] = client_of("10.0.0.6", 42, 2, 60);
	seen[2] = client_of("fd00::1", 7, 3, 60);
	sample(seen, 3);
	ck_assert_uint_eq(silent(0.001, found, 3), 0);
	pass(10);
	seen[1].last_mono_ns = now.mono_ns;
	seen[1].count.packets++;
	sample(seen, 3);
	ck_assert_uint_eq(silent(10.001, found, 3), 0);
	ck_assert_uint_eq(silent(10, found, 1), 1);
	ck_assert_uint_eq(silent(10, found, 3), 2);
	ck_assert(ip_addr_equal(&found[0].address, &seen[0].address));
	ck_assert(ip_addr_equal(&found[1].address, &seen[2].address));
	ck_assert_uint_eq(found[1].vni, 7);
	ck_assert_uint_eq(found[1].last_mono_ns, seen[2].last_mono_ns);
	/* a night asleep is silence too; a step of the wall clock is not */
	now.real_ns += 864000 * (int64_t)SECOND;
	pass(1);
	sample(seen, 3);
	ck_assert_uint_eq(silent(3600, found, 3), 0);
	now.boot_ns += 3600 * SECOND;
	now.real_ns += 3600 * (int64_t)SECOND;
	sample(seen, 3);
	ck_assert_uint_eq(silent(3600, found, 3), 3);
}
END_TEST

/* Between forgetting and the next sample it came back: its former count is not its own. */
START_TEST(a_forgotten_client_starts_anew)
{
	struct door_client seen = client_of("10.0.0.5", 42, 100, 10000), found;

	sample(&seen, 1);
	pass(20);
	sample(&seen, 1);
	ck_assert_uint_eq(silent(20, &found, 1), 1);
	seen = client_of("10.0.0.5", 42, 3, 300);
	pass(1);
	sample(&seen, 1);
	ck_assert_uint_eq(only()->count.packets, 3);
	ck_assert_int_eq(clients_wall(&table, only()->first_boot_ns), WALL + 20);
	assert_near(only()->packets_per_s, 3);
	/* the door kept it, as it had just sent something: it goes on */
	pass(20);
	sample(&seen, 1);
	ck_assert_uint_eq(silent(20, &found, 1), 1);
	seen.count.packets++;
	seen.last_mono_ns = now.mono_ns;
	sample(&seen, 1);
	ck_assert_uint_eq(only()->count.packets, 4);
	ck_assert_int_eq(clients_wall(&table, only()->first_boot_ns), WALL + 20);
	/* a door that starts anew by itself, however, is a continuation */
	seen = client_of("10.0.0.5", 42, 5, 500);
	pass(1);
	sample(&seen, 1);
	ck_assert_uint_eq(only()->count.packets, 9);
	/* not so after a reload that may have let it go */
	clients_may_have_left(&table);
	pass(1);
	seen = client_of("10.0.0.5", 42, 6, 600);
	sample(&seen, 1);
	ck_assert_uint_eq(only()->count.packets, 6);
}
END_TEST

START_TEST(sampling_costs_a_hundredth)
{
	ck_assert_uint_eq(clients_pause_ms(0), 1000);
	ck_assert_uint_eq(clients_pause_ms(10 * 1000000), 1000);
	ck_assert_uint_eq(clients_pause_ms(40 * 1000000), 4000);
	ck_assert_uint_eq(clients_pause_ms(5 * SECOND), 10000);
}
END_TEST

START_TEST(sorted_by_address_then_vni)
{
	static const struct {
		const char *address;
		uint32_t vni;
	} order[] = {{"9.0.0.1", 7},   {"10.0.0.2", 1}, {"10.0.0.2", 2},
		     {"10.0.0.10", 0}, {"::1", 5},      {"fd00::2", 1}};
	const size_t n = sizeof(order) / sizeof(*order);
	struct door_client seen[sizeof(order) / sizeof(*order)];
	const struct client *clients;
	char text[IP_ADDR_TEXT];
	size_t count;

	for (size_t i = 0; i < n; i++)
		seen[i * 5 % n] = client_of(order[i].address, order[i].vni, i, i);
	sample(seen, n);
	clients = clients_sorted(&table, &count);
	ck_assert_uint_eq(count, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_str_eq(ip_addr_format(&clients[i].address, text), order[i].address);
		ck_assert_uint_eq(clients[i].vni, order[i].vni);
	}
}
END_TEST

/* 65,536 clients in a new order each time, one in ten of them leaving: the index must survive it
 * all. */
START_TEST(many_clients)
{
	enum { MANY = 65536 };
	struct door_client seen = client_of("10.0.0.0", 42, 0, 0);
	const struct client *clients;
	size_t count;

	for (uint32_t round = 1; round <= 4; round++) {
		pass(1);
		clients_begin_sample(&table, &now);
		for (uint32_t i = 0; i < MANY; i++) {
			uint32_t n = i * 40503 % MANY;

			if (round == 4 && n % 10 == 0)
				continue;
			seen.address.bytes[2] = (uint8_t)(n >> 8);
			seen.address.bytes[3] = (uint8_t)n;
			seen.count.packets = (uint64_t)round * (n + 1);
			seen.read_mono_ns = now.mono_ns;
			ck_assert_int_eq(clients_add(&table, &seen), 0);
		}
		clients_end_sample(&table, true);
		clients = clients_sorted(&table, &count);
		ck_assert_uint_eq(count, round < 4 ? MANY : MANY - 6554);
	}
	for (size_t i = 0; i < count; i++) {
		uint32_t n =
		    (uint32_t)(clients[i].address.bytes[2] << 8 | clients[i].address.bytes[3]);

		ck_assert_uint_ne(n % 10, 0);
		ck_assert_uint_eq(clients[i].count.packets, 4 * ((uint64_t)n + 1));
		assert_near(clients[i].packets_per_s, n + 1);
	}
	ck_assert_uint_le(table.room * sizeof(struct client) + table.slots_count * sizeof(uint32_t),
			  12 << 20);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clients");
	TCase *tests = tcase_create("clients");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, rate_of_a_steady_stream);
	tcase_add_test(tests, rate_of_a_new_client_counts_all_its_frames);
	tcase_add_test(tests, rate_interval_is_at_least_a_second);
	tcase_add_test(tests, rate_takes_the_time_of_reading_into_account);
	tcase_add_test(tests, rate_at_any_time);
	tcase_add_test(tests, rate_of_an_early_timer);
	tcase_add_test(tests, rate_falls_to_zero_in_silence);
	tcase_add_test(tests, rate_ignores_the_past_of_a_door_taken_over);
	tcase_add_test(tests, rate_takes_no_notice_of_wall_clock_and_suspend);
	tcase_add_test(tests, last_seen_over_a_suspend);
	tcase_add_test(tests, times_survive_a_suspend_before_the_start);
	tcase_add_test(tests, times_follow_a_step_of_the_wall_clock);
	tcase_add_test(tests, times_do_not_flicker);
	tcase_add_test(tests, last_seen_is_never_in_the_future);
	tcase_add_test(tests, counters_do_not_run_backwards);
	tcase_add_test(tests, vanished_clients_vanish);
	tcase_add_test(tests, silent_clients_are_found);
	tcase_add_test(tests, a_forgotten_client_starts_anew);
	tcase_add_test(tests, sampling_costs_a_hundredth);
	tcase_add_test(tests, sorted_by_address_then_vni);
	tcase_add_test(tests, many_clients);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
