/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the client wants of the kernel: from the configuration and what is observed to desired
 * objects, and to reasons for what cannot be. Pure.
 */
#ifndef VTAP_CLIENT_PLAN_H
#define VTAP_CLIENT_PLAN_H

#include "client/blind.h"
#include "client/config.h"
#include "client/filter.h"
#include "client/lane.h"
#include "common/diff.h"
#include "common/subject.h"

/* The way to a collector, asked of the kernel before each plan. */
struct path {
	int error; /* negative errno: there is none */
	struct route route;
};

/* What the plan found out, and the counters say, about a collector's tunnel, for the status. */
struct tunnel {
	struct ip_addr local;
	uint32_t path_mtu;    /* 0: unknown */
	uint32_t needed_mtu;  /* for full-size copies of the largest monitored interface */
	bool too_small;       /* path_mtu < needed_mtu */
	uint32_t fits;        /* the largest IP packet whose copy the path takes; 0: unknown */
	bool usable;          /* there is, or will be, a device to mirror to */
	bool hop;             /* copies of egress go through the hop */
	bool hop_left;        /* they do not any more ... */
	uint64_t hop_left_ms; /* ... since then */
	bool hop_drains;      /* and it stays for those on their way */
	bool all_lost;        /* copies are made, and none leaves */
};

/* One copy stream: a mirror section's interface in one direction to one of its collectors. */
struct stream {
	size_t mirror;
	size_t collector;
	enum direction direction;
	int subject;
	int tables;      /* subject of the nftables tables that copy it; -1: tc does */
	uint32_t handle; /* of its filter, as last planned; 0: none */
	int ifindex;     /* of the monitored interface, as last planned; 0: none */
	struct blind blind;
};

struct plan {
	const struct client_config *config;
	const struct filter_program (*programs)[DIRECTIONS][FILTER_LAYERS]; /* by mirror */
	const struct path *paths;    /* by collector; subject i is collector i's */
	struct tunnel *tunnels;      /* by collector; filled */
	struct lane *lanes;          /* by collector; ways and reasons are filled */
	uint16_t port_min, port_max; /* of the range that source ports are taken from */
	struct stream *streams;
	size_t streams_count;
	int nft_subject; /* of the nftables tables; -1: the configuration asks for none */
	uint64_t now_ms;
};

/* Packets of this interface begin with an Ethernet header. */
bool plan_has_ethernet(const struct link *link);

/* Whether the hop has stayed long enough, and the next plan lets it go. */
bool plan_hop_drained(const struct tunnel *tunnel, uint64_t now_ms);

/* Whether a collector's configuration leaves room for the express lane. */
bool plan_lane_configured(const struct client_collector *collector);

int plan_client(struct plan *plan, const struct snapshot *seen, const struct ifset *made,
		struct subjects *subjects, struct desired *desired);

#endif
