/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client.conf. What is refused has its problems in words, in the order of their lines; what is
 * accepted can be made ready, and says only what the kernel can be told.
 *
 * Input: the file. Host names in filters are not looked up.
 */
#include <stdlib.h>
#include <string.h>

#include "client/config.h"
#include "client/pcap.h"
#include "client/setup.h"
#include "tests/fuzz/check_problems.h"
#include "tests/fuzz/fuzz.h"

enum { FILE_MAX = 8192 };

static void check_collector(const struct client_collector *c)
{
	fuzz_check(c->name[0] && c->device[0] && memchr(c->device, 0, sizeof(c->device)));
	fuzz_check(ip_addr_size(&c->address) && !ip_addr_is_any(&c->address));
	fuzz_check(!c->local.family || c->local.family == c->address.family);
	fuzz_check(c->encap < ENCAPS && c->ttl && c->dscp < 64);
	fuzz_check(c->encap != ENCAP_VXLAN || (c->port && c->vni && c->vni < 1 << 24));
}

static void check_config(const struct client_config *config)
{
	fuzz_check(config->tc_pref);
	for (size_t i = 0; i < config->collectors_count; i++)
		check_collector(&config->collectors[i]);
	for (size_t i = 0; i < config->mirrors_count; i++) {
		const struct client_mirror *m = &config->mirrors[i];

		fuzz_check(m->interface[0] && memchr(m->interface, 0, sizeof(m->interface)));
		fuzz_check(m->collectors_count && m->filter);
		fuzz_check(m->directions[INGRESS] || m->directions[EGRESS]);
		for (size_t k = 0; k < m->collectors_count; k++)
			fuzz_check(m->collectors[k] < config->collectors_count);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	pcap_hold();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems problems = {0};

	if (size > FILE_MAX)
		return 0;
	const char *path = fuzz_file(data, size);
	struct client_config *config = client_config_read(path, &problems);
	if (!config) {
		fuzz_check_problems(&problems, path);
		problems_clear(&problems);
		return 0;
	}
	fuzz_check(!problems.count);
	check_config(config);
	struct setup *setup = setup_make(config, path, &problems);
	if (!setup)
		fuzz_check_problems(&problems, path);
	setup_free(setup);
	problems_clear(&problems);
	return 0;
}
