/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What vtap sees of the kernel: links, addresses, qdiscs, filters and routes as plain values, and
 * the snapshot that one observation fills. Nothing here talks to the kernel.
 */
#ifndef VTAP_COMMON_OBJECT_H
#define VTAP_COMMON_OBJECT_H

#include <linux/filter.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/array.h"

/*
 * Whose an object is. Links carry it as their group (set at creation, survives renames), mirror
 * filters in the action cookie, eBPF filters in the program's name. What carries no mark is not
 * ours and is left alone.
 */
enum owner { OWNER_NONE, OWNER_CLIENT, OWNER_COLLECTOR };
uint32_t owner_group(enum owner owner); /* the link group of an owner; 0 for OWNER_NONE */

enum { FILTER_HANDLE = 0x76746170 }; /* "vtap": the first handle of vtap's filters within a pref */
enum { KIND_SIZE = 16 };

enum link_kind { LINK_OTHER, LINK_VXLAN, LINK_VETH, LINK_GRETAP, LINK_GRE };

struct vxlan {
	uint32_t vni;
	uint16_t port;         /* host order */
	struct ip_addr remote; /* family 0: none */
	struct ip_addr local;  /* family 0: by route; "::" opens an IPv6 socket */
	uint8_t ttl;
	uint8_t tos;
	uint8_t df; /* enum ifla_vxlan_df */
	bool learning;
	bool external;      /* collect metadata: any VNI, both families */
	bool zero_csum6_rx; /* take IPv6 datagrams without UDP checksum, as RFC 7348 asks */
	uint32_t lower;     /* ifindex of a lower device; vtap uses none */
};

/* gretap, which carries Ethernet frames, and gre, which carries what is in them. */
struct gre {
	bool ipv6;             /* the underlay: ip6gretap and ip6gre are kinds of their own */
	uint32_t key_in;       /* of packets that it takes; 0: none */
	uint32_t key_out;      /* of packets that it sends; 0: none */
	struct ip_addr remote; /* family 0: none */
	struct ip_addr local;  /* family 0: by route */
	uint8_t ttl;
	uint8_t tos;
	bool pmtudisc;    /* IPv4: the outer packet may not be fragmented */
	bool ignore_df;   /* IPv4: also not because the inner one may not */
	bool encap_limit; /* IPv6: with a destination option that limits nesting */
	bool external;    /* collect metadata: any key */
	uint32_t lower;   /* ifindex of a lower device; vtap uses none */
};

/* Offloads that vtap turns off on its own devices. */
enum offload { OFFLOAD_TX_CHECKSUM = 1, OFFLOAD_GRO = 2 };

/* Routes of the table "local" that lead to one of vtap's devices: see way.h. */
enum way {
	WAY_IPV4 = 1,
	WAY_IPV6 = 2,
	WAY_MULTICAST = 4, /* the kernel's own, which would take production's multicast in */
};

/* Of the kernel's 25, those that are looked at: a host may have thousands of links. */
struct link_stats {
	uint64_t rx_packets, rx_bytes, rx_dropped;
	uint64_t tx_packets, tx_bytes, tx_dropped, tx_errors;
};

struct link {
	int ifindex;
	char name[IFNAMSIZ];
	enum link_kind kind;
	char kind_name[KIND_SIZE]; /* "" for hardware */
	uint16_t type;             /* ARPHRD_* */
	uint32_t flags;            /* IFF_* */
	bool held_down;            /* "protodown": up, and without a carrier */
	uint32_t mtu;
	uint32_t group;
	int master;        /* ifindex, 0: none */
	int peer;          /* IFLA_LINK: for a veth the other end's ifindex; 0: none */
	bool ipv6;         /* IPv6 is on: the kernel may send RS, MLD and DAD from it ... */
	bool ipv6_quiet;   /* ... but it gives itself no address, and is no router */
	bool ipv6_never;   /* the kernel has no IPv6 for it at all */
	uint32_t offloads; /* enum offload bits that are on; read for vtap's own links only */
	union {
		struct vxlan vxlan; /* LINK_VXLAN */
		struct gre gre;     /* LINK_GRETAP, LINK_GRE */
	};
	uint32_t ways; /* enum way bits; as for offloads */
	bool detour;   /* its forwarding database is not just the remote; as for offloads */
	uint32_t xdp;  /* id of an eBPF program that takes packets first; 0: none */
	struct link_stats stats;
};

struct address {
	int ifindex;
	struct ip_addr addr;
	uint8_t prefix_len;
};

struct tbf {
	uint64_t rate;  /* bytes per second */
	uint32_t burst; /* bytes; as wanted, the kernel reports ticks: see tbf_equal */
	uint32_t limit; /* bytes of queue */
};

struct qdisc {
	int ifindex;
	uint32_t handle;
	uint32_t parent;
	char kind[KIND_SIZE];
	struct tbf tbf;
	uint32_t drops;
};

enum { COOKIE_SIZE = 16 };

enum filter_action {
	ACTION_NONE,    /* nothing we know */
	ACTION_VERDICT, /* direct-action: the program's value is the verdict */
	ACTION_MIRROR,  /* mirred mirror, then on to the next filter */
	ACTION_REDIRECT,
};

/* What becomes of the packets that a filter of somebody else's matches. */
enum fate {
	FATE_ON,      /* they go on to the next filter, or are dropped */
	FATE_END,     /* the filters behind do not see them */
	FATE_UNKNOWN, /* a program decides */
};

struct filter_stats {
	uint64_t packets;
	uint64_t bytes;
	uint64_t overlimits; /* mirred: copies that the target did not take */
	uint64_t drops;
};

/* A tc filter. Entries with handle 0 are the heads that hold a pref's filters together. */
struct filter {
	int ifindex;
	uint32_t parent;
	uint32_t chain;
	uint16_t pref;
	uint16_t protocol; /* ETH_P_*, host order */
	uint32_t handle;
	uint32_t order; /* in the dump: within a pref, the order in which they run */
	char kind[KIND_SIZE];
	enum owner owner;
	enum fate fate; /* for OWNER_NONE */
	bool counted;   /* stats are of what it matched */

	struct sock_filter *insns; /* classic program, owned by the snapshot */
	size_t insns_count;
	uint32_t prog_id; /* eBPF program, 0: none */
	char prog_name[32];

	enum filter_action action;
	bool to_ingress; /* mirred sends to the target's ingress */
	bool ends_chain; /* mirred's control action is not "continue" */
	int target;      /* mirred's target ifindex; 0: it is gone */
	uint8_t cookie[COOKIE_SIZE];
	size_t cookie_size;
	struct filter_stats stats;
};

/* An eBPF program that sees a hook's packets ahead of its filters (tcx). */
struct program {
	int ifindex;
	uint32_t parent;
	uint32_t id;
};

struct route_query {
	struct ip_addr to;
	struct ip_addr from; /* family 0: any */
	uint8_t tos;
	bool closely; /* `several` and `checksums` are asked too */
};

/* What the neighbour table says of the next hop. */
enum next_hop {
	NEXT_HOP_UNKNOWN, /* no entry, or none is needed */
	NEXT_HOP_GOOD,
	NEXT_HOP_ASKED, /* no answer yet */
	NEXT_HOP_FAILED /* none came: packets to it are thrown away, after they were counted as sent
			 */
};

/* Who fills in the checksums inside tunnels' packets that leave by a device. */
enum checksums {
	CHECKSUMS_ANYBODY,  /* perhaps only who receives them */
	CHECKSUMS_HARDWARE, /* the kernel, or the device if it is hardware */
	CHECKSUMS_KERNEL,
};

struct route {
	int oif;
	struct ip_addr from; /* the source address the kernel would use */
	uint32_t mtu;        /* of the path; 0: the link's */
	bool local;          /* the address is this host's own */
	struct ip_addr via;  /* the next hop: a gateway, or the address itself */
	enum next_hop next_hop;
	bool several; /* there are several next hops, of which this is one; asked closely */
	bool wrapped; /* packets are encapsulated on the way: MPLS, SRv6 */
	enum checksums checksums; /* asked closely, and where the next hop is good */
};

enum { TALLY_NAME = 32 };

/* A named counter of one of vtap-client's nftables tables. */
struct tally {
	char name[TALLY_NAME];
	uint64_t packets;
	uint64_t bytes;
};

/* vtap-client's nftables tables: see ruleset.h. */
struct ruleset {
	bool present;   /* one of them at least */
	bool foreign;   /* a table of that name is somebody else's */
	uint64_t print; /* of the text that they were made of; 0: they do not go together */
	bool intact;    /* the rules are those that the text made */
	ARRAY_OF(struct tally) tallies; /* by name */
};

struct snapshot {
	ARRAY_OF(struct link) links;        /* by ifindex, after snapshot_sort */
	ARRAY_OF(struct address) addresses; /* by ifindex */
	ARRAY_OF(struct qdisc) qdiscs;      /* by ifindex */
	ARRAY_OF(struct filter) filters;    /* by ifindex, parent, chain, pref, handle */
	ARRAY_OF(struct program) programs;  /* by ifindex, parent; in the order they run */
	ARRAY_OF(uint32_t) names;           /* indexes into links, by name */
	struct ruleset ruleset;
	ARRAY_OF(struct ip_prefix) policies; /* IPsec's, for packets to these; see policy.h */
};

void snapshot_clear(struct snapshot *snapshot); /* frees everything in it */
int snapshot_sort(struct snapshot *snapshot);   /* 0 or -ENOMEM; look-ups below need it */

/* Each NULL when there is none. Logarithmic. */
struct link *snapshot_link(const struct snapshot *snapshot, int ifindex);
struct link *snapshot_link_named(const struct snapshot *snapshot, const char *name);
/* The clsact or ingress qdisc of a link. */
const struct qdisc *snapshot_hook(const struct snapshot *snapshot, int ifindex);
const struct qdisc *snapshot_root_qdisc(const struct snapshot *snapshot, int ifindex);
const struct address *snapshot_first_address(const struct snapshot *snapshot, int ifindex);
/* The counters of this name added up; false: there is none. */
bool snapshot_tally(const struct snapshot *snapshot, const char *name, struct tally *out);
/* The filters of one hook: the first, and their number in *count. */
const struct filter *snapshot_filters(const struct snapshot *snapshot, int ifindex, uint32_t parent,
				      size_t *count);

/* The first of the programs of one hook, and their number in *count. */
const struct program *snapshot_programs(const struct snapshot *snapshot, int ifindex,
					uint32_t parent, size_t *count);

/*
 * The cookie of a client's filter: "vtap", version, owner, flags, zero, and a 64-bit hash of the
 * name it works for.
 */
enum { COOKIE_MADE_QDISC = 1 }; /* flag: vtap made the clsact this filter sits on */
void cookie_make(uint8_t cookie[COOKIE_SIZE], enum owner owner, uint8_t flags, const char *name);
enum owner cookie_owner(const uint8_t *cookie, size_t size);
bool cookie_made_qdisc(const uint8_t *cookie, size_t size);
bool cookie_names(const uint8_t *cookie, size_t size, const char *name);

/* Program names of the collector's eBPF filters; the second says as well that vtap made the clsact.
 */
#define PROG_NAME_DOOR      "vtap-door"
#define PROG_NAME_DOOR_MADE "vtap-door made-clsact"
/* The client's, on tunnels and the hops before them. */
#define PROG_NAME_EXPRESS "vtap-express"
/* On links of vtap's own: no mark of an owner needed. */
#define PROG_NAME_SEAL    "vtap-seal"
#define PROG_NAME_CUT_END "vtap-cut-end"

/* A local address of "::" is as good as none: the kernel does not report it. */
bool vxlan_equal(const struct vxlan *a, const struct vxlan *b);
bool tbf_equal(const struct tbf *wanted,
	       const struct tbf *seen); /* burst within the kernel's tick rounding */

#endif
