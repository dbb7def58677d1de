/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which words of a configuration file libconfuse gets to see. Knows the shape of statements, not
 * what any key means; does not read files.
 */
#include "common/conf_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_token.h"

enum { KEYS_MAX = 32 }; /* of one section's schema */

struct walk {
	const char *path;
	struct problems *problems;
	struct conf_tokens tokens;
	size_t next; /* token */
	unsigned sections;
};

#define problem(walk, line, ...) problems_add((walk)->problems, (walk)->path, line, __VA_ARGS__)

/* ---- which tokens libconfuse sees ---- */

static bool walk_body(struct walk *w, const cfg_opt_t *schema, const char *where);

static const struct conf_token *peek(const struct walk *w, size_t ahead)
{
	size_t last = w->tokens.count - 1;

	return &w->tokens.items[w->next + ahead < last ? w->next + ahead : last];
}

/* The number of tokens from the opening brace `open` to its closing one, both included; else to the
 * end. */
static size_t braces(const struct walk *w, size_t open)
{
	size_t i = open, depth = 0;

	do {
		depth += w->tokens.items[i].kind == '{';
		depth -= w->tokens.items[i].kind == '}';
		i++;
	} while (depth && w->tokens.items[i].kind);
	return i - open;
}

/* How many tokens the statement has: "key = value", "key = {...}", "section {...}", "section title
 * {...}"; 0: none of these. */
static size_t statement_size(const struct walk *w)
{
	char kind = peek(w, 1)->kind;

	if (peek(w, 0)->kind != 's')
		return 0;
	if (kind == '=' || kind == '+') {
		if (peek(w, 2)->kind == '{')
			return 2 + braces(w, w->next + 2);
		return peek(w, 2)->kind == 's' ? 3 : 0;
	}
	if (kind == '{')
		return 1 + braces(w, w->next + 1);
	if (kind == 's' && peek(w, 2)->kind == '{')
		return 2 + braces(w, w->next + 2);
	return 0;
}

static void drop(struct walk *w, size_t count)
{
	for (; count; count--)
		w->tokens.items[w->next++].dropped = true;
}

static const cfg_opt_t *find(const cfg_opt_t *schema, const struct conf_token *name)
{
	size_t quotes = *name->text == '"';
	size_t size = strlen(name->text) - 2 * quotes;

	for (; schema->name; schema++)
		if (*schema->name != *CONF_TITLE_KEY && strlen(schema->name) == size &&
		    !memcmp(schema->name, name->text + quotes, size))
			return schema;
	return NULL;
}

/* A section that the schema knows: its title is marked, its keys are walked. */
static bool walk_section(struct walk *w, const cfg_opt_t *opt)
{
	int line = peek(w, 0)->line;
	const char *title = "";
	char where[80];

	if (peek(w, 1)->kind == 's') {
		title = peek(w, 1)->text;
		w->tokens.items[++w->next].title = (opt->flags & CFGF_TITLE) ? ++w->sections : 0;
	}
	if (opt->flags & CONF_MANY) {
		/* without a title it is that of the brace, which is none */
		struct conf_token *at = &w->tokens.items[w->next + (*title == 0)];

		at->title = ++w->sections;
		at->inside = true;
	}
	snprintf(where, sizeof(where), " in %s%s%s", opt->name, *title ? " " : "", title);
	w->next += 2;
	if (!walk_body(w, opt->subopts, where))
		return false;
	if (peek(w, 0)->kind == 0) { /* which libconfuse would not mind */
		problem(w, line, "section \"%s\" is never closed", opt->name);
		return false;
	}
	w->next++;
	return true;
}

/* include() would read a file whose lines nobody counts. */
static void walk_call(struct walk *w, const struct conf_token *name)
{
	problem(w, name->line, "%s() is not supported", name->text);
	while (peek(w, 0)->kind && peek(w, 0)->kind != ')')
		drop(w, 1);
	drop(w, peek(w, 0)->kind == ')');
}

static bool walk_statement(struct walk *w, const cfg_opt_t *schema, const char *where,
			   int first[KEYS_MAX])
{
	const struct conf_token *name = peek(w, 0);
	const cfg_opt_t *opt = name->kind == 's' ? find(schema, name) : NULL;
	size_t size = statement_size(w);
	char form = peek(w, 1)->kind;
	bool key = form == '=' || form == '+';
	int *line;

	if (name->kind == 's' && form == '(') {
		walk_call(w, name);
		return true;
	}
	if (size == 0)
		return false;
	if (!opt) {
		problem(w, name->line, "unknown %s \"%s\"%s", key ? "key" : "section", name->text,
			where);
		drop(w, size);
		return true;
	}
	if (key == (opt->type == CFGT_SEC))
		return false;
	line = &first[opt - schema];
	if (*line && form != '+' && !(opt->flags & CFGF_MULTI)) {
		problem(w, name->line, "%s \"%s\"%s is set twice, first on line %d",
			key ? "key" : "section", opt->name, where, *line);
		drop(w, size);
		return true;
	}
	*line = name->line;
	if (!key)
		return walk_section(w, opt);
	w->next += size;
	return true;
}

/* False: this is no sequence of statements; libconfuse will say why. */
static bool walk_body(struct walk *w, const cfg_opt_t *schema, const char *where)
{
	int first[KEYS_MAX] = {0};

	while (peek(w, 0)->kind && peek(w, 0)->kind != '}')
		if (!walk_statement(w, schema, where, first))
			return false;
	return true;
}

/* ---- tokens into text ---- */

static void write_inside(FILE *out, const struct conf_token *token)
{
	const char *title = token->kind == 's' ? token->text : "";

	fprintf(out, "{ \"" CONF_TITLE_KEY "\" = \"%d.%u:%s%s ", token->line, token->title,
		title + (*title == '"'), *title == '"' ? "" : "\"");
}

static char *write_tokens(const struct walk *w)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int line = 1;

	if (!out)
		return NULL;
	for (size_t i = 0; i < w->tokens.count; i++) {
		const struct conf_token *token = &w->tokens.items[i];
		const char *rest = token->text;

		if (token->dropped)
			continue;
		for (; line < token->line; line++)
			putc('\n', out);
		if (token->inside) {
			write_inside(out, token);
			i += token->kind == 's'; /* the brace is written */
			continue;
		}
		if (token->title) {
			if (*rest == '"')
				putc(*rest++, out);
			fprintf(out, "%d.%u:", token->line, token->title);
		}
		fprintf(out, "%s ", rest);
	}
	if (ferror(out) | fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

char *conf_text_prepare(const char *text, const cfg_opt_t *schema, const char *path,
			struct problems *problems)
{
	struct walk w = {.path = path, .problems = problems};
	char *out = NULL;

	if (conf_tokens_read(&w.tokens, text, path, problems)) {
		walk_body(&w, schema, "");
		out = write_tokens(&w);
		if (!out)
			problem(&w, 0, "%s", strerror(ENOMEM));
	}
	conf_tokens_clear(&w.tokens);
	return out;
}
