/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes a JSON document so that it stays one: values become others, elements and keys come and
 * go. Knows no key's meaning.
 */
#ifndef VTAP_TESTS_FUZZ_MUTATE_JSON_H
#define VTAP_TESTS_FUZZ_MUTATE_JSON_H

#include <stddef.h>
#include <stdint.h>

/* As LLVMFuzzerCustomMutator has it. What is no JSON, and now and then what is, has its bytes
 * changed. */
size_t mutate_json(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

#endif
