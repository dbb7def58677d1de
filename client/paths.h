/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ways to a setup's collectors, as the kernel would route to them now. Asks the kernel port,
 * and nothing else.
 */
#ifndef VTAP_CLIENT_PATHS_H
#define VTAP_CLIENT_PATHS_H

#include <stdbool.h>

struct kernel;
struct setup;

/* Asks for the way to each collector. */
void paths_find(struct setup *setup, struct kernel *kernel);
/* Whether the kernel says something else now. */
bool paths_changed(const struct setup *setup, struct kernel *kernel);

#endif
