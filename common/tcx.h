/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking the kernel (6.6 and later) which tcx programs a device has. It only reads.
 */
#ifndef VTAP_COMMON_TCX_H
#define VTAP_COMMON_TCX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TCX_PROGRAMS = 64 }; /* the kernel has no more on one hook */

/* Their ids in the order they run. -ENODEV: no such device; other errors: this kernel has no tcx,
 * or we may not ask. */
int tcx_query(int ifindex, bool egress, uint32_t ids[TCX_PROGRAMS], size_t *count);

#endif
