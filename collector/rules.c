/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/rules.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/link.h"

static uint8_t gre_bit(enum encap encap, bool ipv6)
{
	return (uint8_t)DOOR_GRE_BIT(encap - ENCAP_GRETAP, ipv6 ? DOOR_IPV6 : DOOR_IPV4);
}

static void let_in(const struct collector_config *config, enum encap encap,
		   struct door_admission *admit)
{
	const struct collector_endpoint *endpoint = &config->endpoints[encap];

	if (encap != ENCAP_VXLAN) {
		admit->gre |= gre_bit(encap, endpoint->underlay == UNDERLAY_IPV6);
		return;
	}
	admit->port = htons(endpoint->port);
	admit->vni = endpoint->vni;
	/* Elsewhere the device has its VNI; one for both families is `external` and takes any. */
	if (endpoint->underlay == UNDERLAY_DUAL && endpoint->vni)
		admit->flags |= DOOR_ENFORCE_VNI;
}

static bool is_configured(const struct collector_config *config, enum encap encap)
{
	return encap == ENCAP_VXLAN ? config->endpoints[encap].port != 0
				    : config->endpoints[encap].enabled;
}

struct door_rules rules_configured(const struct collector_config *config)
{
	struct door_rules rules = {.admit = {0}};

	for (enum encap e = ENCAP_VXLAN; e < ENCAPS; e++)
		if (is_configured(config, e))
			let_in(config, e, &rules.admit);
	return rules;
}

bool rules_let_in(const struct collector_config *config, enum encap encap, uint8_t family,
		  uint32_t vni)
{
	const struct door_admission admit = rules_configured(config).admit;

	if (encap != ENCAP_VXLAN)
		return admit.gre & gre_bit(encap, family == DOOR_IPV6);
	return admit.port && (!(admit.flags & DOOR_ENFORCE_VNI) || admit.vni == vni);
}

/* ---- what is shut ---- */

static bool same_shut(const struct door_shut *a, const struct door_shut *b)
{
	return a->port == b->port && a->any_vni == b->any_vni && a->vni == b->vni;
}

static void shut_vxlan(const struct vxlan *vxlan, struct door_rules *out)
{
	const struct door_shut shut = {.port = htons(vxlan->port),
				       .any_vni = vxlan->external,
				       .vni = vxlan->external ? 0 : vxlan->vni};

	for (size_t i = 0; i < DOOR_SHUT_MAX; i++) {
		if (same_shut(&out->shut[i], &shut))
			break;
		if (out->shut[i].port)
			continue;
		out->shut[i] = shut;
		out->admit.flags |= DOOR_SOME_SHUT;
		break;
	}
}

static void shut_gre(enum encap encap, bool ipv6, struct door_rules *out)
{
	out->admit.gre |= (uint8_t)DOOR_GRE_SHUT(gre_bit(encap, ipv6));
}

static bool is_ipv6(const struct vxlan *vxlan)
{
	return vxlan->local.family == AF_INET6 || vxlan->remote.family == AF_INET6;
}

/* Whether the kernel has only one of them: all VNIs on one socket, or one VNI of one family. */
static bool exclude(const struct vxlan *a, const struct vxlan *b)
{
	if (a->external || b->external)
		return true;
	return a->vni == b->vni && is_ipv6(a) == is_ipv6(b);
}

/* Such a device keeps the wanted one of ours from going up, so its packets stay what they were. */
static bool port_taken(const struct snapshot *seen, const struct vxlan *wanted)
{
	for (size_t i = 0; i < seen->links.count; i++) {
		const struct link *link = &seen->links.items[i];

		if (link->kind == LINK_VXLAN && link->group != owner_group(OWNER_COLLECTOR) &&
		    link->flags & IFF_UP && link->vxlan.port == wanted->port &&
		    exclude(&link->vxlan, wanted))
			return true;
	}
	return false;
}

/* Whether the device takes packets as is wanted, and will go on to. */
static bool is_there(const struct link *link, const struct want_link *want)
{
	return link && link->group == owner_group(OWNER_COLLECTOR) && link->flags & IFF_UP &&
	       link->kind == want->kind && !link->master && !link->detour &&
	       link_changes_in_place(link, want);
}

static void plan_wanted(const struct collector_config *config, const struct snapshot *seen,
			const struct want_link *want, enum rules_when when, struct door_rules *out)
{
	const enum encap encap = (enum encap)want->subject;

	if (is_there(snapshot_link_named(seen, want->name), want))
		let_in(config, encap, &out->admit);
	else if (when == RULES_AFTER)
		return;
	else if (encap != ENCAP_VXLAN)
		shut_gre(encap, want->gre.ipv6, out);
	else if (!port_taken(seen, &want->vxlan))
		shut_vxlan(&want->vxlan, out);
}

static const struct want_link *wanted(const struct desired *desired, const struct link *link)
{
	for (size_t i = 0; i < desired->links.count; i++)
		if (strcmp(desired->links.items[i].name, link->name) == 0)
			return &desired->links.items[i];
	return NULL;
}

/* A device of ours that takes packets, but not as is wanted. */
static void plan_seen(const struct link *link, const struct desired *desired,
		      struct door_rules *out)
{
	const struct want_link *want = wanted(desired, link);

	if (link->group != owner_group(OWNER_COLLECTOR) || !(link->flags & IFF_UP) ||
	    (want && is_there(link, want)))
		return;
	if (link->kind == LINK_VXLAN)
		shut_vxlan(&link->vxlan, out);
	else if (link->kind == LINK_GRETAP || link->kind == LINK_GRE)
		shut_gre(link->kind == LINK_GRETAP ? ENCAP_GRETAP : ENCAP_GRE, link->gre.ipv6, out);
}

void rules_plan(const struct collector_config *config, const struct snapshot *seen,
		const struct desired *desired, enum rules_when when, struct door_rules *out)
{
	*out = (struct door_rules){.admit = {0}};
	for (size_t i = 0; i < seen->links.count; i++)
		plan_seen(&seen->links.items[i], desired, out);
	for (size_t i = 0; i < desired->links.count; i++)
		if (desired->links.items[i].kind != LINK_VETH)
			plan_wanted(config, seen, &desired->links.items[i], when, out);
}
