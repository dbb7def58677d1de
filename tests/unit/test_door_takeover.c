/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a door takes over of the one before it, at once and late.
 */
#include "door_rig.h"

#include <bpf/bpf.h>
#include <check.h>
#include <string.h>
#include <unistd.h>

#include "collector/sleeps.h"

static void send_some(void)
{
	plain4("10.0.0.5", 42, 100);
	ck_assert_int_eq(run(), PASS);
	plain4("11.0.0.5", 42, 50);
	ck_assert_int_eq(run(), SHOT);
}

START_TEST(takes_over_kept_maps)
{
	struct door_kept kept[8];
	struct door_client before;
	size_t count;

	send_some();
	before = find("10.0.0.5", 42);
	count = door_maps(door, kept, 8);
	ck_assert_uint_ge(count, 2);
	ck_assert_uint_le(count, 8);
	reopen(kept, count, 0, false);
	send_some();
	assert_client("10.0.0.5", 42, 2, 200);
	assert_counter(totals().accepted, 2, 200);
	assert_counter(totals().rejected, 2, 100);
	ck_assert_uint_eq(find("10.0.0.5", 42).first_boot_ns, before.first_boot_ns);
	/* a list that shrank while nobody was there */
	count = door_maps(door, kept, 8);
	set_allow(1, (const char *const[]){"11.0.0.0/8"});
	reopen(kept, count, 0, false);
	ck_assert_uint_eq(clients_count(), 0);
	plain4("10.0.0.5", 42, 100);
	ck_assert_int_eq(run(), SHOT);
}
END_TEST

START_TEST(takes_over_by_program_id)
{
	send_some();
	reopen(NULL, 0, door_prog_id(door), false);
	send_some();
	assert_client("10.0.0.5", 42, 2, 200);
	assert_counter(totals().rejected, 2, 100);
}
END_TEST

START_TEST(takes_over_what_kept_lacks_from_the_program)
{
	struct door_kept kept[8];

	send_some();
	door_maps(door, kept, 8);
	reopen(kept, 1, door_prog_id(door), false);
	send_some();
	assert_client("10.0.0.5", 42, 2, 200);
	assert_counter(totals().accepted, 2, 200);
}
END_TEST

/* Another size is copied, as far as it fits. */
START_TEST(takes_over_into_another_size)
{
	struct door_kept kept[8];
	struct door_client before;
	size_t count;

	for (unsigned vni = 1; vni <= 5; vni++) {
		plain4("10.0.0.5", vni, 100);
		ck_assert_int_eq(run(), PASS);
	}
	before = find("10.0.0.5", 3);
	door_note_sleep(door, 1000, 5000);
	ck_assert_uint_eq(sleeps_since(door_note_sleep(door, 2000, 9000006000), 1000), 9000000000);
	count = door_maps(door, kept, 8);
	config.max_clients = 2000;
	reopen(kept, count, 0, false);
	ck_assert_uint_eq(clients_count(), 5);
	ck_assert_uint_eq(sleeps_since(door_note_sleep(door, 3000, 9000007000), 1000), 9000000000);
	assert_client("10.0.0.5", 3, 1, 100);
	ck_assert_uint_eq(find("10.0.0.5", 3).first_boot_ns, before.first_boot_ns);
	ck_assert_uint_eq(find("10.0.0.5", 3).last_mono_ns, before.last_mono_ns);
	plain4("10.0.0.5", 3, 100);
	ck_assert_int_eq(run(), PASS);
	assert_client("10.0.0.5", 3, 2, 200);
	count = door_maps(door, kept, 8);
	ck_assert(!door_crowded(door));
	config.max_clients = 4;
	reopen(kept, count, 0, false);
	ck_assert(door_crowded(door));
	ck_assert_uint_eq(clients_count(), 4);
	assert_counter(totals().accepted, 6, 600);
}
END_TEST

/* The program before goes on until the new one is everywhere: what it counts meanwhile is taken in,
 * also of a client that the new one has not seen, of one that is no longer allowed, and of one too
 * many. */
START_TEST(takes_in_what_came_late)
{
	struct door *old = door;
	struct door_kept kept[8];
	struct door_client before;
	bool lost;

	plain4("10.0.0.5", 1, 100);
	ck_assert_int_eq(run(), PASS);
	plain4("192.168.7.7", 1, 60);
	ck_assert_int_eq(run(), PASS);
	config.max_clients = 2;
	set_allow(1, (const char *const[]){"10.0.0.0/8"});
	ck_assert_int_eq(
	    door_open(&config, kept, door_maps(old, kept, 8), 0, &door, &lost, why, sizeof(why)),
	    0);
	configure();
	for (unsigned vni = 1; vni <= 3; vni++) {
		plain4("10.0.0.5", vni, 100);
		ck_assert_int_eq(run_gso(old, 0, 0), PASS);
		door_take_late(door, &config, false);
	}
	plain4("192.168.7.7", 1, 60);
	ck_assert_int_eq(run_gso(old, 0, 0), PASS);
	plain4("10.0.0.5", 1, 100);
	ck_assert_int_eq(run(), PASS);
	door_take_late(door, &config, false);
	assert_client("10.0.0.5", 1, 3, 300);
	assert_client("10.0.0.5", 2, 1, 100);
	before = find("10.0.0.5", 2);
	plain4("10.0.0.5", 2, 100);
	ck_assert_int_eq(run_gso(old, 0, 0), PASS);
	door_close(old);
	door_take_late(door, &config, true);
	door_take_late(door, &config, true);
	assert_client("10.0.0.5", 2, 2, 200);
	ck_assert_uint_eq(find("10.0.0.5", 2).first_boot_ns, before.first_boot_ns);
	ck_assert_uint_eq(clients_count(), 2);
	assert_counter(totals().accepted, 8, 720);
	assert_counter(totals().forgotten, 3, 220);
	assert_adds_up();
}
END_TEST

/* Also one that would make of what the program is run on a short frame of IPv6, or of IPv4. */
START_TEST(takes_in_any_address)
{
	static const char *const addresses[] = {"fd00::5", "fd00::86dd:1", "fd00::800:1"};
	struct door *old = door;
	struct door_kept kept[8];
	bool lost;

	set_allow(1, (const char *const[]){"fd00::/8"});
	configure();
	config.max_clients++; /* another table than the one before has */
	ck_assert_int_eq(
	    door_open(&config, kept, door_maps(old, kept, 8), 0, &door, &lost, why, sizeof(why)),
	    0);
	configure();
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		plain6(addresses[i], 42, 100);
		ck_assert_int_eq(run_gso(old, 0, 0), PASS);
	}
	door_close(old);
	door_take_late(door, &config, true);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++)
		assert_client(addresses[i], 42, 1, 100);
	assert_adds_up();
}
END_TEST

/* Nor does it leave anybody in the same table whom only its own list allows: who is there gets in.
 */
START_TEST(puts_out_whom_the_one_before_let_in)
{
	struct door *old = door;
	struct door_kept kept[8];
	bool lost;

	set_allow(1, (const char *const[]){"10.0.0.0/8"});
	ck_assert_int_eq(
	    door_open(&config, kept, door_maps(old, kept, 8), 0, &door, &lost, why, sizeof(why)),
	    0);
	configure();
	plain4("192.168.7.7", 1, 60);
	ck_assert_int_eq(run_gso(old, 0, 0), PASS);
	door_take_late(door, &config, false);
	ck_assert_uint_eq(clients_count(), 1);
	door_close(old);
	door_take_late(door, &config, true);
	ck_assert_uint_eq(clients_count(), 0);
	ck_assert_int_eq(run(), SHOT);
	assert_counter(totals().forgotten, 1, 60);
	assert_adds_up();
}
END_TEST

START_TEST(says_when_history_is_lost)
{
	int wrong = bpf_map_create(BPF_MAP_TYPE_HASH, "vtap_clients", 8, 8, 1000, NULL);
	struct door_kept kept[8];
	size_t count = door_maps(door, kept, 8);

	send_some();
	ck_assert_int_ge(wrong, 0);
	for (size_t i = 0; i < count; i++)
		if (strcmp(kept[i].name, "vtap_clients") == 0)
			kept[i].fd = wrong;
	reopen(kept, count, 0, true);
	close(wrong);
	ck_assert_uint_eq(clients_count(), 0);
	assert_counter(totals().accepted, 1, 100);
	reopen(NULL, 0, UINT32_MAX, true); /* no such program */
	assert_untouched();
}
END_TEST

/* What clients that left have sent is handed over, and so is what the allow-list made leave. */
START_TEST(the_forgotten_are_handed_over)
{
	struct door_client known;
	struct door_kept kept[8];
	size_t count;

	for (unsigned vni = 1; vni <= 4; vni++) {
		plain4("10.0.0.5", vni, 100);
		ck_assert_int_eq(run(), PASS);
	}
	plain4("192.168.7.7", 1, 60);
	ck_assert_int_eq(run(), PASS);
	known = find("10.0.0.5", 1);
	door_forget(door, &known, 1);
	set_allow(1, (const char *const[]){"10.0.0.0/8"});
	configure();
	assert_counter(totals().forgotten, 2, 160);
	assert_adds_up();
	count = door_maps(door, kept, 8);
	reopen(kept, count, 0, false);
	assert_counter(totals().forgotten, 2, 160);
	assert_adds_up();
	count = door_maps(door, kept, 8);
	config.max_clients = 2; /* one too few */
	reopen(kept, count, 0, false);
	ck_assert(door_crowded(door));
	ck_assert_uint_eq(clients_count(), 2);
	assert_counter(totals().forgotten, 3, 260);
	assert_adds_up();
	count = door_maps(door, kept, 8);
	config.max_clients = 10;
	set_allow(1, (const char *const[]){"11.0.0.0/8"});
	reopen(kept, count, 0, false);
	ck_assert_uint_eq(clients_count(), 0);
	assert_counter(totals().forgotten, 5, 460);
	assert_adds_up();
}
END_TEST

START_TEST(takes_over_what_was_undelivered)
{
	const struct door_counter settled = {7, 700};
	struct door_counter found;
	struct door_kept kept[8];
	size_t count;

	ck_assert_int_eq(door_write_settled(door, &settled), 0);
	reopen(NULL, 0, door_prog_id(door), false);
	ck_assert_int_eq(door_read_settled(door, &found), 0);
	assert_counter(found, 7, 700);
	count = door_maps(door, kept, 8);
	for (size_t i = 0; i < count; i++)
		if (strcmp(kept[i].name, "vtap_totals") == 0)
			kept[i].fd = -1;
	reopen(kept, count, 0, true); /* without the totals it belongs to */
	ck_assert_int_eq(door_read_settled(door, &found), 0);
	assert_counter(found, 0, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, takes_over_kept_maps);
	tcase_add_test(tests, takes_over_by_program_id);
	tcase_add_test(tests, takes_over_what_kept_lacks_from_the_program);
	tcase_add_test(tests, takes_over_into_another_size);
	tcase_add_test(tests, takes_in_what_came_late);
	tcase_add_test(tests, takes_in_any_address);
	tcase_add_test(tests, puts_out_whom_the_one_before_let_in);
	tcase_add_test(tests, says_when_history_is_lost);
	tcase_add_test(tests, the_forgotten_are_handed_over);
	tcase_add_test(tests, takes_over_what_was_undelivered);
}

int main(void)
{
	return run_suite("door_takeover", add_tests);
}
