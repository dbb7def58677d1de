/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's configuration file, vtap-client.conf(5), as a value. Reading checks everything that
 * can be known without looking at the machine.
 */
#ifndef VTAP_CLIENT_CONFIG_H
#define VTAP_CLIENT_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/encap.h"
#include "common/problems.h"

enum { CLIENT_PREF_DEFAULT = 2 };
enum direction { INGRESS, EGRESS, DIRECTIONS };
const char *direction_name(enum direction direction); /* "ingress", "egress" */

/* What becomes of copies that the path cannot take whole. */
enum oversize {
	OVERSIZE_RESEGMENT, /* super-packets are cut smaller, single frames are fragmented */
	OVERSIZE_FRAGMENT,  /* frames stay as they were on the wire */
	OVERSIZE_DROP,      /* super-packets are cut smaller, single frames are dropped */
};

/* Of the outer UDP header. */
enum udp_checksum {
	UDP_CHECKSUM_AUTO, /* zero where the express lane writes it for IPv4, else computed */
	UDP_CHECKSUM_ON,
	UDP_CHECKSUM_OFF,
};

struct client_collector {
	char *name;
	struct ip_addr address;
	struct ip_addr local; /* family 0: what the route says */
	enum encap encap;
	uint32_t vni;  /* of GRE the key; 0: none */
	uint16_t port; /* 0 for GRE */
	char device[IFNAMSIZ];
	uint64_t rate;   /* bytes per second; 0: no cap */
	bool accelerate; /* the express lane, where it can be had */
	enum oversize oversize;
	enum udp_checksum udp_checksum;
	uint8_t ttl;
	uint8_t dscp;
	bool clamp_mss;
};

struct client_mirror {
	char interface[IFNAMSIZ];
	size_t *collectors; /* indexes into client_config.collectors, each once */
	size_t collectors_count;
	bool directions[DIRECTIONS];
	bool tee;     /* method "tee": by nftables, not by tc */
	char *filter; /* pcap-filter(7) text, checked; "" for everything */
};

struct client_config {
	struct client_collector *collectors;
	size_t collectors_count;
	struct client_mirror *mirrors;
	size_t mirrors_count;
	uint16_t tc_pref;
	struct ip_endpoint metrics; /* where Prometheus finds them; family 0: nowhere */
};

/*
 * The two ends of the veth pair that egress copies pass where the underlay is too small for them:
 * "<first 13 characters of the tunnel's device>-h", where they enter, and "...-x", where they leave
 * for the tunnel.
 */
enum hop_end { HOP_ENTRY, HOP_EXIT };
void client_hop_name(const char *device, enum hop_end end, char name[IFNAMSIZ]);

/* NULL when there was any problem; then at least one is in `problems`. */
struct client_config *client_config_read(const char *path, struct problems *problems);
void client_config_free(struct client_config *config); /* NULL is fine */

#endif
