/* SPDX-License-Identifier: BSD-2-Clause */
#include "vtapstat/view.h"

#include <string.h>

static const struct {
	const char *daemon;
	const struct list *list;
} views[] = {
    {"collector", &view_collector_clients},
    {"client", &view_client_mirrors},
};

enum { VIEWS = sizeof(views) / sizeof(views[0]) };

static bool is_meant(const char *daemon, size_t view)
{
	return daemon == NULL || strcmp(daemon, views[view].daemon) == 0;
}

bool view_can_sort(const char *daemon, const char *sort)
{
	for (size_t i = 0; i < VIEWS; i++)
		if (is_meant(daemon, i) &&
		    list_find(views[i].list, sort + (sort[0] == '-')) != NULL)
			return true;
	return false;
}

void view_print_columns(const char *daemon, FILE *out)
{
	for (size_t i = 0; i < VIEWS; i++) {
		const struct list *list = views[i].list;

		if (!is_meant(daemon, i))
			continue;
		fprintf(out, "  %s's %s:", views[i].daemon, list->key);
		for (size_t k = 0; k < list->columns_count; k++) {
			putc(' ', out);
			list_print_name(&list->columns[k], out);
		}
		putc('\n', out);
	}
}
