/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtapstat's reading of answers. Whatever the bytes, what a terminal gets is harmless: printable
 * characters, newlines, and the program's own colours; in as many columns and rows as it has.
 *
 * Input: the layout (columns, rows, choices, sort, a byte each), then the answer; a byte 0 in it
 * parts it from an earlier one, for rates.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate_json.h"
#include "vtapstat/document.h"
#include "vtapstat/screen.h"
#include "vtapstat/text.h"

enum { CHOICE_COLOUR = 1, CHOICE_HINT = 2, CHOICE_ROWS = 4, LAYOUT = 4 };

static const char *const sorts[] = {NULL,      "packets",   "-bytes", "last-seen",
				    "state",   "-address",  "bits/s", "name",
				    "-reason", "interface", "vni",    "dropped"};

static void check_harmless(const char *text, size_t size, bool colour)
{
	fuzz_check(strlen(text) == size);
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\033') {
			fuzz_check(colour && text[i + 1] == '[');
			size_t length = strspn(text + i + 2, "0123456789;");
			fuzz_check(length && text[i + 2 + length] == 'm');
			i += 2 + length;
			continue;
		}
		fuzz_check(c == '\n' || (c >= ' ' && c != 0x7f));
	}
}

static void show(struct document *document, const struct page_layout *layout)
{
	size_t size = 0;
	char *text = document_text(document, layout, &size);

	fuzz_check(text);
	check_harmless(text, size, layout->colour);
	char *frame = screen_frame(text, layout->rows, layout->columns);
	fuzz_check(frame);
	/* the cursor's row is left free */
	size_t lines = 0;
	for (const char *at = frame; (at = strchr(at, '\n')); at++)
		lines++;
	fuzz_check(lines <= (layout->rows > 2 ? layout->rows - 1 : 1));
	free(frame);
	free(text);
}

static struct document *parse(struct fuzz_input *input)
{
	char why[256] = "";
	size_t size;
	char *text = fuzz_text(input, 0, &size);
	char *exact = fuzz_copy(text, size);
	struct document *document = document_parse(exact, size, why, sizeof(why));

	fuzz_check(document || why[0]);
	free(exact);
	free(text);
	return document;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	setlocale(LC_CTYPE, "C.UTF-8");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct page_layout layout = {.columns = fuzz_u8(&input), .rows = fuzz_u8(&input)};
	uint8_t choices = fuzz_u8(&input);

	layout.colour = choices & CHOICE_COLOUR;
	layout.hint = choices & CHOICE_HINT ? "A hint." : NULL;
	layout.sort = sorts[fuzz_u8(&input) % (sizeof(sorts) / sizeof(*sorts))];
	layout.now = 1767323046; /* 2026-01-02T03:04:06Z */
	struct document *document = parse(&input);
	struct document *before = input.left ? parse(&input) : NULL;
	if (document) {
		document_daemon(document);
		document_is_ok(document);
		document_add_rates(document, before, choices / 8.0);
		show(document, &layout);
	}
	document_free(document);
	document_free(before);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	if (size <= LAYOUT || seed % 16 == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	return LAYOUT + mutate_json(data + LAYOUT, size - LAYOUT, max_size - LAYOUT, seed);
}
