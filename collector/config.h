/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The collector's configuration file, vtap-collector.conf(5), as a value.
 */
#ifndef VTAP_COLLECTOR_CONFIG_H
#define VTAP_COLLECTOR_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/names.h"
#include "common/addr.h"
#include "common/encap.h"
#include "common/problems.h"

enum underlay { UNDERLAY_IPV4, UNDERLAY_IPV6, UNDERLAY_DUAL };

/* One interface on which the frames of all clients with this encapsulation arrive. */
struct collector_endpoint {
	bool enabled;
	char device[IFNAMSIZ];
	uint32_t vni;  /* 0: any, as for GRE always */
	uint16_t port; /* 0 for GRE */
	enum underlay underlay;
	bool gro;
};

struct collector_metrics {
	struct ip_endpoint listen; /* family 0: nowhere */
	bool clients;              /* each of them, besides the totals */
};

struct collector_config {
	struct ip_prefix *allow;
	size_t allow_count;
	uint32_t max_clients;
	uint64_t forget_after_s; /* 0: never */
	struct names names;
	struct collector_endpoint endpoints[ENCAPS];
	struct collector_metrics metrics;
};

/* NULL when there was any problem; then at least one is in `problems`. */
struct collector_config *collector_config_read(const char *path, struct problems *problems);
void collector_config_free(struct collector_config *config); /* NULL is fine */
/* Whether the allow-list lets this outer source address in. */
bool collector_config_allows(const struct collector_config *config, const struct ip_addr *source);

#endif
