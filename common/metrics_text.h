/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prometheus' text exposition format, version 0.0.4, written into blocks of memory that go to
 * whoever sends them. Values only: no socket, no clock. Names of metrics and labels and help texts
 * are the program's own and valid; values of labels are anything.
 */
#ifndef VTAP_COMMON_METRICS_TEXT_H
#define VTAP_COMMON_METRICS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum { METRICS_BLOCK = 256 * 1024 };

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE };

struct metrics_label {
	const char *name; /* NULL: the end of a list */
	const char *value;
};

struct metrics_text {
	/* Gets each block when it is full, to keep and to give to metrics_block_free(). */
	void (*take)(void *ctx, char *block, size_t size);
	void *ctx;

	const char *family;
	char *block;
	size_t used;
	bool failed; /* no memory: the text is not whole */
};

/* A document's start, as both daemons have it: who it is, how it is, since when (seconds since
 * 1970). `daemon`: "client" or "collector". */
void metrics_start(struct metrics_text *text, const char *daemon, bool degraded,
		   uint64_t started_s);
/* Samples that follow are of this metric; name must live as long as they come. */
void metrics_family(struct metrics_text *text, enum metrics_type type, const char *name,
		    const char *help);
void metrics_sample(struct metrics_text *text, const struct metrics_label *labels, uint64_t value);
/* The same without labels: a metric with only one sample. */
void metrics_single(struct metrics_text *text, enum metrics_type type, const char *name,
		    const char *help, uint64_t value);
void metrics_block_free(char *block);
/* Gives away the last block. False: there was not enough memory for all of it. */
bool metrics_end(struct metrics_text *text);

/* In a list of labels; `number` needs storage of this size for its text. */
enum { METRICS_NUMBER = 21 };
const char *metrics_number(uint64_t value, char number[METRICS_NUMBER]);

#endif
