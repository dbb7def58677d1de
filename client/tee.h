/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Method "tee", and the MSS clamp: what the client wants of nftables, as a text for nft(8). Two
 * tables of our own, that copy with dup in prerouting and postrouting and change nothing of the
 * packets but, if asked to, the MSS of TCP's SYNs. Equal inputs give equal texts. Pure.
 */
#ifndef VTAP_CLIENT_TEE_H
#define VTAP_CLIENT_TEE_H

#include "client/config.h"
#include "common/object.h"

/*
 * Of tunnels that dup sends to. dup sets DF in its copies: one that is too big for the device would
 * be answered with an ICMP error, to production's sender. With the outer headers it must stay below
 * 64 KiB.
 */
enum { TEE_DEVICE_MTU = 65400 };

struct tee_copy {
	const char *interface;
	const char *collector; /* its name */
	enum direction direction;
	int device; /* ifindex of the tunnel */
};

struct tee_clamp {
	const char *interface;
	uint32_t fits; /* the largest IP packet whose copy the path takes */
};

struct tee {
	const struct client_config *config;
	ARRAY_OF(struct tee_copy) copies;
	ARRAY_OF(struct tee_clamp) clamps; /* an interface once */
};

void tee_clear(struct tee *tee);
/* 0 or -ENOMEM. For an interface that is clamped already the smaller size counts. */
int tee_add_clamp(struct tee *tee, const char *interface, uint32_t fits);

/* malloc'd; NULL: no memory. `print` is the text's hash, as its marks have it. */
char *tee_text(const struct tee *tee, uint64_t *print);

/* The counter of a copy, the same in both tables; whatever the names have in them. */
void tee_counter(const char *interface, const char *collector, enum direction direction,
		 char name[TALLY_NAME]);

/* Whether nftables takes an interface's name as it is. */
bool tee_name_fits(const char *interface);

#endif
