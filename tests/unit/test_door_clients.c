/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door's table of clients while it is used: nobody is lost, nobody is there twice, and places
 * are used again.
 */
#include "door_rig.h"

#include <bpf/bpf.h>
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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

START_TEST(full_table_admits_without_counting_per_client)
{
	teardown();
	config.max_clients = 2;
	open_fresh();
	for (unsigned i = 1; i <= 4; i++) {
		char source[16];

		snprintf(source, sizeof(source), "10.0.0.%u", i);
		for (int times = 0; times < 3; times++) {
			plain4(source, 42, 100);
			ck_assert_int_eq(run(), PASS);
		}
	}
	ck_assert_uint_eq(clients_count(), 2);
	assert_client("10.0.0.1", 42, 3, 300);
	assert_client("10.0.0.2", 42, 3, 300);
	assert_counter(totals().accepted, 12, 1200);
	assert_counter(totals().overflow, 6, 600);
	assert_counter(totals().rejected, 0, 0);
}
END_TEST

/* Who was there first stays, is counted to the packet, and the rest is seen to be too much. */
START_TEST(a_million_spoofed_sources)
{
	enum { FLOOD = 1000000, FIRST = 10 };
	char source[16];

	for (unsigned i = 0; i < FIRST; i++) {
		snprintf(source, sizeof(source), "192.168.7.%u", i);
		plain4(source, 42, 100);
		ck_assert_int_eq(run(), PASS);
	}
	plain4("10.0.0.0", 42, 60);
	for (unsigned i = 0; i < FLOOD; i++) {
		packet[ip_at + 13] = (uint8_t)(i >> 16);
		packet[ip_at + 14] = (uint8_t)(i >> 8);
		packet[ip_at + 15] = (uint8_t)i;
		ck_assert_int_eq(run(), PASS);
	}
	for (unsigned i = 0; i < FIRST; i++) {
		snprintf(source, sizeof(source), "192.168.7.%u", i);
		plain4(source, 42, 100);
		ck_assert_int_eq(run(), PASS);
		assert_client(source, 42, 2, 200);
	}
	ck_assert_uint_eq(clients_count(), config.max_clients);
	assert_counter(totals().accepted, FLOOD + 2 * FIRST, FLOOD * 60 + 2 * FIRST * 100);
	ck_assert_uint_eq(totals().overflow.packets, FLOOD - (config.max_clients - FIRST));
}
END_TEST

START_TEST(counts_of_all_processors_add_up)
{
	cpu_set_t before, one;
	struct door_client client;
	struct timespec boot, mono;
	unsigned cpus = 0;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(before), &before), 0);
	plain4("10.0.0.5", 42, 100);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &before))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
		ck_assert_int_eq(run(), PASS);
		cpus++;
	}
	sched_setaffinity(0, sizeof(before), &before);
	client = find("10.0.0.5", 42);
	assert_counter(client.count, cpus, cpus * 100);
	assert_counter(totals().accepted, cpus, cpus * 100);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	ck_assert_uint_gt(client.first_boot_ns, 0);
	ck_assert_uint_le(client.first_boot_ns / 1000000000, (uint64_t)boot.tv_sec);
	ck_assert_uint_ge(client.first_boot_ns / 1000000000 + 10, (uint64_t)boot.tv_sec);
	ck_assert_uint_le(client.last_mono_ns / 1000000000, (uint64_t)mono.tv_sec);
	ck_assert_uint_ge(client.last_mono_ns / 1000000000 + 10, (uint64_t)mono.tv_sec);
}
END_TEST

static int stop_at_seven(void *ctx, const struct door_client *client)
{
	(void)client;
	return ++*(size_t *)ctx == 7 ? -42 : 0;
}

START_TEST(each_client_once_and_stops_when_told)
{
	size_t count = 0;

	teardown();
	config.max_clients = 3000;
	open_fresh();
	for (unsigned i = 0; i < 2500; i++) {
		plain4("10.0.0.5", i, 100);
		ck_assert_int_eq(run(), PASS);
	}
	ck_assert_int_eq(door_each_client(door, one_more, &count), 0);
	ck_assert_uint_eq(count, 2500);
	assert_client("10.0.0.5", 1234, 1, 100);
	count = 0;
	ck_assert_int_eq(door_each_client(door, stop_at_seven, &count), -42);
	ck_assert_uint_eq(count, 7);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, forgets);
	tcase_add_test(tests, no_frame_gets_lost_between_processors);
	tcase_add_test(tests, nothing_gets_lost_while_forgetting);
	tcase_add_test(tests, clients_come_in_once);
	tcase_add_test(tests, slots_are_used_again);
	tcase_add_test(tests, full_table_admits_without_counting_per_client);
	tcase_add_test(tests, a_million_spoofed_sources);
	tcase_add_test(tests, counts_of_all_processors_add_up);
	tcase_add_test(tests, each_client_once_and_stops_when_told);
}

int main(void)
{
	return run_suite("door_clients", add_tests);
}
