/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door's client table by its descriptor: walk, copy, forget. Knows neither the program nor how
 * the table was found.
 */
#include "collector/door_table.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/array.h"

enum { BATCH = 512 };

struct ip_addr door_key_address(const struct door_key *key)
{
	struct ip_addr address = {.family = key->family == DOOR_IPV4 ? AF_INET : AF_INET6};

	memcpy(address.bytes, key->address, sizeof(address.bytes));
	return address;
}

enum encap door_key_encap(const struct door_key *key)
{
	switch (key->encap) {
	case DOOR_ENCAP_GRETAP:
		return ENCAP_GRETAP;
	case DOOR_ENCAP_GRE:
		return ENCAP_GRE;
	}
	return ENCAP_VXLAN;
}

static uint8_t encap_to_door(enum encap encap)
{
	static const uint8_t encaps[ENCAPS] = {DOOR_ENCAP_VXLAN, DOOR_ENCAP_GRETAP, DOOR_ENCAP_GRE};
	return encaps[encap];
}

static uint8_t gre_bit(enum encap encap, unsigned family)
{
	return (uint8_t)DOOR_GRE_BIT(encap_to_door(encap) - DOOR_ENCAP_GRETAP, family);
}

static struct door_key key_of(const struct door_client *client)
{
	struct door_key key = {.vni = client->vni, .encap = encap_to_door(client->encap)};

	key.family = client->address.family == AF_INET ? DOOR_IPV4 : DOOR_IPV6;
	memcpy(key.address, client->address.bytes, sizeof(key.address));
	return key;
}

struct door_rules door_rules_of(const struct collector_config *config)
{
	const struct collector_endpoint *vxlan = &config->endpoints[ENCAP_VXLAN];
	struct door_rules rules = {.port = htons(vxlan->port), .vni = vxlan->vni};

	/* Elsewhere the device has its VNI; one for both families is `external` and takes any. */
	rules.enforce_vni = vxlan->underlay == UNDERLAY_DUAL && vxlan->vni != 0;
	for (enum encap e = ENCAP_GRETAP; e < ENCAPS; e++)
		if (config->endpoints[e].enabled)
			rules.gre |=
			    gre_bit(e, config->endpoints[e].underlay == UNDERLAY_IPV6 ? DOOR_IPV6
										      : DOOR_IPV4);
	return rules;
}

static bool entry_allowed(const struct collector_config *config, const struct door_key *key)
{
	const struct door_rules rules = door_rules_of(config);
	const struct ip_addr address = door_key_address(key);

	if (key->encap == DOOR_ENCAP_VXLAN &&
	    (!rules.port || (rules.enforce_vni && key->vni != rules.vni)))
		return false;
	if (key->encap != DOOR_ENCAP_VXLAN &&
	    !(rules.gre & gre_bit(door_key_encap(key), key->family)))
		return false;
	return collector_config_allows(config, &address);
}

static const struct door_key own_key;

static bool is_own(const struct door_key *key)
{
	return memcmp(key, &own_key, sizeof(own_key)) == 0;
}

static uint64_t read_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int door_table_prepare(int fd, size_t cpus)
{
	struct door_value *values = calloc(cpus, sizeof(*values));
	int error = values ? bpf_map_update_elem(fd, &own_key, values, BPF_NOEXIST) : -ENOMEM;

	free(values);
	return error == -EEXIST ? 0 : error;
}

static void add_up(struct door_sum *sum, const struct door_value *per_cpu, size_t cpus)
{
	for (size_t cpu = 0; cpu < cpus; cpu++) {
		sum->packets += per_cpu[cpu].sum.packets;
		sum->bytes += per_cpu[cpu].sum.bytes;
	}
}

int door_table_forgotten(int fd, size_t cpus, struct door_sum *sum)
{
	struct door_value *values = calloc(cpus, sizeof(*values));
	int error = values ? bpf_map_lookup_elem(fd, &own_key, values) : -ENOMEM;

	*sum = (struct door_sum){0};
	if (!error)
		add_up(sum, values, cpus);
	free(values);
	return error;
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
	uint64_t now;
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
		now = read_clock();
		for (uint32_t i = 0; i < count && !result; i++) {
			struct door_entry entry = {&keys[i], &values[i * cpus], now};

			if (!is_own(&keys[i]))
				result = fn(ctx, &entry);
		}
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

/* ---- taking clients out ---- */

struct leaving {
	int fd;
	size_t cpus;
	struct door_value *values; /* of one entry */
	struct door_sum sum;       /* of those that left, to be put into the table's own entry */
};

static int leaving_begin(struct leaving *leaving, int fd, size_t cpus)
{
	*leaving = (struct leaving){.fd = fd, .cpus = cpus};
	leaving->values = calloc(cpus, sizeof(*leaving->values));
	return leaving->values ? 0 : -ENOMEM;
}

static int leaving_end(struct leaving *leaving)
{
	int error = 0;

	if (leaving->sum.packets)
		error = bpf_map_lookup_elem(leaving->fd, &own_key, leaving->values);
	if (leaving->sum.packets && !error) {
		leaving->values[0].sum.packets += leaving->sum.packets;
		leaving->values[0].sum.bytes += leaving->sum.bytes;
		error = bpf_map_update_elem(leaving->fd, &own_key, leaving->values, BPF_EXIST);
	}
	free(leaving->values);
	return error;
}

static uint64_t last_of(const struct door_value *per_cpu, size_t cpus)
{
	uint64_t last = 0;

	for (size_t cpu = 0; cpu < cpus; cpu++)
		if (per_cpu[cpu].last_mono_ns > last)
			last = per_cpu[cpu].last_mono_ns;
	return last;
}

/*
 * Takes one client out, unless it sent something after `silent_since`. Read and deletion are one
 * step, so that no frame falls between them; one that came before it puts the client back. Where
 * the door was faster and counts this client anew, its former count has left. What remains is a
 * frame that another CPU is counting at this very moment, having found the entry before: it is in
 * the total, and in no sum.
 */
static int leave(struct leaving *leaving, const struct door_key *key, uint64_t silent_since)
{
	int error = bpf_map_lookup_and_delete_elem(leaving->fd, key, leaving->values);

	if (error)
		return error == -ENOENT ? 0 : error;
	if (last_of(leaving->values, leaving->cpus) > silent_since &&
	    !bpf_map_update_elem(leaving->fd, key, leaving->values, BPF_NOEXIST))
		return 0;
	add_up(&leaving->sum, leaving->values, leaving->cpus);
	return 0;
}

struct copy {
	const struct collector_config *config;
	struct leaving leaving; /* of the table that is copied to */
	bool full;
};

static int copy_entry(void *ctx, const struct door_entry *entry)
{
	struct copy *copy = ctx;
	int error = -EACCES;

	if (entry_allowed(copy->config, entry->key))
		error = bpf_map_update_elem(copy->leaving.fd, entry->key, entry->per_cpu, BPF_ANY);
	if (error == -E2BIG)
		copy->full = true;
	if (error == -E2BIG || error == -EACCES) {
		add_up(&copy->leaving.sum, entry->per_cpu, copy->leaving.cpus);
		error = 0;
	}
	return error;
}

int door_table_copy(int from, int to, size_t cpus, const struct collector_config *config)
{
	struct copy copy = {.config = config};
	int error = leaving_begin(&copy.leaving, to, cpus), end;

	if (!error)
		error = door_table_forgotten(from, cpus, &copy.leaving.sum);
	if (error == -ENOENT) /* of an older version */
		error = 0;
	if (!error)
		error = door_table_each(from, cpus, copy_entry, &copy);
	end = leaving_end(&copy.leaving);
	if (!error)
		error = end;
	return !error && copy.full ? -E2BIG : error;
}

struct purge {
	const struct collector_config *config;
	ARRAY_OF(struct door_key) keys;
};

static int purge_entry(void *ctx, const struct door_entry *entry)
{
	struct purge *purge = ctx;
	struct door_key *key;

	if (entry_allowed(purge->config, entry->key))
		return 0;
	key = ARRAY_ADD(&purge->keys);
	if (!key)
		return -ENOMEM;
	*key = *entry->key;
	return 0;
}

int door_table_purge(int fd, size_t cpus, const struct collector_config *config)
{
	struct purge purge = {.config = config};
	struct leaving leaving;
	int error = door_table_each(fd, cpus, purge_entry, &purge), end;

	if (!error && purge.keys.count) {
		error = leaving_begin(&leaving, fd, cpus);
		for (size_t i = 0; !error && i < purge.keys.count; i++)
			error = leave(&leaving, &purge.keys.items[i], UINT64_MAX);
		end = leaving_end(&leaving);
		error = error ? error : end;
	}
	free(purge.keys.items);
	return error;
}

int door_table_forget(int fd, size_t cpus, const struct door_client *clients, size_t count)
{
	struct leaving leaving;
	int error = leaving_begin(&leaving, fd, cpus), end;

	for (size_t i = 0; !error && i < count; i++) {
		const struct door_key key = key_of(&clients[i]);

		error = leave(&leaving, &key, clients[i].last_mono_ns);
	}
	end = leaving_end(&leaving);
	return error ? error : end;
}
