/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/tee.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/tee_parts.h"
#include "common/ruleset.h"
#include "common/way.h"

enum {
	/* before defragmentation: copies are what came */
	PRIORITY_INGRESS = -450,
	/* after translation: copies are what leaves */
	PRIORITY_EGRESS = 500,
	PRIORITY_CLAMP = -150, /* mangle */
	TCP_IPV4 = 40,         /* headers without options */
	TCP_IPV6 = 60,
	MSS_MIN = 536,
};

void tee_clear(struct tee *tee)
{
	free(tee->copies.items);
	free(tee->clamps.items);
	*tee = (struct tee){0};
}

int tee_add_clamp(struct tee *tee, const char *interface, uint32_t fits)
{
	for (size_t i = 0; i < tee->clamps.count; i++) {
		struct tee_clamp *same = &tee->clamps.items[i];
		if (strcmp(same->interface, interface) != 0)
			continue;
		if (fits < same->fits)
			same->fits = fits;
		return 0;
	}
	struct tee_clamp *clamp = ARRAY_ADD(&tee->clamps);
	if (!clamp)
		return -ENOMEM;
	*clamp = (struct tee_clamp){interface, fits};
	return 0;
}

void tee_counter(const char *interface, const char *collector, enum direction direction,
		 char name[TALLY_NAME])
{
	uint64_t hash = ruleset_print(0, interface, strlen(interface) + 1);

	hash = ruleset_print(hash, collector, strlen(collector));
	snprintf(name, TALLY_NAME, "copies_%s_%016llx", direction == INGRESS ? "in" : "out",
		 (unsigned long long)hash);
}

/* A quoted string of nft has no escapes, and "*" at the end of a name stands for anything. */
bool tee_name_fits(const char *interface)
{
	return !strpbrk(interface, "\"\\*");
}

/* ---- copies ---------------------------------------------------------------------------------- */

static const char *match_of(enum direction direction)
{
	return direction == INGRESS ? "iifname" : "oifname";
}

/* A comment may not have quotes in it, whatever the collector's name has. */
static const char *plain(const char *name, char *text, size_t size)
{
	snprintf(text, size, "%s", name);
	for (char *at = text; *at; at++)
		if (*at == '"' || *at == '\\')
			*at = '_';
	return text;
}

static void copy_rules(struct tee_table *t, enum direction direction)
{
	for (size_t i = 0; i < t->tee->copies.count; i++) {
		const struct tee_copy *copy = &t->tee->copies.items[i];
		char counter[TALLY_NAME], collector[64];

		if (copy->direction != direction)
			continue;
		tee_counter(copy->interface, copy->collector, direction, counter);
		tee_rule(
		    t, "%s \"%s\" counter name \"%s\" dup to %s device %d comment \"%s %s to %s\"",
		    match_of(direction), copy->interface, counter,
		    t->family == RULESET_IPV4 ? WAY_GATEWAY4 : WAY_GATEWAY6, copy->device,
		    copy->interface, direction_name(direction),
		    plain(copy->collector, collector, sizeof(collector)));
	}
}

/* An interface once, however many collectors its copies go to. */
static bool first_copy(const struct tee *tee, size_t at)
{
	const struct tee_copy *copy = &tee->copies.items[at];

	for (size_t i = 0; i < at; i++)
		if (tee->copies.items[i].direction == copy->direction &&
		    strcmp(tee->copies.items[i].interface, copy->interface) == 0)
			return false;
	return true;
}

static void enter_rules(struct tee_table *t, enum direction direction, const char *chain)
{
	for (size_t i = 0; i < t->tee->copies.count; i++)
		if (t->tee->copies.items[i].direction == direction && first_copy(t->tee, i))
			tee_rule(t, "%s \"%s\" goto %s", match_of(direction),
				 t->tee->copies.items[i].interface, chain);
}

/*
 * Packets to many: of what this host sends, the kernel hands itself another one if it listens. That
 * one passes postrouting a second time, and comes back as if the interface had received it. So they
 * are copied where they are one, in output.
 */
static void sent_to_many(struct tee_table *t, const char *verdict)
{
	if (t->family == RULESET_IPV6) {
		tee_rule(t, "ip6 daddr ff00::/8 %s", verdict);
		return;
	}
	tee_rule(t, "ip daddr 224.0.0.0/4 %s", verdict);
	/* the look-up costs; TCP has no broadcasts */
	tee_rule(t, "ip protocol != tcp fib daddr type broadcast %s", verdict);
}

static void came_back(struct tee_table *t)
{
	tee_rule(t, "meta pkttype multicast fib saddr type local return");
	if (t->family == RULESET_IPV4)
		tee_rule(t, "meta pkttype broadcast fib saddr type local return");
}

static void ingress_chains(struct tee_table *t)
{
	tee_open_hook(t, "prerouting", "prerouting", PRIORITY_INGRESS);
	enter_rules(t, INGRESS, "ingress_copies");
	tee_close_chain(t);
}

static void egress_chains(struct tee_table *t)
{
	tee_open_hook(t, "postrouting", "postrouting", PRIORITY_EGRESS);
	enter_rules(t, EGRESS, "egress_copies");
	tee_close_chain(t);
	tee_open_hook(t, "output", "output", PRIORITY_EGRESS);
	sent_to_many(t, "goto to_many_copies");
	tee_close_chain(t);
}

/* Chains must be there before a rule names them. */
static void copy_chains(struct tee_table *t, bool ingress, bool egress)
{
	if (ingress) {
		tee_open_chain(t, "ingress_copies");
		tee_exempt(t, INGRESS);
		came_back(t);
		copy_rules(t, INGRESS);
		tee_close_chain(t);
		ingress_chains(t);
	}
	if (egress) {
		tee_open_chain(t, "egress_copies");
		tee_exempt(t, EGRESS);
		sent_to_many(t, "return");
		copy_rules(t, EGRESS);
		tee_close_chain(t);
		tee_open_chain(t, "to_many_copies");
		copy_rules(t, EGRESS);
		tee_close_chain(t);
		egress_chains(t);
	}
}

/* ---- clamps ---------------------------------------------------------------------------------- */

/* The kernel only ever lowers the option. */
static void clamp_chain(struct tee_table *t, enum direction direction)
{
	uint32_t headers = t->family == RULESET_IPV4 ? TCP_IPV4 : TCP_IPV6;

	tee_open_hook(t, direction == INGRESS ? "clamp_prerouting" : "clamp_postrouting",
		      direction == INGRESS ? "prerouting" : "postrouting", PRIORITY_CLAMP);
	for (size_t i = 0; i < t->tee->clamps.count; i++) {
		const struct tee_clamp *clamp = &t->tee->clamps.items[i];
		if (clamp->fits >= headers + MSS_MIN)
			tee_rule(t, "%s \"%s\" tcp flags syn tcp option maxseg size set %u",
				 match_of(direction), clamp->interface, clamp->fits - headers);
	}
	tee_close_chain(t);
}

/* ---- the text -------------------------------------------------------------------------------- */

static void counters(struct tee_table *t, bool present[DIRECTIONS])
{
	for (size_t i = 0; i < t->tee->copies.count; i++) {
		const struct tee_copy *copy = &t->tee->copies.items[i];
		char name[TALLY_NAME];

		tee_counter(copy->interface, copy->collector, copy->direction, name);
		fprintf(t->text, "\tcounter %s {\n\t}\n", name);
		present[copy->direction] = true;
	}
}

static char *body_of(const struct tee *tee, unsigned family, unsigned *rules)
{
	struct tee_table t = {.tee = tee, .family = family};
	bool present[DIRECTIONS] = {false};
	char *body = NULL;
	size_t size;

	t.text = open_memstream(&body, &size);
	if (!t.text)
		return NULL;
	counters(&t, present);
	copy_chains(&t, present[INGRESS], present[EGRESS]);
	if (tee->clamps.count) {
		clamp_chain(&t, INGRESS);
		clamp_chain(&t, EGRESS);
	}
	*rules = t.rules;
	if (fclose(t.text) == 0)
		return body;
	free(body);
	return NULL;
}

char *tee_text(const struct tee *tee, uint64_t *print)
{
	char *bodies[RULESET_FAMILIES] = {0}, *text = NULL, mark_text[RULESET_MARK_TEXT];
	struct ruleset_mark marks[RULESET_FAMILIES];
	bool good = true;
	size_t size;

	*print = 0;
	for (unsigned i = 0; i < RULESET_FAMILIES; i++) {
		bodies[i] = body_of(tee, i, &marks[i].rules);
		good &= bodies[i] != NULL;
		if (bodies[i])
			*print = ruleset_print(*print, bodies[i], strlen(bodies[i]) + 1);
	}
	FILE *out = good ? open_memstream(&text, &size) : NULL;
	for (unsigned i = 0; out && i < RULESET_FAMILIES; i++) {
		marks[i].print = *print;
		fprintf(out, "table %s " RULESET_NAME " {\n\tcomment \"%s\"\n%s}\n",
			ruleset_family_name(i), ruleset_mark_text(&marks[i], mark_text), bodies[i]);
	}
	for (unsigned i = 0; i < RULESET_FAMILIES; i++)
		free(bodies[i]);
	if (out && fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
