/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fits a text into a terminal from its top left corner. Nothing may scroll, or the next frame would
 * not cover this one. Each line is overwritten and then erased to its end, so that nothing
 * flickers.
 */
#include "vtapstat/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vtapstat/text.h"

static const char home[] = "\033[H", end_of_line[] = "\033[K\n", erase_below[] = "\033[J";

/* A serial line may know no size. */
enum { COLUMNS_UNKNOWN = 80 };

static size_t line_rows(const char *line, size_t size, size_t columns)
{
	size_t width = text_width(line, size);

	if (columns == 0)
		columns = COLUMNS_UNKNOWN;
	return width == 0 ? 1 : (width + columns - 1) / columns;
}

static size_t line_size(const char *text)
{
	return strcspn(text, "\n");
}

static const char *next_line(const char *text, size_t size)
{
	return text[size] == '\n' ? text + size + 1 : text + size;
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text = next_line(text, line_size(text)))
		count++;
	return count;
}

size_t screen_rows(const char *text, size_t columns)
{
	size_t used = 0;
	size_t size;

	for (; *text != '\0'; text = next_line(text, size)) {
		size = line_size(text);
		used += line_rows(text, size, columns);
	}
	return used;
}

/* It must not wrap: there is one row for it. */
static void put_count(size_t count, size_t columns, FILE *out)
{
	char text[48];

	snprintf(text, sizeof(text), "... %zu more", count);
	fprintf(out, "%.*s%s", columns > 0 ? (int)columns : (int)sizeof(text), text, end_of_line);
}

char *screen_frame(const char *text, size_t rows, size_t columns)
{
	size_t room = rows > 2 ? rows - 1 : 1; /* the last row is the cursor's */
	char *frame = NULL;
	size_t frame_size;
	FILE *out = open_memstream(&frame, &frame_size);
	size_t size;

	if (out == NULL)
		return NULL;
	fputs(home, out);
	if (screen_rows(text, columns) > room)
		room--; /* for the count */
	for (; *text != '\0'; text = next_line(text, size)) {
		size_t need;

		size = line_size(text);
		need = line_rows(text, size, columns);
		if (need > room) {
			put_count(count_lines(text), columns, out);
			break;
		}
		room -= need;
		fwrite(text, 1, size, out);
		fputs(end_of_line, out);
	}
	fputs(erase_below, out);
	if (ferror(out) | fclose(out)) {
		free(frame);
		return NULL;
	}
	return frame;
}
