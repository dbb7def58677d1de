/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text that a status becomes, and how much of it a terminal can show. A value: it asks neither
 * a terminal nor a clock.
 */
#ifndef VTAP_VTAPSTAT_PAGE_H
#define VTAP_VTAPSTAT_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

/* How a status is to be shown. */
struct page_layout {
	size_t columns; /* of the terminal; 0: as many as it takes */
	size_t rows;    /* 0: as many as it takes */
	bool colour;
	time_t now;       /* what "5s ago" counts from */
	const char *sort; /* name of a column, with a '-' in front to reverse; NULL: none */
	const char *hint; /* a line below the daemon's own; NULL: none */
};

struct page {
	const struct page_layout *layout;
	FILE *out; /* what is written here becomes the text */
	char *text;
	size_t size;
};

int page_open(struct page *page, const struct page_layout *layout); /* 0 or a negative errno */
/* Rows of the terminal below what is written; SIZE_MAX where there is no end. */
size_t page_room(struct page *page);
/* The text, malloc'd, the caller's; NULL: no memory, or `error`. The page is gone. */
char *page_close(struct page *page, int error, size_t *size);

#endif
