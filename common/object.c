/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/object.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP_CLIENT = 0x76740001, GROUP_COLLECTOR = 0x76740002 }; /* "vt" and the owner */

uint32_t owner_group(enum owner owner)
{
	switch (owner) {
	case OWNER_CLIENT:
		return GROUP_CLIENT;
	case OWNER_COLLECTOR:
		return GROUP_COLLECTOR;
	case OWNER_NONE:
		break;
	}
	return 0;
}

/* ---- snapshot -------------------------------------------------------------------------------- */

void snapshot_clear(struct snapshot *s)
{
	for (size_t i = 0; i < s->filters.count; i++)
		free(s->filters.items[i].insns);
	free(s->links.items);
	free(s->addresses.items);
	free(s->qdiscs.items);
	free(s->filters.items);
	free(s->programs.items);
	free(s->policies.items);
	free(s->names.items);
	free(s->ruleset.tallies.items);
	*s = (struct snapshot){0};
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int by_ifindex(const void *a, const void *b)
{
	return COMPARE(((const struct link *)a)->ifindex, ((const struct link *)b)->ifindex);
}

static int address_order(const void *a, const void *b)
{
	const struct address *x = a, *y = b;
	if (x->ifindex != y->ifindex)
		return COMPARE(x->ifindex, y->ifindex);
	return ip_addr_compare(&x->addr, &y->addr);
}

static int qdisc_order(const void *a, const void *b)
{
	const struct qdisc *x = a, *y = b;
	if (x->ifindex != y->ifindex)
		return COMPARE(x->ifindex, y->ifindex);
	return COMPARE(x->parent, y->parent);
}

static int filter_order(const void *a, const void *b)
{
	const struct filter *x = a, *y = b;
	if (x->ifindex != y->ifindex)
		return COMPARE(x->ifindex, y->ifindex);
	if (x->parent != y->parent)
		return COMPARE(x->parent, y->parent);
	if (x->chain != y->chain)
		return COMPARE(x->chain, y->chain);
	if (x->pref != y->pref)
		return COMPARE(x->pref, y->pref);
	return COMPARE(x->handle, y->handle);
}

static int program_order(const void *a, const void *b)
{
	const struct program *x = a, *y = b;
	if (x->ifindex != y->ifindex)
		return COMPARE(x->ifindex, y->ifindex);
	return COMPARE(x->parent, y->parent);
}

static int name_order(const void *a, const void *b, void *links)
{
	const struct link *items = links;
	return strcmp(items[*(const uint32_t *)a].name, items[*(const uint32_t *)b].name);
}

static int tally_order(const void *a, const void *b)
{
	return strcmp(((const struct tally *)a)->name, ((const struct tally *)b)->name);
}

static int tally_named(const void *item, const void *name)
{
	return strcmp(((const struct tally *)item)->name, name);
}

int snapshot_sort(struct snapshot *s)
{
	if (s->ruleset.tallies.count)
		qsort(s->ruleset.tallies.items, s->ruleset.tallies.count,
		      sizeof(*s->ruleset.tallies.items), tally_order);
	if (s->links.count)
		qsort(s->links.items, s->links.count, sizeof(*s->links.items), by_ifindex);
	if (s->addresses.count)
		qsort(s->addresses.items, s->addresses.count, sizeof(*s->addresses.items),
		      address_order);
	if (s->qdiscs.count)
		qsort(s->qdiscs.items, s->qdiscs.count, sizeof(*s->qdiscs.items), qdisc_order);
	if (s->filters.count)
		qsort(s->filters.items, s->filters.count, sizeof(*s->filters.items), filter_order);
	s->names.count = 0;
	for (size_t i = 0; i < s->links.count; i++) {
		uint32_t *slot = ARRAY_ADD(&s->names);
		if (!slot)
			return -ENOMEM;
		*slot = (uint32_t)i;
	}
	if (s->names.count)
		qsort_r(s->names.items, s->names.count, sizeof(*s->names.items), name_order,
			s->links.items);
	return 0;
}

/* The place of the first of sorted items that is not before the key. */
static size_t first(const void *items, size_t count, size_t size, const void *key,
		    int (*order)(const void *, const void *))
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (order((const char *)items + middle * size, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#define FIRST(array, key, order) \
	first((array)->items, (array)->count, sizeof(*(array)->items), key, order)

struct link *snapshot_link(const struct snapshot *s, int ifindex)
{
	struct link key = {.ifindex = ifindex};
	if (!s->links.count)
		return NULL;
	return bsearch(&key, s->links.items, s->links.count, sizeof(key), by_ifindex);
}

struct link *snapshot_link_named(const struct snapshot *s, const char *name)
{
	size_t low = 0, high = s->names.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct link *link = &s->links.items[s->names.items[middle]];
		int order = strcmp(name, link->name);
		if (order == 0)
			return link;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static const struct qdisc *qdisc_at(const struct snapshot *s, int ifindex, uint32_t parent)
{
	struct qdisc key = {.ifindex = ifindex, .parent = parent};
	size_t at = FIRST(&s->qdiscs, &key, qdisc_order);

	return at < s->qdiscs.count && !qdisc_order(&s->qdiscs.items[at], &key)
		   ? &s->qdiscs.items[at]
		   : NULL;
}

const struct qdisc *snapshot_hook(const struct snapshot *s, int ifindex)
{
	return qdisc_at(s, ifindex, TC_H_CLSACT); /* the same value as TC_H_INGRESS */
}

const struct qdisc *snapshot_root_qdisc(const struct snapshot *s, int ifindex)
{
	return qdisc_at(s, ifindex, TC_H_ROOT);
}

const struct address *snapshot_first_address(const struct snapshot *s, int ifindex)
{
	struct address key = {.ifindex = ifindex};
	size_t at = FIRST(&s->addresses, &key, address_order);

	if (at < s->addresses.count && s->addresses.items[at].ifindex == ifindex)
		return &s->addresses.items[at];
	return NULL;
}

bool snapshot_tally(const struct snapshot *s, const char *name, struct tally *out)
{
	const struct tally *items = s->ruleset.tallies.items;
	size_t begin = FIRST(&s->ruleset.tallies, name, tally_named), at = begin;

	*out = (struct tally){0};
	for (; at < s->ruleset.tallies.count && strcmp(items[at].name, name) == 0; at++) {
		out->packets += items[at].packets;
		out->bytes += items[at].bytes;
	}
	return at > begin;
}

const struct filter *snapshot_filters(const struct snapshot *s, int ifindex, uint32_t parent,
				      size_t *count)
{
	struct filter key = {.ifindex = ifindex, .parent = parent};
	size_t begin = FIRST(&s->filters, &key, filter_order), end = begin;

	while (end < s->filters.count && s->filters.items[end].ifindex == ifindex &&
	       s->filters.items[end].parent == parent)
		end++;
	*count = end - begin;
	return *count ? &s->filters.items[begin] : NULL;
}

const struct program *snapshot_programs(const struct snapshot *s, int ifindex, uint32_t parent,
					size_t *count)
{
	struct program key = {.ifindex = ifindex, .parent = parent};
	size_t begin = FIRST(&s->programs, &key, program_order), end = begin;

	while (end < s->programs.count && !program_order(&s->programs.items[end], &key))
		end++;
	*count = end - begin;
	return *count ? &s->programs.items[begin] : NULL;
}

/* ---- cookies --------------------------------------------------------------------------------- */

static const uint8_t magic[4] = {'v', 't', 'a', 'p'};
enum { COOKIE_VERSION = 1, AT_VERSION = 4, AT_OWNER, AT_FLAGS, AT_HASH = 8 };

/* FNV-1a: the value is stored in the kernel, so it must be the same in every build and on every
 * machine. */
static void name_hash(const char *name, uint8_t out[8])
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x100000001b3ULL;
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(hash >> (56 - 8 * i));
}

void cookie_make(uint8_t cookie[COOKIE_SIZE], enum owner owner, uint8_t flags, const char *name)
{
	memset(cookie, 0, COOKIE_SIZE);
	memcpy(cookie, magic, sizeof(magic));
	cookie[AT_VERSION] = COOKIE_VERSION;
	cookie[AT_OWNER] = (uint8_t)owner;
	cookie[AT_FLAGS] = flags;
	name_hash(name, cookie + AT_HASH);
}

enum owner cookie_owner(const uint8_t *cookie, size_t size)
{
	if (size != COOKIE_SIZE || memcmp(cookie, magic, sizeof(magic)) != 0)
		return OWNER_NONE;
	uint8_t owner = cookie[AT_OWNER];
	return owner == OWNER_CLIENT || owner == OWNER_COLLECTOR ? (enum owner)owner : OWNER_NONE;
}

bool cookie_made_qdisc(const uint8_t *cookie, size_t size)
{
	return cookie_owner(cookie, size) != OWNER_NONE && (cookie[AT_FLAGS] & COOKIE_MADE_QDISC);
}

bool cookie_names(const uint8_t *cookie, size_t size, const char *name)
{
	uint8_t hash[8];
	name_hash(name, hash);
	return cookie_owner(cookie, size) != OWNER_NONE &&
	       memcmp(cookie + AT_HASH, hash, sizeof(hash)) == 0;
}

/* ---- equality -------------------------------------------------------------------------------- */

static bool same_source(const struct ip_addr *a, const struct ip_addr *b)
{
	return ip_addr_equal(a, b) || (ip_addr_is_any(a) && ip_addr_is_any(b));
}

bool vxlan_equal(const struct vxlan *a, const struct vxlan *b)
{
	return a->vni == b->vni && a->port == b->port && ip_addr_equal(&a->remote, &b->remote) &&
	       same_source(&a->local, &b->local) && a->ttl == b->ttl && a->tos == b->tos &&
	       a->df == b->df && a->learning == b->learning && a->external == b->external &&
	       a->zero_csum6_rx == b->zero_csum6_rx && a->lower == b->lower;
}

bool tbf_equal(const struct tbf *wanted, const struct tbf *seen)
{
	uint32_t slack = wanted->burst / 64 + 64;
	uint32_t apart =
	    wanted->burst > seen->burst ? wanted->burst - seen->burst : seen->burst - wanted->burst;
	return wanted->rate == seen->rate && wanted->limit == seen->limit && apart <= slack;
}
