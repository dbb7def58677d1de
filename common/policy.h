/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPsec policies for packets that leave, as far as they matter to who sends past them: where they
 * lead to. No socket.
 */
#ifndef VTAP_COMMON_POLICY_H
#define VTAP_COMMON_POLICY_H

#include "common/nlmsg.h"
#include "common/object.h"

/*
 * The destinations of a policy; whatever else it asks of a packet (source, protocol, ports) is left
 * aside. Family 0: of any family, all of them. False: it is none for packets that leave.
 */
bool policy_parse(const struct nlmsghdr *header, struct ip_prefix *out);

/* Whether an observed policy may take what is sent to this address. */
bool policy_covers(const struct snapshot *snapshot, const struct ip_addr *address);

#endif
