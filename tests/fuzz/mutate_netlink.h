/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes a stream of netlink messages so that most of it stays one: lengths of messages and nests
 * follow what is put in and taken out. Knows no message's meaning but where its attributes begin.
 */
#ifndef VTAP_TESTS_FUZZ_MUTATE_NETLINK_H
#define VTAP_TESTS_FUZZ_MUTATE_NETLINK_H

#include <stddef.h>
#include <stdint.h>

/* As LLVMFuzzerCustomMutator has it. */
size_t mutate_netlink(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

#endif
