/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside client.conf: what config.c and config_collector.c share. For these files alone.
 */
#ifndef VTAP_CLIENT_CONFIG_PARTS_H
#define VTAP_CLIENT_CONFIG_PARTS_H

#include "client/config.h"
#include "common/conf.h"

void config_read_collector(struct conf *conf, cfg_t *section, struct client_collector *c);
/* The i-th one against those before it. */
void config_check_collector(struct conf *conf, const struct client_config *config, size_t i);
/* Whether that is one end of the hop before this device. */
bool config_is_hop_of(const char *name, const char *device);

#endif
