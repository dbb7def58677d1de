/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fuzz/check_problems.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

void fuzz_check_problems(const struct problems *problems, const char *path)
{
	size_t skip = strlen(path);
	long before = 0;

	fuzz_check(problems->count > 0);
	for (size_t i = 0; i < problems->count; i++) {
		const char *text = problems_text(problems, i);
		long line = 0;

		fuzz_check(strncmp(text, path, skip) == 0 && text[skip] == ':');
		if (text[skip + 1] != ' ')
			line = strtol(text + skip + 1, NULL, 10);
		fuzz_check(line >= before);
		before = line;
	}
}
