/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings that rtnetlink does not do: a device's offloads, by the ethtool ioctl, its IPv6, and
 * the range of source ports, by /proc/sys. All in the network namespace of the process. Errors are
 * negative errno values.
 */
#ifndef VTAP_COMMON_KNOB_H
#define VTAP_COMMON_KNOB_H

#include <stdbool.h>
#include <stdint.h>

#include "common/object.h"

/* fd: any socket. bits are enum offload's. */
int knob_read_offloads(int fd, const char *device, uint32_t *on);
int knob_set_offloads(int fd, const char *device, uint32_t off, uint32_t on);
/* Who fills in checksums inside tunnels' packets that leave by it. */
enum checksums knob_checksums(int fd, const char *device);
int knob_ipv6_off(const char *device); /* 0 also where the kernel has no IPv6 */
/* On, but without an address of its own making, router advertisements, or being a router. */
int knob_ipv6_quiet(const char *device);
/* Where the kernel takes source ports from; its defaults where it does not say. */
void knob_port_range(uint16_t *min, uint16_t *max);

#endif
