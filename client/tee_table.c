/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chains and rules as nft(8) reads them. What they say is others' to know.
 */
#include <stdarg.h>

#include "client/tee_parts.h"

void tee_rule(struct tee_table *t, const char *format, ...)
{
	va_list args;

	fputs("\t\t", t->text);
	va_start(args, format);
	vfprintf(t->text, format, args);
	va_end(args);
	fputc('\n', t->text);
	t->rules++;
}

void tee_open_chain(struct tee_table *t, const char *name)
{
	fprintf(t->text, "\tchain %s {\n", name);
}

void tee_open_hook(struct tee_table *t, const char *name, const char *hook, int priority)
{
	tee_open_chain(t, name);
	fprintf(t->text, "\t\ttype filter hook %s priority %d; policy accept;\n", hook, priority);
}

void tee_close_chain(struct tee_table *t)
{
	fputs("\t}\n", t->text);
}
