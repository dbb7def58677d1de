/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/hooks.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_clsact(const struct snapshot *s, int ifindex)
{
	const struct qdisc *hook = snapshot_hook(s, ifindex);
	return hook && strcmp(hook->kind, "clsact") == 0;
}

int hooks_update(struct ifset *made, const struct snapshot *s, enum owner owner)
{
	size_t kept = 0;
	for (size_t i = 0; i < made->count; i++)
		if (has_clsact(s, made->items[i]))
			made->items[kept++] = made->items[i];
	made->count = kept;
	for (size_t i = 0; i < s->filters.count; i++) {
		const struct filter *f = &s->filters.items[i];
		bool marked = cookie_made_qdisc(f->cookie, f->cookie_size) ||
			      strcmp(f->prog_name, PROG_NAME_DOOR_MADE) == 0;
		if (f->owner == owner && marked && ifset_add(made, f->ifindex))
			return -ENOMEM;
	}
	return 0;
}

char *hooks_text(const struct ifset *made)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	for (size_t i = 0; i < made->count; i++)
		fprintf(file, "%d\n", made->items[i]);
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}

int hooks_read(struct ifset *made, const char *text)
{
	char *end;

	for (const char *at = text; *at; at = end) {
		long ifindex = strtol(at, &end, 10);
		if (end == at || (*end && *end != '\n'))
			break;
		if (ifindex > 0 && ifindex <= INT_MAX && ifset_add(made, (int)ifindex))
			return -ENOMEM;
	}
	return 0;
}
