/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client's configuration made ready, from its text.
 */
#ifndef VTAP_TESTS_FUZZ_MAKE_SETUP_H
#define VTAP_TESTS_FUZZ_MAKE_SETUP_H

#include "client/setup.h"

/* The text must be a good one. libpcap stays loaded. */
struct setup *fuzz_setup(const char *text);
/* Forgets what was counted and planned; `untouched` is another one of the same text. */
void fuzz_setup_reset(struct setup *setup, const struct setup *untouched);

#endif
