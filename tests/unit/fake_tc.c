/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Qdiscs and filters of the fake kernel, as operations change them.
 */
#include <check.h>
#include <errno.h>
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

int fake_run_create_qdisc(struct fake_kernel *fake, const struct fake_link *at, const struct op *op)
{
	bool clsact = op->qdisc->kind == QDISC_CLSACT;
	struct fake_qdisc *old =
	    fake_run_qdisc_at(fake, at->link.ifindex, clsact ? TC_H_CLSACT : TC_H_ROOT);

	if (clsact && old)
		return -EEXIST;
	if (!clsact && old) {
		fake_run_touch(fake, op, old->foreign && old->qdisc.handle && at->foreign);
		fake_remove_qdisc(fake, at->link.ifindex, TC_H_ROOT);
	}
	fake_add_qdisc(fake, at->link.name, clsact ? "clsact" : "tbf");
	struct fake_qdisc *new = &fake->qdiscs.items[fake->qdiscs.count - 1];
	new->foreign = false;
	if (!clsact) {
		new->qdisc.handle = TBF_HANDLE;
		new->qdisc.tbf = op->qdisc->tbf;
	}
	return 0;
}

int fake_run_delete_qdisc(struct fake_kernel *fake, const struct fake_link *at, const struct op *op)
{
	struct fake_qdisc *old = fake_run_qdisc_at(fake, at->link.ifindex, op->parent);

	if (!old || old->qdisc.handle != op->handle)
		return -ENOENT;
	fake_run_touch(fake, op, old->foreign && at->foreign);
	for (size_t i = 0; op->parent == TC_H_CLSACT && i < fake->filters.count; i++)
		if (fake->filters.items[i].filter.ifindex == at->link.ifindex)
			fake_run_touch(fake, op, fake->filters.items[i].foreign && at->foreign);
	fake_remove_qdisc(fake, at->link.ifindex, op->parent);
	return 0;
}

static struct fake_filter *filter_at(struct fake_kernel *fake, int ifindex, uint32_t parent,
				     uint16_t pref, uint32_t handle)
{
	for (size_t i = 0; i < fake->filters.count; i++) {
		struct fake_filter *f = &fake->filters.items[i];
		if (f->filter.ifindex == ifindex && f->filter.parent == parent &&
		    f->filter.pref == pref && f->filter.handle == handle)
			return f;
	}
	return NULL;
}

static void fill_filter(struct filter *f, const struct want_filter *want, int target)
{
	free(f->insns);
	f->insns = NULL;
	f->insns_count = 0;
	f->prog_id = want->prog_id;
	f->prog_name[0] = '\0';
	f->cookie_size = 0;
	f->owner = OWNER_NONE;
	f->stats = (struct filter_stats){0};
	f->action = want->action;
	f->to_ingress = want->to_ingress;
	f->ends_chain = want->action == ACTION_REDIRECT;
	f->target = target;
	if (want->prog_id) {
		snprintf(f->prog_name, sizeof(f->prog_name), "%s", want->prog_name);
		f->owner =
		    strcmp(f->prog_name, PROG_NAME_EXPRESS) == 0 ? OWNER_CLIENT : OWNER_COLLECTOR;
	} else {
		f->insns = must(malloc(want->insns_count * sizeof(*f->insns)));
		memcpy(f->insns, want->insns, want->insns_count * sizeof(*f->insns));
		f->insns_count = want->insns_count;
	}
	if (want->action != ACTION_VERDICT) {
		memcpy(f->cookie, want->cookie, COOKIE_SIZE);
		f->cookie_size = COOKIE_SIZE;
		f->owner = cookie_owner(f->cookie, COOKIE_SIZE);
	}
}

int fake_run_put_filter(struct fake_kernel *fake, const struct fake_link *at, const struct op *op)
{
	const struct want_filter *want = op->filter;
	const struct fake_qdisc *hook = fake_run_qdisc_at(fake, at->link.ifindex, TC_H_CLSACT);
	const struct fake_link *target = fake_run_find(fake, &want->target);
	int ifindex = at->link.ifindex;

	if (want->action != ACTION_VERDICT && !target)
		return -ENODEV;
	if (!hook || (want->parent == TC_EGRESS && strcmp(hook->qdisc.kind, "clsact") != 0))
		return -EINVAL; /* "Parent Qdisc doesn't exists" */
	for (size_t i = 0; i < fake->filters.count; i++) {
		const struct filter *f = &fake->filters.items[i].filter;
		if (f->ifindex == ifindex && f->parent == want->parent && f->pref == want->pref &&
		    (strcmp(f->kind, "bpf") != 0 || f->protocol != ETH_P_ALL))
			return -EINVAL;
	}
	struct fake_filter *f = filter_at(fake, ifindex, want->parent, want->pref, want->handle);
	if (f)
		fake_run_touch(fake, op, f->foreign);
	else
		fake_add_filter(fake, at->link.name, want->parent, want->pref, want->handle, "bpf");
	f = f ? f : &fake->filters.items[fake->filters.count - 1];
	f->foreign = false;
	fill_filter(&f->filter, want, want->action == ACTION_VERDICT ? 0 : target->link.ifindex);
	return 0;
}

/* Without a handle: the whole pref. */
int fake_run_delete_filter(struct fake_kernel *fake, const struct fake_link *at,
			   const struct op *op)
{
	int error = -ENOENT;

	for (size_t i = fake->filters.count; i-- > 0;) {
		const struct filter *f = &fake->filters.items[i].filter;
		if (f->ifindex != at->link.ifindex || f->parent != op->parent ||
		    f->pref != op->pref || (op->handle && f->handle != op->handle))
			continue;
		fake_run_touch(fake, op, fake->filters.items[i].foreign && at->foreign);
		fake_delete_filter(fake, i);
		error = 0;
	}
	return error;
}
