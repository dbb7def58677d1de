/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A collector's express lane: where its program belongs, the way that copies take on it, or why
 * they cannot. What takes the lane is seen by no routing, netfilter, IPsec or queueing discipline
 * of the tunnel: the plan has to be sure that none of them would make a difference.
 */
#include "client/plan_parts.h"

#include <linux/if_arp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/policy.h"
#include "common/tc.h"

__attribute__((format(printf, 2, 3))) static void off(struct lane *lane, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(lane->off, sizeof(lane->off), format, args);
	va_end(args);
}

/* Does the configuration leave room for it? */
static bool configured(struct lane *lane, const struct client_collector *collector)
{
	if (!collector->accelerate)
		off(lane, "accelerate is \"off\"");
	else if (!encap_keeps_ethernet(collector->encap))
		off(lane, "encap is \"%s\"", encap_name(collector->encap));
	else if (collector->rate)
		off(lane, "rate is set: the cap is on the kernel's path");
	else if (collector->encap == ENCAP_VXLAN && collector->udp_checksum == UDP_CHECKSUM_ON)
		off(lane, "udp_checksum is \"on\": the kernel's path computes it");
	else if (collector->encap == ENCAP_VXLAN && collector->address.family == AF_INET6 &&
		 collector->udp_checksum == UDP_CHECKSUM_AUTO)
		off(lane, "udp_checksum is not \"off\": over IPv6 the kernel's path computes it");
	else
		return true;
	return false;
}

bool plan_lane_configured(const struct client_collector *collector)
{
	struct lane scratch;
	return configured(&scratch, collector);
}

static bool loaded(struct lane *lane)
{
	if (lane->unloaded[0])
		off(lane, "%s", lane->unloaded);
	return !lane->unloaded[0];
}

/*
 * What the lane sends to a neighbour that has yet to answer, the kernel sends on, when it has, by
 * the route that the copy still holds, which is production's. The kernel's path asks for it.
 */
static bool next_hop_known(struct lane *lane, const struct path *path)
{
	lane->waits = path->route.next_hop != NEXT_HOP_GOOD;
	if (lane->waits)
		off(lane, "the next hop has not answered yet");
	return !lane->waits;
}

/*
 * Devices of tunnels lower the path MTU in the route that a packet holds, and that of a copy on the
 * lane is production's. On the kernel's path it is the tunnel's own.
 */
static bool is_tunnel(const struct link *link)
{
	static const char *const kinds[] = {"vxlan",     "geneve", "gretap",
					    "ip6gretap", "erspan", "ip6erspan"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(link->kind_name, kinds[i]) == 0)
			return true;
	return false;
}

/* Is there one plain way to the next hop? */
static bool plain(struct context *c, struct lane *lane, size_t index)
{
	const struct client_collector *collector = &c->plan->config->collectors[index];
	const struct path *path = &c->plan->paths[index];
	const struct link *out = path->error ? NULL : snapshot_link(c->seen, path->route.oif);

	if (path->error || !out)
		off(lane, "no route");
	else if (path->route.local || out->flags & IFF_LOOPBACK)
		off(lane, "the collector is on this host");
	else if (out->type != ARPHRD_ETHER)
		off(lane, "%s has no Ethernet header", out->name);
	else if (is_tunnel(out))
		off(lane, "%s is a tunnel itself", out->name);
	else if (path->route.several)
		off(lane, "the route has several next hops");
	else if (path->route.wrapped)
		off(lane, "the route encapsulates packets");
	else if (policy_covers(c->seen, &collector->address))
		off(lane, "an IPsec policy may be for these packets");
	else
		return next_hop_known(lane, path);
	return false;
}

/* Copies go through it, or may still be on their way. */
static bool has_hop(const struct context *c, size_t index)
{
	return c->plan->tunnels[index].hop || c->plan->tunnels[index].hop_drains;
}

/* What comes from the exit has met the program already, at the entry. */
static int hop_end(struct context *c, size_t index, enum hop_end end)
{
	char name[IFNAMSIZ];

	client_hop_name(c->plan->config->collectors[index].device, end, name);
	const struct link *link = has_hop(c, index) ? snapshot_link_named(c->seen, name) : NULL;
	return link && plan_own(link) ? link->ifindex : 0;
}

/* Whether no frame with an unfinished checksum leaves. Devices of no kind are hardware. */
static bool finishes(const struct route *route, const struct link *out)
{
	return route->checksums == CHECKSUMS_KERNEL ||
	       (route->checksums == CHECKSUMS_HARDWARE && !out->kind_name[0]);
}

static void find_way(struct context *c, struct lane *lane, size_t index)
{
	const struct client_collector *collector = &c->plan->config->collectors[index];
	const struct tunnel *tunnel = &c->plan->tunnels[index];
	const struct route *route = &c->plan->paths[index].route;
	const struct link *out = snapshot_link(c->seen, route->oif);

	int hop_entry = lane->way.hop_entry, hop_exit = lane->way.hop_exit;

	lane->way = (struct express_way){
	    .encap = collector->encap,
	    .vni = collector->vni,
	    .port = collector->port,
	    .local = tunnel->local,
	    .remote = collector->address,
	    .oif = route->oif,
	    .via = route->via,
	    .mtu = tunnel->path_mtu < out->mtu ? tunnel->path_mtu : out->mtu,
	    .ttl = collector->ttl,
	    .tos = (uint8_t)(collector->dscp << 2),
	    .port_min = c->plan->port_min,
	    .port_max = c->plan->port_max,
	    .finishes = finishes(route, out),
	    .resegment = collector->oversize != OVERSIZE_FRAGMENT,
	    .hop_entry = hop_entry,
	    .hop_exit = hop_exit,
	};
}

uint32_t plan_lane_program(const struct context *c, const struct lane *lane, const char *device)
{
	if (lane->prog_id)
		return lane->prog_id;
	const struct link *link = snapshot_link_named(c->seen, device);
	size_t count;
	const struct filter *f =
	    link ? snapshot_filters(c->seen, link->ifindex, TC_EGRESS, &count) : NULL;

	for (size_t i = 0; f && i < count; i++)
		if (strcmp(f[i].prog_name, PROG_NAME_EXPRESS) == 0)
			return f[i].prog_id;
	return UINT32_MAX;
}

/* The program stays in place while there is no way: it then passes everything on. */
static void add_program(struct context *c, const struct lane *lane, const char *device)
{
	struct want_filter want = {.device = plan_device(device),
				   .parent = TC_EGRESS,
				   .pref = PLAN_OWN_PREF,
				   .handle = FILTER_HANDLE,
				   .prog_fd = lane->prog_fd,
				   .prog_id = plan_lane_program(c, lane, device),
				   .prog_name = PROG_NAME_EXPRESS,
				   .action = ACTION_VERDICT,
				   .subject = lane->subject};

	plan_add_filter(c, &want);
}

/*
 * Copies meet the program at the tunnel, and those that take the hop before it: what the lane
 * cannot carry then goes on through the hop, and at no moment does a copy with production's route
 * reach a tunnel that is too small for it.
 */
static void add_programs(struct context *c, const struct lane *lane, size_t index)
{
	const char *device = c->plan->config->collectors[index].device;
	char entry[IFNAMSIZ];

	add_program(c, lane, device);
	if (!has_hop(c, index))
		return;
	client_hop_name(device, HOP_ENTRY, entry);
	struct device at = plan_device(entry);
	plan_add_qdisc(c, &at, QDISC_CLSACT, lane->subject);
	add_program(c, lane, entry);
}

void plan_lane(struct context *c, size_t index)
{
	struct lane *lane = &c->plan->lanes[index];
	const struct client_collector *collector = &c->plan->config->collectors[index];

	lane->way = (struct express_way){0};
	lane->off[0] = '\0';
	lane->waits = false;
	if (!configured(lane, collector) || !loaded(lane))
		return;
	if (!c->plan->tunnels[index].usable) {
		off(lane, "there is no tunnel");
		return;
	}
	add_programs(c, lane, index);
	lane->way.hop_entry = hop_end(c, index, HOP_ENTRY);
	lane->way.hop_exit = hop_end(c, index, HOP_EXIT);
	if (plain(c, lane, index))
		find_way(c, lane, index);
}
