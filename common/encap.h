/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The encapsulations that copies travel in.
 */
#ifndef VTAP_COMMON_ENCAP_H
#define VTAP_COMMON_ENCAP_H

#include <stdbool.h>
#include <stdint.h>

enum encap {
	ENCAP_VXLAN,  /* RFC 7348: Ethernet frames in UDP */
	ENCAP_GRETAP, /* RFC 2784, 2890: Ethernet frames in GRE */
	ENCAP_GRE,    /* what is in the Ethernet frame, in GRE */
	ENCAPS
};

const char *encap_name(enum encap encap); /* "vxlan", "gretap", "gre" */
/* Copies keep their Ethernet header. */
bool encap_keeps_ethernet(enum encap encap);
/* What the underlay's MTU must be larger by than that of the monitored interface; bytes. */
uint32_t encap_overhead(enum encap encap, bool ipv6, bool key);

#endif
