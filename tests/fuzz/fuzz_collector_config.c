/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * collector.conf. What is refused has its problems in words, in the order of their lines; what is
 * accepted says only what the kernel can be told, and finds the names that it gives.
 *
 * Input: the file.
 */
#include <stdlib.h>
#include <string.h>

#include "collector/config.h"
#include "tests/fuzz/check_problems.h"
#include "tests/fuzz/fuzz.h"

enum { FILE_MAX = 8192 };

static void check_endpoint(const struct collector_endpoint *e, enum encap encap)
{
	fuzz_check(e->device[0] && memchr(e->device, 0, sizeof(e->device)));
	fuzz_check(e->underlay <= UNDERLAY_DUAL && e->vni < 1 << 24);
	fuzz_check(encap == ENCAP_VXLAN ? e->port : !e->port && !e->vni);
}

static void check_config(const struct collector_config *config)
{
	bool any = false;

	fuzz_check(config->max_clients);
	for (enum encap e = ENCAP_VXLAN; e < ENCAPS; e++) {
		if (!config->endpoints[e].enabled)
			continue;
		any = true;
		check_endpoint(&config->endpoints[e], e);
	}
	fuzz_check(any);
	for (size_t i = 0; i < config->allow_count; i++) {
		fuzz_check(config->allow[i].len <= 8 * ip_addr_size(&config->allow[i].addr));
		fuzz_check(collector_config_allows(config, &config->allow[i].addr));
	}
	for (size_t i = 0; i < config->names.count; i++) {
		const struct name *name = &config->names.items[i];
		const char *found = names_find(&config->names, &name->address, name->vni);

		fuzz_check(name->text[0] && found && strcmp(found, name->text) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems problems = {0};

	if (size > FILE_MAX)
		return 0;
	const char *path = fuzz_file(data, size);
	struct collector_config *config = collector_config_read(path, &problems);
	if (config) {
		fuzz_check(!problems.count);
		check_config(config);
	} else {
		fuzz_check_problems(&problems, path);
	}
	collector_config_free(config);
	problems_clear(&problems);
	return 0;
}
