/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of netlink messages: messages out of hexadecimal text, as canonical text that can
 * be compared, cut off at every byte, and broken at random. No knowledge of what they mean.
 */
#ifndef VTAP_TESTS_MESSAGE_H
#define VTAP_TESTS_MESSAGE_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

/* A message out of hexadecimal digits, malloc'd to its exact size. */
struct nlmsghdr *message_from_hex(const char *hex);

/*
 * One line per attribute, "path=hex", in sorted order behind a line with type, flags and the
 * family's structure. `nests` are the paths of attributes that hold attributes ("18", "18/2", or
 * "18/2/1+16" behind 16 other bytes), `ignored` those that are left out; both end with a NULL. The
 * flag NLA_F_NESTED and the order of attributes do not show. malloc'd.
 */
char *message_text(const struct nlmsghdr *message, size_t family_size, const char *const *nests,
		   const char *const *ignored);

/*
 * Reads a message with `read`: first as it is cut off at every byte, each time in memory of exactly
 * that size, then with random bytes changed in it. The sanitizers see what reads too far.
 */
typedef void (*message_reader)(const struct nlmsghdr *message);
void message_truncate(const char *hex, message_reader read);
void message_mutate(const char *hex, message_reader read, unsigned times, uint64_t seed);

/* xorshift64*: the same numbers everywhere. */
uint64_t random_next(uint64_t *state);

/* The seed of a run: VTAP_TEST_SEED, or the default. */
uint64_t random_seed(uint64_t initial);

#endif
