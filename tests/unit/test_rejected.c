/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ten busiest of the rejected sources, out of the door's sets.
 */
#include "collector/rejected.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { CPUS = 2 };

static struct door_rejected_set sets[DOOR_REJECTED_SETS * CPUS];
static struct rejected rejected;
static struct clients_clock now = {.mono_ns = 1000, .boot_ns = 5000};

static void setup(void)
{
	memset(sets, 0, sizeof(sets));
	rejected.count = 0;
	now = (struct clients_clock){.mono_ns = 1000, .boot_ns = 5000};
}

static void put(size_t set, size_t cpu, size_t way, const char *text, uint64_t packets,
		uint64_t last)
{
	struct door_rejected_source *source = &sets[set * CPUS + cpu].ways[way];
	uint8_t bytes[16] = {[10] = 0xff, [11] = 0xff};
	struct ip_addr address;

	ck_assert(ip_addr_parse(text, &address));
	if (strchr(text, ':'))
		memcpy(bytes, address.bytes, 16);
	else
		memcpy(bytes + 12, address.bytes, 4);
	memcpy(source->address, bytes, 16);
	source->score = packets + 7;
	source->inherited = 7;
	source->bytes = packets * 100;
	source->last_mono_ns = last;
}

static void assert_top(size_t place, const char *text, uint64_t packets, uint64_t last_boot_ns)
{
	char found[IP_ADDR_TEXT];

	ck_assert_uint_lt(place, rejected.count);
	ck_assert_str_eq(ip_addr_format(&rejected.top[place].address, found), text);
	ck_assert_uint_eq(rejected.top[place].count.packets, packets);
	ck_assert_uint_eq(rejected.top[place].count.bytes, packets * 100);
	ck_assert_uint_eq(rejected.top[place].last_boot_ns, last_boot_ns);
}

static void update(void)
{
	ck_assert_int_eq(rejected_update(&rejected, &now, sets, CPUS), 0);
}

START_TEST(nobody)
{
	update();
	ck_assert_uint_eq(rejected.count, 0);
}
END_TEST

START_TEST(processors_add_up)
{
	put(3, 0, 0, "192.0.2.1", 5, 900);
	put(3, 1, 3, "192.0.2.1", 6, 950);
	put(3, 1, 2, "2001:db8::1", 10, 700);
	update();
	ck_assert_uint_eq(rejected.count, 2);
	assert_top(0, "192.0.2.1", 11, 4950);
	assert_top(1, "2001:db8::1", 10, 4700);
}
END_TEST

START_TEST(the_ten_busiest)
{
	for (unsigned i = 0; i < 40; i++) {
		char text[16];

		snprintf(text, sizeof(text), "192.0.2.%u", i);
		put(i * 7 % DOOR_REJECTED_SETS, i % CPUS, i % DOOR_REJECTED_WAYS, text,
		    1 + (i * 13) % 40, 1000);
	}
	update();
	ck_assert_uint_eq(rejected.count, REJECTED_TOP);
	for (size_t i = 0; i < REJECTED_TOP; i++)
		ck_assert_uint_eq(rejected.top[i].count.packets, 40 - i);
}
END_TEST

/* Halfway through a change of places on another processor. */
START_TEST(torn_copies_are_left_out)
{
	put(0, 0, 0, "192.0.2.1", 5, 900);
	sets[0].ways[0].inherited = sets[0].ways[0].score;
	update();
	ck_assert_uint_eq(rejected.count, 0);
}
END_TEST

START_TEST(last_seen_stands_still_over_a_suspend)
{
	put(0, 0, 0, "192.0.2.1", 5, 900);
	put(1, 0, 0, "192.0.2.2", 4, 900);
	update();
	now = (struct clients_clock){.mono_ns = 1100, .boot_ns = 90000};
	put(1, 0, 0, "192.0.2.2", 5, 1090);
	update();
	assert_top(0, "192.0.2.1", 5, 4900);
	assert_top(1, "192.0.2.2", 5, 89990);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rejected");
	TCase *tests = tcase_create("rejected");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, nobody);
	tcase_add_test(tests, processors_add_up);
	tcase_add_test(tests, the_ten_busiest);
	tcase_add_test(tests, torn_copies_are_left_out);
	tcase_add_test(tests, last_seen_stands_still_over_a_suspend);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
