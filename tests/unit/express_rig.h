/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the express lane's program must make of a frame, worked out the slow way, and a run of the
 * program to compare with. One program at a time, loaded anew for each test.
 */
#ifndef VTAP_TESTS_UNIT_EXPRESS_RIG_H
#define VTAP_TESTS_UNIT_EXPRESS_RIG_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>

#include "client/express.h"

enum { FRAME_MAX = 2000, VERDICT_ON = 0, VERDICT_REDIRECT = 7 }; /* TC_ACT_OK, _REDIRECT */

struct frame {
	uint8_t bytes[FRAME_MAX + 128];
	size_t length;
	uint32_t gso_size, gso_segs, ingress_ifindex;
};

extern struct express *express;

/* A test program's main: as many tests as `add` adds, each with an `express` of its own; skipped
 * where the kernel lets nobody load it. */
int rig_main(const char *name, void (*add)(TCase *));

struct express_way rig_way(enum encap encap, uint32_t vni, const char *local, const char *remote);
struct express_way rig_plain(void); /* VXLAN over IPv4 */
struct express_counts rig_counts(void);

/* Runs the program on a frame, which becomes what the program made of it; returns the verdict. */
int rig_run(struct frame *frame);

enum rig_fate { RIG_TAKEN, RIG_PASSED };
/* What is to become of a frame that is no aggregate; with RIG_PASSED, why. */
enum rig_fate rig_fate(const struct express_way *way, const struct frame *frame,
		       enum express_pass *why);
/* Of a TCP or UDP packet, what the stack writes as its checksum for the device to complete. */
unsigned rig_pseudo_sum(const struct frame *frame);
/* NULL: `out` is `in` as this way wants it encapsulated. Else what is wrong with it. */
const char *rig_wrong(const struct express_way *way, const struct frame *in,
		      const struct frame *out);

#endif
