/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cutter: the veth pair through which the door sends what GRO merged on the underlay, so that
 * the kernel cuts it into the frames that it was made of; see door_cut.bpf.h. What it is to be
 * like, and whether it is. Pure.
 */
#ifndef VTAP_COLLECTOR_CUTTER_H
#define VTAP_COLLECTOR_CUTTER_H

#include <net/if.h>
#include <stdbool.h>

#include "collector/config.h"
#include "common/op.h"

/* Aggregates go in at the first, segments come out at the second. */
enum cutter_end { CUTTER_IN, CUTTER_OUT };
/* Only readers of VXLAN frames can be spared what GRO merged, and only if they want to be. */
bool cutter_wanted(const struct collector_config *config);
/* The names of the ends that belong to an endpoint's device, and whether a name is one of them. */
void cutter_name(const char *device, enum cutter_end end, char name[IFNAMSIZ]);
bool cutter_is(const char *name, const char *device);

/* Adds it to what is desired. 0 or -ENOMEM. */
int cutter_plan(const struct collector_config *config, int prog_fd, uint32_t prog_id, int subject,
		struct desired *desired);

/* The ifindex to send to; 0: not wanted, or not (yet) as it must be. */
int cutter_ready(const struct snapshot *seen, uint32_t prog_id,
		 const struct collector_config *config);

#endif
