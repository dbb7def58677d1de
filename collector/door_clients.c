/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clients of the loaded door: who they are, who is to be forgotten, and who came in by the
 * program before. It must not decide who may come in.
 */
#include <bpf/bpf.h>

#include "collector/door.h"
#include "collector/door_private.h"
#include "collector/door_table.h"
#include "collector/sleeps.h"

int door_each_client(const struct door *door,
		     int (*fn)(void *ctx, const struct door_client *client), void *ctx)
{
	return door_table_each(&door->table, fn, ctx);
}

const struct door_sleeps *door_note_sleep(struct door *door, uint64_t mono_ns, uint64_t boot_ns)
{
	sleeps_note(&door->table.head->sleeps, mono_ns, boot_ns);
	return &door->table.head->sleeps;
}

void door_forget(struct door *door, const struct door_client *clients, size_t count)
{
	door_table_forget(&door->table, clients, count);
}

static bool put_late(void *ctx, const struct door_late *late)
{
	const struct door *door = ctx;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = late, .data_size_in = sizeof(*late));

	return !bpf_prog_test_run_opts(bpf_program__fd(door->skel->progs.vtap_put), &opts) &&
	       !opts.retval;
}

void door_take_late(struct door *door, const struct collector_config *config, bool last)
{
	const bool settles = last && !door->alone;

	if (!settles && !door->before.head)
		return;
	if (last)
		door_table_wait();
	if (door->before.head)
		door_table_late(&door->before, &door->table, config, put_late, door);
	if (!settles)
		return;
	door_table_close(&door->before);
	door_table_purge(&door->table, config);
	door->alone = true;
}
