/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/reconcile.h"

#include <errno.h>
#include <string.h>

#include "common/hooks.h"

static int look(struct reconcile *r, const struct ifset *where)
{
	if (r->about_to_look)
		r->about_to_look(r->ctx);
	return kernel_observe(r->kernel, r->owner, &r->seen, where);
}

int reconcile_observe(struct reconcile *r)
{
	int error = look(r, NULL);
	r->seen_all = !error;
	return error;
}

static int observe_and_diff(struct reconcile *r, bool to_nothing, struct desired *desired,
			    struct ops *ops)
{
	int error = look(r, r->partial ? &r->look : NULL);
	r->seen_all = !error && !r->partial;
	if (!error)
		error = hooks_update(&r->made, &r->seen, r->owner);
	if (error)
		return error;
	desired_clear(desired);
	ops_clear(ops);
	if (!to_nothing) {
		subjects_replan(r->subjects);
		error = r->plan(r->ctx, r, desired);
	}
	return error ? error : diff(&r->seen, desired, &r->made, ops);
}

/* An object that is gone already is as good as deleted; the next observation tells. */
static bool was_gone(const struct op *op, int error)
{
	bool deletes = op->type == OP_LINK_DELETE || op->type == OP_QDISC_DELETE ||
		       op->type == OP_FILTER_DELETE || op->type == OP_ADDRESS_DELETE ||
		       op->type == OP_WAY_DELETE;
	return deletes &&
	       (error == -ENODEV || error == -ENOENT || error == -EADDRNOTAVAIL || error == -ESRCH);
}

/* A clsact on a link that exists; a link that is yet to be made is ours, and takes its clsact
 * along. */
static bool makes_hook(const struct op *op)
{
	return op->type == OP_QDISC_CREATE && op->qdisc->kind == QDISC_CLSACT && op->device.ifindex;
}

/*
 * The mark that says who made a clsact is in the filters on it. For the moment between the two, who
 * keeps `made` over a sudden end is told of it before.
 */
static int announce_hooks(struct reconcile *r, const struct ops *ops)
{
	bool any = false;
	int error = 0;

	for (size_t i = 0; !error && i < ops->count; i++) {
		if (!makes_hook(&ops->items[i]))
			continue;
		any = true;
		error = ifset_add(&r->made, ops->items[i].device.ifindex);
	}
	if (any && !error && r->about_to_make_hooks)
		r->about_to_make_hooks(r->ran_ctx);
	return error;
}

/*
 * What builds on a failed step is not tried: an unsealed device must not go up. A clsact that could
 * not be made may be somebody else's, whatever subject asked for it: a filter put there now would
 * say that it is vtap's.
 */
static bool builds_on_failure(const struct ops *ops, size_t at)
{
	const struct op *op = &ops->items[at];

	for (size_t i = 0; i < at; i++) {
		const struct op *earlier = &ops->items[i];
		if (earlier->failed && strcmp(earlier->device.name, op->device.name) == 0 &&
		    (earlier->subject == op->subject || earlier->type == OP_QDISC_CREATE))
			return true;
	}
	return false;
}

static int apply(struct reconcile *r, struct ops *ops)
{
	int first = announce_hooks(r, ops);

	for (size_t i = 0; i < ops->count; i++) {
		struct op *op = &ops->items[i];
		char why[OP_TEXT] = "";

		if (first && builds_on_failure(ops, i))
			continue;
		int error = r->kernel->run(r->kernel, op, why, sizeof(why));
		if (was_gone(op, error))
			error = 0;
		if (error && makes_hook(op))
			ifset_remove(&r->made, op->device.ifindex);
		if (!error && op->device.ifindex)
			error = ifset_add(&r->look, op->device.ifindex);
		op->failed = error != 0;
		subject_operation(r->subjects, op, error, why);
		if (r->ran)
			r->ran(r->ran_ctx, op, error, why);
		if (error && !first)
			first = error;
	}
	return first;
}

int reconcile_pass(struct reconcile *r, bool to_nothing)
{
	struct desired desired = {.owner = r->owner};
	struct ops ops = {0};
	int error = 0;

	subjects_begin(r->subjects);
	for (int round = 0; !error; round++) {
		error = observe_and_diff(r, to_nothing, &desired, &ops);
		if (!error && ops.count && r->partial && !round) {
			/* what is replaced loses its counters: they are read first, all at one time
			 */
			r->partial = false;
			error = observe_and_diff(r, to_nothing, &desired, &ops);
			r->partial = true;
		}
		if (error || !ops.count)
			break;
		error = round < RECONCILE_ROUNDS ? apply(r, &ops) : -EAGAIN;
	}
	subjects_end(r->subjects);
	ops_clear(&ops);
	desired_clear(&desired);
	r->partial = false;
	r->look.count = 0;
	return error;
}

int reconcile_preview(struct reconcile *r, struct desired *desired, struct ops *ops)
{
	subjects_begin(r->subjects);
	int error = observe_and_diff(r, false, desired, ops);
	return error ? error : diff_later(&r->seen, desired, ops);
}

void reconcile_clear(struct reconcile *r)
{
	snapshot_clear(&r->seen);
	ifset_clear(&r->made);
	ifset_clear(&r->look);
}
