/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A collector's tunnel: its device, what guards it, and why it cannot be.
 */
#include "client/plan_parts.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include "common/tc.h"

enum {
	TBF_BURST_MIN = 10000, /* a jumbo frame */
	TBF_QUEUE_MS = 50,
	GRE_MTU = 65000, /* with a smaller one the kernel tells production's hosts to send less */
};

static const struct sock_filter drop_all[] = {BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT)};

static uint32_t overhead(const struct client_collector *collector)
{
	return encap_overhead(collector->encap, collector->address.family == AF_INET6,
			      collector->vni != 0);
}

/* The MTUs, from the largest monitored interface that exists; without any, from Ethernet's. */
static void measure(struct context *c, size_t index)
{
	struct tunnel *tunnel = &c->plan->tunnels[index];
	const struct path *path = &c->plan->paths[index];
	uint32_t largest = 0;

	for (size_t i = 0; i < c->plan->streams_count; i++) {
		const struct stream *stream = &c->plan->streams[i];
		const struct link *link = snapshot_link_named(
		    c->seen, c->plan->config->mirrors[stream->mirror].interface);
		if (stream->collector == index && link && link->mtu > largest)
			largest = link->mtu;
	}
	tunnel->needed_mtu =
	    (largest ? largest : ETH_DATA_LEN) + overhead(&c->plan->config->collectors[index]);
	if (path->error)
		return;
	const struct link *underlay = snapshot_link(c->seen, path->route.oif);
	tunnel->path_mtu = path->route.mtu ? path->route.mtu : underlay ? underlay->mtu : 0;
	tunnel->too_small = tunnel->path_mtu && tunnel->path_mtu < tunnel->needed_mtu;
	if (tunnel->path_mtu > overhead(&c->plan->config->collectors[index]))
		tunnel->fits = tunnel->path_mtu - overhead(&c->plan->config->collectors[index]);
	if (!tunnel->local.family) /* asked for a configured one, the kernel does not repeat it */
		tunnel->local = path->route.from;
}

static bool by_tee(const struct plan *plan, const struct stream *stream)
{
	return plan->config->mirrors[stream->mirror].tee;
}

static bool has_tee(const struct plan *plan, size_t collector)
{
	for (size_t i = 0; i < plan->streams_count; i++)
		if (plan->streams[i].collector == collector && by_tee(plan, &plan->streams[i]))
			return true;
	return false;
}

/* Copies of egress that are clones; tee's have a route of their own. */
static bool has_egress(const struct plan *plan, size_t collector)
{
	for (size_t i = 0; i < plan->streams_count; i++)
		if (plan->streams[i].collector == collector &&
		    plan->streams[i].direction == EGRESS && !by_tee(plan, &plan->streams[i]))
			return true;
	return false;
}

/* A device of this name that is not the client's own? */
bool plan_taken(struct context *c, const char *name, int subject)
{
	const struct link *link = snapshot_link_named(c->seen, name);
	if (!link || link->group == owner_group(OWNER_CLIENT))
		return false;
	subject_block(c->subjects, subject,
		      "there is a device %s (%s) that vtap-client did not make", name,
		      link->kind_name[0] ? link->kind_name : "hardware");
	return true;
}

/* Nothing that arrives on the tunnel may reach this host: anybody can send to its port. */
static void seal(struct context *c, const char *name, int subject)
{
	struct want_filter drop = {.device = plan_device(name),
				   .parent = TC_INGRESS,
				   .pref = PLAN_OWN_PREF,
				   .handle = FILTER_HANDLE,
				   .insns = drop_all,
				   .insns_count = 1,
				   .action = ACTION_VERDICT,
				   .subject = subject};
	plan_add_qdisc(c, &drop.device, QDISC_CLSACT, subject);
	plan_add_filter(c, &drop);
}

static void cap_rate(struct context *c, const char *name, uint64_t rate, int subject)
{
	struct device device = plan_device(name);
	struct want_qdisc *want = plan_add_qdisc(c, &device, QDISC_TBF, subject);
	if (!want)
		return;
	uint64_t burst = rate / 100, limit = rate * TBF_QUEUE_MS / 1000;
	want->tbf.rate = rate;
	want->tbf.burst = burst < TBF_BURST_MIN ? TBF_BURST_MIN
			  : burst > UINT32_MAX  ? UINT32_MAX
						: (uint32_t)burst;
	want->tbf.limit =
	    limit > UINT32_MAX - want->tbf.burst ? UINT32_MAX : (uint32_t)limit + want->tbf.burst;
}

static struct vxlan tunnel_vxlan(const struct client_collector *collector)
{
	return (struct vxlan){
	    .vni = collector->vni,
	    .port = collector->port,
	    .remote = collector->address,
	    .local = collector->local, /* none: the kernel asks the route for every flow, and so
					  follows it at once */
	    .ttl = collector->ttl,
	    .tos = (uint8_t)(collector->dscp << 2),
	    .df = collector->oversize == OVERSIZE_DROP && collector->address.family == AF_INET
		      ? VXLAN_DF_SET
		      : VXLAN_DF_UNSET,
	};
}

/*
 * Nothing of the inner packet goes into the outer one, and no ICMP error comes of one that is too
 * big: not pmtudisc, but ignore_df. Over IPv6 the kernel does not choose a source address by itself
 * (ip6_tnl_xmit_ctl): it follows the route as passes do.
 */
static struct gre tunnel_gre(const struct client_collector *collector, const struct tunnel *tunnel)
{
	bool ipv6 = collector->address.family == AF_INET6;

	return (struct gre){
	    .ipv6 = ipv6,
	    .key_in = collector->vni,
	    .key_out = collector->vni,
	    .remote = collector->address,
	    .local = ipv6 ? tunnel->local : collector->local,
	    .ttl = collector->ttl,
	    .tos = (uint8_t)(collector->dscp << 2),
	    .ignore_df = !ipv6,
	};
}

static enum link_kind tunnel_kind(enum encap encap)
{
	static const enum link_kind kinds[ENCAPS] = {LINK_VXLAN, LINK_GRETAP, LINK_GRE};
	return kinds[encap];
}

static void add_tunnel(struct context *c, const struct client_collector *collector,
		       const struct tunnel *tunnel, int subject)
{
	struct want_link *want =
	    plan_add_link(c, collector->device, tunnel_kind(collector->encap), subject);
	if (!want)
		return;
	if (collector->encap == ENCAP_VXLAN) {
		want->vxlan = tunnel_vxlan(collector);
	} else {
		want->gre = tunnel_gre(collector, tunnel);
		want->mtu = GRE_MTU;
	}
	/* super-packets must be cut and checksummed before they are encapsulated, or the collector
	 * sees them whole */
	want->offloads_off = OFFLOAD_TX_CHECKSUM;
	want->tee = has_tee(c->plan, (size_t)subject);
	if (want->tee && !want->mtu)
		want->mtu = TEE_DEVICE_MTU;
	seal(c, collector->device, subject);
	if (collector->rate)
		cap_rate(c, collector->device, collector->rate, subject);
}

/* IPv6 routers do not fragment, and neither do the kernel's GRE devices: ip6_tnl_xmit() sends ICMP
 * errors for what is too big, to whoever sent the original, and lowers its path MTU. */
static bool would_tell_production(const struct client_collector *collector,
				  const struct tunnel *tunnel)
{
	return collector->encap != ENCAP_VXLAN && collector->address.family == AF_INET6 &&
	       tunnel->too_small;
}

/* Whether copies would leave through a device of vtap's own, and come back for ever. */
static bool leads_back(struct context *c, const struct path *path)
{
	const struct link *out = path->error ? NULL : snapshot_link(c->seen, path->route.oif);
	return out && plan_own(out);
}

static void add_hop(struct context *c, const struct client_collector *collector,
		    const struct lane *lane, int subject)
{
	plan_hop(c, collector, subject);
	for (enum hop_end end = HOP_ENTRY; end <= HOP_EXIT; end++) {
		char name[IFNAMSIZ];
		client_hop_name(collector->device, end, name);
		plan_tell_programs(c, name, lane, subject);
	}
}

void plan_tunnel(struct context *c, size_t index)
{
	const struct client_collector *collector = &c->plan->config->collectors[index];
	struct tunnel *tunnel = &c->plan->tunnels[index];
	const struct path *path = &c->plan->paths[index];
	const struct lane *lane = &c->plan->lanes[index];
	char address[IP_ADDR_TEXT];
	int subject = (int)index;

	*tunnel = (struct tunnel){.local = collector->local,
				  .all_lost = tunnel->all_lost,
				  .hop_left = tunnel->hop_left,
				  .hop_left_ms = tunnel->hop_left_ms};
	measure(c, index);
	tunnel->hop = has_egress(c->plan, index) && plan_hop_needed(c, collector, path, tunnel);
	tunnel->hop_drains = plan_hop_drains(c, collector, tunnel);
	ip_addr_format(&collector->address, address);
	if (leads_back(c, path)) {
		subject_block(c->subjects, subject,
			      "the route to %s leads through a device of vtap's own", address);
		return;
	}
	/* Without a route all is put in place: copies are counted as lost, and flow as soon as
	 * there is one. */
	if (path->error)
		subject_block(c->subjects, subject, "no route to %s (%s)", address,
			      strerror(-path->error));
	else if (path->route.next_hop == NEXT_HOP_FAILED)
		plan_tell_next_hop(c, path, subject);
	if (would_tell_production(collector, tunnel)) {
		subject_block(c->subjects, subject,
			      "the path MTU %u is less than %u, and %s over IPv6 would tell "
			      "production's hosts to send less: raise it, or use encap \"vxlan\"",
			      tunnel->path_mtu, tunnel->needed_mtu, encap_name(collector->encap));
		return;
	}
	if (plan_taken(c, collector->device, subject) ||
	    (tunnel->hop && plan_hop_taken(c, collector->device, subject)))
		return;
	tunnel->usable = true;
	add_tunnel(c, collector, tunnel, subject);
	plan_tell_programs(c, collector->device, lane, subject);
	if (tunnel->hop || tunnel->hop_drains)
		add_hop(c, collector, lane, subject);
	/* where a reason is known, that is the one to tell */
	if (tunnel->all_lost)
		subject_block(c->subjects, subject, "copies are made, and all of them are lost");
}
