/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hop that copies of egress pass where the underlay is too small for them: a veth pair in front
 * of the tunnel.
 */
#include "client/plan_parts.h"

#include "common/tc.h"

enum {
	HOP_MTU = 65535, /* a veth drops what is larger than its MTU */
	HOP_DRAIN_MS = 2000,
};

static const struct sock_filter take_all[] = {BPF_STMT(BPF_RET | BPF_K, 0xffff)};

/*
 * While there is no route the path's MTU is unknown. The hop then stays as it is, in use or not:
 * to change it would cost the filter's counters. A new tunnel starts with it, as the first copies
 * on a new route come before the pass that measures it.
 */
bool plan_hop_needed(const struct context *c, const struct client_collector *collector,
		     const struct path *path, const struct tunnel *tunnel)
{
	char entry[IFNAMSIZ];

	if (collector->encap != ENCAP_VXLAN)
		return false;
	if (!path->error)
		return tunnel->too_small;
	client_hop_name(collector->device, HOP_ENTRY, entry);
	return (snapshot_link_named(c->seen, entry) && !tunnel->hop_left) ||
	       !snapshot_link_named(c->seen, collector->device);
}

static const struct link *own_end(const struct context *c, const char *device, enum hop_end end)
{
	char name[IFNAMSIZ];

	client_hop_name(device, end, name);
	const struct link *link = snapshot_link_named(c->seen, name);
	return link && link->group == owner_group(OWNER_CLIENT) ? link : NULL;
}

static bool led_to(const struct context *c, int ifindex)
{
	const struct filter *f = c->seen->filters.items;

	for (size_t i = 0; i < c->seen->filters.count; i++)
		if (f[i].owner == OWNER_CLIENT && f[i].target == ifindex)
			return true;
	return false;
}

/*
 * Copies that were sent into the hop wait for its exit in the backlog of a processor. Those that
 * still do when the exit is deleted are thrown away, and counted nowhere (flush_backlog). How many
 * wait nobody tells: the hop stays for much longer than any waits, from when nothing leads there.
 * Once it has stayed so long, it goes whenever it is asked for again: a pass may plan twice.
 */
bool plan_hop_drains(const struct context *c, const struct client_collector *collector,
		     struct tunnel *tunnel)
{
	const struct link *entry = own_end(c, collector->device, HOP_ENTRY);
	bool left = tunnel->hop_left;

	tunnel->hop_left = !tunnel->hop && entry && own_end(c, collector->device, HOP_EXIT);
	if (!tunnel->hop_left)
		return false;
	if (!left || led_to(c, entry->ifindex))
		tunnel->hop_left_ms = c->plan->now_ms;
	return c->plan->now_ms - tunnel->hop_left_ms < HOP_DRAIN_MS;
}

bool plan_hop_drained(const struct tunnel *tunnel, uint64_t now_ms)
{
	return tunnel->hop_drains && now_ms - tunnel->hop_left_ms >= HOP_DRAIN_MS;
}

bool plan_hop_taken(struct context *c, const char *device, int subject)
{
	char entry[IFNAMSIZ], exit[IFNAMSIZ];

	client_hop_name(device, HOP_ENTRY, entry);
	client_hop_name(device, HOP_EXIT, exit);
	return plan_taken(c, entry, subject) || plan_taken(c, exit, subject);
}

static void add_hop_end(struct context *c, const char *device, enum hop_end end, int subject)
{
	char name[IFNAMSIZ];

	client_hop_name(device, end, name);
	struct want_link *want = plan_add_link(c, name, LINK_VETH, subject);
	if (!want)
		return;
	client_hop_name(device, end == HOP_ENTRY ? HOP_EXIT : HOP_ENTRY, want->peer);
	want->born = end == HOP_EXIT;
	want->mtu = HOP_MTU;
}

/*
 * A clone taken at egress still holds production's route. A tunnel that is too small for it would
 * write the smaller MTU there, and lower production's IPv6 path MTU (skb_tunnel_check_pmtu).
 * Passing a veth pair takes the route off. Mirroring to the ingress of one device would too, but
 * garbles frames that carry a VLAN tag in their data: mirred pulls up to the IP header, and the
 * receive path then looks for the tag behind it.
 */
void plan_hop(struct context *c, const struct client_collector *collector, int subject)
{
	struct want_filter forward = {.parent = TC_INGRESS,
				      .pref = PLAN_OWN_PREF,
				      .handle = FILTER_HANDLE,
				      .insns = take_all,
				      .insns_count = 1,
				      .action = ACTION_REDIRECT,
				      .target = plan_device(collector->device),
				      .subject = subject};

	add_hop_end(c, collector->device, HOP_ENTRY, subject);
	add_hop_end(c, collector->device, HOP_EXIT, subject);
	client_hop_name(collector->device, HOP_EXIT, forward.device.name);
	cookie_make(forward.cookie, OWNER_CLIENT, 0, collector->name);
	plan_add_qdisc(c, &forward.device, QDISC_CLSACT, subject);
	plan_add_filter(c, &forward);
}
