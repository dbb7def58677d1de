/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the eBPF program and its loader share: the layout of the maps. A change of a layout here
 * makes an upgraded daemon start its counts anew, as the maps of the one before no longer fit. No
 * padding: keys compare as bytes.
 */
#ifndef VTAP_COLLECTOR_DOOR_SHARED_H
#define VTAP_COLLECTOR_DOOR_SHARED_H

#include <linux/types.h>

enum { DOOR_IPV4 = 4, DOOR_IPV6 = 6 };                            /* door_key.family */
enum { DOOR_ENCAP_VXLAN = 1, DOOR_ENCAP_GRETAP, DOOR_ENCAP_GRE }; /* door_key.encap */

struct door_key {
	__u8 address[16]; /* outer source; IPv4 in the first four bytes, the rest zero */
	__u32 vni;        /* of GRE the key; 0: none */
	__u8 family;
	__u8 encap;
	__u16 zero;
};

struct door_sum {
	__u64 packets;
	__u64 bytes;
};

/* What is on its way to be cut, and comes back in the same order. */
struct door_line {
	__u32 sent;     /* number of the latest one */
	__u32 returned; /* of the latest one that is back as a whole */
	__u32 number;   /* of the one that is coming back */
	__u32 seen;     /* its segments so far */
};

/*
 * vtap_totals, one per CPU. What the endpoint got comes first: who copies the structure while
 * frames pass reads it before what was let in, and so never finds more delivered than accepted.
 */
struct door_sums {
	struct door_sum delivered; /* counted by the seal */
	struct door_sum accepted;
	struct door_sum rejected;
	struct door_sum overflow;
	struct door_sum malformed;
	struct door_line line;
};

/* vtap_cutter; kept, so that what is on its way finds back over a restart */
struct door_cutter {
	__u64 secret;
	__u32 ifindex; /* where aggregates are sent to be cut; 0: they stay as they are */
	__u32 zero;
};

/* vtap_settled: the daemon's own, kept here as it has to outlive a daemon that is killed */
struct door_settled {
	struct door_sum undelivered;
};

/*
 * vtap_rejected, one per CPU: the sources that are rejected most, by the space-saving method. A
 * source's hash says which set it belongs to; one that finds its set full takes the place of the
 * least seen and inherits its score, so that a heavy one is never lost among many light ones.
 */
enum { DOOR_REJECTED_SETS = 512, DOOR_REJECTED_WAYS = 4 };

struct door_rejected_source {
	__u64 address[2]; /* an IPv4 one mapped into IPv6; all zero: a free place */
	__u64 score;      /* packets, and those of whom it displaced: */
	__u64 inherited;
	__u64 bytes;
	__u64 last_mono_ns;
};

struct door_rejected_set {
	struct door_rejected_source ways[DOOR_REJECTED_WAYS];
};

/* What is let in: eight bytes, so that a change is one store. All zero: all is left alone. */
struct door_admission {
	__be16 port; /* of VXLAN; 0: none */
	__u8 flags;
	__u8 gre; /* DOOR_GRE_BIT of what is let in; DOOR_GRE_SHUT: of what is shut */
	__u32 vni;
} __attribute__((aligned(8)));
#define DOOR_ENFORCE_VNI            1 /* the device takes any */
#define DOOR_SOME_SHUT              2 /* look at door_rules.shut */
#define DOOR_GRE_BIT(encap, family) (1u << ((encap)*2 + ((family) == DOOR_IPV6)))
#define DOOR_GRE_SHUT(bits)         ((bits) << 4)

/*
 * VXLAN for a device that is about to come, or to go: nobody gets in, as a device that comes would
 * have frames that were not counted, and one that goes would not have what was. All zero: none.
 */
struct door_shut {
	__be16 port;
	__u8 any_vni;
	__u8 zero;
	__u32 vni;
} __attribute__((aligned(8)));

enum { DOOR_SHUT_MAX = 8 };

struct door_rules {
	struct door_admission admit;
	struct door_shut shut[DOOR_SHUT_MAX];
};

/*
 * Addresses of this host, IPv4 ones mapped into IPv6, each in the one place that its hash names. It
 * spares most packets the question whether they are forwarded; an address that is not here costs a
 * route look-up where forwarding is on.
 */
enum { DOOR_HERE_BITS = 6, DOOR_HERE = 1 << DOOR_HERE_BITS };

static inline __u32 door_here_place(const __u64 address[2])
{
	return (__u32)(((address[0] ^ address[1]) * 0x9e3779b97f4a7c15) >> (64 - DOOR_HERE_BITS));
}

/* vtap_allow: one list for both families, as it has to change at once. */
struct door_prefix {
	__u32 length; /* DOOR_PREFIX_FAMILY bits more than the prefix */
	__u8 family;
	__u8 address[16];
	__u8 zero[3];
};

enum { DOOR_PREFIX_FAMILY = 8, DOOR_ALLOW_MAX = 32768 };

/* What vtap_put takes. BPF_PROG_TEST_RUN takes it for a frame, and refuses one that is short for
 * its type: this one has none. */
struct door_late {
	__u8 ethernet[16]; /* zero */
	struct door_key key;
	struct door_sum sum;
};

#endif
