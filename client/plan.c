/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/plan_parts.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>

#include "common/ahead.h"
#include "common/tc.h"

enum {
	OWN_PREF = 1,          /* on vtap's own devices */
	TBF_BURST_MIN = 10000, /* a jumbo frame */
	TBF_QUEUE_MS = 50,
	HOP_MTU = 65535, /* a veth drops what is larger than its MTU */
	GRE_MTU = 65000, /* with a smaller one the kernel tells production's hosts to send less */
};

static const struct sock_filter drop_all[] = {BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT)};
static const struct sock_filter take_all[] = {BPF_STMT(BPF_RET | BPF_K, 0xffff)};

static struct device device_named(const char *name)
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

/* ---- additions; after a failed one the plan is not used -------------------------------------- */

static struct want_link *add_link(struct context *c, const char *name, enum link_kind kind,
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

static struct want_qdisc *add_qdisc(struct context *c, const struct device *device,
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

static void add_filter(struct context *c, const struct want_filter *filter)
{
	struct want_filter *want = ARRAY_ADD(&c->desired->filters);
	if (want)
		*want = *filter;
	else
		c->error = -ENOMEM;
}

/* ---- tunnels --------------------------------------------------------------------------------- */

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

/*
 * While there is no route the path's MTU is unknown. The hop then stays as it is: to change it
 * would cost the filter's counters. A new tunnel starts with it, as the first copies on a new route
 * come before the pass that measures it.
 */
static bool hop_needed(const struct context *c, const struct client_collector *collector,
		       const struct path *path, const struct tunnel *tunnel)
{
	char entry[IFNAMSIZ];

	if (collector->encap != ENCAP_VXLAN)
		return false;
	if (!path->error)
		return tunnel->too_small;
	client_hop_name(collector->device, HOP_ENTRY, entry);
	return snapshot_link_named(c->seen, entry) ||
	       !snapshot_link_named(c->seen, collector->device);
}

/* A device of this name that is not the client's own? */
static bool taken(struct context *c, const char *name, int subject)
{
	const struct link *link = snapshot_link_named(c->seen, name);
	if (!link || link->group == owner_group(OWNER_CLIENT))
		return false;
	subject_block(c->subjects, subject,
		      "there is a device %s (%s) that vtap-client did not make", name,
		      link->kind_name[0] ? link->kind_name : "hardware");
	return true;
}

static bool hop_taken(struct context *c, const char *device, int subject)
{
	char entry[IFNAMSIZ], exit[IFNAMSIZ];

	client_hop_name(device, HOP_ENTRY, entry);
	client_hop_name(device, HOP_EXIT, exit);
	return taken(c, entry, subject) || taken(c, exit, subject);
}

/* Nothing that arrives on the tunnel may reach this host: anybody can send to its port. */
static void seal(struct context *c, const char *name, int subject)
{
	struct want_filter drop = {.device = device_named(name),
				   .parent = TC_INGRESS,
				   .pref = OWN_PREF,
				   .handle = FILTER_HANDLE,
				   .insns = drop_all,
				   .insns_count = 1,
				   .action = ACTION_VERDICT,
				   .subject = subject};
	add_qdisc(c, &drop.device, QDISC_CLSACT, subject);
	add_filter(c, &drop);
}

static void cap_rate(struct context *c, const char *name, uint64_t rate, int subject)
{
	struct device device = device_named(name);
	struct want_qdisc *want = add_qdisc(c, &device, QDISC_TBF, subject);
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

static void add_hop_end(struct context *c, const char *device, enum hop_end end, int subject)
{
	char name[IFNAMSIZ];

	client_hop_name(device, end, name);
	struct want_link *want = add_link(c, name, LINK_VETH, subject);
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
static void add_hop(struct context *c, const struct client_collector *collector, int subject)
{
	struct want_filter forward = {.parent = TC_INGRESS,
				      .pref = OWN_PREF,
				      .handle = FILTER_HANDLE,
				      .insns = take_all,
				      .insns_count = 1,
				      .action = ACTION_REDIRECT,
				      .target = device_named(collector->device),
				      .subject = subject};

	add_hop_end(c, collector->device, HOP_ENTRY, subject);
	add_hop_end(c, collector->device, HOP_EXIT, subject);
	client_hop_name(collector->device, HOP_EXIT, forward.device.name);
	cookie_make(forward.cookie, OWNER_CLIENT, 0, collector->name);
	add_qdisc(c, &forward.device, QDISC_CLSACT, subject);
	add_filter(c, &forward);
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
	    .df = collector->oversize_drop && collector->address.family == AF_INET ? VXLAN_DF_SET
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
	    add_link(c, collector->device, tunnel_kind(collector->encap), subject);
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

/* eBPF programs of others on a device of ours: they can be attached so that nobody else can detach
 * them. */
static void tell_programs(struct context *c, const char *name, int subject)
{
	const struct link *link = snapshot_link_named(c->seen, name);
	struct ahead_finding found;

	if (link && ahead_on_own(c->seen, link, &found))
		subject_block(c->subjects, subject, "there is a %s, vtap's own device: %s",
			      found.words, found.cure);
}

/* The kernel counts as sent what then waits for this neighbour, and throws it away. */
static void tell_next_hop(struct context *c, const struct path *path, int subject)
{
	const struct link *out = snapshot_link(c->seen, path->route.oif);
	char address[IP_ADDR_TEXT];

	subject_block(c->subjects, subject, "the next hop %s on %s does not answer",
		      ip_addr_format(&path->route.via, address), out ? out->name : "?");
}

static void plan_tunnel(struct context *c, size_t index)
{
	const struct client_collector *collector = &c->plan->config->collectors[index];
	struct tunnel *tunnel = &c->plan->tunnels[index];
	const struct path *path = &c->plan->paths[index];
	char address[IP_ADDR_TEXT];
	int subject = (int)index;

	*tunnel = (struct tunnel){.local = collector->local, .all_lost = tunnel->all_lost};
	measure(c, index);
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
		tell_next_hop(c, path, subject);
	if (would_tell_production(collector, tunnel)) {
		subject_block(c->subjects, subject,
			      "the path MTU %u is less than %u, and %s over IPv6 would tell "
			      "production's hosts to send less: raise it, or use encap \"vxlan\"",
			      tunnel->path_mtu, tunnel->needed_mtu, encap_name(collector->encap));
		return;
	}
	tunnel->hop = has_egress(c->plan, index) && hop_needed(c, collector, path, tunnel);
	if (tunnel->all_lost)
		subject_block(c->subjects, subject, "copies are made, and all of them are lost");
	if (taken(c, collector->device, subject) ||
	    (tunnel->hop && hop_taken(c, collector->device, subject)))
		return;
	tunnel->usable = true;
	add_tunnel(c, collector, tunnel, subject);
	tell_programs(c, collector->device, subject);
	if (!tunnel->hop)
		return;
	add_hop(c, collector, subject);
	for (enum hop_end end = HOP_ENTRY; end <= HOP_EXIT; end++) {
		char name[IFNAMSIZ];
		client_hop_name(collector->device, end, name);
		tell_programs(c, name, subject);
	}
}

/* ---- streams --------------------------------------------------------------------------------- */

/* Whether the hook of this link can take a filter of ours at our pref. */
static bool hook_free(struct context *c, const struct stream *stream, const struct link *link)
{
	const struct qdisc *hook = snapshot_hook(c->seen, link->ifindex);
	uint16_t pref = c->plan->config->tc_pref;
	size_t count;

	if (hook && stream->direction == EGRESS && strcmp(hook->kind, "clsact") != 0) {
		subject_block(
		    c->subjects, stream->subject,
		    "%s has an %s qdisc of somebody else's, which leaves no hook for egress",
		    link->name, hook->kind);
		return false;
	}
	const struct filter *f = snapshot_filters(
	    c->seen, link->ifindex, stream->direction == EGRESS ? TC_EGRESS : TC_INGRESS, &count);
	for (size_t i = 0; i < count; i++) {
		if (f[i].chain || f[i].pref != pref ||
		    (strcmp(f[i].kind, "bpf") == 0 && f[i].protocol == ETH_P_ALL))
			continue;
		subject_block(c->subjects, stream->subject,
			      "pref %u of %s %s is taken by a %s filter: choose another tc_pref",
			      pref, link->name, direction_name(stream->direction), f[i].kind);
		return false;
	}
	return true;
}

bool plan_has_ethernet(const struct link *link)
{
	return link->type == ARPHRD_ETHER || link->type == ARPHRD_LOOPBACK;
}

/* Packets of this interface begin with an IP header. */
static bool has_ip(const struct link *link)
{
	switch (link->type) {
	case ARPHRD_NONE:
	case ARPHRD_RAWIP:
	case ARPHRD_PPP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
		return true;
	}
	return false;
}

static const struct filter_program *program_of(const struct context *c, const struct stream *stream,
					       const struct link *link)
{
	return &c->plan->programs[stream->mirror][stream->direction]
				 [plan_has_ethernet(link) ? FILTER_ETHERNET : FILTER_IP];
}

/* Whether this collector's tunnel can carry what this interface has, and the filter read it. */
static bool carries(struct context *c, const struct stream *stream, const struct link *link)
{
	const struct client_collector *collector = &c->plan->config->collectors[stream->collector];

	if (plan_has_ethernet(link))
		return true;
	if (!has_ip(link))
		subject_block(c->subjects, stream->subject,
			      "%s is neither an Ethernet nor an IP interface", link->name);
	else if (encap_keeps_ethernet(collector->encap))
		subject_block(c->subjects, stream->subject,
			      "%s has no Ethernet header, which %s carries: use encap \"gre\"",
			      link->name, encap_name(collector->encap));
	else if (!program_of(c, stream, link)->count)
		subject_block(c->subjects, stream->subject,
			      "the filter asks for what packets of %s do not have: they begin "
			      "with an IP header",
			      link->name);
	else
		return true;
	return false;
}

static bool may_mirror(struct context *c, const struct stream *stream, const struct link *link,
		       const char *interface)
{
	/* the collector's own subject says why */
	if (!c->plan->tunnels[stream->collector].usable)
		return false;
	if (!link)
		subject_block(c->subjects, stream->subject, "%s does not exist", interface);
	else if (plan_own(link))
		subject_block(c->subjects, stream->subject, "%s is a device of vtap's own",
			      interface);
	else
		return carries(c, stream, link) && hook_free(c, stream, link);
	return false;
}

/*
 * The filter's handle: the one it has, found by the cookie, so that a change replaces it; else one
 * that is free. Collectors start at different handles and step by their number, so that two new
 * ones cannot meet.
 */
static uint32_t choose_handle(struct context *c, const struct stream *stream,
			      const struct link *link, uint32_t parent)
{
	const struct client_config *config = c->plan->config;
	uint32_t handle = FILTER_HANDLE + (uint32_t)stream->collector;
	const char *name = config->collectors[stream->collector].name;
	size_t count;
	const struct filter *f = snapshot_filters(c->seen, link->ifindex, parent, &count);

	for (size_t i = 0; i < count; i++)
		if (!f[i].chain && f[i].pref == config->tc_pref && f[i].owner == OWNER_CLIENT &&
		    cookie_names(f[i].cookie, f[i].cookie_size, name))
			return f[i].handle;
	for (size_t i = 0; i < count;
	     i++) /* sorted by handle: one walk passes all that is in the way */
		if (!f[i].chain && f[i].pref == config->tc_pref && f[i].handle == handle)
			handle += (uint32_t)config->collectors_count;
	return handle;
}

/* What is ahead of our filter is production's and stays; but a mirror that sees nothing says so. */
static void tell_blind(struct context *c, const struct stream *stream, const struct link *link,
		       const struct want_filter *want)
{
	struct ahead_finding ahead;

	ahead_describe(c->seen, link, want->parent, want->pref, want->handle, &ahead);
	if (ahead.what == AHEAD_DOES)
		subject_block(c->subjects, stream->subject,
			      "%s keeps packets from vtap's filter behind it: %s", ahead.words,
			      ahead.cure);
	else if (ahead.what == AHEAD_MAY && stream->blind.starved)
		subject_block(c->subjects, stream->subject,
			      "packets pass and are not copied, as %s may keep them back: %s",
			      ahead.words, ahead.cure);
}

static void plan_stream(struct context *c, struct stream *stream)
{
	const struct client_config *config = c->plan->config;
	const struct client_mirror *mirror = &config->mirrors[stream->mirror];
	const struct client_collector *collector = &config->collectors[stream->collector];
	const struct tunnel *tunnel = &c->plan->tunnels[stream->collector];
	const struct link *link = snapshot_link_named(c->seen, mirror->interface);

	stream->handle = 0;
	stream->ifindex = link ? link->ifindex : 0;
	plan_tee_clamp(c, stream);
	if (mirror->tee) {
		plan_tee_copy(c, stream, link);
		return;
	}
	if (!may_mirror(c, stream, link, mirror->interface))
		return;
	const struct filter_program *program = program_of(c, stream, link);
	struct want_filter want = {.device = {.ifindex = link->ifindex},
				   .parent = stream->direction == EGRESS ? TC_EGRESS : TC_INGRESS,
				   .pref = config->tc_pref,
				   .insns = program->insns,
				   .insns_count = program->count,
				   .action = ACTION_MIRROR,
				   .subject = stream->subject};
	memcpy(want.device.name, link->name, sizeof(link->name));
	want.target = device_named(collector->device);
	if (tunnel->hop && stream->direction == EGRESS)
		client_hop_name(collector->device, HOP_ENTRY, want.target.name);
	want.handle = stream->handle = choose_handle(c, stream, link, want.parent);
	bool made = ifset_has(c->made, link->ifindex) || !snapshot_hook(c->seen, link->ifindex);
	cookie_make(want.cookie, OWNER_CLIENT, made ? COOKIE_MADE_QDISC : 0, collector->name);
	if (!ifset_has(&c->hooks, link->ifindex)) {
		add_qdisc(c, &want.device, QDISC_CLSACT, stream->subject);
		if (ifset_add(&c->hooks, link->ifindex))
			c->error = -ENOMEM;
	}
	add_filter(c, &want);
	tell_blind(c, stream, link, &want);
}

int plan_client(struct plan *plan, const struct snapshot *seen, const struct ifset *made,
		struct subjects *subjects, struct desired *desired)
{
	struct context c = {
	    .plan = plan, .seen = seen, .made = made, .subjects = subjects, .desired = desired};

	for (size_t i = 0; i < plan->config->collectors_count; i++)
		plan_tunnel(&c, i);
	for (size_t i = 0; i < plan->streams_count; i++)
		plan_stream(&c, &plan->streams[i]);
	plan_tee_ruleset(&c);
	ifset_clear(&c.hooks);
	return c.error;
}
