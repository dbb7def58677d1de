/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fuzz/door_model.h"

#include <arpa/inet.h>
#include <string.h>

enum { ETH = 14, IPV4 = 0x0800, IPV6 = 0x86dd, BRIDGED = 0x6558 };
enum { UDP = 17, TCP = 6, GRE = 47, FRAGMENT = 44, AH = 51 };
enum { UDP_HEADER = 8, VXLAN_HEADER = 8, EXTENSIONS_MAX = 8192 };

/* False, and *value as it was: the frame ends before. `at` counts from the Ethernet header. */
static bool get(const struct door_frame *f, size_t at, size_t size, uint32_t *value)
{
	if (at + size > f->size)
		return false;
	*value = 0;
	while (size--)
		*value = *value << 8 | f->bytes[at++];
	return true;
}

static uint32_t word(const struct door_frame *f, size_t at, size_t size)
{
	uint32_t value = 0;

	get(f, at, size, &value);
	return value;
}

/* ---- headers --------------------------------------------------------------------------------- */

struct chain {
	size_t at;
	uint32_t next;
	bool more, failed;
};

static bool is_extension(uint32_t next)
{
	return next == 0 || next == 43 || next == 60 || next == FRAGMENT || next == AH;
}

static void walk(const struct door_frame *f, struct chain *c)
{
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(c->next); i++) {
		uint32_t type = c->next, length = word(f, c->at + 1, 1);

		if (c->at + 8 > f->size) {
			c->failed = true;
			return;
		}
		uint32_t next = word(f, c->at, 1);
		if (type == FRAGMENT) {
			uint32_t offset = word(f, c->at + 2, 2);

			c->more = offset & 1;
			c->failed = offset & 0xfff8;
			c->at += 8;
			if (c->failed) /* what follows is data */
				return;
		} else {
			c->at += type == AH ? (length + 2) * 4 : (length + 1) * 8;
		}
		c->next = next;
	}
}

/* What is in an outer IP packet, or in a first fragment of one. */
struct outer {
	size_t transport, end; /* the latter from the IP header on */
	uint32_t protocol;
	bool more;
};

static size_t end_of(const struct door_frame *f, uint32_t length)
{
	return length || !f->gso_size ? length : f->size - ETH;
}

static bool read_ipv4(const struct door_frame *f, struct outer *o, struct door_key *key)
{
	if (f->size < ETH + 20)
		return false;
	uint32_t first = f->bytes[ETH], fragment = word(f, ETH + 6, 2);
	if (first >> 4 != 4 || (first & 15) < 5 || fragment & 0x1fff)
		return false;
	o->protocol = f->bytes[ETH + 9];
	o->transport = ETH + (first & 15) * 4;
	o->more = fragment & 0x2000;
	o->end = end_of(f, word(f, ETH + 2, 2));
	key->family = DOOR_IPV4;
	memcpy(key->address, f->bytes + ETH + 12, 4);
	return true;
}

static bool read_ipv6(const struct door_frame *f, struct outer *o, struct door_key *key)
{
	struct chain chain = {.at = ETH + 40};

	if (f->size < ETH + 40 || f->bytes[ETH] >> 4 != 6)
		return false;
	uint32_t length = word(f, ETH + 4, 2);
	chain.next = f->bytes[ETH + 6];
	walk(f, &chain);
	if (chain.failed)
		return false;
	o->protocol = chain.next;
	o->transport = chain.at;
	o->more = chain.more;
	o->end = end_of(f, length ? length + 40 : 0);
	key->family = DOOR_IPV6;
	memcpy(key->address, f->bytes + ETH + 8, 16);
	return true;
}

/* ---- inner frames ---------------------------------------------------------------------------- */

struct inner {
	size_t headers; /* that each segment has */
	size_t end;     /* 0: unknown */
	bool transport;
};

/* protocol 0: an Ethernet frame is at `at`. */
static bool read_inner(const struct door_frame *f, size_t at, uint32_t protocol, struct inner *in)
{
	size_t link = protocol ? 0 : ETH;
	uint32_t type = protocol;
	struct chain chain = {0};

	*in = (struct inner){0};
	if (!protocol && !get(f, at + 12, 2, &type))
		return false;
	for (int tags = 0; tags < 2 && !protocol && (type == 0x8100 || type == 0x88a8); tags++) {
		if (!get(f, at + link + 2, 2, &type))
			return false;
		link += 4;
	}
	if (!protocol && (type == 0x8100 || type == 0x88a8))
		return false; /* nobody uses three */
	size_t ip = at + link;
	if (type == IPV4 && ip + 20 <= f->size) {
		chain.at = ip + (f->bytes[ip] & 15) * 4;
		chain.next = f->bytes[ip + 9];
		in->end = word(f, ip + 2, 2) ? link + word(f, ip + 2, 2) : 0;
	} else if (type == IPV6 && ip + 40 <= f->size) {
		chain.at = ip + 40;
		chain.next = f->bytes[ip + 6];
		in->end = word(f, ip + 4, 2) ? link + 40 + word(f, ip + 4, 2) : 0;
		walk(f, &chain);
	} else {
		return false;
	}
	if (chain.next == TCP) {
		uint32_t offset;
		if (!get(f, chain.at + 12, 1, &offset))
			return false;
		chain.at += (offset >> 4) * 4;
		in->transport = true;
	} else if (chain.next == UDP) {
		chain.at += UDP_HEADER;
		in->transport = true;
	}
	in->headers = chain.at - at;
	return true;
}

static struct door_sum aggregate(const struct door_frame *f, size_t at, uint32_t protocol,
				 size_t length)
{
	struct door_sum sum = {f->gso_segs ? f->gso_segs : 1, length};
	struct inner in;

	if (!f->gso_size || !read_inner(f, at, protocol, &in) || in.headers > length)
		return sum;
	/* whole datagrams in a row, each with a VXLAN header */
	if (in.end && in.end < length && in.end + VXLAN_HEADER <= f->gso_size) {
		size_t all = length + VXLAN_HEADER;
		sum.packets = (all + f->gso_size - 1) / f->gso_size;
		sum.bytes = all - sum.packets * VXLAN_HEADER;
		return sum;
	}
	size_t payload = length - in.headers;
	if (in.transport && payload)
		sum.packets = (payload + f->gso_size - 1) / f->gso_size;
	sum.bytes = length + (sum.packets - 1) * in.headers;
	return sum;
}

/* ---- tunnels --------------------------------------------------------------------------------- */

static void malformed(const struct door_frame *f, struct door_model *m)
{
	m->verdict = DOOR_MALFORMED;
	m->sum = (struct door_sum){1, f->size};
}

static void judge_vxlan(const struct door_frame *f, const struct outer *o,
			const struct door_admission *admit, struct door_model *m)
{
	size_t udp = o->transport, header = UDP_HEADER + VXLAN_HEADER, net = udp - ETH;
	uint32_t port;

	if (!get(f, udp + 2, 2, &port) || udp + UDP_HEADER > f->size || !admit->port ||
	    port != ntohs(admit->port))
		return;
	m->key.encap = DOOR_ENCAP_VXLAN;
	malformed(f, m);
	if (udp + header > f->size || !(f->bytes[udp + UDP_HEADER] & 8))
		return;
	if (o->end > f->size || o->end < net + header)
		return;
	size_t datagram = word(f, udp + 4, 2);
	if (f->gso_size)
		datagram = o->end - net;
	else if (!o->more && datagram > o->end - net)
		return;
	if (datagram < header + ETH)
		return;
	m->key.vni = word(f, udp + UDP_HEADER + 4, 3);
	m->verdict = admit->flags & DOOR_ENFORCE_VNI && m->key.vni != admit->vni ? DOOR_UNWANTED
										 : DOOR_TUNNEL;
	m->sum = (struct door_sum){1, datagram - header};
	if (f->gso_size)
		m->sum = aggregate(f, udp + header, 0, datagram - header);
}

static void judge_gre(const struct door_frame *f, const struct outer *o,
		      const struct door_admission *admit, struct door_model *m)
{
	size_t at = o->transport, net;
	uint32_t flags, protocol, key = 0;

	if (!get(f, at, 2, &flags) || !get(f, at + 2, 2, &protocol) || flags & 0x4007)
		return;
	bool bridged = protocol == BRIDGED;
	m->key.encap = bridged ? DOOR_ENCAP_GRETAP : DOOR_ENCAP_GRE;
	if (!(admit->gre & DOOR_GRE_BIT(bridged ? 0 : 1, m->key.family)))
		return;
	at += flags & 0x8000 ? 8 : 4;
	if (flags & 0x2000) {
		if (!get(f, at, 4, &key))
			return;
		at += 4;
	}
	at += flags & 0x1000 ? 4 : 0;
	m->key.vni = key;
	net = at - ETH;
	if (o->end > f->size || o->end < net + (bridged || !protocol ? ETH : 1)) {
		malformed(f, m);
		return;
	}
	m->verdict = DOOR_TUNNEL;
	size_t length = o->end - net;
	struct inner in;
	m->sum = (struct door_sum){1, length};
	if (f->gso_size)
		m->sum = aggregate(f, at, bridged ? 0 : protocol, length);
	else if (o->more && read_inner(f, at, bridged ? 0 : protocol, &in) && in.end > length)
		m->sum.bytes = in.end;
}

/* lo's own address is zero. What is for a group is for this host too. */
static bool for_this_host(const struct door_frame *f)
{
	static const uint8_t own[6];

	return f->bytes[0] & 1 || !memcmp(f->bytes, own, sizeof(own));
}

struct door_model door_model(const struct door_frame *f, const struct door_admission *admit)
{
	struct door_model m = {.verdict = DOOR_OTHER};
	struct outer outer = {0};
	uint32_t type = word(f, 12, 2);
	bool readable = false;

	if (!for_this_host(f))
		return m;
	if (type == IPV4)
		readable = read_ipv4(f, &outer, &m.key);
	else if (type == IPV6)
		readable = read_ipv6(f, &outer, &m.key);
	if (readable && outer.protocol == UDP)
		judge_vxlan(f, &outer, admit, &m);
	else if (readable && outer.protocol == GRE)
		judge_gre(f, &outer, admit, &m);
	return m;
}

struct door_sum door_model_delivered(const struct door_frame *f)
{
	if (!f->gso_size)
		return (struct door_sum){1, f->size};
	return aggregate(f, 0, 0, f->size);
}
