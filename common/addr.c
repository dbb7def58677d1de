/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IP addresses and prefixes as values. No name resolution, no socket; an IPv4 address mapped into
 * IPv6 stays the IPv6 address that it was written as.
 */
#include "common/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/digits.h"

bool ip_addr_parse(const char *text, struct ip_addr *out)
{
	struct ip_addr addr = {.family = AF_INET};

	if (inet_pton(AF_INET, text, addr.bytes) != 1) {
		memset(addr.bytes, 0, sizeof(addr.bytes));
		addr.family = AF_INET6;
		if (inet_pton(AF_INET6, text, addr.bytes) != 1)
			return false;
	}
	*out = addr;
	return true;
}

/* inet_ntop() has a printf for it, which shows where ten thousand clients are listed. */
static void format_ipv4(const uint8_t bytes[4], char *text)
{
	for (unsigned int i = 0; i < 4; i++) {
		text = digits_put(text, bytes[i]);
		*text++ = i < 3 ? '.' : '\0';
	}
}

const char *ip_addr_format(const struct ip_addr *addr, char text[IP_ADDR_TEXT])
{
	text[0] = '\0';
	if (addr->family == AF_INET)
		format_ipv4(addr->bytes, text);
	else if (addr->family == AF_INET6)
		inet_ntop(AF_INET6, addr->bytes, text, IP_ADDR_TEXT);
	return text;
}

size_t ip_addr_size(const struct ip_addr *addr)
{
	switch (addr->family) {
	case AF_INET:
		return 4;
	case AF_INET6:
		return 16;
	default:
		return 0;
	}
}

bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return ip_addr_compare(a, b) == 0;
}

bool ip_addr_is_any(const struct ip_addr *addr)
{
	static const uint8_t zero[16];

	return memcmp(addr->bytes, zero, ip_addr_size(addr)) == 0;
}

bool ip_addr_is_multicast(const struct ip_addr *addr)
{
	switch (addr->family) {
	case AF_INET:
		return (addr->bytes[0] & 0xf0) == 0xe0;
	case AF_INET6:
		return addr->bytes[0] == 0xff;
	default:
		return false;
	}
}

int ip_addr_compare(const struct ip_addr *a, const struct ip_addr *b)
{
	size_t a_size = ip_addr_size(a);
	size_t b_size = ip_addr_size(b);

	if (a_size != b_size)
		return a_size < b_size ? -1 : 1;
	return memcmp(a->bytes, b->bytes, a_size);
}

/* Clears what is beyond the first `len` bits. */
static struct ip_addr masked(const struct ip_addr *addr, unsigned int len)
{
	struct ip_addr out = *addr;

	for (unsigned int i = 0; i < sizeof(out.bytes); i++) {
		if (len >= 8 * (i + 1))
			continue;
		if (len <= 8 * i)
			out.bytes[i] = 0;
		else
			out.bytes[i] &= (uint8_t)(0xff << (8 * (i + 1) - len));
	}
	return out;
}

/* Decimal digits only: no sign, no space, no leading zero. */
static bool parse_number(const char *text, unsigned int max, unsigned int *out)
{
	unsigned int value = 0;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned int)(*text - '0');
		if (value > max)
			return false;
	}
	*out = value;
	return true;
}

bool ip_prefix_parse(const char *text, struct ip_prefix *out)
{
	const char *slash = strchr(text, '/');
	size_t addr_size = slash != NULL ? (size_t)(slash - text) : strlen(text);
	char addr_text[IP_ADDR_TEXT];
	struct ip_prefix prefix;
	struct ip_addr network;
	unsigned int bits, len;

	if (addr_size >= sizeof(addr_text))
		return false;
	memcpy(addr_text, text, addr_size);
	addr_text[addr_size] = '\0';
	if (!ip_addr_parse(addr_text, &prefix.addr))
		return false;
	bits = 8 * (unsigned int)ip_addr_size(&prefix.addr);
	len = bits;
	if (slash != NULL && !parse_number(slash + 1, bits, &len))
		return false;
	prefix.len = (uint8_t)len;
	network = masked(&prefix.addr, prefix.len);
	if (!ip_addr_equal(&network, &prefix.addr))
		return false;
	*out = prefix;
	return true;
}

const char *ip_prefix_format(const struct ip_prefix *prefix, char text[IP_PREFIX_TEXT])
{
	char addr_text[IP_ADDR_TEXT];

	text[0] = '\0';
	if (ip_addr_size(&prefix->addr) != 0)
		snprintf(text, IP_PREFIX_TEXT, "%s/%u", ip_addr_format(&prefix->addr, addr_text),
			 (unsigned int)prefix->len);
	return text;
}

bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_addr *addr)
{
	struct ip_addr network = masked(addr, prefix->len);

	return ip_addr_size(addr) != 0 && ip_addr_equal(&network, &prefix->addr);
}

bool ip_endpoint_parse(const char *text, struct ip_endpoint *out)
{
	bool brackets = text[0] == '[';
	const char *colon = strrchr(text, ':');
	char addr_text[IP_ADDR_TEXT];
	struct ip_endpoint endpoint;
	unsigned int port;

	if (colon == NULL || (brackets && colon[-1] != ']'))
		return false;
	const char *start = text + brackets;
	size_t size = (size_t)(colon - brackets - text) - brackets;

	if (size >= sizeof(addr_text))
		return false;
	memcpy(addr_text, start, size);
	addr_text[size] = '\0';
	if (!ip_addr_parse(addr_text, &endpoint.addr) ||
	    (endpoint.addr.family == AF_INET6) != brackets ||
	    !parse_number(colon + 1, UINT16_MAX, &port) || port == 0)
		return false;
	endpoint.port = (uint16_t)port;
	*out = endpoint;
	return true;
}

const char *ip_endpoint_format(const struct ip_endpoint *endpoint, char text[IP_ENDPOINT_TEXT])
{
	char addr_text[IP_ADDR_TEXT];

	text[0] = '\0';
	if (ip_addr_size(&endpoint->addr) != 0)
		snprintf(text, IP_ENDPOINT_TEXT,
			 endpoint->addr.family == AF_INET6 ? "[%s]:%u" : "%s:%u",
			 ip_addr_format(&endpoint->addr, addr_text), (unsigned int)endpoint->port);
	return text;
}

bool ip_endpoint_equal(const struct ip_endpoint *a, const struct ip_endpoint *b)
{
	return ip_addr_equal(&a->addr, &b->addr) && a->port == b->port;
}
