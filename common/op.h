/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What vtap wants of the kernel, and the single operations that lead there. Values only: op_message
 * makes the netlink request of an operation, op_text the line that a person reads.
 */
#ifndef VTAP_COMMON_OP_H
#define VTAP_COMMON_OP_H

#include "common/nlmsg.h"
#include "common/object.h"

/* A device. ifindex 0: the one that has this name when the operation runs (it may not exist yet).
 */
struct device {
	int ifindex;
	char name[IFNAMSIZ];
};

/* `subject` names what an object is for, in the caller's own numbering; a failed operation is
 * reported to it. */

struct want_link {
	char name[IFNAMSIZ];
	enum link_kind kind; /* not LINK_OTHER */
	char peer[IFNAMSIZ]; /* LINK_VETH: the other end, a wanted link too */
	bool born;           /* LINK_VETH: this end comes with the making of the other */
	union {
		struct vxlan vxlan;
		struct gre gre;
	};
	uint32_t mtu;          /* 0: as it is */
	uint32_t offloads_off; /* enum offload bits that must be off */
	uint32_t offloads_on;  /* and on */
	bool tee;              /* nftables copies to it: IPv6 on but quiet, and ways to it */
	int subject;
};

enum qdisc_kind { QDISC_CLSACT, QDISC_TBF };

struct want_qdisc {
	struct device device;
	enum qdisc_kind kind;
	struct tbf tbf;
	int subject;
};

struct want_filter {
	struct device device;
	uint32_t parent;
	uint16_t pref;
	uint32_t handle;
	const struct sock_filter *insns; /* classic program, the caller's; or an eBPF one: */
	size_t insns_count;
	int prog_fd;
	uint32_t prog_id;      /* 0: classic */
	const char *prog_name; /* static */
	enum filter_action action;
	bool to_ingress;
	struct device target;
	uint8_t cookie[COOKIE_SIZE]; /* for ACTION_MIRROR and ACTION_REDIRECT */
	int subject;
};

/* nftables tables; the client's alone. */
struct want_ruleset {
	char *text; /* for nft(8), without what removes the tables before; NULL: none is wanted */
	uint64_t print;
	bool later; /* leave what is there: a device that the text must name has yet to be made */
	int subject;
};

/* Everything that one owner wants. What carries the owner's mark and is not in here goes away. */
struct desired {
	enum owner owner;
	ARRAY_OF(struct want_link) links;
	ARRAY_OF(struct want_qdisc) qdiscs;
	ARRAY_OF(struct want_filter) filters;
	struct want_ruleset ruleset;
};

void desired_clear(struct desired *desired); /* the owner stays */

enum op_type {
	OP_LINK_CREATE,
	OP_LINK_CHANGE, /* VXLAN attributes that can change in place */
	OP_LINK_MTU,
	OP_LINK_UP, /* and NOARP */
	OP_LINK_DELETE,
	OP_IPV6_OFF,
	OP_IPV6_QUIET, /* on, without address, autoconfiguration and the duties of a router */
	OP_OFFLOADS,
	OP_ADDRESS_DELETE,
	OP_WAY_PUT,
	OP_WAY_DELETE,
	OP_QDISC_CREATE,
	OP_QDISC_DELETE,
	OP_FILTER_PUT,  /* creates it, or replaces program and action at once */
	OP_RULESET_PUT, /* both tables, in place of those there are, at once */
	OP_RULESET_DELETE,
	OP_FILTER_DELETE, /* handle 0: all of the pref, of whatever kind */
};

struct op {
	enum op_type type;
	struct device device;
	int subject;     /* -1: nobody's */
	const char *why; /* static words: what made it necessary */
	enum owner owner;
	const struct want_link *link;       /* OP_LINK_CREATE, _CHANGE, _MTU */
	const struct want_qdisc *qdisc;     /* OP_QDISC_CREATE */
	const struct want_filter *filter;   /* OP_FILTER_PUT */
	const struct want_ruleset *ruleset; /* OP_RULESET_PUT */
	uint32_t parent;                    /* OP_QDISC_DELETE, OP_FILTER_DELETE */
	uint32_t handle;
	uint16_t pref;
	uint32_t offloads_off; /* OP_OFFLOADS: enum offload bits */
	uint32_t offloads_on;
	struct address address; /* OP_ADDRESS_DELETE */
	enum way way;           /* OP_WAY_PUT, OP_WAY_DELETE */
	bool let_go;            /* OP_LINK_UP: from "protodown" */
	bool failed;            /* it was run, and the kernel refused */
};

struct ops {
	struct op *items;
	size_t count;
	size_t capacity;
};

void ops_clear(struct ops *ops);

enum { OP_TEXT = 256 };
/* "eth0 ingress: put filter pref 2 handle 0x76746170, mirror to vtap-soc". Returns text. */
const char *op_text(const struct op *op, char text[OP_TEXT]);

/*
 * The netlink request of an operation on the device with this ifindex (for OP_LINK_CREATE: 0) and,
 * for a mirror, this target. OP_IPV6_OFF and OP_OFFLOADS have no such message: false. True:
 * `message` holds it, or has overflowed.
 */
bool op_message(const struct op *op, int ifindex, int target, struct nlmsg *message);

#endif
