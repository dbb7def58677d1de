/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of clients as a sorted list. Values only; what is wrong with a name is the configuration's
 * to say.
 */
#include "collector/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

int names_add(struct names *names, const struct ip_addr *address, uint32_t vni, const char *text,
	      int line)
{
	char *copy = strdup(text);
	struct name *name = copy ? ARRAY_ADD(names) : NULL;

	if (!name) {
		free(copy);
		return -ENOMEM;
	}
	*name = (struct name){.address = *address, .vni = vni, .text = copy, .line = line};
	return 0;
}

static int compare_clients(const void *left, const void *right)
{
	const struct name *a = left, *b = right;
	int order = ip_addr_compare(&a->address, &b->address);

	return order ? order : (a->vni > b->vni) - (a->vni < b->vni);
}

static int by_client(const void *left, const void *right)
{
	const struct name *a = left, *b = right;
	int order = compare_clients(a, b);

	return order ? order : a->line - b->line;
}

static int by_text(const void *left, const void *right)
{
	const struct name *a = left, *b = right;
	int order = strcmp(a->text, b->text);

	return order ? order : a->line - b->line;
}

void names_sort(struct names *names, names_twice_fn same_client, names_twice_fn same_name,
		void *ctx)
{
	if (names->count == 0)
		return;
	qsort(names->items, names->count, sizeof(*names->items), by_text);
	for (size_t i = 1; i < names->count; i++)
		if (strcmp(names->items[i].text, names->items[i - 1].text) == 0)
			same_name(ctx, &names->items[i], &names->items[i - 1]);
	qsort(names->items, names->count, sizeof(*names->items), by_client);
	for (size_t i = 1; i < names->count; i++)
		if (compare_clients(&names->items[i], &names->items[i - 1]) == 0)
			same_client(ctx, &names->items[i], &names->items[i - 1]);
}

const char *names_find(const struct names *names, const struct ip_addr *address, uint32_t vni)
{
	const struct name key = {.address = *address, .vni = vni}, any = {.address = *address};
	const struct name *found = NULL;

	if (names->count == 0)
		return NULL;
	found = bsearch(&key, names->items, names->count, sizeof(key), compare_clients);
	if (!found)
		found = bsearch(&any, names->items, names->count, sizeof(any), compare_clients);
	return found ? found->text : NULL;
}

void names_clear(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i].text);
	free(names->items);
	*names = (struct names){0};
}
