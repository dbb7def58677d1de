/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of the door's maps: configuring, who is rejected, and with which privileges.
 */
#include "door_rig.h"

#include <check.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/rejected.h"

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
	tcase_add_test(tests, heavy_sources_outlive_a_flood);
	tcase_add_test(tests, needs_three_capabilities);
}

int main(void)
{
	return run_suite("door_maps", add_tests);
}
