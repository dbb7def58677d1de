/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/conf_token.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	const char *path;
	struct problems *problems;
	const char *at;
	int line;
	struct conf_tokens *tokens;
};

#define problem(reader, line, ...) \
	problems_add((reader)->problems, (reader)->path, line, __VA_ARGS__)

static bool token_add(struct reader *r, char kind, int line, char *text)
{
	struct conf_token *token = text ? ARRAY_ADD(r->tokens) : NULL;

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

bool conf_tokens_read(struct conf_tokens *tokens, const char *text, const char *path,
		      struct problems *problems)
{
	struct reader r = {
	    .path = path, .problems = problems, .at = text, .line = 1, .tokens = tokens};

	return read_tokens(&r);
}

void conf_tokens_clear(struct conf_tokens *tokens)
{
	for (size_t i = 0; i < tokens->count; i++)
		free(tokens->items[i].text);
	free(tokens->items);
	*tokens = (struct conf_tokens){0};
}
