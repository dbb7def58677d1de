/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See fake_kernel.h: state, what others do to it, and what the port reads. The operations are in
 * fake_run.c.
 */
#include "tests/unit/fake_kernel.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tc.h"
#include "tests/unit/fake_run.h"

static void *must(void *pointer)
{
	ck_assert_ptr_nonnull(pointer);
	return pointer;
}

/* ---- the port, reading ----------------------------------------------------------------------- */

static int reading(struct fake_kernel *fake)
{
	return ++fake->dumps == fake->fail_dump_at ? fake->fail_error : 0;
}

static int dump_links(struct kernel *kernel, struct snapshot *s)
{
	struct fake_kernel *fake = (struct fake_kernel *)kernel;
	int error = reading(fake);

	for (size_t i = 0; !error && i < fake->links.count; i++) {
		struct link *link = must(ARRAY_ADD(&s->links));
		*link = fake->links.items[i].link;
		link->offloads = link->ways = 0; /* not in the dump */
	}
	return error;
}

static int dump_addresses(struct kernel *kernel, struct snapshot *s)
{
	struct fake_kernel *fake = (struct fake_kernel *)kernel;
	int error = reading(fake);

	for (size_t i = 0; !error && i < fake->addresses.count; i++)
		*(struct address *)must(ARRAY_ADD(&s->addresses)) = fake->addresses.items[i];
	return error;
}

static int dump_qdiscs(struct kernel *kernel, struct snapshot *s)
{
	struct fake_kernel *fake = (struct fake_kernel *)kernel;
	int error = reading(fake);

	for (size_t i = 0; !error && i < fake->qdiscs.count; i++)
		*(struct qdisc *)must(ARRAY_ADD(&s->qdiscs)) = fake->qdiscs.items[i].qdisc;
	return error;
}

static void add_head(struct snapshot *s, const struct filter *of)
{
	for (size_t i = 0; i < s->filters.count; i++) {
		const struct filter *f = &s->filters.items[i];
		if (!f->handle && f->ifindex == of->ifindex && f->parent == of->parent &&
		    f->pref == of->pref)
			return;
	}
	struct filter *head = must(ARRAY_ADD(&s->filters));
	*head = (struct filter){.ifindex = of->ifindex,
				.parent = of->parent,
				.pref = of->pref,
				.protocol = of->protocol};
	memcpy(head->kind, of->kind, sizeof(head->kind));
}

static int dump_filters(struct kernel *kernel, struct snapshot *s, int ifindex, uint32_t parent)
{
	struct fake_kernel *fake = (struct fake_kernel *)kernel;
	int error = reading(fake);

	for (size_t i = 0; !error && i < fake->filters.count; i++) {
		const struct filter *f = &fake->filters.items[i].filter;
		if (f->ifindex != ifindex || f->parent != parent)
			continue;
		add_head(s, f);
		struct filter *copy = must(ARRAY_ADD(&s->filters));
		*copy = *f;
		copy->order = (uint32_t)s->filters.count;
		if (!f->insns_count)
			continue;
		copy->insns = must(malloc(f->insns_count * sizeof(*f->insns)));
		memcpy(copy->insns, f->insns, f->insns_count * sizeof(*f->insns));
	}
	return error;
}

static int dump_programs(struct kernel *kernel, struct snapshot *s, int ifindex, uint32_t parent)
{
	struct fake_kernel *fake = (struct fake_kernel *)kernel;

	for (size_t i = 0; i < fake->programs.count; i++) {
		const struct program *p = &fake->programs.items[i];
		if (p->ifindex == ifindex && p->parent == parent)
			*(struct program *)must(ARRAY_ADD(&s->programs)) = *p;
	}
	return 0;
}

static int read_details(struct kernel *kernel, struct link *link)
{
	struct fake_kernel *fake = (struct fake_kernel *)kernel;
	const struct link *found = fake_link(fake, link->name);
	int error = reading(fake);

	if (!error && !found)
		return -ENODEV;
	if (!error) {
		link->offloads = found->offloads;
		link->ways = found->ways;
	}
	return error;
}

static int read_stats(struct kernel *kernel, int ifindex, struct link_stats *out)
{
	struct fake_kernel *fake = (struct fake_kernel *)kernel;
	int error = reading(fake);

	for (size_t i = 0; !error && i < fake->links.count; i++)
		if (fake->links.items[i].link.ifindex == ifindex) {
			*out = fake->links.items[i].link.stats;
			return 0;
		}
	return error ? error : -ENODEV;
}

static int route(struct kernel *kernel, const struct route_query *query, struct route *out)
{
	struct fake_kernel *fake = (struct fake_kernel *)kernel;
	int error = reading(fake);

	*out = (struct route){0};
	if (error)
		return error;
	for (size_t i = 0; i < fake->routes.count; i++) {
		const struct fake_route *r = &fake->routes.items[i];
		if (!ip_addr_equal(&r->to, &query->to))
			continue;
		*out = r->route;
		return r->error;
	}
	return -ENETUNREACH;
}

static int read_ruleset(struct kernel *kernel, struct ruleset *ruleset)
{
	struct fake_kernel *fake = (struct fake_kernel *)kernel;
	int error = reading(fake);

	if (error)
		return error;
	*ruleset = fake->ruleset;
	ruleset->tallies.items = NULL;
	ruleset->tallies.count = ruleset->tallies.capacity = 0;
	for (size_t i = 0; i < fake->ruleset.tallies.count; i++)
		*(struct tally *)must(ARRAY_ADD(&ruleset->tallies)) =
		    fake->ruleset.tallies.items[i];
	return 0;
}

static int dump_policies(struct kernel *kernel, struct snapshot *s)
{
	struct fake_kernel *fake = (struct fake_kernel *)kernel;
	int error = reading(fake);

	for (size_t i = 0; !error && i < fake->policies.count; i++)
		*(struct ip_prefix *)must(ARRAY_ADD(&s->policies)) = fake->policies.items[i];
	return error;
}

void fake_kernel_init(struct fake_kernel *fake)
{
	*fake = (struct fake_kernel){.next_ifindex = 1, .fail_error = -EPERM};
	fake->kernel = (struct kernel){dump_links,    dump_addresses, dump_qdiscs,  dump_filters,
				       dump_programs, read_details,   read_stats,   route,
				       fake_run,      read_ruleset,   dump_policies};
}

void fake_kernel_free(struct fake_kernel *fake)
{
	for (size_t i = 0; i < fake->filters.count; i++)
		free(fake->filters.items[i].filter.insns);
	free(fake->links.items);
	free(fake->addresses.items);
	free(fake->qdiscs.items);
	free(fake->filters.items);
	free(fake->routes.items);
	free(fake->programs.items);
	free(fake->policies.items);
	free(fake->ruleset.tallies.items);
	free(fake->ruleset_text);
	*fake = (struct fake_kernel){0};
}

/* ---- what others do -------------------------------------------------------------------------- */

struct link *fake_link(struct fake_kernel *fake, const char *name)
{
	for (size_t i = 0; i < fake->links.count; i++)
		if (strcmp(fake->links.items[i].link.name, name) == 0)
			return &fake->links.items[i].link;
	return NULL;
}

static int index_of(struct fake_kernel *fake, const char *name)
{
	return ((struct link *)must(fake_link(fake, name)))->ifindex;
}

int fake_add_link(struct fake_kernel *fake, const char *name)
{
	ck_assert_ptr_null(fake_link(fake, name));
	struct fake_link *new = must(ARRAY_ADD(&fake->links));
	*new = (struct fake_link){.link = {.ifindex = fake->next_ifindex++,
					   .type = ARPHRD_ETHER,
					   .flags = IFF_UP | IFF_BROADCAST | IFF_MULTICAST,
					   .mtu = ETH_DATA_LEN,
					   .ipv6 = true,
					   .offloads = OFFLOAD_TX_CHECKSUM | OFFLOAD_GRO},
				  .foreign = true};
	snprintf(new->link.name, sizeof(new->link.name), "%s", name);
	return new->link.ifindex;
}

void fake_delete_link(struct fake_kernel *fake, const char *name)
{
	fake_remove_link(fake, index_of(fake, name));
}

void fake_add_address(struct fake_kernel *fake, const char *name, const char *address)
{
	int ifindex = index_of(fake, name);
	struct address *new = must(ARRAY_ADD(&fake->addresses));

	new->ifindex = ifindex;
	ck_assert(ip_addr_parse(address, &new->addr));
	new->prefix_len = new->addr.family == AF_INET ? 24 : 64;
}

void fake_add_qdisc(struct fake_kernel *fake, const char *name, const char *kind)
{
	bool hook = strcmp(kind, "clsact") == 0 || strcmp(kind, "ingress") == 0;
	int ifindex = index_of(fake, name);
	struct fake_qdisc *new = must(ARRAY_ADD(&fake->qdiscs));

	new->foreign = true;
	new->qdisc = (struct qdisc){.ifindex = ifindex,
				    .handle = hook ? TC_H_MAKE(TC_H_CLSACT, 0) : 0x80010000,
				    .parent = hook ? TC_H_CLSACT : TC_H_ROOT};
	snprintf(new->qdisc.kind, sizeof(new->qdisc.kind), "%s", kind);
}

void fake_delete_qdisc(struct fake_kernel *fake, const char *name, uint32_t parent)
{
	ck_assert(fake_remove_qdisc(fake, index_of(fake, name), parent));
}

struct filter *fake_add_filter(struct fake_kernel *fake, const char *name, uint32_t parent,
			       uint16_t pref, uint32_t handle, const char *kind)
{
	int ifindex = index_of(fake, name);
	struct fake_filter *new = must(ARRAY_ADD(&fake->filters));

	new->foreign = true;
	new->filter = (struct filter){.ifindex = ifindex,
				      .parent = parent,
				      .pref = pref,
				      .protocol = ETH_P_ALL,
				      .handle = handle};
	snprintf(new->filter.kind, sizeof(new->filter.kind), "%s", kind);
	return &new->filter;
}

struct filter *fake_filter(struct fake_kernel *fake, const char *name, uint32_t parent,
			   uint16_t pref, uint32_t handle)
{
	const struct link *link = fake_link(fake, name);

	for (size_t i = 0; link && i < fake->filters.count; i++) {
		struct filter *f = &fake->filters.items[i].filter;
		if (f->ifindex == link->ifindex && f->parent == parent && f->pref == pref &&
		    f->handle == handle)
			return f;
	}
	return NULL;
}

void fake_add_program(struct fake_kernel *fake, const char *name, uint32_t parent, uint32_t id)
{
	int ifindex = index_of(fake, name);
	struct program *new = must(ARRAY_ADD(&fake->programs));

	*new = (struct program){ifindex, parent, id};
}

void fake_delete_filter(struct fake_kernel *fake, size_t number)
{
	ck_assert_uint_lt(number, fake->filters.count);
	free(fake->filters.items[number].filter.insns);
	fake->filters.items[number] = fake->filters.items[--fake->filters.count];
}

void fake_set_route(struct fake_kernel *fake, const char *to, const char *oif, const char *from,
		    uint32_t mtu)
{
	struct fake_route new = {.error = oif ? 0 : -ENETUNREACH, .route.mtu = mtu};
	struct fake_route *slot = NULL;

	ck_assert(ip_addr_parse(to, &new.to));
	if (oif) {
		new.route.oif = index_of(fake, oif);
		new.route.via = new.to;
		new.route.next_hop = NEXT_HOP_GOOD;
	}
	if (from)
		ck_assert(ip_addr_parse(from, &new.route.from));
	for (size_t i = 0; i < fake->routes.count; i++)
		if (ip_addr_equal(&fake->routes.items[i].to, &new.to))
			slot = &fake->routes.items[i];
	if (!slot)
		slot = must(ARRAY_ADD(&fake->routes));
	*slot = new;
}

bool fake_sealed(const struct fake_kernel *fake, const struct link *link)
{
	if ((link->ipv6 && !link->ipv6_quiet) || !(link->flags & IFF_NOARP))
		return false;
	if (link->kind == LINK_VETH)
		return true; /* only its other end can send to it */
	for (size_t i = 0; i < fake->filters.count; i++) {
		const struct filter *f = &fake->filters.items[i].filter;
		bool drops = f->insns_count == 1 && f->insns[0].code == (BPF_RET | BPF_K) &&
			     f->insns[0].k == TC_ACT_SHOT;
		if (f->ifindex == link->ifindex && f->parent == TC_INGRESS &&
		    f->action == ACTION_VERDICT &&
		    (drops || strcmp(f->prog_name, PROG_NAME_SEAL) == 0))
			return true;
	}
	return false;
}
