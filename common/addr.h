/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IP addresses and prefixes as values: parse, print, compare, match. No name resolution, no socket.
 */
#ifndef VTAP_COMMON_ADDR_H
#define VTAP_COMMON_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

/* family 0: no address. IPv4 uses the first four bytes; bytes are in network order, the rest are
 * zero. */
struct ip_addr {
	uint8_t family;
	uint8_t bytes[16];
};

/* bits beyond len are zero */
struct ip_prefix {
	struct ip_addr addr;
	uint8_t len;
};

/* where something listens; family 0: nowhere */
struct ip_endpoint {
	struct ip_addr addr;
	uint16_t port;
};

enum { IP_ADDR_TEXT = INET6_ADDRSTRLEN }; /* enough for ip_addr_format, NUL included */
enum { IP_PREFIX_TEXT = INET6_ADDRSTRLEN + 4 };
enum { IP_ENDPOINT_TEXT = INET6_ADDRSTRLEN + 8 };

bool ip_addr_parse(const char *text, struct ip_addr *out); /* numeric only; false: not an address */
const char *ip_addr_format(const struct ip_addr *addr,
			   char text[IP_ADDR_TEXT]); /* "" for family 0 */
size_t ip_addr_size(const struct ip_addr *addr);     /* 4, 16, or 0 */
bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b);
bool ip_addr_is_any(const struct ip_addr *addr); /* 0.0.0.0, :: or family 0 */
bool ip_addr_is_multicast(const struct ip_addr *addr);
int ip_addr_compare(const struct ip_addr *a,
		    const struct ip_addr *b); /* IPv4 before IPv6, then by value */

/* "10.0.0.0/8", "fe80::/10", or an address alone (/32, /128). False when it is none of these or has
 * host bits set. */
bool ip_prefix_parse(const char *text, struct ip_prefix *out);
const char *ip_prefix_format(const struct ip_prefix *prefix, char text[IP_PREFIX_TEXT]);
bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_addr *addr);

/* "127.0.0.1:80", "[::1]:80": the brackets belong to IPv6 alone; ports are 1 to 65535. */
bool ip_endpoint_parse(const char *text, struct ip_endpoint *out);
const char *ip_endpoint_format(const struct ip_endpoint *endpoint, char text[IP_ENDPOINT_TEXT]);
bool ip_endpoint_equal(const struct ip_endpoint *a, const struct ip_endpoint *b);

#endif
