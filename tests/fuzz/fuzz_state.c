/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a daemon reads back of an earlier one: the client's counters, and the list of hooks that it
 * made. A text that is taken over is written as it was, and read again to the same.
 *
 * Input: the text; as counters when it begins with a brace, else as hooks.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "client/copies.h"
#include "client/state.h"
#include "common/hooks.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/make_setup.h"
#include "tests/fuzz/mutate_json.h"

static const char conf[] = "collector \"soc\" { address = \"10.0.0.9\" }\n"
			   "collector \"six\" { address = \"fd00::9\" vni = 7 }\n"
			   "mirror \"eth0\" { collector = {\"soc\", \"six\"} }\n"
			   "mirror \"eth1\" { collector = \"six\" direction = \"egress\" }\n";

static struct setup *setup, *untouched;
static struct snapshot seen;

static void see(const char *name, int ifindex, uint32_t group)
{
	struct link *link = ARRAY_ADD(&seen.links);

	fuzz_check(link);
	*link = (struct link){.ifindex = ifindex, .group = group};
	memcpy(link->name, name, strlen(name));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	setup = fuzz_setup(conf);
	untouched = fuzz_setup(conf);
	see("vtap-soc", 5, owner_group(OWNER_CLIENT));
	see("vtap-six", 6, owner_group(OWNER_CLIENT));
	fuzz_check(snapshot_sort(&seen) == 0);
	return 0;
}

static void check_state(const char *text)
{
	fuzz_setup_reset(setup, untouched);
	bool good = state_restore(setup, &seen, text);
	char *once = state_text(setup);

	/* what is no state changes nothing */
	fuzz_setup_reset(setup, untouched);
	char *none = state_text(setup);
	fuzz_check(once && none && (good || strcmp(once, none) == 0));
	fuzz_check(state_restore(setup, &seen, once));
	char *twice = state_text(setup);
	fuzz_check(twice && strcmp(once, twice) == 0);
	copies_count(setup, &seen, 1000);
	free(once);
	free(none);
	free(twice);
}

static void check_hooks(const char *text)
{
	struct ifset made = {0}, again = {0};

	fuzz_check(hooks_read(&made, text) == 0);
	char *written = hooks_text(&made);
	fuzz_check(written && hooks_read(&again, written) == 0);
	fuzz_check(
	    made.count == again.count &&
	    (!made.count || !memcmp(made.items, again.items, made.count * sizeof(*made.items))));
	for (size_t i = 0; i < made.count; i++)
		fuzz_check(made.items[i] > 0 && ifset_has(&made, made.items[i]));
	hooks_update(&made, &seen, OWNER_CLIENT);
	fuzz_check(made.count == 0);
	free(written);
	free(made.items);
	free(again.items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);

	fuzz_check(text);
	if (text[0] == '{')
		check_state(text);
	else
		check_hooks(text);
	free(text);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	return mutate_json(data, size, max_size, seed);
}
