/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of links: a buffer for messages, and one that makes a link.
 */
#ifndef VTAP_TESTS_LINK_RIG_H
#define VTAP_TESTS_LINK_RIG_H

#include "common/link.h"

#include <check.h>

#include "tests/unit/dump_link.h"
#include "tests/unit/golden_link.h"
#include "tests/unit/message.h"

static _Alignas(struct nlmsghdr) char buffer[4096];
static struct nlmsg m;

static inline struct ip_addr ip(const char *text)
{
	struct ip_addr addr;

	ck_assert(ip_addr_parse(text, &addr));
	return addr;
}

static inline void create(const char *name, enum owner owner, const struct vxlan *vxlan)
{
	struct want_link want = {.kind = LINK_VXLAN, .vxlan = *vxlan};

	strcpy(want.name, name);
	link_put_create(&m, buffer, sizeof(buffer), &want, owner);
}

#endif
