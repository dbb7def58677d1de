/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/metrics_document.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>

#include "common/array.h"

struct block {
	char *bytes;
	size_t size;
};

struct metrics_document {
	uint64_t made_ms;
	size_t users; /* the maker, and each block in each answer */
	bool failed;
	ARRAY_OF(struct block) blocks;
};

static void take_block(void *ctx, char *bytes, size_t size)
{
	struct metrics_document *document = ctx;
	struct block *block = ARRAY_ADD(&document->blocks);

	if (block) {
		*block = (struct block){.bytes = bytes, .size = size};
		return;
	}
	document->failed = true;
	metrics_block_free(bytes);
}

struct metrics_document *metrics_document_make(void (*write)(void *ctx, struct metrics_text *text),
					       void *ctx, uint64_t now_ms)
{
	struct metrics_document *document = calloc(1, sizeof(*document));
	struct metrics_text text = {.take = take_block, .ctx = document};

	if (!document)
		return NULL;
	document->users = 1;
	document->made_ms = now_ms;
	write(ctx, &text);
	if (metrics_end(&text) && !document->failed)
		return document;
	metrics_document_unref(document);
	return NULL;
}

uint64_t metrics_document_time(const struct metrics_document *document)
{
	return document->made_ms;
}

bool metrics_document_is_read(const struct metrics_document *document)
{
	return document->users > 1;
}

void metrics_document_unref(struct metrics_document *document)
{
	if (!document || --document->users)
		return;
	for (size_t i = 0; i < document->blocks.count; i++)
		metrics_block_free(document->blocks.items[i].bytes);
	free(document->blocks.items);
	free(document);
}

static void block_sent(const void *bytes, size_t size, void *document)
{
	(void)bytes, (void)size;
	metrics_document_unref(document);
}

int metrics_document_add(struct metrics_document *document, struct evbuffer *to)
{
	for (size_t i = 0; i < document->blocks.count; i++) {
		const struct block *block = &document->blocks.items[i];

		if (evbuffer_add_reference(to, block->bytes, block->size, block_sent, document) < 0)
			return -ENOMEM;
		document->users++;
	}
	return 0;
}
