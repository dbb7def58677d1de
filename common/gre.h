/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attributes of GRE devices: gretap and gre over IPv4, ip6gretap and ip6gre over IPv6. They
 * are one driver family with one set of attributes. Bytes to values and values to bytes.
 */
#ifndef VTAP_COMMON_GRE_H
#define VTAP_COMMON_GRE_H

#include "common/nlmsg.h"
#include "common/object.h"

/* LINK_GRETAP or LINK_GRE for the kernel's name of a kind, and whether it is over IPv6. LINK_OTHER:
 * it is none of them. */
enum link_kind gre_kind(const char *name, bool *ipv6);
const char *gre_kind_name(enum link_kind kind, bool ipv6);

void gre_parse(const struct nlattr *data, bool ipv6, struct gre *out);
/* What goes into IFLA_INFO_DATA, to make a device and to change one: the kernel takes what is
 * absent for zero. */
void gre_put(struct nlmsg *m, const struct gre *gre);

bool gre_equal(const struct gre *a, const struct gre *b);
/* Whether the kernel can go from one to the other in place. */
bool gre_changes_in_place(const struct gre *from, const struct gre *to);

#endif
