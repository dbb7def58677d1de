/* SPDX-License-Identifier: BSD-2-Clause */
#include "vtapstat/page.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "vtapstat/screen.h"

int page_open(struct page *page, const struct page_layout *layout)
{
	*page = (struct page){.layout = layout};
	page->out = open_memstream(&page->text, &page->size);
	return page->out != NULL ? 0 : -ENOMEM;
}

size_t page_room(struct page *page)
{
	size_t used;

	if (page->layout->rows == 0)
		return SIZE_MAX;
	fflush(page->out);
	used = screen_rows(page->text, page->layout->columns);
	return used < page->layout->rows ? page->layout->rows - used : 0;
}

char *page_close(struct page *page, int error, size_t *size)
{
	bool failed = ferror(page->out) != 0;

	if (fclose(page->out) != 0 || failed || error < 0) {
		free(page->text);
		return NULL;
	}
	*size = page->size;
	return page->text;
}
