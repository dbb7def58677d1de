/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of what is wrong with a configuration file. It only remembers; who reports, and how, is
 * the program's choice.
 */
#include "common/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char no_memory[] = "a problem that there is no memory to describe";

static char *compose(const char *file, int line, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static char *compose(const char *file, int line, const char *format, va_list args)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	if (line > 0)
		fprintf(out, "%s:%d: ", file, line);
	else
		fprintf(out, "%s: ", file);
	vfprintf(out, format, args);
	if (ferror(out) | fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static void free_texts(struct problems *problems)
{
	if (problems->text == NULL)
		return;
	for (size_t i = 0; i < problems->count; i++)
		free(problems->text[i]);
	free(problems->text);
	problems->text = NULL;
}

void problems_add(struct problems *problems, const char *file, int line, const char *format, ...)
{
	char **grown = NULL;
	va_list args;

	/* Once the array could not grow it stays away: what is left to know then is how many there
	 * are. */
	if (problems->text != NULL || problems->count == 0)
		grown = reallocarray(problems->text, problems->count + 1, sizeof(*grown));
	if (grown == NULL) {
		free_texts(problems);
		problems->count++;
		return;
	}
	va_start(args, format);
	grown[problems->count] = compose(file, line, format, args);
	va_end(args);
	problems->text = grown;
	problems->count++;
}

const char *problems_text(const struct problems *problems, size_t i)
{
	if (i >= problems->count)
		return "";
	if (problems->text == NULL || problems->text[i] == NULL)
		return no_memory;
	return problems->text[i];
}

void problems_clear(struct problems *problems)
{
	free_texts(problems);
	problems->count = 0;
}
