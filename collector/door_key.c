/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/door_key.h"

#include <string.h>
#include <sys/socket.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

struct door_key door_key_make(const struct ip_addr *address, uint32_t vni, enum encap encap)
{
	static const uint8_t encaps[ENCAPS] = {DOOR_ENCAP_VXLAN, DOOR_ENCAP_GRETAP, DOOR_ENCAP_GRE};
	struct door_key key = {.vni = vni,
			       .family = address->family == AF_INET ? DOOR_IPV4 : DOOR_IPV6,
			       .encap = encaps[encap]};

	memcpy(key.address, address->bytes, sizeof(key.address));
	return key;
}

struct ip_addr door_key_address(const struct door_key *key)
{
	struct ip_addr address = {.family = key->family == DOOR_IPV4 ? AF_INET : AF_INET6};

	memcpy(address.bytes, key->address, sizeof(address.bytes));
	return address;
}

enum encap door_key_encap(const struct door_key *key)
{
	switch (key->encap) {
	case DOOR_ENCAP_GRETAP:
		return ENCAP_GRETAP;
	case DOOR_ENCAP_GRE:
		return ENCAP_GRE;
	}
	return ENCAP_VXLAN;
}

void door_words_put(__u64 words[2], const struct ip_addr *address)
{
	uint8_t bytes[16];

	if (address->family == AF_INET) {
		memcpy(bytes, mapped, sizeof(mapped));
		memcpy(bytes + sizeof(mapped), address->bytes, sizeof(bytes) - sizeof(mapped));
	} else {
		memcpy(bytes, address->bytes, sizeof(bytes));
	}
	memcpy(words, bytes, sizeof(bytes));
}

struct ip_addr door_words_address(const __u64 words[2])
{
	struct ip_addr address = {.family = AF_INET6};
	uint8_t bytes[16];

	memcpy(bytes, words, sizeof(bytes));
	if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		address.family = AF_INET;
		memcpy(address.bytes, bytes + sizeof(mapped), sizeof(bytes) - sizeof(mapped));
	} else {
		memcpy(address.bytes, bytes, sizeof(bytes));
	}
	return address;
}
