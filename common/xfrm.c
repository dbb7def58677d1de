/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/xfrm.h"

#include <errno.h>
#include <linux/xfrm.h>
#include <stdlib.h>

#include "common/policy.h"
#include "common/talk.h"

struct xfrm {
	struct talk talk;
	bool none; /* the kernel has no IPsec */
};

int xfrm_open(struct xfrm **out)
{
	struct xfrm *xfrm = calloc(1, sizeof(*xfrm));

	if (!xfrm)
		return -ENOMEM;
	int error = talk_open(&xfrm->talk, NETLINK_XFRM);
	xfrm->none = error == -EPROTONOSUPPORT || error == -EAFNOSUPPORT;
	if (error && !xfrm->none) {
		free(xfrm);
		return error;
	}
	*out = xfrm;
	return 0;
}

void xfrm_close(struct xfrm *xfrm)
{
	if (!xfrm)
		return;
	talk_close(&xfrm->talk);
	free(xfrm);
}

static int add(struct snapshot *s, const struct ip_prefix *prefix)
{
	struct ip_prefix *slot = ARRAY_ADD(&s->policies);

	if (!slot)
		return -ENOMEM;
	*slot = *prefix;
	return 0;
}

static int take(const struct nlmsghdr *header, void *snapshot)
{
	struct ip_prefix prefix;

	return policy_parse(header, &prefix) ? add(snapshot, &prefix) : 0;
}

int xfrm_read(struct xfrm *xfrm, struct snapshot *s)
{
	struct xfrm_userpolicy_id all = {0};
	int error = -EINTR;

	for (int i = 0; !xfrm->none && error == -EINTR && i < TALK_DUMP_TRIES; i++) {
		struct nlmsg m;
		s->policies.count = 0;
		nlmsg_start(&m, xfrm->talk.request, TALK_SIZE, XFRM_MSG_GETPOLICY, NLM_F_DUMP, &all,
			    sizeof(all));
		error = talk(&xfrm->talk, &m, take, s);
	}
	/* who may not even look can change nothing either: a dry run */
	if (!error || xfrm->none || error == -EPERM)
		return 0;
	s->policies.count = 0;
	return error == -ENOMEM ? error : add(s, &(struct ip_prefix){0});
}
