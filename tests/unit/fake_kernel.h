/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel port over arrays, with the quirks of the real one that matter to vtap. What tests put
 * in themselves is foreign: the fake notices when an operation touches it. It can fail the n-th
 * operation, and shows its state as text without ifindexes.
 */
#ifndef VTAP_TESTS_FAKE_KERNEL_H
#define VTAP_TESTS_FAKE_KERNEL_H

#include "common/kernel.h"

struct fake_link {
	struct link link;
	bool foreign;
};

struct fake_qdisc {
	struct qdisc qdisc;
	bool foreign;
};

struct fake_filter {
	struct filter filter; /* insns are this kernel's own */
	bool foreign;
};

struct fake_route {
	struct ip_addr to;
	int error;
	struct route route;
};

struct fake_kernel {
	struct kernel kernel;
	ARRAY_OF(struct fake_link) links;
	ARRAY_OF(struct address) addresses;
	ARRAY_OF(struct fake_qdisc) qdiscs;
	ARRAY_OF(struct fake_filter) filters;
	ARRAY_OF(struct fake_route) routes;
	ARRAY_OF(struct program) programs;
	ARRAY_OF(struct ip_prefix) policies;
	struct ruleset ruleset;
	char *ruleset_text; /* what was put last; NULL: none */
	int next_ifindex;

	unsigned operations; /* that were asked for */
	unsigned changes;    /* that were done */
	unsigned dumps;      /* and everything else that only reads */

	unsigned fail_at; /* the operation with this number, counted from 1; 0: none */
	unsigned fail_dump_at;
	int fail_error; /* negative errno */
	bool fail_on;   /* the later ones too */

	void (*before)(struct fake_kernel *fake,
		       const struct op *op); /* each operation; may be NULL */
	void (*after)(struct fake_kernel *fake, const struct op *op);
	char touched[OP_TEXT]; /* the first operation that touched a foreign object; "" for none */
	char unsealed[IFNAMSIZ]; /* a device that was set up without its seal; "" for none */
};

void fake_kernel_init(struct fake_kernel *fake);
void fake_kernel_free(struct fake_kernel *fake);

/* What others do. Links are up and Ethernet; an ifindex comes back. */
int fake_add_link(struct fake_kernel *fake, const char *name);
struct link *fake_link(struct fake_kernel *fake, const char *name); /* NULL: none */
void fake_delete_link(struct fake_kernel *fake, const char *name);
void fake_add_address(struct fake_kernel *fake, const char *name, const char *address);
/* kind "clsact", "ingress", or a root qdisc */
void fake_add_qdisc(struct fake_kernel *fake, const char *name, const char *kind);
void fake_delete_qdisc(struct fake_kernel *fake, const char *name, uint32_t parent);
/* A filter for everything; the pointer is good until the next change. */
struct filter *fake_add_filter(struct fake_kernel *fake, const char *name, uint32_t parent,
			       uint16_t pref, uint32_t handle, const char *kind);
struct filter *fake_filter(struct fake_kernel *fake, const char *name, uint32_t parent,
			   uint16_t pref, uint32_t handle);
/* A tcx program; they run in the order they are added. */
void fake_add_program(struct fake_kernel *fake, const char *name, uint32_t parent, uint32_t id);
void fake_delete_filter(struct fake_kernel *fake, size_t number);
/* oif NULL: unreachable */
void fake_set_route(struct fake_kernel *fake, const char *to, const char *oif, const char *from,
		    uint32_t mtu);

/* `nft flush ruleset` */
void fake_flush_ruleset(struct fake_kernel *fake);

/* Whether a device takes nothing in and says nothing: IPv6 off, no ARP, all that arrives dropped.
 */
bool fake_sealed(const struct fake_kernel *fake, const struct link *link);

/* Everything there is, sorted, with names for ifindexes. malloc'd. */
char *fake_text(const struct fake_kernel *fake);

#endif
