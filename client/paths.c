/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/paths.h"

#include "client/setup.h"
#include "common/kernel.h"

static int find_path(const struct setup *s, size_t collector, struct kernel *kernel,
		     struct route *out)
{
	const struct client_collector *c = &s->config->collectors[collector];
	struct route_query query = {.to = c->address,
				    .from = c->local,
				    .tos = (uint8_t)(c->dscp << 2),
				    .closely = plan_lane_configured(c)};

	int error = kernel->route(kernel, &query, out);
	/* a next hop that failed is asked anew with every packet, and has not answered until it is
	 * good */
	const struct route *before = &s->paths[collector].route;
	if (!error && out->next_hop == NEXT_HOP_ASKED && before->next_hop == NEXT_HOP_FAILED &&
	    ip_addr_equal(&out->via, &before->via))
		out->next_hop = NEXT_HOP_FAILED;
	return error;
}

static bool good(const struct route *route)
{
	return route->next_hop == NEXT_HOP_GOOD;
}

static bool failed(const struct route *route)
{
	return route->next_hop == NEXT_HOP_FAILED;
}

void paths_find(struct setup *s, struct kernel *kernel)
{
	for (size_t i = 0; i < s->config->collectors_count; i++) {
		struct route now;
		s->paths[i].error = find_path(s, i, kernel, &now);
		s->paths[i].route = now;
	}
}

bool paths_changed(const struct setup *s, struct kernel *kernel)
{
	for (size_t i = 0; i < s->config->collectors_count; i++) {
		const struct route *before = &s->paths[i].route;
		struct route now;
		int error = find_path(s, i, kernel, &now);
		if (error != s->paths[i].error)
			return true;
		if (!error &&
		    (now.oif != before->oif || now.mtu != before->mtu ||
		     now.local != before->local || failed(&now) != failed(before) ||
		     !ip_addr_equal(&now.from, &before->from) ||
		     !ip_addr_equal(&now.via, &before->via) || now.several != before->several ||
		     now.wrapped != before->wrapped || now.checksums != before->checksums ||
		     (good(&now) != good(before) &&
		      plan_lane_configured(&s->config->collectors[i]))))
			return true;
	}
	return false;
}
