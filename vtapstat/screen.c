/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fits a text into a terminal from its top left corner. Nothing may scroll, or the next frame would
 * not cover this one.
 */
#include "vtapstat/screen.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vtapstat/table.h"

static const char home_and_erase[] = "\033[H\033[J";

static size_t line_rows(const char *line, size_t size, unsigned int columns)
{
	size_t width = table_text_width(line, size);

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

static bool fits(const char *text, size_t room, unsigned int columns)
{
	size_t used = 0;
	size_t size;

	for (; *text != '\0'; text = next_line(text, size)) {
		size = line_size(text);
		used += line_rows(text, size, columns);
		if (used > room)
			return false;
	}
	return true;
}

char *screen_frame(const char *text, unsigned int rows, unsigned int columns)
{
	size_t room = rows > 2 ? rows - 1 : 1; /* the last row is the cursor's */
	char *frame = NULL;
	size_t frame_size;
	FILE *out = open_memstream(&frame, &frame_size);
	size_t size;

	if (out == NULL)
		return NULL;
	if (columns == 0)
		columns = 80;
	fputs(home_and_erase, out);
	if (!fits(text, room, columns))
		room--; /* for the count */
	for (; *text != '\0'; text = next_line(text, size)) {
		size_t need;

		size = line_size(text);
		need = line_rows(text, size, columns);
		if (need > room) {
			fprintf(out, "... %zu more\n", count_lines(text));
			break;
		}
		room -= need;
		fprintf(out, "%.*s\n", (int)size, text);
	}
	if (ferror(out) | fclose(out)) {
		free(frame);
		return NULL;
	}
	return frame;
}
