/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/express.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "client/express_object.h"
#include "client/express_shared.h"
#include "client/express_way.h"
#include "common/bpfcall.h"
#include "common/tcx.h"

/* the program as the compiler wrote it */
static const _Alignas(8) unsigned char object[] = {
#include "client/express.inc"
};

enum { LOG_SIZE = 256 * 1024 };

struct express {
	int ways, counts, program;
	uint32_t program_id;
	uint64_t seed;            /* of the flows' hash, for all ways */
	struct express_slot slot; /* what is in use */
	int way;                  /* the map it is in; -1: none */
	uint32_t way_id;          /* 0: none */
	struct {
		int ifindex; /* 0: nowhere */
		int fd;      /* -1: not attached */
	} fronts[EXPRESS_PLACES];
	size_t cpus;
	struct express_sum *sums; /* one for each possible CPU */
};

static const struct bpfcall_map counts_map = {.name = "vtap_counts",
					      .type = BPF_MAP_TYPE_PERCPU_ARRAY,
					      .key_size = sizeof(uint32_t),
					      .value_size = sizeof(struct express_sum),
					      .max_entries = EXPRESS_SUMS};
static const struct bpfcall_map way_map = {.name = "vtap_way",
					   .type = BPF_MAP_TYPE_ARRAY,
					   .key_size = sizeof(uint32_t),
					   .value_size = sizeof(struct express_slot),
					   .max_entries = 1};

/* ---- opening ---- */

/* The counts of an earlier program go on, if they can be had. */
static int open_counts(int kept_fd, uint32_t old_prog_id)
{
	int fd = -1;

	if (kept_fd >= 0 && !bpfcall_is(kept_fd, &counts_map))
		fd = fcntl(kept_fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0 && old_prog_id)
		fd = bpfcall_map_of(old_prog_id, &counts_map);
	return fd >= 0 ? fd : bpfcall_create(&counts_map);
}

static int open_ways(void)
{
	struct bpfcall_map ways = {.name = "vtap_ways",
				   .type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
				   .key_size = sizeof(uint32_t),
				   .value_size = sizeof(uint32_t),
				   .max_entries = 1};
	int fd;

	ways.inner_fd = bpfcall_create(&way_map);
	if (ways.inner_fd < 0)
		return ways.inner_fd;
	fd = bpfcall_create(&ways);
	close(ways.inner_fd);
	return fd;
}

/* The verifier's log ends with what is wrong, then lines of statistics. */
static void say_verdict(char *log, char *why, size_t why_size)
{
	char *end = strstr(log, "\nverification time"), *line;

	if (!end)
		end = strstr(log, "\nprocessed ");
	if (!end)
		return;
	*end = 0;
	line = strrchr(log, '\n');
	snprintf(why, why_size, "%s", line ? line + 1 : log);
}

static int load(const struct bpf_insn *program, size_t count, char *why, size_t why_size)
{
	int fd = bpfcall_load("vtap_express", program, count, NULL, 0), again;
	char *log;

	if (fd >= 0 || fd == -EPERM)
		return fd;
	log = malloc(LOG_SIZE);
	if (!log)
		return fd;
	again = bpfcall_load("vtap_express", program, count, log, LOG_SIZE);
	if (again < 0)
		say_verdict(log, why, why_size);
	free(log);
	return again == -ENOSPC ? fd : again;
}

static int open_program(const struct express *express, char *why, size_t why_size)
{
	const struct express_map maps[] = {{"vtap_ways", express->ways},
					   {"vtap_counts", express->counts}};
	struct bpf_insn *program;
	size_t count;
	int fd = express_object_take(object, sizeof(object), "tc", maps,
				     sizeof(maps) / sizeof(*maps), &program, &count);

	if (fd < 0)
		return fd;
	fd = load(program, count, why, why_size);
	free(program);
	return fd;
}

static int open_all(struct express *express, int kept_fd, uint32_t old_prog_id, char *why,
		    size_t why_size)
{
	int cpus = bpfcall_cpus();

	if (cpus < 0)
		return cpus;
	if (getrandom(&express->seed, sizeof(express->seed), 0) < 0)
		return -errno;
	express->cpus = (size_t)cpus;
	express->sums = calloc(express->cpus, sizeof(*express->sums));
	if (!express->sums)
		return -ENOMEM;
	express->counts = open_counts(kept_fd, old_prog_id);
	if (express->counts < 0)
		return express->counts;
	express->ways = open_ways();
	if (express->ways < 0)
		return express->ways;
	express->program = open_program(express, why, why_size);
	if (express->program < 0)
		return express->program;
	return bpfcall_program_id(express->program, &express->program_id);
}

/* `why` has the verifier's words, if any. */
static void say_error(int error, char *why, size_t why_size)
{
	const size_t used = strlen(why);

	if (error == -EPERM)
		snprintf(why, why_size,
			 "not permitted to load the eBPF program: it takes CAP_BPF and "
			 "CAP_NET_ADMIN, outside of a user namespace");
	else if (error == -EACCES)
		snprintf(why + used, why_size - used,
			 "%sthe kernel refuses the eBPF program; some do without CAP_PERFMON",
			 used ? ": " : "");
	else if (!used)
		snprintf(why, why_size, "%s", strerror(-error));
}

int express_open(struct express **out, int kept_fd, uint32_t old_prog_id, char *why,
		 size_t why_size)
{
	struct express *express = malloc(sizeof(*express));
	int error = -ENOMEM;

	*out = NULL;
	if (why_size)
		why[0] = 0;
	if (express) {
		*express = (struct express){.ways = -1, .counts = -1, .program = -1, .way = -1};
		for (size_t i = 0; i < EXPRESS_PLACES; i++)
			express->fronts[i].fd = -1;
		error = open_all(express, kept_fd, old_prog_id, why, why_size);
	}
	if (!error) {
		*out = express;
		return 0;
	}
	express_free(express);
	if (why_size)
		say_error(error, why, why_size);
	return error;
}

void express_free(struct express *express)
{
	if (!express)
		return;
	express_front(express, (const int[EXPRESS_PLACES]){0});
	if (express->program >= 0)
		close(express->program);
	if (express->ways >= 0)
		close(express->ways);
	if (express->way >= 0)
		close(express->way);
	if (express->counts >= 0)
		close(express->counts);
	free(express->sums);
	free(express);
}

int express_prog_fd(const struct express *express)
{
	return express->program;
}

uint32_t express_prog_id(const struct express *express)
{
	return express->program_id;
}

int express_kept_fd(const struct express *express)
{
	return express->counts;
}

/* ---- the way ---- */

/* Whether it still is the one that was set: somebody may have emptied the map. */
static bool in_use(const struct express *express, const struct express_slot *slot)
{
	uint32_t zero = 0, id = 0;

	/* both were zero before they were filled */
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
	return express->way_id && memcmp(slot, &express->slot, sizeof(*slot)) == 0 &&
	       !bpfcall_look(express->ways, &zero, &id) && id == express->way_id;
}

/* Of the program's clock: that of a time namespace has another zero, and makes every way too old,
 * or good for longer. */
static uint64_t in_ms(unsigned ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + (uint64_t)ms * 1000000;
}

/* Written over the same bytes: who reads it meanwhile finds the old time, or the new one. */
static int write_way(int fd, const struct express_slot *slot, unsigned good_ms)
{
	struct express_slot now = *slot;
	uint32_t zero = 0;

	now.until = in_ms(good_ms);
	return bpfcall_update(fd, &zero, &now);
}

int express_renew(const struct express *express, unsigned good_ms)
{
	return express->way < 0 ? 0 : write_way(express->way, &express->slot, good_ms);
}

int express_set(struct express *express, const struct express_way *way)
{
	const struct express_way nowhere = {0};
	struct express_slot slot;
	uint32_t zero = 0, id;
	int error = express_way_slot(way ? way : &nowhere, &slot), fd;

	if (error)
		return error;
	slot.seed = express->seed;
	if (in_use(express, &slot))
		return express_renew(express, EXPRESS_GOOD_MS);
	fd = bpfcall_create(&way_map);
	if (fd < 0)
		return fd;
	error = write_way(fd, &slot, EXPRESS_GOOD_MS);
	if (!error)
		error = bpfcall_map_id(fd, &id);
	if (!error)
		error = bpfcall_update(express->ways, &zero, &fd);
	if (error) {
		close(fd);
		return error;
	}
	if (express->way >= 0)
		close(express->way);
	express->slot = slot;
	express->way = fd;
	express->way_id = id;
	return 0;
}

/* ---- in front of the filter ---- */

void express_front(struct express *express, const int places[EXPRESS_PLACES])
{
	for (size_t i = 0; i < EXPRESS_PLACES; i++) {
		if (express->fronts[i].ifindex == places[i])
			continue;
		if (express->fronts[i].fd >= 0)
			close(express->fronts[i].fd);
		express->fronts[i].ifindex = places[i];
		express->fronts[i].fd =
		    places[i] ? tcx_attach(places[i], true, express->program) : -1;
	}
}

/* ---- counts ---- */

static int read_sum(const struct express *express, uint32_t index, struct express_sum *out)
{
	int error = bpfcall_look(express->counts, &index, express->sums);

	*out = (struct express_sum){0};
	for (size_t i = 0; !error && i < express->cpus; i++) {
		out->packets += express->sums[i].packets;
		out->bytes += express->sums[i].bytes;
		out->resegmented += express->sums[i].resegmented;
		out->extra_packets += express->sums[i].extra_packets;
		out->extra_bytes += express->sums[i].extra_bytes;
		out->dropped += express->sums[i].dropped;
	}
	return error;
}

int express_read(const struct express *express, struct express_counts *out)
{
	struct express_sum sum;
	int error = read_sum(express, EXPRESS_TAKEN, &sum);

	*out = (struct express_counts){.packets = sum.packets,
				       .bytes = sum.bytes,
				       .resegmented = sum.resegmented,
				       .extra_packets = sum.extra_packets,
				       .extra_bytes = sum.extra_bytes,
				       .dropped = sum.dropped};
	for (uint32_t i = 0; !error && i < EXPRESS_PASSES; i++) {
		error = read_sum(express, EXPRESS_PASSED + i, &sum);
		out->passed[i] = sum.packets;
	}
	return error;
}
