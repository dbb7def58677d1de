/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every fuzz target has in common: libFuzzer's interface, words for what is wrong, and bytes
 * of the input as small values. A target must give the same result for the same bytes each time.
 */
#ifndef VTAP_TESTS_FUZZ_H
#define VTAP_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- libFuzzer's, or replay.c's in a build without it ---------------------------------------- */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* ---- findings -------------------------------------------------------------------------------- */

/* Ends the process by SIGABRT, as the sanitizers do. */
void fuzz_fail(const char *file, int line, const char *what) __attribute__((noreturn));

#define fuzz_check(condition)                                      \
	do {                                                       \
		if (!(condition))                                  \
			fuzz_fail(__FILE__, __LINE__, #condition); \
	} while (0)

/* Exit status of a target that this machine, or this user, cannot run. */
enum { FUZZ_SKIPPED = 77 };

/* ---- input ----------------------------------------------------------------------------------- */

struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

uint8_t fuzz_u8(struct fuzz_input *input); /* 0 where the input has ended */
uint32_t fuzz_u32(struct fuzz_input *input);
/* The bytes up to the next one of this value, or to the end, as text of their own; malloc'd. A NUL
 * ends what a reader of strings sees of it. */
char *fuzz_text(struct fuzz_input *input, uint8_t end, size_t *size);
/* A copy in memory of exactly that size, so that the sanitizers see what reads too far. */
void *fuzz_copy(const void *bytes, size_t size);

/* The path of an unnamed file with these bytes; the same file each time. */
const char *fuzz_file(const void *bytes, size_t size);

/* A network namespace of its own with lo up, where that is permitted; else the caller's. */
void fuzz_leave_network(void);

#endif
