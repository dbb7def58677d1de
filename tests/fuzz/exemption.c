/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fuzz/exemption.h"

#include <string.h>
#include <sys/socket.h>

enum { UDP = 17, GRE = 47, ICMP = 1, ICMP6 = 58, FRAGMENT = 44 };

struct packet {
	const uint8_t *bytes; /* from its IP header on */
	size_t size;
	bool unsure; /* something looked for is not there */
};

static uint32_t get(struct packet *p, size_t at, size_t size)
{
	uint32_t value = 0;

	if (at + size > p->size) {
		p->unsure = true;
		return 0;
	}
	while (size--)
		value = value << 8 | p->bytes[at++];
	return value;
}

static bool has_address(struct packet *p, size_t at, const struct ip_addr *addr)
{
	size_t size = ip_addr_size(addr);

	if (at + size > p->size) {
		p->unsure = true;
		return false;
	}
	return memcmp(p->bytes + at, addr->bytes, size) == 0;
}

/* ---- IPv4 ------------------------------------------------------------------------------------ */

static bool to_collector4(struct packet *p, const struct client_collector *c, bool or_from)
{
	return (or_from && has_address(p, 12, &c->address)) || has_address(p, 16, &c->address);
}

static bool icmp4_error(struct packet *p, const struct client_collector *c, unsigned protocol)
{
	if (get(p, 9, 1) != ICMP || get(p, 6, 2) & 0x1fff)
		return false;
	size_t icmp = (get(p, 0, 1) & 15) * 4;
	uint32_t type = get(p, icmp, 1);
	if ((type != 3 && type != 11 && type != 12) || get(p, icmp + 17, 1) != protocol ||
	    !has_address(p, icmp + 24, &c->address))
		return false;
	return protocol == GRE || get(p, icmp + 14, 2) & 0x1fff || get(p, icmp + 30, 2) == c->port;
}

static bool exempt4(struct packet *p, const struct client_collector *c, bool ingress)
{
	uint32_t protocol = get(p, 9, 1);

	if (c->encap != ENCAP_VXLAN)
		return (protocol == GRE && to_collector4(p, c, ingress)) ||
		       (ingress && icmp4_error(p, c, GRE));
	if (protocol != UDP)
		return ingress && icmp4_error(p, c, UDP);
	bool later = get(p, 6, 2) & 0x1fff;
	if (later)
		return to_collector4(p, c, ingress);
	if (!ingress && !to_collector4(p, c, false))
		return false;
	return get(p, (get(p, 0, 1) & 15) * 4 + 2, 2) == c->port;
}

/* ---- IPv6 ------------------------------------------------------------------------------------ */

static bool to_collector6(struct packet *p, const struct client_collector *c, bool or_from)
{
	return (or_from && has_address(p, 8, &c->address)) || has_address(p, 24, &c->address);
}

static bool icmp6_error(struct packet *p, const struct client_collector *c, unsigned protocol)
{
	if (get(p, 6, 1) != ICMP6 || get(p, 40, 1) >= 128 || !has_address(p, 72, &c->address))
		return false;
	uint32_t next = get(p, 54, 1);
	if (next == FRAGMENT)
		return get(p, 88, 1) == protocol;
	return next == protocol && (protocol == GRE || get(p, 90, 2) == c->port);
}

static bool exempt6(struct packet *p, const struct client_collector *c, bool ingress)
{
	unsigned protocol = c->encap == ENCAP_VXLAN ? UDP : GRE;
	uint32_t next = get(p, 6, 1);
	bool fragment = next == FRAGMENT;

	if (next != protocol && !(fragment && get(p, 40, 1) == protocol))
		return ingress && icmp6_error(p, c, protocol);
	if (protocol == GRE)
		return to_collector6(p, c, ingress);
	if (fragment && get(p, 42, 2) & 0xfff8)
		return to_collector6(p, c, ingress);
	return (ingress || to_collector6(p, c, false)) && get(p, fragment ? 50 : 42, 2) == c->port;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* The IP header's version; 0: it is no IP packet. Moves past what is before. */
static unsigned find_ip(struct packet *p, enum filter_layer layer)
{
	size_t at = 12;

	if (layer == FILTER_IP)
		return p->size ? p->bytes[0] >> 4 : 0;
	for (int tags = 0; tags <= 2; tags++, at += 4) {
		uint32_t type = get(p, at, 2);
		if (type != 0x8100 && type != 0x88a8 && type != 0x9100) {
			size_t start = at + 2 < p->size ? at + 2 : p->size;
			p->bytes += start;
			p->size -= start;
			return type == 0x0800 ? 4 : type == 0x86dd ? 6 : 0;
		}
	}
	return 0;
}

enum exemption exemption_of(const struct client_config *config, enum direction direction,
			    enum filter_layer layer, const uint8_t *bytes, size_t size)
{
	struct packet p = {bytes, size, false};
	unsigned version = find_ip(&p, layer);
	bool exempt = false;

	if ((version == 4 && p.size < 20) || (version == 6 && p.size < 40))
		return EXEMPT_UNSURE;
	for (size_t i = 0; i < config->collectors_count; i++) {
		const struct client_collector *c = &config->collectors[i];

		if (version == 4 && c->address.family == AF_INET)
			exempt |= exempt4(&p, c, direction == INGRESS);
		if (version == 6 && c->address.family == AF_INET6)
			exempt |= exempt6(&p, c, direction == INGRESS);
	}
	if (p.unsure)
		return EXEMPT_UNSURE;
	return exempt ? EXEMPT_YES : EXEMPT_NOT;
}
