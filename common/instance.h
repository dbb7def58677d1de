/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One daemon of a kind per network namespace, and only with the privileges that it needs.
 */
#ifndef VTAP_COMMON_INSTANCE_H
#define VTAP_COMMON_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Takes the lock "/run/vtap/NAME-<network namespace>.lock" until instance_unlock or the end of the
 * process. 0; -EAGAIN: another one has it; else a negative errno. `why` gets words for people.
 */
int instance_lock(const char *name, char *why, size_t why_size);
/* Another file of this instance: "/run/vtap/NAME-<network namespace>.SUFFIX"; "" without a lock. */
void instance_file(const char *suffix, char *path, size_t size);
void instance_unlock(void); /* removes the lock's file; without a lock it does nothing */

/* 0, or -EPERM with the missing capabilities in words. `bpf`: those of a program loader too. */
int instance_privileges(bool bpf, char *why, size_t why_size);

#endif
