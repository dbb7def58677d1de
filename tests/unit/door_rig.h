/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets for the tests of the door, and what to expect of it. The packet under construction and
 * the door are the test's.
 */
#ifndef VTAP_TESTS_UNIT_DOOR_RIG_H
#define VTAP_TESTS_UNIT_DOOR_RIG_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/door.h"

enum { PASS = -1, SHOT = 2, PORT = 4789 }; /* TC_ACT_UNSPEC, TC_ACT_SHOT */

extern struct collector_config config;
extern struct ip_prefix allow[8];
extern struct door *door;
extern char why[512];

extern uint8_t packet[4000];
extern size_t length; /* of the packet so far */
extern size_t ip_at, udp_at;

struct wanted {
	const char *address;
	uint32_t vni;
	struct door_client found;
	unsigned times;
};

void put(const void *bytes, size_t size);
void put8(unsigned value);
void put16(unsigned value);
void set16(size_t at, size_t value);
void put32(uint32_t value);
void put_zeros(size_t size);
void put_address(const char *text);
void ethernet(unsigned type);
void ipv4(const char *source, size_t options, unsigned fragment, unsigned protocol);
void ipv6(const char *source, unsigned next);
void udp(unsigned port, size_t udp_length);
void vxlan(uint32_t vni);
void done(void);
void plain4(const char *source, uint32_t vni, size_t frame);
void plain6(const char *source, uint32_t vni, size_t frame);
int run_gso(struct door *through, uint32_t gso_size, uint32_t gso_segs);
int run_seal(uint32_t gso_size, uint32_t gso_segs); /* on a frame as the endpoint has it */
int run(void);
int match(void *ctx, const struct door_client *client);
struct door_client find(const char *address, uint32_t vni);
int one_more(void *ctx, const struct door_client *client);
size_t clients_count(void);
struct door_totals totals(void);
void assert_untouched(void);
void set_allow(size_t count, const char *const *texts);
void configure(void);
void open_fresh(void);
/* A new door in place of the present one, which takes over from these. */
void reopen(const struct door_kept *kept, size_t count, uint32_t prog_id, bool wanted_lost);
int add_client(void *ctx, const struct door_client *client); /* to a struct door_counter */
void assert_adds_up(void); /* clients, the forgotten and overflow: to what was accepted */
void setup(void);
void teardown(void);

/* Exit code: 77, skipped, where the program may not be loaded. */
int run_suite(const char *name, void (*add_tests)(TCase *tests));

#define assert_counter(counter, wanted_packets, wanted_bytes)        \
	do {                                                         \
		struct door_counter counter_ = (counter);            \
		ck_assert_uint_eq(counter_.packets, wanted_packets); \
		ck_assert_uint_eq(counter_.bytes, wanted_bytes);     \
	} while (0)
#define assert_client(address, vni, packets, bytes) \
	assert_counter(find(address, vni).count, packets, bytes)

#endif
