/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of the door's maps: configuring, taking over, and with which privileges.
 */
#include "door_rig.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/rejected.h"
#include "collector/sleeps.h"

START_TEST(configure_changes_the_list_and_the_port)
{
	plain4("10.0.0.5", 42, 60);
	ck_assert_int_eq(run(), PASS);
	plain6("fd00::5", 42, 60);
	ck_assert_int_eq(run(), PASS);
	set_allow(2, (const char *const[]){"11.0.0.0/8", "fd00::/64"});
	configure();
	ck_assert_uint_eq(clients_count(),
			  1); /* 10.0.0.5 left the table, else it stayed admitted */
	assert_client("fd00::5", 42, 1, 60);
	plain4("10.0.0.5", 42, 60);
	ck_assert_int_eq(run(), SHOT);
	plain4("11.0.0.5", 42, 60);
	ck_assert_int_eq(run(), PASS);
	plain6("fd00:1::5", 42, 60);
	ck_assert_int_eq(run(), SHOT);
	/* any match allows: a longer prefix takes nothing from a shorter one, and leaves it when it
	 * goes */
	set_allow(4, (const char *const[]){"10.0.0.0/8", "10.0.0.5", "10.1.0.0/16", "0.0.0.0/0"});
	configure();
	plain4("200.0.0.1", 42, 60);
	ck_assert_int_eq(run(), PASS);
	set_allow(1, (const char *const[]){"10.0.0.0/8"});
	configure();
	plain4("10.0.0.5", 42, 60);
	ck_assert_int_eq(run(), PASS);
	plain4("200.0.0.1", 42, 60);
	ck_assert_int_eq(run(), SHOT);
	config.endpoints[ENCAP_VXLAN].port = 4790;
	configure();
	ck_assert_int_eq(run(), PASS);
	set_allow(0, NULL);
	config.endpoints[ENCAP_VXLAN].port = PORT;
	configure();
	ck_assert_uint_eq(clients_count(), 0);
	plain4("10.0.0.5", 42, 60);
	ck_assert_int_eq(run(), SHOT);
}
END_TEST

/* The kernel refuses the last prefix: what was let in before is let in, and nobody else is. */
START_TEST(a_list_that_fails_changes_nothing)
{
	plain4("10.0.0.5", 42, 60);
	ck_assert_int_eq(run(), PASS);
	set_allow(2, (const char *const[]){"11.0.0.0/8", "fd00::/64"});
	allow[1].len = 200;
	ck_assert_int_eq(door_configure(door, &config), -EINVAL);
	ck_assert_uint_eq(clients_count(), 1);
	plain4("11.0.0.5", 42, 60);
	ck_assert_int_eq(run(), SHOT);
	plain4("10.0.0.6", 42, 60);
	ck_assert_int_eq(run(), PASS);
	plain6("fd01::5", 42, 60);
	ck_assert_int_eq(run(), PASS);
}
END_TEST

START_TEST(configure_wants_a_new_door_for_another_size)
{
	config.max_clients++;
	ck_assert_int_eq(door_configure(door, &config), -EOVERFLOW);
}
END_TEST

static void reopen(const struct door_kept *kept, size_t count, uint32_t prog_id, bool wanted_lost)
{
	struct door *old = door;
	bool lost = !wanted_lost;
	int error = door_open(&config, kept, count, prog_id, &door, &lost, why, sizeof(why));

	ck_assert_msg(error == 0, "%s: %s", strerror(-error), why);
	ck_assert_int_eq(lost, wanted_lost);
	ck_assert_uint_ne(door_prog_id(door), door_prog_id(old));
	configure();
	door_close(old);
}

static int add_client(void *ctx, const struct door_client *client)
{
	struct door_counter *sum = ctx;

	sum->packets += client->count.packets;
	sum->bytes += client->count.bytes;
	return 0;
}

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

static void assert_adds_up(void)
{
	struct door_totals now = totals();
	struct door_counter sum = now.forgotten;

	ck_assert_int_eq(door_each_client(door, add_client, &sum), 0);
	sum.packets += now.overflow.packets;
	sum.bytes += now.overflow.bytes;
	assert_counter(sum, now.accepted.packets, now.accepted.bytes);
}

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

START_TEST(forgets)
{
	struct door_client known[2];

	config.max_clients = 3;
	reopen(NULL, 0, 0, false);
	for (unsigned vni = 1; vni <= 4; vni++) {
		plain4("10.0.0.5", vni, 100);
		ck_assert_int_eq(run(), PASS);
	}
	ck_assert_uint_eq(clients_count(), 3); /* just as many as there may be */
	assert_counter(totals().overflow, 1, 100);
	known[0] = find("10.0.0.5", 1);
	known[1] = find("10.0.0.5", 2);
	/* one that goes on to send stays */
	known[1].last_mono_ns--;
	door_forget(door, known, 2);
	ck_assert_uint_eq(clients_count(), 2);
	assert_client("10.0.0.5", 1, 0, 0);
	assert_client("10.0.0.5", 2, 1, 100);
	ck_assert_uint_eq(find("10.0.0.5", 2).first_boot_ns, known[1].first_boot_ns);
	assert_counter(totals().forgotten, 1, 100);
	assert_counter(totals().accepted, 4, 400);
	assert_adds_up();
	/* there is room for another */
	plain4("10.0.0.5", 4, 100);
	ck_assert_int_eq(run(), PASS);
	assert_client("10.0.0.5", 4, 1, 100);
	assert_adds_up();
	/* who is not there cannot leave */
	door_forget(door, known, 1);
	assert_counter(totals().forgotten, 1, 100);
	plain6("fd00::5", 9, 60);
	known[0] = find("10.0.0.5", 4);
	door_forget(door, known, 1);
	ck_assert_int_eq(run(), PASS);
	known[0] = find("fd00::5", 9);
	door_forget(door, known, 1);
	assert_counter(totals().forgotten, 3, 260);
	assert_adds_up();
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

enum { RACE_FRAMES = 4000000, RACE_RUN = 1000 };

/* In the kernel from one frame to the next, so that little else takes time. */
static void *send_for_the_race(void *unused)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = (uint32_t)length,
		    .repeat = RACE_RUN);

	(void)unused;
	for (unsigned i = 0; i < RACE_FRAMES; i += RACE_RUN)
		bpf_prog_test_run_opts(door_prog_fd(door), &opts);
	return NULL;
}

/* One client whose frames come in on several processors. */
START_TEST(no_frame_gets_lost_between_processors)
{
	pthread_t other;

	plain4("10.0.0.5", 42, 100);
	ck_assert_int_eq(pthread_create(&other, NULL, send_for_the_race, NULL), 0);
	send_for_the_race(NULL);
	pthread_join(other, NULL);
	assert_client("10.0.0.5", 42, 2 * RACE_FRAMES, 2 * RACE_FRAMES * 100ull);
	assert_counter(totals().accepted, 2 * RACE_FRAMES, 2 * RACE_FRAMES * 100ull);
}
END_TEST

/* A client that sends all the time while it is being forgotten, over and over: what it sent is
 * somewhere, each frame once. */
START_TEST(nothing_gets_lost_while_forgetting)
{
	struct door_counter sum;
	struct door_totals now;
	struct door_client known;
	pthread_t sender;

	plain4("10.0.0.5", 42, 100);
	ck_assert_int_eq(pthread_create(&sender, NULL, send_for_the_race, NULL), 0);
	do {
		known = find("10.0.0.5", 42);
		door_forget(door, &known, 1);
		ck_assert_int_eq(door_read_totals(door, &now), 0);
	} while (now.accepted.packets < RACE_FRAMES);
	pthread_join(sender, NULL);
	now = totals();
	sum = now.forgotten;
	ck_assert_int_eq(door_each_client(door, add_client, &sum), 0);
	ck_assert_uint_gt(now.forgotten.packets, 0);
	ck_assert_uint_eq(now.accepted.packets, RACE_FRAMES);
	assert_counter(sum, RACE_FRAMES, RACE_FRAMES * 100ull);
	ck_assert_uint_le(clients_count(), 1);
}
END_TEST

enum { CROWD = 4000, SENDERS = 4, ROUNDS = 3 };

static void *send_the_crowd(void *unused)
{
	uint8_t mine[200];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = mine, .data_size_in = (uint32_t)length);

	(void)unused;
	memcpy(mine, packet, length);
	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned i = 0; i < CROWD; i++) {
			mine[ip_at + 14] = (uint8_t)(i >> 8);
			mine[ip_at + 15] = (uint8_t)i;
			bpf_prog_test_run_opts(door_prog_fd(door), &opts);
		}
	return NULL;
}

/* The same new clients on several processors at once: each gets one slot, and all of its frames. */
START_TEST(clients_come_in_once)
{
	pthread_t senders[SENDERS];
	char text[IP_ADDR_TEXT];

	config.max_clients = CROWD;
	reopen(NULL, 0, 0, false);
	plain4("10.0.0.0", 42, 100);
	for (int i = 0; i < SENDERS; i++)
		ck_assert_int_eq(pthread_create(&senders[i], NULL, send_the_crowd, NULL), 0);
	for (int i = 0; i < SENDERS; i++)
		pthread_join(senders[i], NULL);
	assert_counter(totals().overflow, 0, 0);
	ck_assert_uint_eq(clients_count(), CROWD);
	for (unsigned i = 0; i < CROWD; i += 7) {
		snprintf(text, sizeof(text), "10.0.%u.%u", i / 256, i % 256);
		assert_client(text, 42, SENDERS * ROUNDS, SENDERS * ROUNDS * 100);
	}
	assert_adds_up();
	plain4("10.1.0.0", 42, 100);
	ck_assert_int_eq(run(), PASS);
	assert_counter(totals().overflow, 1, 100);
	ck_assert_uint_eq(clients_count(), CROWD);
}
END_TEST

/* Many come and go, in a table that is always full: slots are used again, and none is lost. */
START_TEST(slots_are_used_again)
{
	struct door_client known[64];
	char text[IP_ADDR_TEXT];

	config.max_clients = 64;
	reopen(NULL, 0, 0, false);
	for (unsigned round = 0; round < 200; round++) {
		for (unsigned i = 0; i < 64; i++) {
			snprintf(text, sizeof(text), "10.%u.0.%u", round, i);
			plain4(text, 42, 60);
			run();
			run();
			known[i] = find(text, 42);
			ck_assert_uint_eq(known[i].count.packets, 2);
		}
		ck_assert_uint_eq(clients_count(), 64);
		/* half of them, then the others: so that new ones have gaps to be put into */
		door_forget(door, known, 32);
		for (unsigned i = 32; i < 64; i++) {
			snprintf(text, sizeof(text), "10.%u.0.%u", round, i);
			plain4(text, 42, 60);
			run();
			known[i] = find(text, 42);
			ck_assert_uint_eq(known[i].count.packets, 3);
		}
		door_forget(door, known + 32, 32);
		ck_assert_uint_eq(clients_count(), 0);
	}
	assert_counter(totals().overflow, 0, 0);
	assert_counter(totals().forgotten, 200 * 160, 200 * 160 * 60);
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

static struct rejected rejected_now(void)
{
	struct clients_clock clock = {.mono_ns = UINT64_MAX / 2, .boot_ns = UINT64_MAX / 2};
	struct rejected rejected = {.count = 0};
	struct door_rejected_set *sets;
	size_t cpus;

	ck_assert_int_eq(door_read_rejected(door, &sets, &cpus), 0);
	ck_assert_int_eq(rejected_update(&rejected, &clock, sets, cpus), 0);
	free(sets);
	return rejected;
}

/* Found among a hundred thousand others, with its true count; those who came first are exact too.
 */
START_TEST(heavy_sources_outlive_a_flood)
{
	char text[IP_ADDR_TEXT];
	struct rejected found;

	for (unsigned i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "%u.%u.%u.%u", 20 + i % 100, i / 7 % 256, i * 31 % 256,
			 i / 1000);
		plain4(text, 42, 60);
		ck_assert_int_eq(run(), SHOT);
		if (i % 100 == 7) {
			plain4("192.0.2.7", 42, 100);
			ck_assert_int_eq(run(), SHOT);
		}
		if (i % 50 == 9) {
			plain6("2001:db8::7", 42, 100);
			ck_assert_int_eq(run(), SHOT);
		}
	}
	found = rejected_now();
	ck_assert_uint_eq(found.count, REJECTED_TOP);
	ck_assert_str_eq(ip_addr_format(&found.top[0].address, text), "2001:db8::7");
	ck_assert_uint_ge(found.top[0].count.packets, 1990);
	ck_assert_uint_le(found.top[0].count.packets, 2000);
	ck_assert_uint_eq(found.top[0].count.bytes, found.top[0].count.packets * 100);
	ck_assert_str_eq(ip_addr_format(&found.top[1].address, text), "192.0.2.7");
	ck_assert_uint_ge(found.top[1].count.packets, 990);
	ck_assert_uint_le(found.top[1].count.packets, 1000);
	ck_assert_uint_lt(found.top[2].count.packets, 300);
	ck_assert_uint_eq(totals().rejected.packets, 103000);
	ck_assert_uint_eq(clients_count(), 0);
	reopen(NULL, 0, door_prog_id(door), false);
	ck_assert_uint_eq(rejected_now().top[0].count.packets, found.top[0].count.packets);
}
END_TEST

static void drop_to(unsigned long long capabilities)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	data[0].effective = data[0].permitted = (uint32_t)capabilities;
	data[1].effective = data[1].permitted = (uint32_t)(capabilities >> 32);
	ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

/* Each test runs in a process of its own, so what is dropped here is missed by no other. */
START_TEST(needs_three_capabilities)
{
	struct door *other;
	bool lost;

	if (getenv("CK_FORK") && strcmp(getenv("CK_FORK"), "no") == 0)
		return;
	drop_to(1ull << CAP_BPF | 1ull << CAP_NET_ADMIN | 1ull << CAP_PERFMON);
	ck_assert_msg(door_open(&config, NULL, 0, 0, &other, &lost, why, sizeof(why)) == 0, "%s",
		      why);
	ck_assert(!lost);
	ck_assert_int_eq(door_configure(other, &config), 0);
	door_close(other);
	/* maps by program id need more: the door opens, without its history */
	ck_assert_int_eq(
	    door_open(&config, NULL, 0, door_prog_id(door), &other, &lost, why, sizeof(why)), 0);
	ck_assert(lost);
	door_close(other);
	/* whatever this kernel's verifier says of the program without it */
	drop_to(1ull << CAP_BPF | 1ull << CAP_NET_ADMIN);
	ck_assert_int_eq(door_open(&config, NULL, 0, 0, &other, &lost, why, sizeof(why)), -EPERM);
	ck_assert_msg(strstr(why, "missing: CAP_PERFMON"), "%s", why);
	drop_to(1ull << CAP_NET_ADMIN);
	ck_assert_int_eq(door_open(&config, NULL, 0, 0, &other, &lost, why, sizeof(why)), -EPERM);
	ck_assert_ptr_null(other);
	ck_assert_msg(strstr(why, "missing: CAP_BPF, CAP_PERFMON"), "%s", why);
	drop_to(0);
	ck_assert_int_eq(door_open(&config, NULL, 0, 0, &other, &lost, why, sizeof(why)), -EPERM);
	ck_assert_msg(strstr(why, "missing: CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON"), "%s", why);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, configure_changes_the_list_and_the_port);
	tcase_add_test(tests, a_list_that_fails_changes_nothing);
	tcase_add_test(tests, configure_wants_a_new_door_for_another_size);
	tcase_add_test(tests, takes_over_kept_maps);
	tcase_add_test(tests, takes_over_by_program_id);
	tcase_add_test(tests, takes_over_what_kept_lacks_from_the_program);
	tcase_add_test(tests, takes_over_into_another_size);
	tcase_add_test(tests, takes_in_what_came_late);
	tcase_add_test(tests, takes_in_any_address);
	tcase_add_test(tests, puts_out_whom_the_one_before_let_in);
	tcase_add_test(tests, says_when_history_is_lost);
	tcase_add_test(tests, forgets);
	tcase_add_test(tests, the_forgotten_are_handed_over);
	tcase_add_test(tests, no_frame_gets_lost_between_processors);
	tcase_add_test(tests, nothing_gets_lost_while_forgetting);
	tcase_add_test(tests, clients_come_in_once);
	tcase_add_test(tests, slots_are_used_again);
	tcase_add_test(tests, takes_over_what_was_undelivered);
	tcase_add_test(tests, heavy_sources_outlive_a_flood);
	tcase_add_test(tests, needs_three_capabilities);
}

int main(void)
{
	return run_suite("door_maps", add_tests);
}
