/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fuzz/make_setup.h"

#include <string.h>

#include "client/pcap.h"
#include "tests/fuzz/fuzz.h"

struct setup *fuzz_setup(const char *text)
{
	const char *path = fuzz_file(text, strlen(text));
	struct problems problems = {0};
	struct subjects subjects = {0};

	pcap_hold();
	struct client_config *config = client_config_read(path, &problems);
	struct setup *setup = config ? setup_make(config, path, &problems) : NULL;
	fuzz_check(setup && !problems.count);
	fuzz_check(setup_subjects(setup, &subjects) == 0);
	subjects_clear(&subjects);
	return setup;
}

void fuzz_setup_reset(struct setup *setup, const struct setup *untouched)
{
	size_t collectors = setup->config->collectors_count;

	memset(setup->paths, 0, collectors * sizeof(*setup->paths));
	memset(setup->tunnels, 0, collectors * sizeof(*setup->tunnels));
	memset(setup->tunnel_accounts, 0, collectors * sizeof(*setup->tunnel_accounts));
	memcpy(setup->streams, untouched->streams, setup->streams_count * sizeof(*setup->streams));
	memcpy(setup->stream_accounts, untouched->stream_accounts,
	       setup->streams_count * sizeof(*setup->stream_accounts));
	setup->endpoints.count = 0;
}
