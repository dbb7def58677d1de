/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The classic-BPF program of one mirror: "not the tunnels' own packets, and what the user's filter
 * says".
 */
#ifndef VTAP_CLIENT_FILTER_H
#define VTAP_CLIENT_FILTER_H

#include <linux/filter.h>
#include <stddef.h>

#include "client/config.h"

struct filter_program {
	struct sock_filter *insns;
	size_t count;
};

/* What a packet begins with where the program runs. */
enum filter_layer { FILTER_ETHERNET, FILTER_IP, FILTER_LAYERS };
enum { FILTER_ERROR_TEXT = 512 };

/*
 * Builds the program for one direction. Every collector's tunnel is exempt, not only the one that
 * gets the copies: a copy must not become the original of another. On failure: a negative errno and
 * libpcap's words in `error`.
 */
int filter_build(const struct client_config *config, enum direction direction,
		 enum filter_layer layer, const char *user, struct filter_program *out,
		 char error[FILTER_ERROR_TEXT]);
/* Whether libpcap accepts the user's expression for Ethernet. 0, or as filter_build. */
int filter_check(const char *user, char error[FILTER_ERROR_TEXT]);
void filter_free(struct filter_program *program);

#endif
