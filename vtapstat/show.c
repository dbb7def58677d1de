/* SPDX-License-Identifier: BSD-2-Clause */
#include "vtapstat/show.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vtapstat/screen.h"
#include "vtapstat/terminal.h"

static int flush(int error)
{
	if (error == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		error = errno != 0 ? -errno : -EIO;
	if (error < 0)
		fprintf(stderr, "vtapstat: cannot print: %s\n", strerror(-error));
	return error;
}

static struct page_layout layout_of(const struct look *look, const char *sort)
{
	struct page_layout layout = {.now = time(NULL), .sort = sort};
	size_t rows;

	if (terminal_is_there()) {
		terminal_size(&rows, &layout.columns);
		layout.colour = terminal_has_colours();
		layout.hint = look->other;
	}
	return layout;
}

int show_text(const struct look *look, const char *sort)
{
	struct page_layout layout = layout_of(look, sort);
	size_t size;
	char *text;

	if (look->document == NULL) {
		look_print_why(look, stderr);
		return 0;
	}
	text = document_text(look->document, &layout, &size);
	if (text != NULL)
		fwrite(text, 1, size, stdout);
	free(text);
	return flush(text != NULL ? 0 : -ENOMEM);
}

int show_json(const struct look *look)
{
	if (look->document == NULL) {
		look_print_why(look, stderr);
		return 0;
	}
	fwrite(look->answer, 1, look->size, stdout);
	if (look->answer[look->size - 1] != '\n')
		putchar('\n');
	return flush(0);
}

/* In JSON a newline is white space, and never part of a string. */
int show_json_line(const struct look *look)
{
	const char *at = look->answer;

	if (look->document == NULL)
		return show_json(look);
	while (*at != '\0') {
		size_t size = strcspn(at, "\r\n");

		fwrite(at, 1, size, stdout);
		at += size + strspn(at + size, "\r\n");
		putchar(*at != '\0' ? ' ' : '\n');
	}
	return flush(0);
}

/* malloc'd; NULL: no memory. */
static char *text_of(const struct look *look, const struct arguments *arguments,
		     const struct page_layout *layout)
{
	char *text = NULL;
	size_t size;
	FILE *out;

	if (look->document != NULL)
		return document_text(look->document, layout, &size);
	out = open_memstream(&text, &size);
	if (out == NULL)
		return NULL;
	look_print_why(look, out);
	fprintf(out, "\ntrying again every %g s\n", arguments->interval);
	fclose(out);
	return text;
}

int show_frame(const struct look *look, const struct arguments *arguments)
{
	struct page_layout layout = layout_of(look, arguments->sort);
	char *text, *frame = NULL;
	size_t rows;

	terminal_size(&rows, &layout.columns);
	layout.rows = rows > 1 ? rows - 1 : 1; /* the last one is the cursor's */
	text = text_of(look, arguments, &layout);
	if (text != NULL)
		frame = screen_frame(text, rows, layout.columns);
	if (frame != NULL)
		fputs(frame, stdout);
	free(text);
	free(frame);
	return flush(frame != NULL ? 0 : -ENOMEM);
}
