/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcx programs, which run ahead of a hook's filters (Linux 6.6 and later): asking which a device
 * has, and attaching one.
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
/* Attached at the end of those, for as long as the descriptor is open, and the device is there.
 * A negative errno: -EINVAL where this kernel has no tcx. */
int tcx_attach(int ifindex, bool egress, int prog_fd);

#endif
