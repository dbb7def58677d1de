/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Characters and their widths. ASCII, which is nearly all there is, does not ask the locale: a
 * status can have half a million cells.
 */
#include "vtapstat/text.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~';
}

/* Length of the character at `text`, 0 when it is not one that a terminal simply shows. */
static size_t shown_character(const char *text, size_t size, size_t *width)
{
	mbstate_t state = {0};
	wchar_t c;
	size_t length;
	int columns;

	if (is_plain(text[0])) {
		*width = 1;
		return 1;
	}
	length = mbrtowc(&c, text, size, &state);
	if (length == 0 || length > size)
		return 0;
	/* zero width: combining and direction marks, which can make text look like another */
	columns = iswprint((wint_t)c) ? wcwidth(c) : 0;
	if (columns <= 0)
		return 0;
	*width = (size_t)columns;
	return length;
}

size_t text_clean(const char *text, char *out)
{
	size_t size = strlen(text);
	size_t total = 0;
	size_t length;

	for (size_t i = 0; i < size; i += length) {
		size_t width = 1;

		if (is_plain(text[i])) { /* without a call: this is nearly all of a status */
			*out++ = text[i];
			length = 1;
			total++;
			continue;
		}
		length = shown_character(text + i, size - i, &width);
		if (length == 0) {
			*out++ = '?';
			length = 1;
		} else {
			for (size_t k = 0; k < length; k++)
				*out++ = text[i + k];
		}
		total += width;
	}
	*out = '\0';
	return total;
}

void text_print(const char *text, FILE *out)
{
	char *clean = malloc(strlen(text) + 1);

	if (clean == NULL)
		return;
	text_clean(text, clean);
	fputs(clean, out);
	free(clean);
}

/* Length of the "\033[1;31m" at `text`, 0 when there is none. */
static size_t colour_sequence(const char *text, size_t size)
{
	size_t length = 2;

	if (size < 3 || text[0] != '\033' || text[1] != '[')
		return 0;
	while (length < size &&
	       ((text[length] >= '0' && text[length] <= '9') || text[length] == ';'))
		length++;
	return length < size && text[length] == 'm' ? length + 1 : 0;
}

size_t text_width(const char *text, size_t size)
{
	size_t total = 0;
	size_t length;

	for (size_t i = 0; i < size; i += length) {
		size_t width = 1;

		length = colour_sequence(text + i, size - i);
		if (length > 0)
			continue;
		length = shown_character(text + i, size - i, &width);
		if (length == 0)
			length = 1;
		total += width;
	}
	return total;
}

size_t text_fit(const char *text, size_t columns, size_t *used)
{
	size_t size = strlen(text);
	size_t i = 0;

	*used = 0;
	while (i < size) {
		size_t width = 1;
		size_t length = shown_character(text + i, size - i, &width);

		if (*used + width > columns)
			break;
		*used += width;
		i += length > 0 ? length : 1;
	}
	return i;
}

const char *text_ellipsis(void)
{
	static const char ellipsis[] = "\xe2\x80\xa6";
	size_t width;

	return shown_character(ellipsis, sizeof(ellipsis) - 1, &width) == sizeof(ellipsis) - 1 &&
		       width == 1
		   ? ellipsis
		   : "~";
}
