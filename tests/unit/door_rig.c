/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets for the tests of the door, and what to expect of it.
 */
#include "door_rig.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/rules.h"

enum { SKIPPED = 77 };

struct collector_config config;
struct ip_prefix allow[8];
struct door *door;
char why[512];

uint8_t packet[4000];
size_t length; /* of the packet so far */
size_t ip_at, udp_at;

void put(const void *bytes, size_t size)
{
	ck_assert_uint_le(length + size, sizeof(packet));
	memcpy(packet + length, bytes, size);
	length += size;
}

void put8(unsigned value)
{
	const uint8_t byte = (uint8_t)value;

	put(&byte, 1);
}

void put16(unsigned value)
{
	put8(value >> 8);
	put8(value);
}

void set16(size_t at, size_t value)
{
	packet[at] = (uint8_t)(value >> 8);
	packet[at + 1] = (uint8_t)value;
}

void put32(uint32_t value)
{
	put16(value >> 16);
	put16(value & 0xffff);
}

void put_zeros(size_t size)
{
	ck_assert_uint_le(length + size, sizeof(packet));
	memset(packet + length, 0, size);
	length += size;
}

void put_address(const char *text)
{
	struct ip_addr address;

	ck_assert(ip_addr_parse(text, &address));
	put(address.bytes, ip_addr_size(&address));
}

/* The loopback device's MAC address is zero: so the frame is for this host. */
void ethernet(unsigned type)
{
	length = 0;
	put_zeros(12);
	put16(type);
	ip_at = length;
}

/* options: bytes, a multiple of 4 */
void ipv4(const char *source, size_t options, unsigned fragment, unsigned protocol)
{
	ethernet(0x0800);
	put8(0x40 | (unsigned)(20 + options) / 4);
	put8(0);
	put32(0x00001234);
	put16(fragment);
	put8(64);
	put8(protocol);
	put16(0);
	put_address(source);
	put_address("192.0.2.1");
	for (size_t i = 0; i < options; i++)
		put8(1);
}

void ipv6(const char *source, unsigned next)
{
	ethernet(0x86dd);
	put32(0x60000000);
	put16(0);
	put8(next);
	put8(64);
	put_address(source);
	put_address("2001:db8::1");
}

/* udp_length 0: set by done() */
void udp(unsigned port, size_t udp_length)
{
	udp_at = length;
	put16(40000);
	put16(port);
	put16((unsigned)udp_length);
	put16(0);
}

void vxlan(uint32_t vni)
{
	put32(0x08000000);
	put32(vni << 8);
}

/* Fills in the lengths left out. */
void done(void)
{
	size_t ip_length = length - ip_at;

	if (packet[ip_at] >> 4 == 4)
		set16(ip_at + 2, ip_length);
	else
		set16(ip_at + 4, ip_length - 40);
	if (udp_at && packet[udp_at + 4] == 0 && packet[udp_at + 5] == 0)
		set16(udp_at + 4, length - udp_at);
}

void plain4(const char *source, uint32_t vni, size_t frame)
{
	ipv4(source, 0, 0, 17);
	udp(PORT, 0);
	vxlan(vni);
	put_zeros(frame);
	done();
}

void plain6(const char *source, uint32_t vni, size_t frame)
{
	ipv6(source, 17);
	udp(PORT, 0);
	vxlan(vni);
	put_zeros(frame);
	done();
}

static int run_program(int fd, uint32_t gso_size, uint32_t gso_segs)
{
	struct __sk_buff context = {.gso_size = gso_size, .gso_segs = gso_segs};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = (uint32_t)length,
		    .ctx_in = &context, .ctx_size_in = sizeof(context));
	int error = bpf_prog_test_run_opts(fd, &opts);

	ck_assert_msg(error == 0, "test run: %s", strerror(-error));
	return (int)opts.retval;
}

int run_gso(struct door *through, uint32_t gso_size, uint32_t gso_segs)
{
	return run_program(door_prog_fd(through), gso_size, gso_segs);
}

int run_seal(uint32_t gso_size, uint32_t gso_segs)
{
	return run_program(door_seal_fd(door, ENCAP_VXLAN), gso_size, gso_segs);
}

int run(void)
{
	return run_gso(door, 0, 0);
}

int match(void *ctx, const struct door_client *client)
{
	struct wanted *wanted = ctx;
	struct ip_addr address;

	ck_assert(ip_addr_parse(wanted->address, &address));
	if (ip_addr_equal(&address, &client->address) && wanted->vni == client->vni) {
		wanted->found = *client;
		wanted->times++;
	}
	return 0;
}

struct door_client find(const char *address, uint32_t vni)
{
	struct wanted wanted = {.address = address, .vni = vni};

	ck_assert_int_eq(door_each_client(door, match, &wanted), 0);
	ck_assert_uint_le(wanted.times, 1);
	return wanted.found;
}

int one_more(void *ctx, const struct door_client *client)
{
	(void)client;
	++*(size_t *)ctx;
	return 0;
}

size_t clients_count(void)
{
	size_t count = 0;

	ck_assert_int_eq(door_each_client(door, one_more, &count), 0);
	return count;
}

struct door_totals totals(void)
{
	struct door_totals result;

	ck_assert_int_eq(door_read_totals(door, &result), 0);
	return result;
}

/* Nothing was counted, anywhere. */
void assert_untouched(void)
{
	static const struct door_totals none;
	struct door_totals now = totals();

	ck_assert_mem_eq(&now, &none, sizeof(now));
	ck_assert_uint_eq(clients_count(), 0);
}

void set_allow(size_t count, const char *const *texts)
{
	for (size_t i = 0; i < count; i++)
		ck_assert(ip_prefix_parse(texts[i], &allow[i]));
	config.allow_count = count;
}

/* All that a pass tells the door once the endpoints are there. */
void configure(void)
{
	struct door_rules rules = rules_configured(&config);

	ck_assert_int_eq(door_configure(door, &config), 0);
	door_set_rules(door, &rules, &config);
}

void open_fresh(void)
{
	bool lost = true;
	int error = door_open(&config, NULL, 0, 0, &door, &lost, why, sizeof(why));

	ck_assert_msg(error == 0, "%s: %s", strerror(-error), why);
	ck_assert(!lost);
	ck_assert_str_eq(why, "");
	configure();
}

void setup(void)
{
	memset(&config, 0, sizeof(config));
	config.allow = allow;
	config.max_clients = 1000;
	config.endpoints[ENCAP_VXLAN].vni = 42;
	config.endpoints[ENCAP_VXLAN].port = PORT;
	set_allow(3, (const char *const[]){"10.0.0.0/8", "192.168.7.0/24", "fc00::/7"});
	udp_at = 0;
	open_fresh();
}

void teardown(void)
{
	door_close(door);
	door = NULL;
}

static bool may_load(void)
{
	bool lost;
	int error;

	config =
	    (struct collector_config){.allow = allow,
				      .max_clients = 1,
				      .endpoints[ENCAP_VXLAN] = {.enabled = true, .port = PORT}};
	error = door_open(&config, NULL, 0, 0, &door, &lost, why, sizeof(why));
	teardown();
	return error != -EPERM && error != -EACCES && error != -ENOSYS;
}

void reopen(const struct door_kept *kept, size_t count, uint32_t prog_id, bool wanted_lost)
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

int add_client(void *ctx, const struct door_client *client)
{
	struct door_counter *sum = ctx;

	sum->packets += client->count.packets;
	sum->bytes += client->count.bytes;
	return 0;
}

void assert_adds_up(void)
{
	struct door_totals now = totals();
	struct door_counter sum = now.forgotten;

	ck_assert_int_eq(door_each_client(door, add_client, &sum), 0);
	sum.packets += now.overflow.packets;
	sum.bytes += now.overflow.bytes;
	assert_counter(sum, now.accepted.packets, now.accepted.bytes);
}

/* Packets of a test run come in on this namespace's lo: it must be none that forwards. */
static void leave_network(void)
{
	if (unshare(CLONE_NEWNET))
		fprintf(stderr, "in the network namespace of the caller: %s\n", strerror(errno));
}

int run_suite(const char *name, void (*add_tests)(TCase *tests))
{
	Suite *suite = suite_create(name);
	TCase *tests = tcase_create(name);
	SRunner *runner;
	int failed;

	if (!may_load()) {
		fprintf(stderr, "skipped: %s\n", why);
		return SKIPPED;
	}
	leave_network();
	runner = srunner_create(suite);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	add_tests(tests);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
