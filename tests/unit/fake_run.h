/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations of the fake kernel; for the files alone that make it up. fake_tc.c has those of
 * qdiscs and filters.
 */
#ifndef VTAP_TESTS_FAKE_RUN_H
#define VTAP_TESTS_FAKE_RUN_H

#include "tests/unit/fake_kernel.h"

int fake_run(struct kernel *kernel, const struct op *op, char *why, size_t why_size);

/* With all that hangs on it; mirred targets elsewhere become 0, as in the kernel. */
void fake_remove_link(struct fake_kernel *fake, int ifindex);
/* With its filters. False: there is none. */
bool fake_remove_qdisc(struct fake_kernel *fake, int ifindex, uint32_t parent);

/* NULL: there is none. */
struct fake_link *fake_run_link_at(struct fake_kernel *fake, int ifindex);
struct fake_link *fake_run_find(struct fake_kernel *fake, const struct device *device);
struct fake_qdisc *fake_run_qdisc_at(struct fake_kernel *fake, int ifindex, uint32_t parent);
/* Remembers the first operation on something of somebody else's. */
void fake_run_touch(struct fake_kernel *fake, const struct op *op, bool foreign);

/* Operations on what a link has; 0 or a negative errno. */
int fake_run_create_qdisc(struct fake_kernel *fake, const struct fake_link *at,
			  const struct op *op);
int fake_run_delete_qdisc(struct fake_kernel *fake, const struct fake_link *at,
			  const struct op *op);
int fake_run_put_filter(struct fake_kernel *fake, const struct fake_link *at, const struct op *op);
int fake_run_delete_filter(struct fake_kernel *fake, const struct fake_link *at,
			   const struct op *op);

#endif
