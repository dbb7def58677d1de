/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A shared library that is loaded when it is first needed, and what is used of it. Knows no library
 * by name, and never unloads one: its user knows whether that can be.
 */
#ifndef VTAP_COMMON_LIBRARY_H
#define VTAP_COMMON_LIBRARY_H

#include <stddef.h>

struct library_function {
	const char *name;
	void *pointer; /* to the pointer that is to lead to it */
};

/*
 * Loads the library and fills in the pointers to all of these functions. A handle for dlclose(), or
 * NULL, and then dlerror() has words for it: it is not installed, or has not all of them.
 */
void *library_load(const char *file, const struct library_function *functions, size_t count);

#endif
