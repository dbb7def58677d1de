/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations of the fake kernel; for fake_kernel.c alone.
 */
#ifndef VTAP_TESTS_FAKE_RUN_H
#define VTAP_TESTS_FAKE_RUN_H

#include "tests/unit/fake_kernel.h"

int fake_run(struct kernel *kernel, const struct op *op, char *why, size_t why_size);

/* With all that hangs on it; mirred targets elsewhere become 0, as in the kernel. */
void fake_remove_link(struct fake_kernel *fake, int ifindex);
/* With its filters. False: there is none. */
bool fake_remove_qdisc(struct fake_kernel *fake, int ifindex, uint32_t parent);

#endif
