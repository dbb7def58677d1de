/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tells the running program what to let in: the allow-list, the rules, and which addresses are this
 * host's. It must not decide what they are.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "collector/door.h"
#include "collector/door_key.h"
#include "collector/door_private.h"
#include "collector/door_shared.h"
#include "collector/door_table.h"

/* Processors that are busy otherwise can leave their queues alone for some time. */
enum { DRAIN_STEP_NS = 1000000, DRAIN_STEPS = 100, DRAIN_STILL = 20 };

/* ---- the allow-list ---- */

static int list_put(int list, const struct ip_prefix *prefix)
{
	struct door_prefix key = {.length = DOOR_PREFIX_FAMILY + prefix->len,
				  .family = prefix->addr.family == AF_INET ? DOOR_IPV4 : DOOR_IPV6};
	const uint8_t value = 1;

	memcpy(key.address, prefix->addr.bytes, ip_addr_size(&prefix->addr));
	return bpf_map_update_elem(list, &key, &value, BPF_ANY);
}

/* A new one, filled; or a negative errno. */
static int list_make(const struct collector_config *config)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	int error = 0;
	const int list =
	    bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "vtap_list", sizeof(struct door_prefix),
			   sizeof(uint8_t), DOOR_ALLOW_MAX, &opts);

	if (list < 0)
		return list;
	for (size_t i = 0; !error && i < config->allow_count; i++)
		error = list_put(list, &config->allow[i]);
	if (!error)
		return list;
	close(list);
	return error;
}

int door_configure(struct door *door, const struct collector_config *config)
{
	uint32_t zero = 0;
	int list, error;

	if (config->max_clients != door->skel->rodata->vtap_max_clients)
		return -EOVERFLOW;
	if (config->allow_count > DOOR_ALLOW_MAX)
		return -E2BIG;
	list = list_make(config);
	if (list < 0)
		return list;
	error =
	    bpf_map_update_elem(bpf_map__fd(door->skel->maps.vtap_allow), &zero, &list, BPF_ANY);
	close(list);
	if (error)
		return error;
	/* programs that asked the old list may have yet to put their client into the table */
	door_table_wait();
	door_table_purge(&door->table, config);
	return 0;
}

/* ---- the rules ---- */

static uint64_t word_of(const struct door_shut *shut)
{
	uint64_t word;

	memcpy(&word, shut, sizeof(word));
	return word;
}

static bool among(const struct door_rules *rules, uint64_t word)
{
	for (size_t i = 0; i < DOOR_SHUT_MAX; i++)
		if (word_of(&rules->shut[i]) == word)
			return true;
	return false;
}

static void store(volatile void *at, uint64_t word)
{
	__atomic_store_n((volatile uint64_t *)at, word, __ATOMIC_SEQ_CST);
}

static volatile struct door_rules *rules_of_program(struct door *door)
{
	return &door->skel->bss->vtap_rules;
}

/* Beside those that are shut already: in what place is no matter. */
static void shut_more(struct door *door, const struct door_rules *rules)
{
	for (size_t i = 0; i < DOOR_SHUT_MAX; i++) {
		const uint64_t word = word_of(&rules->shut[i]);

		for (size_t j = 0; word && !among(&door->rules, word) && j < DOOR_SHUT_MAX; j++) {
			if (word_of(&door->rules.shut[j]))
				continue;
			door->rules.shut[j] = rules->shut[i];
			store(&rules_of_program(door)->shut[j], word);
		}
	}
}

static void shut_no_more(struct door *door, const struct door_rules *rules)
{
	for (size_t i = 0; i < DOOR_SHUT_MAX; i++) {
		if (among(rules, word_of(&door->rules.shut[i])))
			continue;
		door->rules.shut[i] = (struct door_shut){0};
		store(&rules_of_program(door)->shut[i], 0);
	}
}

static bool same(const struct door_rules *a, const struct door_rules *b)
{
	for (size_t i = 0; i < DOOR_SHUT_MAX; i++)
		if (!among(a, word_of(&b->shut[i])) || !among(b, word_of(&a->shut[i])))
			return false;
	return memcmp(&a->admit, &b->admit, sizeof(a->admit)) == 0;
}

/* Whether something that was let in no longer is. */
static bool lets_less(const struct door_admission *before, const struct door_admission *now)
{
	return (before->port && before->port != now->port) ||
	       before->gre & ~now->gre & (DOOR_GRE_SHUT(1) - 1);
}

void door_drain(const struct door *door)
{
	const struct timespec step = {.tv_nsec = DRAIN_STEP_NS};
	struct door_counter lost = {0};
	struct door_totals before = {0}, now;
	unsigned still = 0;

	if (!(door->rules.admit.flags & DOOR_SOME_SHUT) && !(door->rules.admit.gre >> 4))
		return;
	door_table_wait();
	if (door_read_settled(door, &lost))
		return;
	for (unsigned i = 0; i < DRAIN_STEPS && still < DRAIN_STILL; i++) {
		if (door_read_totals(door, &now) ||
		    now.delivered.packets + lost.packets >= now.accepted.packets)
			return;
		still = now.delivered.packets == before.delivered.packets ? still + 1 : 0;
		before = now;
		nanosleep(&step, NULL);
	}
}

void door_set_rules(struct door *door, const struct door_rules *rules,
		    const struct collector_config *config)
{
	const bool less = lets_less(&door->rules.admit, &rules->admit);
	uint64_t word;

	if (same(rules, &door->rules))
		return;
	shut_more(door, rules);
	memcpy(&word, &rules->admit, sizeof(word));
	door->rules.admit = rules->admit;
	store(&rules_of_program(door)->admit, word);
	/* who read the rules before goes on to ask what is shut */
	door_table_wait();
	shut_no_more(door, rules);
	if (less)
		door_drain(door);
	door_table_purge(&door->table, config);
}

/* ---- addresses ---- */

void door_set_here(struct door *door, const struct snapshot *seen)
{
	__u64 here[DOOR_HERE][2] = {{0}};

	for (size_t i = 0; i < seen->addresses.count; i++) {
		__u64 address[2];

		door_words_put(address, &seen->addresses.items[i].addr);
		const uint32_t place = door_here_place(address);
		if (!here[place][0] && !here[place][1])
			memcpy(here[place], address, sizeof(address));
	}
	for (size_t i = 0; i < DOOR_HERE; i++)
		for (size_t half = 0; half < 2; half++)
			if (door->skel->bss->vtap_here[i][half] != here[i][half])
				store(&door->skel->bss->vtap_here[i][half], here[i][half]);
}
