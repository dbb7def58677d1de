/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/diff_parts.h"

#include <linux/if_ether.h>
#include <string.h>

#include "common/link.h"
#include "common/ruleset.h"
#include "common/tc.h"

static void want_offloads(struct diff *d, const struct want_link *want, const struct link *link,
			  const struct device *device)
{
	uint32_t off = link ? link->offloads & want->offloads_off : want->offloads_off;
	uint32_t on = link ? ~link->offloads & want->offloads_on : want->offloads_on;

	if (!off && !on)
		return;
	struct op *op = diff_add(d, OP_OFFLOADS, device, want->subject,
				 link ? "offloads differ" : "new device");
	op->offloads_off = off;
	op->offloads_on = on;
}

static void want_no_address(struct diff *d, const struct link *link, int subject)
{
	const struct address *a = snapshot_first_address(d->s, link->ifindex);
	struct device device = diff_device_of(link);

	if (!a)
		return;
	for (const struct address *end = d->s->addresses.items + d->s->addresses.count;
	     a < end && a->ifindex == link->ifindex; a++)
		diff_add(d, OP_ADDRESS_DELETE, &device, subject, "the device must have none")
		    ->address = *a;
}

static void want_ipv6(struct diff *d, const struct want_link *want, const struct link *link,
		      const struct device *device)
{
	if (!want->tee && (!link || link->ipv6))
		diff_add(d, OP_IPV6_OFF, device, want->subject, link ? "IPv6 is on" : "new device");
	else if (want->tee && (!link || (!link->ipv6_never && !(link->ipv6 && link->ipv6_quiet))))
		diff_add(d, OP_IPV6_QUIET, device, want->subject,
			 !link        ? "new device"
			 : link->ipv6 ? "IPv6 is not quiet"
				      : "IPv6 is off");
}

void diff_want_link(struct diff *d, const struct want_link *want)
{
	const struct link *link = diff_kept_link(d, want);
	struct device device = link ? diff_device_of(link) : diff_device_named(want->name);
	int subject = want->subject;

	if (!link && !want->born)
		diff_add(d, OP_LINK_CREATE, &device, subject, "missing")->link = want;
	else if (link && !link_as_wanted(link, want))
		diff_add(d, OP_LINK_CHANGE, &device, subject, "settings differ")->link = want;
	if (link && want->mtu && link->mtu != want->mtu)
		diff_add(d, OP_LINK_MTU, &device, subject, "MTU differs")->link = want;
	want_ipv6(d, want, link, &device);
	want_offloads(d, want, link, &device);
	if (link)
		want_no_address(d, link, subject);
}

void diff_want_qdisc(struct diff *d, const struct want_qdisc *want)
{
	struct device device = diff_resolve(d, &want->device);
	const char *why = "missing";

	if (device.ifindex && want->kind == QDISC_CLSACT && snapshot_hook(d->s, device.ifindex))
		return;
	if (device.ifindex && want->kind == QDISC_TBF) {
		const struct qdisc *root = snapshot_root_qdisc(d->s, device.ifindex);
		if (root && root->handle == TBF_HANDLE && tbf_equal(&want->tbf, &root->tbf))
			return;
		if (root && root->handle == TBF_HANDLE)
			why = "settings differ";
	}
	diff_add(d, OP_QDISC_CREATE, &device, want->subject, why)->qdisc = want;
}

static bool same_program(const struct filter *seen, const struct want_filter *want)
{
	if (want->prog_id)
		return seen->prog_id == want->prog_id &&
		       strcmp(seen->prog_name, want->prog_name) == 0;
	return seen->insns_count == want->insns_count &&
	       (!want->insns_count ||
		memcmp(seen->insns, want->insns, want->insns_count * sizeof(*want->insns)) == 0);
}

static const struct filter *seen_filter(const struct diff *d, const struct want_filter *want,
					int ifindex)
{
	size_t count;
	const struct filter *f =
	    ifindex ? snapshot_filters(d->s, ifindex, want->parent, &count) : NULL;
	for (size_t i = 0; f && i < count; i++)
		if (!f[i].chain && f[i].pref == want->pref && f[i].handle == want->handle &&
		    strcmp(f[i].kind, "bpf") == 0)
			return &f[i];
	return NULL;
}

/* Why a filter has to be put, or NULL when it is there as wanted. */
static const char *filter_differs(const struct filter *seen, const struct want_filter *want,
				  int target)
{
	if (!seen)
		return "missing";
	if (seen->protocol != ETH_P_ALL || !same_program(seen, want))
		return "program differs";
	if (seen->action != want->action)
		return "action differs";
	if (want->action == ACTION_VERDICT)
		return NULL;
	if (!target || seen->target != target)
		return "its target was made anew";
	if (seen->to_ingress != want->to_ingress ||
	    seen->ends_chain != (want->action == ACTION_REDIRECT))
		return "action differs";
	if (seen->cookie_size != COOKIE_SIZE ||
	    memcmp(seen->cookie, want->cookie, COOKIE_SIZE) != 0)
		return "mark differs";
	return NULL;
}

enum which { WHICH_CHANGE = 1, WHICH_NEW = 2 };

static void want_filter(struct diff *d, const struct want_filter *want, unsigned which)
{
	struct device device = diff_resolve(d, &want->device);
	struct device target = diff_resolve(d, &want->target);
	const struct filter *seen = seen_filter(d, want, device.ifindex);
	const char *why = filter_differs(seen, want, target.ifindex);
	if (why && which & (seen ? WHICH_CHANGE : WHICH_NEW))
		diff_add(d, OP_FILTER_PUT, &device, want->subject, why)->filter = want;
}

static bool on_own_link(const struct diff *d, const struct device *device)
{
	if (!device->ifindex)
		return true;
	return diff_ours(d, snapshot_link(d->s, device->ifindex));
}

void diff_change_verdicts(struct diff *d)
{
	for (size_t i = 0; i < d->desired->filters.count; i++) {
		const struct want_filter *want = &d->desired->filters.items[i];
		if (want->action == ACTION_VERDICT)
			want_filter(d, want, WHICH_CHANGE);
	}
}

void diff_want_filters(struct diff *d, bool guards)
{
	for (size_t i = 0; i < d->desired->filters.count; i++) {
		const struct want_filter *want = &d->desired->filters.items[i];
		const bool verdict = want->action == ACTION_VERDICT;
		if ((verdict || on_own_link(d, &want->device)) == guards)
			want_filter(d, want, verdict ? WHICH_NEW : WHICH_NEW | WHICH_CHANGE);
	}
}

/* A new device's ways come in the next round: by then the kernel has made what it makes by itself.
 */
void diff_want_ways(struct diff *d)
{
	static const enum way ways[] = {WAY_IPV4, WAY_IPV6, WAY_MULTICAST};

	for (size_t i = 0; i < d->desired->links.count; i++) {
		const struct want_link *want = &d->desired->links.items[i];
		const struct link *link = diff_kept_link(d, want);
		uint32_t wanted = want->tee ? WAY_IPV4 : 0;
		if (!link)
			continue;
		if (want->tee && !link->ipv6_never)
			wanted |= WAY_IPV6;
		struct device device = diff_device_of(link);
		for (size_t j = 0; j < sizeof(ways) / sizeof(*ways); j++) {
			if ((wanted ^ link->ways) & ways[j] & wanted)
				diff_add(d, OP_WAY_PUT, &device, want->subject, "missing")->way =
				    ways[j];
			else if ((wanted ^ link->ways) & ways[j])
				diff_add(d, OP_WAY_DELETE, &device, want->subject, "not wanted")
				    ->way = ways[j];
		}
	}
}

void diff_later_ways(struct diff *d)
{
	for (size_t i = 0; i < d->desired->links.count; i++) {
		const struct want_link *want = &d->desired->links.items[i];
		struct device device = diff_device_named(want->name);
		if (!want->tee || diff_kept_link(d, want))
			continue;
		diff_add(d, OP_WAY_PUT, &device, want->subject, "new device")->way = WAY_IPV4;
		diff_add(d, OP_WAY_PUT, &device, want->subject, "new device")->way = WAY_IPV6;
	}
}

void diff_want_up(struct diff *d, bool born)
{
	for (size_t i = 0; i < d->desired->links.count; i++) {
		const struct want_link *want = &d->desired->links.items[i];
		const struct link *link = diff_kept_link(d, want);
		struct device device = link ? diff_device_of(link) : diff_device_named(want->name);
		if (want->born != born)
			continue;
		if (link && link->held_down)
			diff_add(d, OP_LINK_UP, &device, want->subject, "held down: protodown")
			    ->let_go = true;
		else if (!link || !(link->flags & IFF_UP) || !(link->flags & IFF_NOARP))
			diff_add(d, OP_LINK_UP, &device, want->subject,
				 link ? "down, or with ARP" : "new device");
	}
}

void diff_want_ruleset(struct diff *d)
{
	const struct want_ruleset *want = &d->desired->ruleset;
	const struct ruleset *seen = &d->s->ruleset;
	struct device tables = diff_device_named(RULESET_NAME);
	const char *why = NULL;

	if (!want->text || want->later || seen->foreign)
		return;
	if (!seen->present)
		why = "missing";
	else if (!seen->print)
		why = "one is missing";
	else if (seen->print != want->print)
		why = "rules differ";
	else if (!seen->intact)
		why = "rules were changed";
	if (why)
		diff_add(d, OP_RULESET_PUT, &tables, want->subject, why)->ruleset = want;
}

void diff_later_ruleset(struct diff *d)
{
	const struct want_ruleset *want = &d->desired->ruleset;
	struct device tables = diff_device_named(RULESET_NAME);

	if (want->later && !d->s->ruleset.foreign)
		diff_add(d, OP_RULESET_PUT, &tables, want->subject,
			 d->s->ruleset.present ? "rules differ" : "missing")
		    ->ruleset = want;
}
