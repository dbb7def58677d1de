/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/plan_parts.h"

#include <errno.h>
#include <stdio.h>

struct device plan_device(const char *name)
{
	struct device device = {0};
	snprintf(device.name, sizeof(device.name), "%s", name);
	return device;
}

bool plan_own(const struct link *link)
{
	return link->group == owner_group(OWNER_CLIENT) ||
	       link->group == owner_group(OWNER_COLLECTOR);
}

struct want_link *plan_add_link(struct context *c, const char *name, enum link_kind kind,
				int subject)
{
	struct want_link *want = ARRAY_ADD(&c->desired->links);
	if (!want) {
		c->error = -ENOMEM;
		return NULL;
	}
	snprintf(want->name, sizeof(want->name), "%s", name);
	want->kind = kind;
	want->subject = subject;
	return want;
}

struct want_qdisc *plan_add_qdisc(struct context *c, const struct device *device,
				  enum qdisc_kind kind, int subject)
{
	struct want_qdisc *want = ARRAY_ADD(&c->desired->qdiscs);
	if (!want) {
		c->error = -ENOMEM;
		return NULL;
	}
	*want = (struct want_qdisc){.device = *device, .kind = kind, .subject = subject};
	return want;
}

void plan_add_filter(struct context *c, const struct want_filter *filter)
{
	struct want_filter *want = ARRAY_ADD(&c->desired->filters);
	if (want)
		*want = *filter;
	else
		c->error = -ENOMEM;
}

int plan_client(struct plan *plan, const struct snapshot *seen, const struct ifset *made,
		struct subjects *subjects, struct desired *desired)
{
	struct context c = {
	    .plan = plan, .seen = seen, .made = made, .subjects = subjects, .desired = desired};

	for (size_t i = 0; i < plan->config->collectors_count; i++) {
		plan_tunnel(&c, i);
		plan_lane(&c, i);
	}
	for (size_t i = 0; i < plan->streams_count; i++)
		plan_stream(&c, &plan->streams[i]);
	plan_tee_ruleset(&c);
	ifset_clear(&c.hooks);
	return c.error;
}
