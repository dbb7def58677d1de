/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients and addresses as the door's maps have them, and as the rest of the collector has them:
 * from one to the other. Values only; what is in a map may be anything.
 */
#ifndef VTAP_COLLECTOR_DOOR_KEY_H
#define VTAP_COLLECTOR_DOOR_KEY_H

#include <stdint.h>

#include "collector/door_shared.h"
#include "common/addr.h"
#include "common/encap.h"

struct door_key door_key_make(const struct ip_addr *address, uint32_t vni, enum encap encap);
struct ip_addr door_key_address(const struct door_key *key);
enum encap door_key_encap(const struct door_key *key);

/* Two words hold an address of either family, an IPv4 one mapped into IPv6. */
void door_words_put(__u64 words[2], const struct ip_addr *address);
struct ip_addr door_words_address(const __u64 words[2]);

#endif
