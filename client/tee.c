/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/tee.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- a table --------------------------------------------------------------------------------- */

struct table {
	const struct tee *tee;
	unsigned family;
	FILE *text;
	unsigned rules;
};

static void rule(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void rule(struct table *t, const char *format, ...)
{
	va_list args;

	fputs("\t\t", t->text);
	va_start(args, format);
	vfprintf(t->text, format, args);
	va_end(args);
	fputc('\n', t->text);
	t->rules++;
}

static void open_chain(struct table *t, const char *name)
{
	fprintf(t->text, "\tchain %s {\n", name);
}

static void open_hook(struct table *t, const char *name, const char *hook, int priority)
{
	open_chain(t, name);
	fprintf(t->text, "\t\ttype filter hook %s priority %d; policy accept;\n", hook, priority);
}

static void close_chain(struct table *t)
{
	fputs("\t}\n", t->text);
}

static const char *match_of(enum direction direction)
{
	return direction == INGRESS ? "iifname" : "oifname";
}

/* ---- copies ---------------------------------------------------------------------------------- */

/* A comment may not have quotes in it, whatever the collector's name has. */
static const char *plain(const char *name, char *text, size_t size)
{
	snprintf(text, size, "%s", name);
	for (char *at = text; *at; at++)
		if (*at == '"' || *at == '\\')
			*at = '_';
	return text;
}

static void copy_rules(struct table *t, enum direction direction)
{
	for (size_t i = 0; i < t->tee->copies.count; i++) {
		const struct tee_copy *copy = &t->tee->copies.items[i];
		char counter[TALLY_NAME], collector[64];

		if (copy->direction != direction)
			continue;
		tee_counter(copy->interface, copy->collector, direction, counter);
		rule(t, "%s \"%s\" counter name \"%s\" dup to %s device %d comment \"%s %s to %s\"",
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

static void enter_rules(struct table *t, enum direction direction, const char *chain)
{
	for (size_t i = 0; i < t->tee->copies.count; i++)
		if (t->tee->copies.items[i].direction == direction && first_copy(t->tee, i))
			rule(t, "%s \"%s\" goto %s", match_of(direction),
			     t->tee->copies.items[i].interface, chain);
}

/*
 * What the tunnels themselves send and are sent, as in filter.c: with ports, or as a later fragment
 * by addresses; and ICMP errors about it, by what they quote.
 */
static void fragments(struct table *t, const char *end, const char *host)
{
	if (t->family == RULESET_IPV4)
		rule(t, "ip %s %s ip protocol udp ip frag-off & 0x1fff != 0 return", end, host);
	else
		rule(t, "ip6 %s %s meta l4proto udp frag frag-off != 0 return", end, host);
}

enum { QUOTE_TEXT = 160 };

/* An ICMP error whose quoted packet is `protocol` to the collector. Bits are counted from the
 * transport header: the quoted packet begins at 64. */
static const char *quotes(const struct table *t, const struct client_collector *c,
			  unsigned protocol, char text[QUOTE_TEXT])
{
	const uint8_t *b = c->address.bytes;
	char address[33];

	for (size_t i = 0; i < ip_addr_size(&c->address); i++)
		snprintf(address + 2 * i, 3, "%02x", b[i]);
	if (t->family == RULESET_IPV4)
		snprintf(text, QUOTE_TEXT,
			 "icmp type 3-12 icmp type != 8 @th,136,8 %u @th,192,32 0x%s", protocol,
			 address);
	else
		snprintf(text, QUOTE_TEXT, "icmpv6 type < 128 @th,112,8 %u @th,256,128 0x%s",
			 protocol, address);
	return text;
}

enum { GRE = 47, UDP = 17, FRAGMENT = 44 };

static void udp_errors(struct table *t, const struct client_collector *c)
{
	char quote[QUOTE_TEXT];

	if (t->family == RULESET_IPV4) {
		rule(t, "%s @th,240,16 %u return", quotes(t, c, UDP, quote), c->port);
		rule(t, "%s @th,112,16 & 0x1fff != 0 return", quotes(t, c, UDP, quote));
	} else {
		rule(t, "%s @th,400,16 %u return", quotes(t, c, UDP, quote), c->port);
		rule(t, "%s @th,384,8 %u return", quotes(t, c, FRAGMENT, quote), UDP);
	}
}

static void gre_errors(struct table *t, const struct client_collector *c)
{
	char quote[QUOTE_TEXT];

	rule(t, "%s return", quotes(t, c, GRE, quote));
	if (t->family == RULESET_IPV6)
		rule(t, "%s @th,384,8 %u return", quotes(t, c, FRAGMENT, quote), GRE);
}

static void exempt_one(struct table *t, enum direction direction, const struct client_collector *c)
{
	bool udp = c->encap == ENCAP_VXLAN;
	const char *family = ruleset_family_name(t->family);
	char host[IP_ADDR_TEXT];

	ip_addr_format(&c->address, host);
	if (direction == EGRESS && udp)
		rule(t, "%s daddr %s udp dport %u return", family, host, c->port);
	else if (udp)
		rule(t, "udp dport %u return", c->port);
	/* a switch floods what goes to a silent collector */
	for (int from = direction == EGRESS; from < 2; from++) {
		const char *end = from ? "daddr" : "saddr";
		if (udp)
			fragments(t, end, host);
		else
			rule(t, "%s %s %s meta l4proto gre return", family, end, host);
	}
	if (direction == INGRESS && udp)
		udp_errors(t, c);
	else if (direction == INGRESS)
		gre_errors(t, c);
}

static void exempt(struct table *t, enum direction direction)
{
	const struct client_config *config = t->tee->config;

	for (size_t i = 0; i < config->collectors_count; i++) {
		const struct client_collector *c = &config->collectors[i];
		if ((c->address.family == AF_INET) == (t->family == RULESET_IPV4))
			exempt_one(t, direction, c);
	}
}

/*
 * Packets to many: of what this host sends, the kernel hands itself another one if it listens. That
 * one passes postrouting a second time, and comes back as if the interface had received it. So they
 * are copied where they are one, in output.
 */
static void sent_to_many(struct table *t, const char *verdict)
{
	if (t->family == RULESET_IPV6) {
		rule(t, "ip6 daddr ff00::/8 %s", verdict);
		return;
	}
	rule(t, "ip daddr 224.0.0.0/4 %s", verdict);
	/* the look-up costs; TCP has no broadcasts */
	rule(t, "ip protocol != tcp fib daddr type broadcast %s", verdict);
}

static void came_back(struct table *t)
{
	rule(t, "meta pkttype multicast fib saddr type local return");
	if (t->family == RULESET_IPV4)
		rule(t, "meta pkttype broadcast fib saddr type local return");
}

static void ingress_chains(struct table *t)
{
	open_hook(t, "prerouting", "prerouting", PRIORITY_INGRESS);
	enter_rules(t, INGRESS, "ingress_copies");
	close_chain(t);
}

static void egress_chains(struct table *t)
{
	open_hook(t, "postrouting", "postrouting", PRIORITY_EGRESS);
	enter_rules(t, EGRESS, "egress_copies");
	close_chain(t);
	open_hook(t, "output", "output", PRIORITY_EGRESS);
	sent_to_many(t, "goto to_many_copies");
	close_chain(t);
}

/* Chains must be there before a rule names them. */
static void copy_chains(struct table *t, bool ingress, bool egress)
{
	if (ingress) {
		open_chain(t, "ingress_copies");
		exempt(t, INGRESS);
		came_back(t);
		copy_rules(t, INGRESS);
		close_chain(t);
		ingress_chains(t);
	}
	if (egress) {
		open_chain(t, "egress_copies");
		exempt(t, EGRESS);
		sent_to_many(t, "return");
		copy_rules(t, EGRESS);
		close_chain(t);
		open_chain(t, "to_many_copies");
		copy_rules(t, EGRESS);
		close_chain(t);
		egress_chains(t);
	}
}

/* ---- clamps ---------------------------------------------------------------------------------- */

/* The kernel only ever lowers the option. */
static void clamp_chain(struct table *t, enum direction direction)
{
	uint32_t headers = t->family == RULESET_IPV4 ? TCP_IPV4 : TCP_IPV6;

	open_hook(t, direction == INGRESS ? "clamp_prerouting" : "clamp_postrouting",
		  direction == INGRESS ? "prerouting" : "postrouting", PRIORITY_CLAMP);
	for (size_t i = 0; i < t->tee->clamps.count; i++) {
		const struct tee_clamp *clamp = &t->tee->clamps.items[i];
		if (clamp->fits >= headers + MSS_MIN)
			rule(t, "%s \"%s\" tcp flags syn tcp option maxseg size set %u",
			     match_of(direction), clamp->interface, clamp->fits - headers);
	}
	close_chain(t);
}

/* ---- the text -------------------------------------------------------------------------------- */

static void counters(struct table *t, bool present[DIRECTIONS])
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
	struct table t = {.tee = tee, .family = family};
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
