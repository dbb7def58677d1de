/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door's client table: walk, copy, forget. Knows neither the program nor how the table was
 * found. The program changes the table meanwhile: see door_slot.h who may do what.
 */
#include "collector/door_table.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "collector/door_key.h"
#include "collector/rules.h"

enum { NO_BARRIER_NS = 20000000 }; /* a program runs for microseconds */

static bool entry_allowed(const struct collector_config *config, const struct door_key *key)
{
	const struct ip_addr address = door_key_address(key);

	return rules_let_in(config, door_key_encap(key), key->family, key->vni) &&
	       collector_config_allows(config, &address);
}

/* ---- mapping ---- */

int door_table_open(struct door_table *table, int fd)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int error = bpf_obj_get_info_by_fd(fd, &info, &size);
	void *mapped;

	*table = (struct door_table){0};
	if (error)
		return error;
	size = (uint32_t)sysconf(_SC_PAGESIZE);
	table->size = sizeof(struct door_bucket) * info.max_entries;
	table->size = (table->size + size - 1) / size * size;
	mapped = mmap(NULL, table->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED) {
		*table = (struct door_table){0};
		return -errno;
	}
	table->head = mapped;
	table->buckets = mapped;
	table->count = info.max_entries - 1;
	return 0;
}

void door_table_close(struct door_table *table)
{
	if (table->head)
		munmap(table->head, table->size);
	*table = (struct door_table){0};
}

static uint64_t owner_of(const struct door_slot *slot)
{
	return __atomic_load_n(&slot->owner, __ATOMIC_ACQUIRE);
}

static size_t slots_count(const struct door_table *table)
{
	return (size_t)table->count * DOOR_WAYS;
}

static struct door_slot *slot_at(const struct door_table *table, size_t index)
{
	return &table->buckets[1 + index / DOOR_WAYS].ways[index % DOOR_WAYS];
}

static struct door_key slot_key(const struct door_slot *slot, uint64_t owner)
{
	struct door_key key = {.vni = (uint32_t)owner,
			       .family = (uint8_t)(owner >> 32),
			       .encap = (uint8_t)(owner >> 40)};

	memcpy(key.address, slot->address, sizeof(key.address));
	return key;
}

/* The slot of a client; NULL: it has none. `room`: or else the first free one where it may be. */
static struct door_slot *find(const struct door_table *table, const struct door_key *key, bool room)
{
	const uint64_t owner = door_slot_owner(key);
	struct door_slot *slot, *first_free = NULL;
	__u64 address[2];
	uint64_t hash, found;

	memcpy(address, key->address, sizeof(address));
	hash = door_slot_hash(table->head->secret, owner, address);
	for (uint32_t nth = 0; nth < DOOR_REACH && nth < table->count; nth++) {
		for (uint32_t way = 0; way < DOOR_WAYS; way++) {
			slot = &table->buckets[door_slot_bucket(hash, nth, table->count)]
				    .ways[door_slot_way(hash, way)];
			found = owner_of(slot);
			if (found == owner && memcmp(slot->address, address, sizeof(address)) == 0)
				return slot;
			if (room && !first_free && (!found || found == DOOR_SLOT_LEFT)) {
				first_free = slot;
				if (table->head->reach < nth)
					table->head->reach = nth;
			}
		}
	}
	return first_free;
}

static uint64_t read_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int door_table_each(const struct door_table *table, door_table_fn fn, void *ctx)
{
	int result = 0;

	for (size_t i = 0; i < slots_count(table) && !result; i++) {
		const struct door_slot *slot = slot_at(table, i);
		const uint64_t owner = owner_of(slot);
		const struct door_key key = slot_key(slot, owner);

		if (!(owner & DOOR_SLOT_LIVE))
			continue;
		result = fn(
		    ctx, &(struct door_client){
			     .address = door_key_address(&key),
			     .vni = key.vni,
			     .encap = door_key_encap(&key),
			     .count = {__atomic_load_n(&slot->sum.packets, __ATOMIC_RELAXED),
				       __atomic_load_n(&slot->sum.bytes, __ATOMIC_RELAXED)},
			     .first_boot_ns = slot->first_boot_ns,
			     .last_mono_ns = __atomic_load_n(&slot->last_mono_ns, __ATOMIC_RELAXED),
			     .read_mono_ns = read_clock()});
	}
	return result;
}

/*
 * Waits for programs that run now. The kernel refuses where processors are exempt from the tick
 * (nohz_full).
 */
void door_table_wait(void)
{
	const struct timespec pause = {.tv_nsec = NO_BARRIER_NS};

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		nanosleep(&pause, NULL);
}

/* ---- taking clients out ---- */

static void leave(struct door_slot *slot)
{
	const uint64_t owner = owner_of(slot);

	__atomic_store_n(&slot->owner, (owner & ~DOOR_SLOT_LIVE) | DOOR_SLOT_LEAVING,
			 __ATOMIC_SEQ_CST);
}

/* Frees the slot of a client that has left. Who is looked for behind it is found more slowly at
 * worst, so it is no matter if the next one is being taken. */
static void settle(struct door_table *table, size_t index)
{
	struct door_slot *slot = slot_at(table, index);
	struct door_sum *forgotten = &table->head->forgotten;
	const size_t next = index / DOOR_WAYS * DOOR_WAYS + (index + 1) % DOOR_WAYS;

	forgotten->packets += slot->sum.packets;
	forgotten->bytes += slot->sum.bytes;
	memset((char *)slot + sizeof(slot->owner), 0, sizeof(*slot) - sizeof(slot->owner));
	__atomic_fetch_sub(&table->head->clients, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&slot->owner, owner_of(slot_at(table, next)) ? DOOR_SLOT_LEFT : 0,
			 __ATOMIC_RELEASE);
}

/* All that leave do so together, as waiting for the programs can take milliseconds. */
static void settle_leaving(struct door_table *table)
{
	door_table_wait();
	for (size_t i = 0; i < slots_count(table); i++)
		if (owner_of(slot_at(table, i)) & DOOR_SLOT_LEAVING)
			settle(table, i);
}

void door_table_prepare(struct door_table *table, uint64_t secret)
{
	__u64 clients = __atomic_load_n(&table->head->clients, __ATOMIC_SEQ_CST), taken = 0;

	if (!table->head->secret)
		table->head->secret = secret;
	for (size_t i = 0; i < slots_count(table); i++)
		if (owner_of(slot_at(table, i)) & (DOOR_SLOT_LIVE | DOOR_SLOT_LEAVING))
			taken++;
	/* one that was killed between freeing a slot and this count; new clients are no reason */
	__atomic_compare_exchange_n(&table->head->clients, &clients, taken, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	settle_leaving(table);
}

void door_table_purge(struct door_table *table, const struct collector_config *config)
{
	bool any = false;

	for (size_t i = 0; i < slots_count(table); i++) {
		struct door_slot *slot = slot_at(table, i);
		const uint64_t owner = owner_of(slot);
		const struct door_key key = slot_key(slot, owner);

		if (!(owner & DOOR_SLOT_LIVE) || entry_allowed(config, &key))
			continue;
		leave(slot);
		any = true;
	}
	if (any)
		settle_leaving(table);
}

/* One that sends between being looked at and leaving comes back with its next frame, as new. */
void door_table_forget(struct door_table *table, const struct door_client *clients, size_t count)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		const struct door_client *client = &clients[i];
		const struct door_key key =
		    door_key_make(&client->address, client->vni, client->encap);
		struct door_slot *slot = find(table, &key, false);

		if (!slot ||
		    __atomic_load_n(&slot->last_mono_ns, __ATOMIC_SEQ_CST) > client->last_mono_ns)
			continue;
		leave(slot);
		any = true;
	}
	if (any)
		settle_leaving(table);
}

/* ---- another size ---- */

static uint64_t take(__u64 *from)
{
	return __atomic_exchange_n(from, 0, __ATOMIC_SEQ_CST);
}

/* A program may count in it meanwhile: what it adds later is taken later. */
static struct door_sum take_sum(struct door_sum *from)
{
	return (struct door_sum){take(&from->packets), take(&from->bytes)};
}

static void add_sum(struct door_sum *to, const struct door_sum *sum)
{
	__atomic_fetch_add(&to->packets, sum->packets, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&to->bytes, sum->bytes, __ATOMIC_SEQ_CST);
}

static bool copy(struct door_table *to, struct door_slot *from, uint32_t max_clients)
{
	const uint64_t owner = owner_of(from);
	const struct door_key key = slot_key(from, owner);
	struct door_slot *slot = to->head->clients < max_clients ? find(to, &key, true) : NULL;

	if (!slot)
		return false;
	*slot = *from;
	slot->sum = take_sum(&from->sum);
	slot->owner = owner;
	to->head->clients++;
	return true;
}

int door_table_copy(struct door_table *from, struct door_table *to,
		    const struct collector_config *config)
{
	bool full = false;

	to->head->forgotten = take_sum(&from->head->forgotten);
	to->head->sleeps = from->head->sleeps;
	for (size_t i = 0; i < slots_count(from); i++) {
		struct door_slot *slot = slot_at(from, i);
		const uint64_t owner = owner_of(slot);
		const struct door_key key = slot_key(slot, owner);
		bool wanted = (owner & DOOR_SLOT_LIVE) && entry_allowed(config, &key);

		if (wanted && copy(to, slot, config->max_clients))
			continue;
		full = full || wanted;
		const struct door_sum sum = take_sum(&slot->sum);
		add_sum(&to->head->forgotten, &sum);
	}
	return full ? -E2BIG : 0;
}

static void later(uint64_t *last, uint64_t than)
{
	uint64_t now = __atomic_load_n(last, __ATOMIC_SEQ_CST);

	while (now < than && !__atomic_compare_exchange_n(last, &now, than, false, __ATOMIC_SEQ_CST,
							  __ATOMIC_SEQ_CST))
		;
}

/* False: it is not there, and there is no room. */
static bool add_late(struct door_table *to, const struct door_slot *from,
		     const struct door_late *late, door_table_put_fn put, void *ctx)
{
	struct door_slot *slot = find(to, &late->key, false);

	if (slot) {
		add_sum(&slot->sum, &late->sum);
		later((uint64_t *)&slot->last_mono_ns, from->last_mono_ns);
		return true;
	}
	if (!put(ctx, late))
		return false;
	slot = find(to, &late->key, false);
	if (slot)
		__atomic_store_n(&slot->first_boot_ns, from->first_boot_ns, __ATOMIC_SEQ_CST);
	return true;
}

void door_table_late(struct door_table *from, struct door_table *to,
		     const struct collector_config *config, door_table_put_fn put, void *ctx)
{
	for (size_t i = 0; i < slots_count(from); i++) {
		struct door_slot *slot = slot_at(from, i);
		const uint64_t owner = owner_of(slot);
		struct door_late late = {.key = slot_key(slot, owner)};

		if (!(owner & DOOR_SLOT_LIVE))
			continue;
		late.sum = take_sum(&slot->sum);
		if ((late.sum.packets || late.sum.bytes) &&
		    (!entry_allowed(config, &late.key) || !add_late(to, slot, &late, put, ctx)))
			add_sum(&to->head->forgotten, &late.sum);
	}
}
