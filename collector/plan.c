/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/plan.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>

#include "collector/cutter.h"
#include "common/ahead.h"
#include "common/tc.h"

enum { DOOR_PREF = 1, SEAL_PREF = 1 };

/* An id that no program has: a dry run has loaded none. */
static uint32_t id_of(uint32_t prog_id)
{
	return prog_id ? prog_id : UINT32_MAX;
}

struct context {
	const struct collector_config *config;
	struct plan_door door;
	const struct snapshot *seen;
	const struct ifset *made;
	struct subjects *subjects;
	struct desired *desired;
};

static int add_hook_filter(struct context *c, const struct want_filter *filter)
{
	struct want_qdisc *qdisc = ARRAY_ADD(&c->desired->qdiscs);
	struct want_filter *slot = ARRAY_ADD(&c->desired->filters);

	if (!qdisc || !slot)
		return -ENOMEM;
	*qdisc = (struct want_qdisc){
	    .device = filter->device, .kind = QDISC_CLSACT, .subject = filter->subject};
	*slot = *filter;
	return 0;
}

/* ---- the endpoints --------------------------------------------------------------------------- */

static struct vxlan endpoint_vxlan(const struct collector_endpoint *config)
{
	struct vxlan vxlan = {.vni = config->vni, .port = config->port};

	/* One plain device has one VNI and one family. "external" takes every VNI and both; the
	 * door then keeps to the rules. */
	vxlan.external = config->vni == 0 || config->underlay == UNDERLAY_DUAL;
	if (vxlan.external)
		vxlan.vni = 0;
	else if (config->underlay == UNDERLAY_IPV6)
		vxlan.local.family = AF_INET6; /* "::" */
	vxlan.zero_csum6_rx = config->underlay != UNDERLAY_IPV4;
	return vxlan;
}

/* Something of somebody else's on our own device: it may hold frames back, or let them past the
 * seal. */
static void tell_programs(struct context *c, enum encap encap, const struct link *link)
{
	struct ahead_finding found;

	if (link && ahead_on_own(c->seen, link, 0, &found))
		subject_block(c->subjects, (int)encap, "there is a %s, vtap's own device: %s",
			      found.words, found.cure);
}

static int add_endpoint(struct context *c, enum encap encap,
			const struct collector_endpoint *config)
{
	static const enum link_kind kinds[ENCAPS] = {LINK_VXLAN, LINK_GRETAP, LINK_GRE};
	struct want_link *want = ARRAY_ADD(&c->desired->links);

	if (!want)
		return -ENOMEM;
	memcpy(want->name, config->device, sizeof(want->name));
	want->kind = kinds[encap];
	if (encap == ENCAP_VXLAN)
		want->vxlan = endpoint_vxlan(config);
	else
		want->gre =
		    (struct gre){.ipv6 = config->underlay == UNDERLAY_IPV6, .external = true};
	want->offloads_off = config->gro ? 0 : OFFLOAD_GRO;
	want->offloads_on = config->gro ? OFFLOAD_GRO : 0;
	want->subject = (int)encap;
	return 0;
}

static int plan_endpoint(struct context *c, enum encap encap)
{
	const struct collector_endpoint *config = &c->config->endpoints[encap];
	const struct link *link = snapshot_link_named(c->seen, config->device);
	struct want_filter seal = {.parent = TC_INGRESS,
				   .pref = SEAL_PREF,
				   .handle = FILTER_HANDLE,
				   .prog_fd = c->door.seal_fd[encap],
				   .prog_id = id_of(c->door.seal_id[encap]),
				   .prog_name = PROG_NAME_SEAL,
				   .action = ACTION_VERDICT,
				   .subject = (int)encap};

	if (!config->enabled)
		return 0;
	if (link && link->group != owner_group(OWNER_COLLECTOR)) {
		subject_block(c->subjects, (int)encap,
			      "there is a device %s (%s) that vtap-collector did not make",
			      config->device, link->kind_name[0] ? link->kind_name : "hardware");
		return 0;
	}
	tell_programs(c, encap, link);
	memcpy(seal.device.name, config->device, sizeof(seal.device.name));
	int error = add_endpoint(c, encap, config);
	return error ? error : add_hook_filter(c, &seal);
}

/* ---- the cutter ------------------------------------------------------------------------------ */

static bool cutter_taken(struct context *c)
{
	for (enum cutter_end end = CUTTER_IN; end <= CUTTER_OUT; end++) {
		char name[IFNAMSIZ];
		cutter_name(c->config->endpoints[ENCAP_VXLAN].device, end, name);
		const struct link *link = snapshot_link_named(c->seen, name);
		if (!link || link->group == owner_group(OWNER_COLLECTOR))
			continue;
		subject_block(c->subjects, SUBJECT_DOOR,
			      "there is a device %s (%s) that vtap-collector did not make: readers "
			      "see what GRO merged on the underlay",
			      name, link->kind_name[0] ? link->kind_name : "hardware");
		return true;
	}
	return false;
}

static int plan_cutter(struct context *c)
{
	if (!cutter_wanted(c->config) || cutter_taken(c))
		return 0;
	return cutter_plan(c->config, c->door.cut_end_fd, id_of(c->door.cut_end_id), SUBJECT_DOOR,
			   c->desired);
}

/* ---- the door -------------------------------------------------------------------------------- */

static bool needs_door(const struct context *c, const struct link *link)
{
	if (link->group == owner_group(OWNER_COLLECTOR) || link->group == owner_group(OWNER_CLIENT))
		return false;
	/* what arrives on a port of a bridge, bond or VRF is seen again on its master, which has
	 * the address */
	if (link->master)
		return false;
	return snapshot_first_address(c->seen, link->ifindex) != NULL;
}

/* What is not the door's at a preference where the door could be; NULL: nothing. */
static const struct filter *taken(const struct context *c, const struct link *link, uint16_t pref)
{
	size_t count;
	const struct filter *f = snapshot_filters(c->seen, link->ifindex, TC_INGRESS, &count);

	for (size_t i = 0; i < count; i++) {
		bool foreign = f[i].handle == FILTER_HANDLE && f[i].owner != OWNER_COLLECTOR;
		if (!f[i].chain && f[i].pref == pref &&
		    (strcmp(f[i].kind, "bpf") != 0 || f[i].protocol != ETH_P_ALL || foreign))
			return &f[i];
	}
	return NULL;
}

/*
 * The first preference that the door can have. Behind somebody else's filter it still judges what
 * that one lets pass on; no door at all would let everybody in.
 */
static uint16_t door_pref(const struct context *c, const struct link *link)
{
	const struct filter *first = taken(c, link, DOOR_PREF);
	uint16_t pref = DOOR_PREF;

	while (pref < UINT16_MAX && taken(c, link, pref))
		pref++;
	if (first)
		subject_block(
		    c->subjects, SUBJECT_DOOR,
		    "pref %d of %s ingress is taken by a %s filter, the door is behind it at "
		    "pref %u: what that filter takes is neither checked nor counted",
		    DOOR_PREF, link->name, first->kind, pref);
	return pref;
}

/* What is ahead of the door is somebody else's and stays. It is named only once packets do come in
 * past the door. */
static void tell_ahead(struct context *c, const struct link *link, uint16_t pref)
{
	struct link plain = *link;
	struct ahead_finding ahead;

	plain.xdp = 0; /* what it takes never reaches the endpoint either */
	ahead_describe(c->seen, &plain, TC_INGRESS, pref, FILTER_HANDLE, &ahead);
	if (ahead.what != AHEAD_NOTHING)
		subject_block(c->subjects, SUBJECT_DOOR,
			      "tunnel packets come in unchecked and uncounted, as %s may lead them "
			      "past the door: %s",
			      ahead.words, ahead.cure);
}

static int plan_door(struct context *c, const struct link *link)
{
	bool made = ifset_has(c->made, link->ifindex) || !snapshot_hook(c->seen, link->ifindex);
	struct want_filter door = {.device = {.ifindex = link->ifindex},
				   .parent = TC_INGRESS,
				   .pref = door_pref(c, link),
				   .handle = FILTER_HANDLE,
				   .prog_fd = c->door.prog_fd,
				   .prog_id = id_of(c->door.prog_id),
				   .prog_name = made ? PROG_NAME_DOOR_MADE : PROG_NAME_DOOR,
				   .action = ACTION_VERDICT,
				   .subject = SUBJECT_DOOR};

	if (c->door.crossing == CROSSING_PAST)
		tell_ahead(c, link, door.pref);
	memcpy(door.device.name, link->name, sizeof(link->name));
	return add_hook_filter(c, &door);
}

static void tell_stranded(struct context *c, enum encap encap)
{
	const struct collector_endpoint *endpoint = &c->config->endpoints[encap];
	char where[32] = "protocol 47";

	if (!endpoint->enabled)
		return;
	if (endpoint->port)
		snprintf(where, sizeof(where), "UDP port %u", endpoint->port);
	subject_block(c->subjects, (int)encap,
		      "packets of clients are let in and none reaches %s: a firewall on %s, "
		      "rp_filter, or an address that is not this host's?",
		      endpoint->device, where);
}

int plan_collector(const struct collector_config *config, struct plan_door door,
		   const struct snapshot *seen, const struct ifset *made, struct subjects *subjects,
		   struct desired *desired)
{
	struct context c = {config, door, seen, made, subjects, desired};
	int error = 0;

	for (enum encap e = ENCAP_VXLAN; !error && e < ENCAPS; e++)
		error = plan_endpoint(&c, e);
	if (!error)
		error = plan_cutter(&c);
	for (size_t i = 0; !error && i < seen->links.count; i++)
		if (needs_door(&c, &seen->links.items[i]))
			error = plan_door(&c, &seen->links.items[i]);
	/* the first reason counts: these if nothing was named */
	if (door.crossing == CROSSING_PAST)
		subject_block(subjects, SUBJECT_DOOR,
			      "tunnel packets come in past the door, unchecked and uncounted");
	for (enum encap e = ENCAP_VXLAN; e < ENCAPS && door.crossing == CROSSING_STRANDED; e++)
		tell_stranded(&c, e);
	return error;
}

size_t plan_doors_replaced(const struct desired *desired, const struct snapshot *seen,
			   uint32_t prog_id)
{
	size_t replaced = 0;

	for (size_t i = 0; i < desired->filters.count; i++) {
		const struct want_filter *want = &desired->filters.items[i];
		size_t count;
		const struct filter *f =
		    snapshot_filters(seen, want->device.ifindex, want->parent, &count);

		for (size_t k = 0; want->prog_id == prog_id && k < count; k++)
			if (!f[k].chain && f[k].pref == want->pref && f[k].handle == want->handle &&
			    f[k].prog_id && f[k].prog_id != prog_id)
				replaced++;
	}
	return replaced;
}
