/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/encap.h"

enum { ETHERNET = 14, IPV4 = 20, IPV6 = 40, UDP = 8, VXLAN = 8, GRE = 4, GRE_KEY = 4 };

const char *encap_name(enum encap encap)
{
	static const char *const names[ENCAPS] = {"vxlan", "gretap", "gre"};
	return names[encap];
}

bool encap_keeps_ethernet(enum encap encap)
{
	return encap != ENCAP_GRE;
}

uint32_t encap_overhead(enum encap encap, bool ipv6, bool key)
{
	uint32_t inner = encap_keeps_ethernet(encap) ? ETHERNET : 0;
	uint32_t header = encap == ENCAP_VXLAN ? UDP + VXLAN : key ? GRE + GRE_KEY : GRE;

	return (ipv6 ? IPV6 : IPV4) + header + inner;
}
