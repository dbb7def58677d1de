/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Expressions of pcap-filter(7), made at random. Most of them are valid.
 */
#ifndef VTAP_TESTS_FUZZ_RANDOM_FILTER_H
#define VTAP_TESTS_FUZZ_RANDOM_FILTER_H

#include <stddef.h>
#include <stdint.h>

/* Writes no NUL; the size of what is written. */
size_t random_filter(char *text, size_t room, uint64_t *random);

#endif
