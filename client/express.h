/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The express lane: an eBPF program at the tc egress of a tunnel's device that writes the outer
 * headers of a copy by itself and hands it to the underlay's interface. What it cannot do it passes
 * on to the kernel's tunnel, so that it can be absent, or wrong, and copies still flow. This file
 * loads it, tells it the way, and reads what it counted; attaching it is the plan's work, through
 * common/tc, and here only what makes it quicker. One struct express for each tunnel.
 *
 * Copies on the lane see no routing, no netfilter, no IPsec policy, and no queueing discipline of
 * the tunnel's device: whoever sets a way has made sure that none of these matters.
 */
#ifndef VTAP_CLIENT_EXPRESS_H
#define VTAP_CLIENT_EXPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/express_pass.h"
#include "common/addr.h"
#include "common/encap.h"

struct express;

/* Where copies go, and how. All zero: nowhere, everything is passed on. */
struct express_way {
	enum encap encap;      /* ENCAP_VXLAN or ENCAP_GRETAP */
	uint32_t vni;          /* of gretap the key, 0: none */
	uint16_t port;         /* UDP destination port; host byte order, as all here */
	struct ip_addr local;  /* outer source */
	struct ip_addr remote; /* outer destination, of the same family */
	int oif;               /* the underlay's interface, not lo; 0: all is passed on */
	struct ip_addr via;    /* next hop on it, of either family; `remote` itself when on link */
	uint32_t mtu;          /* of the path: what an outer packet may have, IP header included */
	uint8_t ttl;
	uint8_t tos;
	uint16_t port_min; /* source ports: net.ipv4.ip_local_port_range */
	uint16_t port_max;
	bool resegment; /* segments of aggregates that do not fit are made smaller */
	bool finishes; /* checksums inside that are left to the interface are there when it sends */
	bool checksum; /* outer UDP checksums are wanted: VXLAN is passed on */
	/* The ends of a veth pair before the tunnel, where the program is attached as well; 0:
	 * there is none. What it passes on at the entry comes to the tunnel from the exit, and is
	 * not looked at again. */
	int hop_entry;
	int hop_exit;
};

/* Frames as they are delivered: an aggregate is its segments, each with its headers; bytes with the
 * Ethernet header, without FCS. They never run backwards while the struct is there. */
struct express_counts {
	uint64_t packets; /* encapsulated and handed to the underlay's interface */
	uint64_t bytes;
	uint64_t resegmented; /* of packets: from aggregates whose segments were made smaller */
	/* Of packets and bytes: so many more than on the wire, of copies met at the hop's entry. */
	uint64_t extra_packets, extra_bytes;
	uint64_t passed[EXPRESS_PASSES]; /* frames as on the wire */
	uint64_t dropped;                /* copies that could be neither finished nor passed on */
};

/*
 * Loads the program. Its counts begin with those of an earlier one, when the layout fits: that of
 * `kept_fd` (from the service manager's store, stays the caller's; -1: none), failing that of the
 * program with id `old_prog_id` (0: none known; needs CAP_SYS_ADMIN, without it they begin at
 * zero). No way is set. On error: negative errno and words in why; -EPERM: CAP_BPF or CAP_NET_ADMIN
 * is missing. -EACCES: the kernel's verifier refuses the program, as that of 6.1 does without
 * CAP_PERFMON; later ones take it, and make it slower: it then has to wait for the processor here
 * and there, so that it is not led astray by its guesses.
 */
int express_open(struct express **out, int kept_fd, uint32_t old_prog_id, char *why,
		 size_t why_size);
void express_free(struct express *express); /* the program goes on where it is attached */

int express_prog_fd(const struct express *express);
uint32_t express_prog_id(const struct express *express);
/* To be kept over a restart, for express_open; stays the express's. One for each tunnel. */
int express_kept_fd(const struct express *express);

/*
 * Where the program is attached as a filter already, by ifindex; 0: nowhere. Linux 6.6 has hooks
 * ahead of filters (tcx), which cost less to get to: as long as the express is there, the program
 * runs there, and copies do not come to the filter. Where there are none, and when the daemon is
 * gone, they do.
 */
enum { EXPRESS_PLACES = 2 };
void express_front(struct express *express, const int places[EXPRESS_PLACES]);

/* How long a way is good when nobody renews it. */
enum { EXPRESS_GOOD_MS = 30000 };

/*
 * The way of all copies from now on, without a gap; NULL: they are all passed on.
 * The same way again only renews it. -EINVAL: it makes no sense (families differ, no port range,
 * an encapsulation that the lane does not know); then nothing was changed.
 */
int express_set(struct express *express, const struct express_way *way);

/*
 * The way that is set is good for so long from now on, then all copies are passed on: routes
 * change, and when nobody is there to follow, the kernel's path does.
 */
int express_renew(const struct express *express, unsigned good_ms);

int express_read(const struct express *express, struct express_counts *out);

#endif
