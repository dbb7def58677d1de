/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See client_rig.h.
 */
#include "tests/unit/client_rig.h"

#include <check.h>
#include <string.h>

#include "client/copies.h"
#include "client/paths.h"
#include "client/pcap.h"
#include "tests/unit/config_file.h"

const char client_rig_simple[] = "collector \"soc\" { address = \"10.0.0.9\" }\n"
				 "mirror \"eth0\" { }\n";

void client_rig_host(struct fake_kernel *fake)
{
	fake_kernel_init(fake);
	fake_add_link(fake, "eth0");
	fake_set_route(fake, "10.0.0.9", "eth0", "10.0.0.1", 9000);
	fake_set_route(fake, "10.0.0.8", "eth0", "10.0.0.1", 9000);
	fake_set_route(fake, "fd00::9", "eth0", "fd00::1", 9000);
}

struct setup *client_rig_setup(const char *text)
{
	static bool held; /* over all of a test's many configurations: loading takes its time */
	struct problems problems = {0};
	if (!held)
		pcap_hold();
	held = true;
	char *path = config_file_write(text, strlen(text));
	struct client_config *config = client_config_read(path, &problems);

	ck_assert_msg(config != NULL, "%s", problems_text(&problems, 0));
	struct setup *setup = setup_make(config, path, &problems);
	ck_assert_msg(setup != NULL, "%s", problems_text(&problems, 0));
	config_file_expect(&problems, path, "");
	config_file_remove(path);
	return setup;
}

static int plan(void *ctx, struct reconcile *reconcile, struct desired *desired)
{
	struct client_rig *rig = ctx;
	struct plan work = setup_plan(rig->setup, rig->now_ms);

	copies_count(rig->setup, &reconcile->seen, rig->now_ms);
	blind_look(rig->setup, &reconcile->seen, reconcile->seen_all);
	paths_find(rig->setup, reconcile->kernel);
	return plan_client(&work, &reconcile->seen, &reconcile->made, reconcile->subjects, desired);
}

static void ran(void *ctx, const struct op *op, int error, const char *why)
{
	struct client_rig *rig = ctx;

	ck_assert(!error || why[0]);
	if (!error)
		copies_applied(rig->setup, op);
}

void client_rig_start(struct client_rig *rig, struct fake_kernel *fake, const char *config)
{
	*rig = (struct client_rig){.setup = client_rig_setup(config)};
	ck_assert_int_eq(setup_subjects(rig->setup, &rig->subjects), 0);
	rig->reconcile = (struct reconcile){.kernel = &fake->kernel,
					    .owner = OWNER_CLIENT,
					    .subjects = &rig->subjects,
					    .plan = plan,
					    .ran = ran,
					    .ctx = rig,
					    .ran_ctx = rig};
}

void client_rig_at_work(struct client_rig *rig, struct fake_kernel *fake)
{
	fake_kernel_init(fake);
	fake_add_link(fake, "eth0");
	fake_set_route(fake, "10.0.0.9", "eth0", "10.0.0.1", 0);
	client_rig_start(rig, fake, client_rig_simple);
	ck_assert_int_eq(reconcile_pass(&rig->reconcile, false), 0);
}

void client_rig_numbers(struct client_rig *rig)
{
	rig->setup->tunnel_accounts[0] = (struct tunnel_account){
	    .tx_packets = 1, .tx_bytes = 2, .tx_dropped = 3, .tx_errors = 4};
	rig->setup->stream_accounts[1] =
	    (struct stream_account){.packets = 5, .bytes = 6, .dropped = 7};
	rig->subjects.items[2].repairs = 8;
	rig->setup->lanes[0].counts =
	    (struct express_counts){.packets = 9,
				    .bytes = 10,
				    .resegmented = 11,
				    .passed = {[EXPRESS_PASS_NOT_IP] = 12},
				    .dropped = 13};
}

void client_rig_reload(struct client_rig *rig, const char *config)
{
	struct setup *setup = client_rig_setup(config);
	struct subjects subjects = {0};

	ck_assert_int_eq(setup_subjects(setup, &subjects), 0);
	subjects_inherit(&subjects, &rig->subjects);
	setup_inherit(setup, rig->setup);
	subjects_clear(&rig->subjects);
	setup_free(rig->setup);
	rig->subjects = subjects;
	rig->setup = setup;
}

void client_rig_free(struct client_rig *rig)
{
	reconcile_clear(&rig->reconcile);
	subjects_clear(&rig->subjects);
	setup_free(rig->setup);
}

const char *client_rig_reason(const struct client_rig *rig, const char *label)
{
	for (size_t i = 0; i < rig->subjects.count; i++)
		if (strcmp(rig->subjects.items[i].label, label) == 0)
			return rig->subjects.items[i].reason;
	ck_abort_msg("no subject %s", label);
}
