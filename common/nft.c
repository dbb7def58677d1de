/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nft.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/library.h"
#include "common/ruleset.h"
#include "common/talk.h"

#define LIBRARY "libnftables.so.1"

/* What is used of the library. */
struct libnftables {
	void *handle;
	struct nft_ctx *(*ctx_new)(uint32_t flags);
	void (*ctx_free)(struct nft_ctx *ctx);
	int (*buffer_output)(struct nft_ctx *ctx);
	int (*buffer_error)(struct nft_ctx *ctx);
	const char *(*error_text)(struct nft_ctx *ctx);
	int (*run)(struct nft_ctx *ctx, const char *text);
};

struct nft {
	struct talk talk;
	struct libnftables library;
	bool absent; /* the kernel has no nftables, or we may not ask it */
	bool asked;  /* at least once */
	bool used;   /* there were tables, or will be */

	bool known; /* `seen` is what generation `generation` has */
	uint32_t generation;
	struct ruleset seen; /* without tallies */

	uint64_t made_print; /* the text whose rules hash to this; 0: none yet */
	uint64_t made_hash;
};

/* ---- looking --------------------------------------------------------------------------------- */

static int take_generation(const struct nlmsghdr *header, void *ctx)
{
	ruleset_generation_parse(header, ctx);
	return 0;
}

static int get_generation(struct nft *nft, uint32_t *out)
{
	struct nlmsg m;

	ruleset_get_generation(&m, nft->talk.request, TALK_SIZE);
	return talk(&nft->talk, &m, take_generation, out);
}

struct look {
	bool present, marked;
	struct ruleset_mark mark;
	uint64_t hash;
	unsigned rules;
	struct ruleset *ruleset;
};

static int take_table(const struct nlmsghdr *header, void *ctx)
{
	struct look *look = ctx;

	look->present |= ruleset_table_parse(header, &look->marked, &look->mark);
	return 0;
}

static int take_chain(const struct nlmsghdr *header, void *ctx)
{
	ruleset_mix_chain(header, &((struct look *)ctx)->hash);
	return 0;
}

static int take_rule(const struct nlmsghdr *header, void *ctx)
{
	struct look *look = ctx;

	look->rules += ruleset_mix_rule(header, &look->hash);
	return 0;
}

static int dump(struct nft *nft, unsigned family, enum ruleset_part part, talk_fn fn,
		struct look *look)
{
	struct look before = *look;
	int error = -EINTR;

	for (int i = 0; error == -EINTR && i < TALK_DUMP_TRIES; i++) {
		struct nlmsg m;
		*look = before;
		ruleset_dump(&m, nft->talk.request, TALK_SIZE, family, part);
		error = talk(&nft->talk, &m, fn, look);
	}
	return error == -ENOENT ? 0 : error; /* the table went meanwhile: an event tells */
}

static int look_at(struct nft *nft, unsigned family, struct look *look)
{
	struct nlmsg m;

	ruleset_get_table(&m, nft->talk.request, TALK_SIZE, family);
	int error = talk(&nft->talk, &m, take_table, look);
	if (error == -ENOENT || (!error && !look->marked))
		return 0;
	if (!error)
		error = dump(nft, family, RULESET_CHAINS, take_chain, look);
	return error ? error : dump(nft, family, RULESET_RULES, take_rule, look);
}

/*
 * Whether the rules are what their text made. The first look after they were put sees what the
 * kernel shows of them, later ones compare. A client that finds the tables of an earlier one has
 * only the number of rules to tell.
 */
static bool intact(struct nft *nft, uint64_t print, uint64_t hash, bool complete)
{
	if (nft->made_print == print)
		return nft->made_hash == hash;
	if (!complete)
		return false;
	nft->made_print = print;
	nft->made_hash = hash;
	return true;
}

static int examine(struct nft *nft)
{
	struct look looks[RULESET_FAMILIES] = {0};
	struct ruleset *seen = &nft->seen;
	uint64_t hash = 0;
	bool complete = true, same = true;

	*seen = (struct ruleset){0};
	for (unsigned i = 0; i < RULESET_FAMILIES; i++) {
		struct look *look = &looks[i];
		int error = look_at(nft, i, look);
		if (error)
			return error;
		seen->present |= look->present;
		seen->foreign |= look->present && !look->marked;
		complete &= look->marked && look->rules == look->mark.rules;
		same &= look->marked && look->mark.print == looks[0].mark.print;
		hash = ruleset_print(hash, &look->hash, sizeof(look->hash));
	}
	seen->print = same ? looks[0].mark.print : 0;
	seen->intact = same && intact(nft, seen->print, hash, complete);
	return 0;
}

static int take_counter(const struct nlmsghdr *header, void *ctx)
{
	struct ruleset *ruleset = ((struct look *)ctx)->ruleset;
	struct tally tally;

	if (!ruleset_counter_parse(header, &tally))
		return 0;
	struct tally *slot = ARRAY_ADD(&ruleset->tallies);
	if (!slot)
		return -ENOMEM;
	*slot = tally;
	return 0;
}

static int count(struct nft *nft, struct ruleset *out)
{
	struct look look = {.ruleset = out};
	int error = -EINTR;

	/* an interrupted dump is done again for both tables */
	for (int i = 0; error == -EINTR && i < TALK_DUMP_TRIES; i++) {
		out->tallies.count = 0;
		error = 0;
		for (unsigned family = 0; !error && family < RULESET_FAMILIES; family++) {
			struct nlmsg m;
			ruleset_dump(&m, nft->talk.request, TALK_SIZE, family, RULESET_COUNTERS);
			error = talk(&nft->talk, &m, take_counter, &look);
		}
	}
	return error == -ENOENT ? 0 : error;
}

static bool no_nftables(int error)
{
	return error == -EINVAL || error == -EOPNOTSUPP || error == -EPERM;
}

int nft_read(struct nft *nft, struct ruleset *out)
{
	uint32_t generation = 0;

	if (nft->absent || (nft->asked && !nft->used))
		return 0;
	int error = get_generation(nft, &generation);
	if (no_nftables(error) && !nft->used) {
		nft->absent = true;
		return 0;
	}
	if (!error && (!nft->known || generation != nft->generation)) {
		error = examine(nft);
		nft->known = !error;
		nft->generation = generation;
	}
	if (error)
		return error;
	nft->asked = true;
	nft->used |= nft->seen.present;
	*out = nft->seen;
	return out->present && !out->foreign ? count(nft, out) : 0;
}

bool nft_changed(struct nft *nft)
{
	uint32_t generation = 0;

	return nft->known && (get_generation(nft, &generation) || generation != nft->generation);
}

/* ---- changing -------------------------------------------------------------------------------- */

static int load(struct libnftables *library, char *why, size_t why_size)
{
	const struct library_function functions[] = {
	    {"nft_ctx_new", &library->ctx_new},
	    {"nft_ctx_free", &library->ctx_free},
	    {"nft_ctx_buffer_output", &library->buffer_output},
	    {"nft_ctx_buffer_error", &library->buffer_error},
	    {"nft_ctx_get_error_buffer", &library->error_text},
	    {"nft_run_cmd_from_buffer", &library->run},
	};

	if (!library->handle)
		library->handle =
		    library_load(LIBRARY, functions, sizeof(functions) / sizeof(*functions));
	if (library->handle)
		return 0;
	snprintf(why, why_size, "libnftables is needed: %s", dlerror());
	return -ELIBACC;
}

/* The library's first line of many; the others show the text and point into it. */
static void first_line(const char *words, char *why, size_t why_size)
{
	snprintf(why, why_size, "%.*s", (int)strcspn(words ? words : "", "\n"), words ? words : "");
	if (!why[0])
		snprintf(why, why_size, "libnftables gave no reason");
}

/* All of it or nothing: the library puts it into one transaction. */
static int run_text(struct nft *nft, const char *text, char *why, size_t why_size)
{
	struct libnftables *library = &nft->library;
	int error = load(library, why, why_size);
	struct nft_ctx *ctx = error ? NULL : library->ctx_new(NFT_CTX_DEFAULT);

	if (error)
		return error;
	/* a context lasts for one text: it keeps the names of interfaces, which may change */
	if (!ctx || library->buffer_output(ctx) || library->buffer_error(ctx)) {
		snprintf(why, why_size, "%s", strerror(ENOMEM));
		error = -ENOMEM;
	} else if (library->run(ctx, text)) {
		first_line(library->error_text(ctx), why, why_size);
		error = -EINVAL;
	}
	if (ctx)
		library->ctx_free(ctx);
	malloc_trim(0); /* parsing took some hundred kilobytes */
	return error;
}

/* "add" first, so that it is no error when there is none. */
static const char remove_all[] = "add table ip " RULESET_NAME "\n"
				 "delete table ip " RULESET_NAME "\n"
				 "add table ip6 " RULESET_NAME "\n"
				 "delete table ip6 " RULESET_NAME "\n";

/* The first time nobody looked yet whether the name is free. */
static int claim(struct nft *nft, char *why, size_t why_size)
{
	struct ruleset seen = {0};
	bool first = !nft->used;

	/* libnftables ends the process where there is no such socket */
	if (!nft->talk.socket && talk_open(&nft->talk, NETLINK_NETFILTER)) {
		snprintf(why, why_size, "this kernel has no nftables");
		return -EPROTONOSUPPORT;
	}
	nft->used = true;
	nft->absent = false;
	if (!first)
		return 0;
	int error = nft_read(nft, &seen);
	free(seen.tallies.items);
	if (!error && !seen.foreign)
		return 0;
	nft->used = !error;
	snprintf(why, why_size, "%s",
		 error ? strerror(-error) : "there is a table of this name of somebody else's");
	return error ? error : -EEXIST;
}

int nft_run(struct nft *nft, const struct op *op, char *why, size_t why_size)
{
	char *text = NULL;

	int error = claim(nft, why, why_size);
	if (error)
		return error;
	if (op->type == OP_RULESET_DELETE)
		return run_text(nft, remove_all, why, why_size);
	if (asprintf(&text, "%s%s", remove_all, op->ruleset->text) < 0) {
		snprintf(why, why_size, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	error = run_text(nft, text, why, why_size);
	free(text);
	if (!error)
		nft->made_print = 0; /* the next look learns how the kernel shows it */
	return error;
}

/* ---- life ------------------------------------------------------------------------------------ */

int nft_open(struct nft **out)
{
	struct nft *nft = calloc(1, sizeof(*nft));

	if (!nft)
		return -ENOMEM;
	int error = talk_open(&nft->talk, NETLINK_NETFILTER);
	if (error && error != -EPROTONOSUPPORT) {
		free(nft);
		return error;
	}
	nft->absent = error != 0;
	*out = nft;
	return 0;
}

void nft_close(struct nft *nft)
{
	if (!nft)
		return;
	talk_close(&nft->talk);
	/* the library stays loaded: it was not made to be unloaded */
	free(nft);
}
