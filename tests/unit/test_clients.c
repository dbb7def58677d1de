/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client table: who is in it, counts and times over samples made up here.
 */
#include "tests/unit/client_samples.h"

#include <check.h>
#include <string.h>

#include "collector/sleeps.h"

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
