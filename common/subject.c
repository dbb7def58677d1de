/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/subject.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int subjects_add(struct subjects *s, const char *format, ...)
{
	struct subject *subject = ARRAY_ADD(s);
	va_list args;

	if (!subject)
		return -ENOMEM;
	va_start(args, format);
	vsnprintf(subject->label, sizeof(subject->label), format, args);
	va_end(args);
	return (int)s->count - 1;
}

static int by_label(const void *a, const void *b)
{
	return strcmp((*(const struct subject *const *)a)->label,
		      (*(const struct subject *const *)b)->label);
}

void subjects_inherit(struct subjects *s, const struct subjects *old)
{
	const struct subject **sorted = calloc(old->count + 1, sizeof(*sorted));
	if (!sorted)
		return; /* histories start anew: the repair counters, nothing else */
	for (size_t i = 0; i < old->count; i++)
		sorted[i] = &old->items[i];
	qsort(sorted, old->count, sizeof(*sorted), by_label);
	for (size_t i = 0; i < s->count; i++) {
		const struct subject *key = &s->items[i];
		const struct subject **found =
		    bsearch(&key, sorted, old->count, sizeof(*sorted), by_label);
		if (found)
			s->items[i] = **found;
	}
	free(sorted);
}

void subjects_clear(struct subjects *s)
{
	free(s->items);
	*s = (struct subjects){0};
}

void subjects_replan(struct subjects *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (!s->items[i].failed)
			s->items[i].reason[0] = '\0';
}

void subjects_begin(struct subjects *s)
{
	for (size_t i = 0; i < s->count; i++) {
		s->items[i].failed = false;
		s->items[i].operations = 0;
		s->items[i].repair[0] = '\0';
	}
	subjects_replan(s);
}

static struct subject *at(const struct subjects *s, int subject)
{
	return subject >= 0 && (size_t)subject < s->count ? &s->items[subject] : NULL;
}

void subject_block(struct subjects *s, int subject, const char *format, ...)
{
	struct subject *blocked = at(s, subject);
	va_list args;

	if (!blocked || blocked->reason[0])
		return;
	va_start(args, format);
	vsnprintf(blocked->reason, sizeof(blocked->reason), format, args);
	va_end(args);
}

void subject_operation(struct subjects *s, const struct op *op, int error, const char *why)
{
	struct subject *subject = at(s, op->subject);
	char text[OP_TEXT];

	if (!subject)
		return;
	if (error) {
		if (!subject->failed)
			subject->reason[0] = '\0';
		subject_block(s, op->subject, "%s: %s", op_text(op, text), why);
		subject->failed = true;
	} else if (!subject->operations++) {
		snprintf(subject->repair, sizeof(subject->repair), "%s (%s)", op_text(op, text),
			 op->why);
	}
}

void subjects_end(struct subjects *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct subject *subject = &s->items[i];
		if (subject->operations && subject->worked && !subject->failed)
			subject->repairs++;
		if (!subject->reason[0])
			subject->worked = true;
	}
}

bool subjects_blocked(const struct subjects *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].reason[0])
			return true;
	return false;
}

bool subjects_failed(const struct subjects *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].failed)
			return true;
	return false;
}
