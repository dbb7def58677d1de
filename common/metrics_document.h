/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One document of metrics in memory, shared without a copy by all the answers that send it. It
 * lives until its maker and the last of these are done with it.
 */
#ifndef VTAP_COMMON_METRICS_DOCUMENT_H
#define VTAP_COMMON_METRICS_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/metrics_text.h"

struct evbuffer;
struct metrics_document;

/* `write` fills it. NULL: no memory. */
struct metrics_document *metrics_document_make(void (*write)(void *ctx, struct metrics_text *text),
					       void *ctx, uint64_t now_ms);
uint64_t metrics_document_time(const struct metrics_document *document); /* now_ms of its making */
/* Whether an answer has it. */
bool metrics_document_is_read(const struct metrics_document *document);
/* Puts it into an answer. 0 or -ENOMEM, then there may be a part of it. */
int metrics_document_add(struct metrics_document *document, struct evbuffer *to);
void metrics_document_unref(struct metrics_document *document); /* its maker's; NULL is fine */

#endif
