/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What method "tee" must not copy: what the tunnels themselves send and are sent, as in filter.c:
 * with ports, or as a later fragment by addresses; and ICMP errors about it, by what they quote.
 */
#include "client/tee_parts.h"
#include "common/ruleset.h"

static void fragments(struct tee_table *t, const char *end, const char *host)
{
	if (t->family == RULESET_IPV4)
		tee_rule(t, "ip %s %s ip protocol udp ip frag-off & 0x1fff != 0 return", end, host);
	else
		tee_rule(t, "ip6 %s %s meta l4proto udp frag frag-off != 0 return", end, host);
}

enum { QUOTE_TEXT = 160 };

/* An ICMP error whose quoted packet is `protocol` to the collector. Bits are counted from the
 * transport header: the quoted packet begins at 64. */
static const char *quotes(const struct tee_table *t, const struct client_collector *c,
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

static void udp_errors(struct tee_table *t, const struct client_collector *c)
{
	char quote[QUOTE_TEXT];

	if (t->family == RULESET_IPV4) {
		tee_rule(t, "%s @th,240,16 %u return", quotes(t, c, UDP, quote), c->port);
		tee_rule(t, "%s @th,112,16 & 0x1fff != 0 return", quotes(t, c, UDP, quote));
	} else {
		tee_rule(t, "%s @th,400,16 %u return", quotes(t, c, UDP, quote), c->port);
		tee_rule(t, "%s @th,384,8 %u return", quotes(t, c, FRAGMENT, quote), UDP);
	}
}

static void gre_errors(struct tee_table *t, const struct client_collector *c)
{
	char quote[QUOTE_TEXT];

	tee_rule(t, "%s return", quotes(t, c, GRE, quote));
	if (t->family == RULESET_IPV6)
		tee_rule(t, "%s @th,384,8 %u return", quotes(t, c, FRAGMENT, quote), GRE);
}

static void exempt_one(struct tee_table *t, enum direction direction,
		       const struct client_collector *c)
{
	bool udp = c->encap == ENCAP_VXLAN;
	const char *family = ruleset_family_name(t->family);
	char host[IP_ADDR_TEXT];

	ip_addr_format(&c->address, host);
	if (direction == EGRESS && udp)
		tee_rule(t, "%s daddr %s udp dport %u return", family, host, c->port);
	else if (udp)
		tee_rule(t, "udp dport %u return", c->port);
	/* a switch floods what goes to a silent collector */
	for (int from = direction == EGRESS; from < 2; from++) {
		const char *end = from ? "daddr" : "saddr";
		if (udp)
			fragments(t, end, host);
		else
			tee_rule(t, "%s %s %s meta l4proto gre return", family, end, host);
	}
	if (direction == INGRESS && udp)
		udp_errors(t, c);
	else if (direction == INGRESS)
		gre_errors(t, c);
}

void tee_exempt(struct tee_table *t, enum direction direction)
{
	const struct client_config *config = t->tee->config;

	for (size_t i = 0; i < config->collectors_count; i++) {
		const struct client_collector *c = &config->collectors[i];
		if ((c->address.family == AF_INET) == (t->family == RULESET_IPV4))
			exempt_one(t, direction, c);
	}
}
