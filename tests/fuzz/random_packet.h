/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets made at random of what vtap looks at: VLAN tags, IPv4 and IPv6 with options, extensions
 * and fragments, UDP, VXLAN, GRE, ICMP errors, and frames in frames. Most lengths are right. The
 * same seed makes the same packet.
 */
#ifndef VTAP_TESTS_FUZZ_RANDOM_PACKET_H
#define VTAP_TESTS_FUZZ_RANDOM_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACKET_MAX = 2048 };

struct random_packet {
	uint8_t bytes[PACKET_MAX];
	size_t size;
	uint64_t random;
};

/* ethernet: false: it begins with IP. */
void random_packet(struct random_packet *packet, uint64_t seed, bool ethernet);

#endif
