/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of passes: the real client plan over the fake kernel.
 */
#ifndef VTAP_TESTS_RECONCILE_RIG_H
#define VTAP_TESTS_RECONCILE_RIG_H

#include "common/reconcile.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/tc.h"
#include "tests/unit/client_rig.h"

static const char config[] =
    "collector \"soc\" { address = \"10.0.0.9\" rate = \"200mbit\" }\n"
    "collector \"six\" { address = \"fd00::9\" }\n"
    "mirror \"eth0\" { collector = {\"soc\", \"six\"} }\n"
    "mirror \"eth1\" { collector = {\"soc\"} filter = \"tcp\" direction = \"egress\" }\n";

static struct fake_kernel fake;
static struct client_rig rig;

static inline void make_world(void)
{
	fake_kernel_init(&fake);
	fake_add_link(&fake, "lo");
	fake_add_link(&fake, "eth0");
	fake_add_link(&fake, "eth1");
	fake_link(&fake, "eth0")->mtu = 1500;
	fake_add_address(&fake, "eth0", "10.0.0.1");
	fake_add_qdisc(&fake, "eth1", "clsact");
	fake_add_filter(&fake, "eth1", TC_EGRESS, 2, FILTER_HANDLE, "bpf")->ends_chain = true;
	fake_add_filter(&fake, "eth1", TC_INGRESS, 9, 0x80000800, "u32");
	/* too small for one, big enough for the other: with a hop and without */
	fake_set_route(&fake, "10.0.0.9", "eth0", "10.0.0.1", 0);
	fake_set_route(&fake, "fd00::9", "eth0", "fd00::1", 9000);
}

static inline void nothing_unsealed_is_up(struct fake_kernel *f, const struct op *op)
{
	char text[OP_TEXT];

	for (size_t i = 0; i < f->links.count; i++) {
		const struct link *link = &f->links.items[i].link;
		if (link->group == owner_group(OWNER_CLIENT) && (link->flags & IFF_UP))
			ck_assert_msg(fake_sealed(f, link), "%s is up unsealed after: %s",
				      link->name, op_text(op, text));
	}
}

static inline void setup(void)
{
	make_world();
	fake.after = nothing_unsealed_is_up;
	client_rig_start(&rig, &fake, config);
}

static inline void teardown(void)
{
	ck_assert_str_eq(fake.touched, "");
	ck_assert_str_eq(fake.unsealed, "");
	client_rig_free(&rig);
	fake_kernel_free(&fake);
}

static inline void pass_quietly(struct client_rig *r)
{
	unsigned before = fake.operations;

	ck_assert_int_eq(reconcile_pass(&r->reconcile, false), 0);
	ck_assert_uint_eq(fake.operations, before);
}

/* The state that a run without any trouble ends in. */
static inline char *undisturbed(void)
{
	struct fake_kernel saved = fake;
	struct client_rig calm;

	make_world();
	client_rig_start(&calm, &fake, config);
	ck_assert_int_eq(reconcile_pass(&calm.reconcile, false), 0);
	ck_assert(!subjects_blocked(&calm.subjects));
	char *text = fake_text(&fake);
	client_rig_free(&calm);
	fake_kernel_free(&fake);
	fake = saved;
	return text;
}

static inline void expect_text(const char *wanted)
{
	char *text = fake_text(&fake);

	ck_assert_str_eq(text, wanted);
	free(text);
}

#endif
