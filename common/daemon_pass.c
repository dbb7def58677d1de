/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The passes of a daemon: when the next one is due, what is told of one, and what is kept after it.
 * What a pass does is reconcile.c's.
 */
#include "common/daemon_parts.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "common/log.h"

enum { SUMMARY_SIZE = 256 };

static void report(struct subjects *subjects)
{
	for (size_t i = 0; i < subjects->count; i++) {
		struct subject *s = &subjects->items[i];
		if (s->operations > 1)
			log_notice("%s: %s and %u more", s->label, s->repair, s->operations - 1);
		else if (s->operations)
			log_notice("%s: %s", s->label, s->repair);
		if (strcmp(s->reason, s->told) == 0)
			continue;
		if (s->reason[0])
			log_warning("%s: blocked: %s", s->label, s->reason);
		else
			log_notice("%s: no longer blocked", s->label);
		memcpy(s->told, s->reason, sizeof(s->told));
	}
}

bool daemon_degraded(const struct life *life)
{
	return life->last_error || subjects_blocked(&life->daemon->subjects);
}

void daemon_save_hooks(void *ctx)
{
	struct daemon *d = ctx;
	hooks_file_save(&d->hooks_file, &d->reconcile.made);
}

void daemon_ran(void *ctx, const struct op *op, int error, const char *why)
{
	struct daemon *d = ctx;
	char text[OP_TEXT];

	if (!error && d->applied)
		d->applied(d->ctx, op);
	d->acted = true;
	if (error && op->subject < 0)
		log_warning("%s (%s): %s", op_text(op, text), op->why, why);
	else if (!error && op->subject < 0)
		log_notice("%s (%s)", op_text(op, text), op->why);
	else
		log_debug("%s (%s)%s%s", op_text(op, text), op->why, error ? ": " : "", why);
}

static void schedule(struct life *life)
{
	loop_timer_set(life->pass_timer, pacer_wait_ms(&life->pacer, loop_now_ms()));
}

void daemon_pass(void *ctx)
{
	struct life *life = ctx;
	struct daemon *d = life->daemon;
	char summary[SUMMARY_SIZE];

	/* events say where to look; the slow resync and what follows a failure look everywhere */
	d->reconcile.partial = life->told && !life->look_everywhere && !life->last_error;
	life->told = life->look_everywhere = false;
	uint64_t began_ms = loop_now_ms();
	int error = reconcile_pass(&d->reconcile, false);
	if (error && d->failed)
		d->failed(d->ctx);
	report(&d->subjects);
	if (d->acted) {
		daemon_save_hooks(d);
		if (d->keep)
			d->keep(d->ctx);
	}
	d->acted = false;
	/* a failed operation was reported with its subject; what remains is a kernel that cannot be
	 * asked, and others who undo what was done */
	if (error && error != life->last_error && !subjects_failed(&d->subjects))
		log_warning("a pass was not completed, will try again: %s",
			    error == -EAGAIN ? "what it puts right is changed again at once"
					     : strerror(-error));
	life->last_error = error;
	uint64_t now_ms = loop_now_ms();
	pacer_done(&life->pacer, now_ms, now_ms - began_ms, !error);
	schedule(life);
	d->summary(d->ctx, summary, sizeof(summary));
	if (life->ready) {
		service_status(summary);
		return;
	}
	service_ready(summary);
	malloc_trim(0); /* of what it took to get ready */
	life->ready = true;
}

void daemon_wake(void *ctx, bool everywhere)
{
	struct life *life = ctx;

	life->told = true;
	life->look_everywhere |= everywhere;
	pacer_event(&life->pacer, loop_now_ms());
	schedule(life);
}
