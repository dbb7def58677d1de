/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words of a configuration file, and which of them libconfuse gets to see. Knows the shape of
 * statements, not what any key means; does not read files.
 */
#include "common/conf_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

enum { KEYS_MAX = 32 }; /* of one section's schema */

struct token {
	char kind;      /* 's': word or string; '+': "+="; else the character itself; 0: the end */
	bool dropped;   /* not for libconfuse */
	int line;       /* where it begins, from 1 */
	unsigned title; /* not 0: the title of section number `title` */
	bool inside;    /* the same, of a section whose title is told in its body */
	char *text; /* as written, but strings always in double quotes, on one line, without ${} */
};

struct reader {
	const char *path;
	struct problems *problems;
	const char *at;
	int line;
	ARRAY_OF(struct token) tokens;
	size_t next; /* of the walk */
	unsigned sections;
};

#define problem(reader, line, ...) \
	problems_add((reader)->problems, (reader)->path, line, __VA_ARGS__)

/* ---- text into tokens ---- */

static bool token_add(struct reader *r, char kind, int line, char *text)
{
	struct token *token = text ? ARRAY_ADD(&r->tokens) : NULL;

	if (!token) {
		free(text);
		problem(r, line, "%s", strerror(ENOMEM));
		return false;
	}
	token->kind = kind;
	token->line = line;
	token->text = text;
	return true;
}

/* Past a comment that is closed by a mark, not by the end of its line. */
static bool skip_comment(struct reader *r)
{
	const char *end = strstr(r->at + 2, "*/");

	if (!end) {
		problem(r, r->line, "this comment is never closed");
		return false;
	}
	for (; r->at < end; r->at++)
		r->line += *r->at == '\n';
	r->at = end + 2;
	return true;
}

/* To the next token, or to the end of the text. */
static bool skip_blank(struct reader *r)
{
	for (;;) {
		if (*r->at == '#' || strncmp(r->at, "//", 2) == 0) {
			r->at += strcspn(r->at, "\n");
		} else if (strncmp(r->at, "/*", 2) == 0) {
			if (!skip_comment(r))
				return false;
		} else if (*r->at && strchr(" \t\r\n", *r->at)) {
			r->line += *r->at++ == '\n';
		} else {
			return true;
		}
	}
}

/* The closing quote of the string that begins at `text`, or NULL. */
static const char *closing_quote(const char *text)
{
	char quote = *text++;

	for (; *text && *text != quote; text++)
		if (*text == '\\' && text[1])
			text++;
	return *text ? text : NULL;
}

/* A string's inside, to go between double quotes on a single line. `out` has room for twice the
 * size. */
static char *requote(struct reader *r, bool single, const char *end, char *out)
{
	for (; r->at < end; r->at++) {
		char c = *r->at;
		bool escaped = c == '\\';

		if (escaped && r->at[1] == '\n') { /* the string goes on in the next line */
			r->at++;
			r->line++;
			continue;
		}
		if (c == '\n') {
			r->line++;
			c = 'n';
			escaped = true;
		} else if (escaped && (!single || strchr("\\'", r->at[1]))) {
			c = *++r->at;
			escaped = !single || c == '\\';
		} else if (c == '$' || (single && c == '"')) {
			escaped = true;
		}
		if (escaped)
			*out++ = '\\';
		*out++ = c;
	}
	return out;
}

static bool read_string(struct reader *r)
{
	int line = r->line;
	const char *end = closing_quote(r->at);
	char *text, *out;

	if (!end) {
		problem(r, line, "this string is never closed");
		return false;
	}
	text = malloc(2 * (size_t)(end - r->at) + 3);
	if (text) {
		bool single = *r->at++ == '\'';

		text[0] = '"';
		out = requote(r, single, end, text + 1);
		memcpy(out, "\"", 2);
		r->at = end + 1;
	}
	return token_add(r, 's', line, text);
}

static bool read_token(struct reader *r)
{
	size_t size = 1;
	char kind = *r->at;

	if (kind == '"' || kind == '\'')
		return read_string(r);
	if (strncmp(r->at, "+=", 2) == 0) {
		size = 2;
	} else if (!strchr("{}()=,", kind)) {
		size = strcspn(r->at, " #\"'\t\n\r={}()+,*");
		kind = 's';
	}
	if (size == 0) {
		problem(r, r->line, "unexpected character '%c'", *r->at);
		return false;
	}
	r->at += size;
	return token_add(r, kind, r->line, strndup(r->at - size, size));
}

static bool read_tokens(struct reader *r)
{
	for (;;) {
		if (!skip_blank(r))
			return false;
		if (!*r->at)
			return token_add(r, 0, r->line, strdup(""));
		if (!read_token(r))
			return false;
	}
}

/* ---- which tokens libconfuse sees ---- */

static bool walk_body(struct reader *r, const cfg_opt_t *schema, const char *where);

static const struct token *peek(const struct reader *r, size_t ahead)
{
	size_t last = r->tokens.count - 1;

	return &r->tokens.items[r->next + ahead < last ? r->next + ahead : last];
}

/* The number of tokens from the opening brace `open` to its closing one, both included; else to the
 * end. */
static size_t braces(const struct reader *r, size_t open)
{
	size_t i = open, depth = 0;

	do {
		depth += r->tokens.items[i].kind == '{';
		depth -= r->tokens.items[i].kind == '}';
		i++;
	} while (depth && r->tokens.items[i].kind);
	return i - open;
}

/* How many tokens the statement has: "key = value", "key = {...}", "section {...}", "section title
 * {...}"; 0: none of these. */
static size_t statement_size(const struct reader *r)
{
	char kind = peek(r, 1)->kind;

	if (peek(r, 0)->kind != 's')
		return 0;
	if (kind == '=' || kind == '+') {
		if (peek(r, 2)->kind == '{')
			return 2 + braces(r, r->next + 2);
		return peek(r, 2)->kind == 's' ? 3 : 0;
	}
	if (kind == '{')
		return 1 + braces(r, r->next + 1);
	if (kind == 's' && peek(r, 2)->kind == '{')
		return 2 + braces(r, r->next + 2);
	return 0;
}

static void drop(struct reader *r, size_t count)
{
	for (; count; count--)
		r->tokens.items[r->next++].dropped = true;
}

static const cfg_opt_t *find(const cfg_opt_t *schema, const struct token *name)
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
static bool walk_section(struct reader *r, const cfg_opt_t *opt)
{
	int line = peek(r, 0)->line;
	const char *title = "";
	char where[80];

	if (peek(r, 1)->kind == 's') {
		title = peek(r, 1)->text;
		r->tokens.items[++r->next].title = (opt->flags & CFGF_TITLE) ? ++r->sections : 0;
	}
	if (opt->flags & CONF_MANY) {
		/* without a title it is that of the brace, which is none */
		struct token *at = &r->tokens.items[r->next + (*title == 0)];

		at->title = ++r->sections;
		at->inside = true;
	}
	snprintf(where, sizeof(where), " in %s%s%s", opt->name, *title ? " " : "", title);
	r->next += 2;
	if (!walk_body(r, opt->subopts, where))
		return false;
	if (peek(r, 0)->kind == 0) { /* which libconfuse would not mind */
		problem(r, line, "section \"%s\" is never closed", opt->name);
		return false;
	}
	r->next++;
	return true;
}

/* include() would read a file whose lines nobody counts. */
static void walk_call(struct reader *r, const struct token *name)
{
	problem(r, name->line, "%s() is not supported", name->text);
	while (peek(r, 0)->kind && peek(r, 0)->kind != ')')
		drop(r, 1);
	drop(r, peek(r, 0)->kind == ')');
}

static bool walk_statement(struct reader *r, const cfg_opt_t *schema, const char *where,
			   int first[KEYS_MAX])
{
	const struct token *name = peek(r, 0);
	const cfg_opt_t *opt = name->kind == 's' ? find(schema, name) : NULL;
	size_t size = statement_size(r);
	char form = peek(r, 1)->kind;
	bool key = form == '=' || form == '+';
	int *line;

	if (name->kind == 's' && form == '(') {
		walk_call(r, name);
		return true;
	}
	if (size == 0)
		return false;
	if (!opt) {
		problem(r, name->line, "unknown %s \"%s\"%s", key ? "key" : "section", name->text,
			where);
		drop(r, size);
		return true;
	}
	if (key == (opt->type == CFGT_SEC))
		return false;
	line = &first[opt - schema];
	if (*line && form != '+' && !(opt->flags & CFGF_MULTI)) {
		problem(r, name->line, "%s \"%s\"%s is set twice, first on line %d",
			key ? "key" : "section", opt->name, where, *line);
		drop(r, size);
		return true;
	}
	*line = name->line;
	if (!key)
		return walk_section(r, opt);
	r->next += size;
	return true;
}

/* False: this is no sequence of statements; libconfuse will say why. */
static bool walk_body(struct reader *r, const cfg_opt_t *schema, const char *where)
{
	int first[KEYS_MAX] = {0};

	while (peek(r, 0)->kind && peek(r, 0)->kind != '}')
		if (!walk_statement(r, schema, where, first))
			return false;
	return true;
}

/* ---- tokens into text ---- */

static void write_inside(FILE *out, const struct token *token)
{
	const char *title = token->kind == 's' ? token->text : "";

	fprintf(out, "{ \"" CONF_TITLE_KEY "\" = \"%d.%u:%s%s ", token->line, token->title,
		title + (*title == '"'), *title == '"' ? "" : "\"");
}

static char *write_tokens(const struct reader *r)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int line = 1;

	if (!out)
		return NULL;
	for (size_t i = 0; i < r->tokens.count; i++) {
		const struct token *token = &r->tokens.items[i];
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
	struct reader r = {.path = path, .problems = problems, .at = text, .line = 1};
	char *out = NULL;

	if (read_tokens(&r)) {
		walk_body(&r, schema, "");
		out = write_tokens(&r);
		if (!out)
			problem(&r, 0, "%s", strerror(ENOMEM));
	}
	for (size_t i = 0; i < r.tokens.count; i++)
		free(r.tokens.items[i].text);
	free(r.tokens.items);
	return out;
}
