/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's values wired together as its main() does it, over the fake kernel, from the text of
 * a configuration.
 */
#ifndef VTAP_TESTS_CLIENT_RIG_H
#define VTAP_TESTS_CLIENT_RIG_H

#include "client/setup.h"
#include "common/reconcile.h"
#include "tests/unit/fake_kernel.h"

struct client_rig {
	struct setup *setup;
	struct subjects subjects;
	struct reconcile reconcile;
	uint64_t now_ms;
};

/* One collector, "soc" at 10.0.0.9, and both directions of eth0. */
extern const char client_rig_simple[];

/* A host with eth0, which leads to 10.0.0.9, 10.0.0.8 and fd00::9. */
void client_rig_host(struct fake_kernel *fake);
struct setup *client_rig_setup(const char *text);
void client_rig_start(struct client_rig *rig, struct fake_kernel *fake, const char *config);
/* The simple one, after its first pass, on a host that has only eth0. */
void client_rig_at_work(struct client_rig *rig, struct fake_kernel *fake);
/* Every count another number, 1 to 13, of "soc" and of egress. */
void client_rig_numbers(struct client_rig *rig);
/* Another configuration takes over, as after SIGHUP. */
void client_rig_reload(struct client_rig *rig, const char *config);
void client_rig_free(struct client_rig *rig);

/* The reason of the subject with this label; fails the test when there is none of that name. */
const char *client_rig_reason(const struct client_rig *rig, const char *label);

#endif
