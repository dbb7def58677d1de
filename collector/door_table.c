/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door's client table by its descriptor: walk, copy, purge. Knows neither the program nor how
 * the table was found.
 */
#include "collector/door_table.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 512 };

struct ip_addr door_key_address(const struct door_key *key)
{
	struct ip_addr address = {.family = key->family == DOOR_IPV4 ? AF_INET : AF_INET6};

	memcpy(address.bytes, key->address, sizeof(address.bytes));
	return address;
}

struct door_rules door_rules_of(const struct collector_config *config)
{
	struct door_rules rules = {.port = htons(config->vxlan.port), .vni = config->vxlan.vni};

	/* Elsewhere the device has its VNI; one for both families is `external` and takes any. */
	rules.enforce_vni = config->vxlan.underlay == UNDERLAY_DUAL && config->vxlan.vni != 0;
	return rules;
}

static bool entry_allowed(const struct collector_config *config, const struct door_key *key)
{
	const struct door_rules rules = door_rules_of(config);
	const struct ip_addr address = door_key_address(key);

	if (rules.enforce_vni && key->vni != rules.vni)
		return false;
	return collector_config_allows(config, &address);
}

/*
 * Batches follow the hash buckets, so that clients coming and going meanwhile neither restart the
 * walk nor double an entry, as bpf_map_get_next_key would.
 */
int door_table_each(int fd, size_t cpus, door_table_fn fn, void *ctx)
{
	struct door_value *values = NULL;
	struct door_key *keys = NULL;
	uint32_t room = BATCH, token = 0, count;
	bool started = false;
	int error, result = 0;

	do {
		if (!keys) {
			keys = calloc(room, sizeof(*keys));
			values = calloc(room, cpus * sizeof(*values));
		}
		if (!keys || !values) {
			result = -ENOMEM;
			break;
		}
		count = room;
		error = bpf_map_lookup_batch(fd, started ? &token : NULL, &token, keys, values,
					     &count, NULL);
		if (error && error != -ENOENT && error != -ENOSPC) {
			result = error;
			break;
		}
		started = true;
		for (uint32_t i = 0; i < count && !result; i++)
			result = fn(ctx, &keys[i], &values[i * cpus]);
		if (error == -ENOSPC) { /* one bucket with more entries than room */
			free(keys);
			free(values);
			keys = NULL;
			values = NULL;
			room *= 2;
		}
	} while (!result && error != -ENOENT);
	free(keys);
	free(values);
	return result;
}

struct copy {
	const struct collector_config *config;
	int to;
};

static int copy_entry(void *ctx, const struct door_key *key, const struct door_value *per_cpu)
{
	const struct copy *copy = ctx;

	if (!entry_allowed(copy->config, key))
		return 0;
	return bpf_map_update_elem(copy->to, key, per_cpu, BPF_ANY);
}

int door_table_copy(int from, int to, size_t cpus, const struct collector_config *config)
{
	struct copy copy = {.config = config, .to = to};

	return door_table_each(from, cpus, copy_entry, &copy);
}

struct purge {
	const struct collector_config *config;
	struct door_key *keys;
	size_t count, room;
};

static int purge_entry(void *ctx, const struct door_key *key, const struct door_value *per_cpu)
{
	struct purge *purge = ctx;
	struct door_key *more;

	(void)per_cpu;
	if (entry_allowed(purge->config, key))
		return 0;
	if (purge->count == purge->room) {
		more = reallocarray(purge->keys, purge->room * 2 + BATCH, sizeof(*more));
		if (!more)
			return -ENOMEM;
		purge->keys = more;
		purge->room = purge->room * 2 + BATCH;
	}
	purge->keys[purge->count++] = *key;
	return 0;
}

int door_table_purge(int fd, size_t cpus, const struct collector_config *config)
{
	struct purge purge = {.config = config};
	int error = door_table_each(fd, cpus, purge_entry, &purge);

	for (size_t i = 0; !error && i < purge.count; i++) {
		error = bpf_map_delete_elem(fd, &purge.keys[i]);
		if (error == -ENOENT)
			error = 0;
	}
	free(purge.keys);
	return error;
}
