/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which packets are the tunnels' own and are not copied, said once more in C: what the client's
 * filter programs are compared with. It knows nothing of pcap expressions.
 */
#ifndef VTAP_TESTS_FUZZ_EXEMPTION_H
#define VTAP_TESTS_FUZZ_EXEMPTION_H

#include "client/config.h"
#include "client/filter.h"

enum exemption {
	EXEMPT_NOT,
	EXEMPT_YES,
	EXEMPT_UNSURE, /* it ends before what would tell: either is right */
};

enum exemption exemption_of(const struct client_config *config, enum direction direction,
			    enum filter_layer layer, const uint8_t *bytes, size_t size);

#endif
