/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the door lets in: of what is configured, that for which a device is there. A device that is
 * about to come or to go has nobody let in, so that what is counted is what arrives. Pure.
 */
#ifndef VTAP_COLLECTOR_RULES_H
#define VTAP_COLLECTOR_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/config.h"
#include "collector/door_shared.h"
#include "common/object.h"
#include "common/op.h"

enum rules_when {
	RULES_BEFORE, /* operations follow that may bring a device up */
	RULES_AFTER   /* none do: where no device is, the collector has no business */
};

/* `desired`: what plan_collector wants where the machine is as `seen` has it. */
void rules_plan(const struct collector_config *config, const struct snapshot *seen,
		const struct desired *desired, enum rules_when when, struct door_rules *out);
/* The rules when all devices are there. */
struct door_rules rules_configured(const struct collector_config *config);
/* Whether clients of this kind are let in then; family as in door_key. */
bool rules_let_in(const struct collector_config *config, enum encap encap, uint8_t family,
		  uint32_t vni);

#endif
