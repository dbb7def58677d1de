/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/library.h"

#include <dlfcn.h>
#include <string.h>

void *library_load(const char *file, const struct library_function *functions, size_t count)
{
	void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; handle && i < count; i++) {
		void *found = dlsym(handle, functions[i].name);
		if (!found)
			return NULL;
		/* functions as the objects that dlsym gives: POSIX promises that this works */
		memcpy(functions[i].pointer, &found, sizeof(found));
	}
	return handle;
}
