/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single netlink messages, as dumps and events bring them, through everything that reads one:
 * links, addresses, neighbours, routes, qdiscs, filters, nftables, and what an event is worth. What
 * was read and can be written is written and read again.
 *
 * Input: messages one after the other.
 */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "common/fdb.h"
#include "common/gre.h"
#include "common/hint.h"
#include "common/link.h"
#include "common/ruleset.h"
#include "common/tc.h"
#include "common/way.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate_netlink.h"

enum { ROOM = 128 * 1024 };
static uint32_t buffer[ROOM / sizeof(uint32_t)];

static bool ends(const char *text, size_t room)
{
	return memchr(text, 0, room) != NULL;
}

/* As what the kernel would send of the same object: without its length's own alignment. */
static const struct nlmsghdr *sent(const struct nlmsg *m)
{
	fuzz_check(!m->overflow && m->header->nlmsg_len <= sizeof(buffer));
	return m->header;
}

/* ---- links and their kin --------------------------------------------------------------------- */

static void write_tunnel(const struct link *link)
{
	struct want_link want = {.kind = link->kind};
	struct link again;
	struct nlmsg m;

	memcpy(want.name, link->name, sizeof(want.name));
	if (link->kind == LINK_VXLAN)
		want.vxlan = link->vxlan;
	else
		want.gre = link->gre;
	/* vtap wants no device below, and a key for both ways */
	if (link->kind == LINK_VXLAN ? link->vxlan.lower : link->gre.lower)
		return;
	link_put_create(&m, buffer, sizeof(buffer), &want, OWNER_CLIENT);
	memcpy(NLMSG_DATA(m.header), &(struct ifinfomsg){.ifi_index = link->ifindex},
	       sizeof(struct ifinfomsg));
	fuzz_check(link_parse(sent(&m), &again));
	fuzz_check(again.kind == link->kind && again.group == owner_group(OWNER_CLIENT));
	if (link->kind == LINK_GRETAP || link->kind == LINK_GRE)
		fuzz_check(gre_equal(&again.gre, &link->gre));
}

static void read_link(const struct nlmsghdr *message)
{
	struct link link;
	struct want_link want = {0};

	if (!link_parse(message, &link))
		return;
	fuzz_check(link.ifindex > 0 && ends(link.name, sizeof(link.name)));
	fuzz_check(ends(link.kind_name, sizeof(link.kind_name)));
	if (link.kind != LINK_VXLAN && link.kind != LINK_GRETAP && link.kind != LINK_GRE)
		return;
	want.kind = link.kind;
	if (link.kind == LINK_VXLAN)
		want.vxlan = link.vxlan;
	else
		want.gre = link.gre;
	fuzz_check(link_as_wanted(&link, &want));
	write_tunnel(&link);
}

static void read_address(const struct nlmsghdr *message)
{
	struct address address;
	struct nlmsg m;

	if (!address_parse(message, &address))
		return;
	fuzz_check(ip_addr_size(&address.addr) == 4 || ip_addr_size(&address.addr) == 16);
	address_put_delete(&m, buffer, sizeof(buffer), &address);
	struct address again;
	fuzz_check(address_parse(sent(&m), &again));
	fuzz_check(again.ifindex == address.ifindex && again.prefix_len == address.prefix_len &&
		   ip_addr_equal(&again.addr, &address.addr));
}

static void read_counters(const struct nlmsghdr *message)
{
	static const struct link_stats none;
	struct link_stats stats;

	if (!link_stats_parse(message, &stats))
		fuzz_check(!memcmp(&stats, &none, sizeof(none)));
}

static void read_ways(const struct nlmsghdr *message)
{
	static const enum way ways[] = {WAY_IPV4, WAY_IPV6, WAY_MULTICAST};
	int device = way_device(message);
	unsigned found = 0;

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		found += way_parse(message, ways[i], device);
	fuzz_check(found <= 1);
}

/* ---- traffic control ------------------------------------------------------------------------- */

static void read_qdisc(const struct nlmsghdr *message)
{
	struct qdisc qdisc, again;
	struct nlmsg m;

	if (!qdisc_parse(message, &qdisc))
		return;
	fuzz_check(ends(qdisc.kind, sizeof(qdisc.kind)));
	if (strcmp(qdisc.kind, "tbf") != 0 || !qdisc.tbf.rate)
		return;
	struct want_qdisc want = {.kind = QDISC_TBF, .tbf = qdisc.tbf};
	qdisc_put_create(&m, buffer, sizeof(buffer), &want, qdisc.ifindex);
	fuzz_check(qdisc_parse(sent(&m), &again));
	fuzz_check(again.tbf.rate == qdisc.tbf.rate && again.tbf.limit == qdisc.tbf.limit);
}

static void write_filter(const struct filter *filter)
{
	struct want_filter want = {.parent = filter->parent,
				   .pref = filter->pref,
				   .handle = filter->handle,
				   .insns = filter->insns,
				   .insns_count = filter->insns_count,
				   .action = filter->action,
				   .to_ingress = filter->to_ingress};
	struct filter again;
	struct nlmsg m;

	memcpy(want.cookie, filter->cookie, sizeof(want.cookie));
	filter_put(&m, buffer, sizeof(buffer), &want, filter->ifindex, filter->target);
	fuzz_check(filter_parse(sent(&m), &again));
	fuzz_check(again.ifindex == filter->ifindex && again.parent == filter->parent &&
		   again.pref == filter->pref && again.handle == filter->handle &&
		   again.action == filter->action && again.owner == filter->owner);
	fuzz_check(again.insns_count == filter->insns_count &&
		   !memcmp(again.insns, filter->insns, filter->insns_count * sizeof(*again.insns)));
	if (filter->action != ACTION_VERDICT)
		fuzz_check(again.target == filter->target &&
			   again.to_ingress == filter->to_ingress &&
			   again.cookie_size == sizeof(again.cookie) &&
			   !memcmp(again.cookie, filter->cookie, sizeof(again.cookie)));
	free(again.insns);
}

static void read_filter(const struct nlmsghdr *message)
{
	struct filter filter;

	if (!filter_parse(message, &filter))
		return;
	fuzz_check(ends(filter.kind, sizeof(filter.kind)));
	fuzz_check(ends(filter.prog_name, sizeof(filter.prog_name)));
	fuzz_check(filter.cookie_size <= sizeof(filter.cookie));
	fuzz_check(!filter.insns == !filter.insns_count);
	if (filter.insns && filter.owner == OWNER_CLIENT && filter.action != ACTION_NONE &&
	    filter.cookie_size == sizeof(filter.cookie) && !filter.prog_name[0])
		write_filter(&filter);
	free(filter.insns);
}

/* ---- nftables -------------------------------------------------------------------------------- */

static void read_ruleset(const struct nlmsghdr *message)
{
	struct ruleset_mark mark = {0}, again;
	uint64_t chains = 0, rules = 0;
	uint32_t generation = 0;
	char text[RULESET_MARK_TEXT];
	struct tally tally;
	bool marked = false;

	ruleset_generation_parse(message, &generation);
	ruleset_mix_chain(message, &chains);
	ruleset_mix_rule(message, &rules);
	ruleset_event(message);
	if (ruleset_counter_parse(message, &tally))
		fuzz_check(ends(tally.name, sizeof(tally.name)));
	if (ruleset_table_parse(message, &marked, &mark) && marked)
		fuzz_check(ruleset_mark_read(ruleset_mark_text(&mark, text), &again) &&
			   again.print == mark.print && again.rules == mark.rules);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static bool concerns(void *ctx, const struct link *link)
{
	(void)ctx;
	return link->name[0] == 'v';
}

/* What earlier messages of the input showed is what an event is compared with. */
static void read_event(struct snapshot *seen, const struct nlmsghdr *message)
{
	const struct hint_context context = {.seen = seen,
					     .own_port = 7,
					     .owner = OWNER_CLIENT,
					     .concerns = concerns,
					     .addresses = message->nlmsg_seq & 1};
	struct fdb fdb = {0};
	struct address address;
	struct link link;
	int ifindex = 0;

	hint_of(&context, message, &ifindex);
	for (size_t i = 0; i < seen->links.count; i++) {
		fdb.link = &seen->links.items[i];
		fdb_take(&fdb, message);
		fdb_detour(&fdb);
	}
	if (message->nlmsg_type == RTM_NEWLINK && link_parse(message, &link) &&
	    seen->links.count < 8)
		*(struct link *)ARRAY_ADD(&seen->links) = link;
	if (message->nlmsg_type == RTM_NEWADDR && address_parse(message, &address) &&
	    seen->addresses.count < 8)
		*(struct address *)ARRAY_ADD(&seen->addresses) = address;
	fuzz_check(snapshot_sort(seen) == 0);
}

static void read_message(struct snapshot *seen, const uint8_t *bytes, size_t size)
{
	struct nlmsghdr *message = fuzz_copy(bytes, size);

	read_link(message);
	read_address(message);
	read_counters(message);
	read_ways(message);
	read_qdisc(message);
	read_filter(message);
	read_ruleset(message);
	read_event(seen, message);
	free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot seen = {0};

	while (size >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr header;

		memcpy(&header, data, sizeof(header));
		/* as talk.c and monitor.c let them through */
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > size)
			break;
		read_message(&seen, data, header.nlmsg_len);
		size_t step = NLMSG_ALIGN(header.nlmsg_len);
		step = step < size ? step : size;
		data += step;
		size -= step;
	}
	snapshot_clear(&seen);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	return mutate_netlink(data, size, max_size, seed);
}
