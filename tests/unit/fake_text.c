/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake kernel's state as text, one line for each object. Nothing in it depends on ifindexes or
 * on the order in which things were made.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tc.h"
#include "tests/unit/fake_kernel.h"

enum { LINE = 256 };

struct line {
	char text[LINE];
};

struct text {
	ARRAY_OF(struct line) lines;
};

static const char *name_of(const struct fake_kernel *fake, int ifindex)
{
	for (size_t i = 0; i < fake->links.count; i++)
		if (fake->links.items[i].link.ifindex == ifindex)
			return fake->links.items[i].link.name;
	return "?";
}

static char *add_line(struct text *text)
{
	struct line *line = ARRAY_ADD(&text->lines);

	ck_assert_ptr_nonnull(line);
	return line->text;
}

static void link_line(struct text *text, const struct fake_kernel *fake, const struct link *link)
{
	char remote[IP_ADDR_TEXT], local[IP_ADDR_TEXT];
	static const struct vxlan no_vxlan;
	static const struct gre no_gre;
	bool is_gre = link->kind == LINK_GRETAP || link->kind == LINK_GRE;
	const struct vxlan *v = link->kind == LINK_VXLAN ? &link->vxlan : &no_vxlan;
	const struct gre *g = is_gre ? &link->gre : &no_gre;
	char gre_remote[IP_ADDR_TEXT], gre_local[IP_ADDR_TEXT];

	snprintf(
	    add_line(text), LINE,
	    "%s link %s peer %s group %#x flags %#x mtu %u ipv6 %d ways %#x offloads %u vni %u "
	    "port %u "
	    "to '%s' from "
	    "'%s' ttl %u tos %u df %u external %d zero %d gre key %u %u to '%s' from '%s' ttl %u "
	    "tos %u ignore df %d external %d",
	    link->name, link->kind_name, link->peer ? name_of(fake, link->peer) : "", link->group,
	    link->flags, link->mtu, link->ipv6, link->ways, link->offloads, v->vni, v->port,
	    ip_addr_format(&v->remote, remote), ip_addr_format(&v->local, local), v->ttl, v->tos,
	    v->df, v->external, v->zero_csum6_rx, g->key_in, g->key_out,
	    ip_addr_format(&g->remote, gre_remote), ip_addr_format(&g->local, gre_local), g->ttl,
	    g->tos, g->ignore_df, g->external);
}

static unsigned program_sum(const struct filter *f)
{
	const unsigned char *bytes = (const unsigned char *)f->insns;
	unsigned sum = f->prog_id;

	for (size_t i = 0; i < f->insns_count * sizeof(*f->insns); i++)
		sum = sum * 31 + bytes[i];
	return sum;
}

static void filter_line(struct text *text, const struct fake_kernel *fake, const struct filter *f)
{
	char cookie[2 * COOKIE_SIZE + 1] = "";

	for (size_t i = 0; i < f->cookie_size; i++)
		snprintf(cookie + 2 * i, 3, "%02x", f->cookie[i]);
	snprintf(
	    add_line(text), LINE,
	    "%s filter %s pref %u handle %#x kind %s program %x %s action %d ingress %d ends %d to "
	    "%s cookie %s",
	    name_of(fake, f->ifindex), f->parent == TC_EGRESS ? "egress" : "ingress", f->pref,
	    f->handle, f->kind, program_sum(f), f->prog_name, f->action, f->to_ingress,
	    f->ends_chain, f->target ? name_of(fake, f->target) : "*", cookie);
}

static int by_line(const void *a, const void *b)
{
	return strcmp(a, b);
}

char *fake_text(const struct fake_kernel *fake)
{
	struct text text = {0};
	char *all = NULL, addr[IP_ADDR_TEXT];
	size_t size;

	for (size_t i = 0; i < fake->links.count; i++)
		link_line(&text, fake, &fake->links.items[i].link);
	for (size_t i = 0; i < fake->addresses.count; i++)
		snprintf(add_line(&text), LINE, "%s address %s",
			 name_of(fake, fake->addresses.items[i].ifindex),
			 ip_addr_format(&fake->addresses.items[i].addr, addr));
	for (size_t i = 0; i < fake->qdiscs.count; i++) {
		const struct qdisc *q = &fake->qdiscs.items[i].qdisc;
		snprintf(add_line(&text), LINE, "%s qdisc %s handle %#x rate %llu",
			 name_of(fake, q->ifindex), q->kind, q->handle,
			 (unsigned long long)q->tbf.rate);
	}
	if (fake->ruleset.present)
		snprintf(add_line(&text), LINE, "tables %016llx foreign %d",
			 (unsigned long long)fake->ruleset.print, fake->ruleset.foreign);
	for (size_t i = 0; i < fake->filters.count; i++)
		filter_line(&text, fake, &fake->filters.items[i].filter);
	if (text.lines.count)
		qsort(text.lines.items, text.lines.count, sizeof(*text.lines.items), by_line);
	FILE *out = open_memstream(&all, &size);
	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < text.lines.count; i++)
		fprintf(out, "%s\n", text.lines.items[i].text);
	fclose(out);
	free(text.lines.items);
	return all;
}
