/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door: the eBPF program at the underlay's tc ingress that decides who may send tunnel packets
 * to this host and counts what they send. This file loads it, finds the one an earlier daemon left,
 * and reads its maps; attaching it is the plan's work, through common/tc.
 */
#ifndef VTAP_COLLECTOR_DOOR_H
#define VTAP_COLLECTOR_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/config.h"
#include "collector/door_shared.h"
#include "common/addr.h"
#include "common/object.h"

struct door;
struct door_sleeps;

struct door_counter {
	uint64_t packets; /* true wire frames */
	uint64_t bytes;   /* inner frames, Ethernet header included, no FCS */
};

struct door_totals {
	struct door_counter delivered; /* frames that arrived at the endpoint's seal */
	struct door_counter accepted;  /* every admitted frame, overflow included */
	struct door_counter rejected;  /* sources outside the allow-list, VNIs not wanted */
	struct door_counter overflow;  /* admitted, but the client table was full */
	struct door_counter malformed; /* dropped as no VXLAN frame; bytes are the outer packets' */
	struct door_counter forgotten; /* accepted from clients that have left the table since */
};

struct door_client {
	struct ip_addr address;
	uint32_t vni; /* of GRE the key */
	enum encap encap;
	struct door_counter count;
	uint64_t first_boot_ns; /* CLOCK_BOOTTIME at the first frame */
	uint64_t last_mono_ns;  /* CLOCK_MONOTONIC_COARSE at the last frame */
	uint64_t read_mono_ns;  /* CLOCK_MONOTONIC when this was read */
};

/* Descriptors of an earlier door's maps, by name, from the service manager's store. */
struct door_kept {
	const char *name;
	int fd;
};

/*
 * Loads the program, with the allow-list of `config`; until door_set_rules it lets nothing in and
 * leaves all alone. Maps are taken over from `kept` (descriptors stay the caller's) or, failing
 * that, from the program with id `old_prog_id` (0: none known), when their layout and size fit;
 * *history_lost says that there was an earlier door whose counts could not be taken over. On error:
 * negative errno and words in why. Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON (without the last
 * kernels refuse the program); by program id, CAP_SYS_ADMIN too.
 */
int door_open(const struct collector_config *config, const struct door_kept *kept,
	      size_t kept_count, uint32_t old_prog_id, struct door **out, bool *history_lost,
	      char *why, size_t why_size);
/* Whether clients of the door before had no room: what they sent is in totals.forgotten. */
bool door_crowded(const struct door *door);
void door_close(struct door *door); /* the program goes on where it is attached; NULL is fine */

int door_prog_fd(const struct door *door);
uint32_t door_prog_id(const struct door *door);
/* The program for an endpoint: counts what arrived, and drops it. */
int door_seal_fd(const struct door *door, enum encap encap);
uint32_t door_seal_id(const struct door *door, enum encap encap);
/* The program for the end of the veth pair that segments of aggregates come out of. */
int door_cut_end_fd(const struct door *door);
uint32_t door_cut_end_id(const struct door *door);
/* The interface that aggregates are sent to, to be cut; 0: they go on as they are. 0 or a negative
 * errno. */
int door_set_cutter(struct door *door, int ifindex);
/* The maps to keep over a restart: fills up to `max`, returns how many there are. Names are static.
 */
size_t door_maps(const struct door *door, struct door_kept *out, size_t max);

/*
 * Makes the allow-list that of `config`, at once and without a gap; clients no longer allowed leave
 * the table. On error all is as before. -EOVERFLOW: max_clients differs from the table's size, the
 * door must be opened anew.
 */
int door_configure(struct door *door, const struct collector_config *config);

/*
 * From now on these are let in. Returns when no packet is on its way that was judged by what was
 * before, and the endpoint has got what was let in then. `config`: who of the clients may stay.
 */
void door_set_rules(struct door *door, const struct door_rules *rules,
		    const struct collector_config *config);
/*
 * Waits, a tenth of a second at most, until the endpoint has got what was let in, if anything is
 * shut now: before a device goes. For when the program before was replaced where it ran last.
 */
void door_drain(const struct door *door);
/* The addresses of this host: what packets are for. See door_shared.h. */
void door_set_here(struct door *door, const struct snapshot *seen);

/*
 * While the program before may still run: takes in what it has counted since, if its table is of
 * another size. `last`: it runs nowhere any more; whom it let in and `config` does not leaves now.
 */
void door_take_late(struct door *door, const struct collector_config *config, bool last);

/* These return 0 or a negative errno. */
int door_read_totals(const struct door *door, struct door_totals *out);
/* For each of DOOR_REJECTED_SETS one set per possible CPU, `cpus` of them; to be freed. */
int door_read_rejected(const struct door *door, struct door_rejected_set **out, size_t *cpus);
/* What a daemon found undelivered, for the next one. */
int door_read_settled(const struct door *door, struct door_counter *out);
int door_write_settled(const struct door *door, const struct door_counter *settled);
/* The same moment by both clocks, to be told before each reading: when the machine was asleep is
 * kept with the clients. Valid until the door is closed. */
const struct door_sleeps *door_note_sleep(struct door *door, uint64_t mono_ns, uint64_t boot_ns);
/* Calls fn for each client; stops when fn returns non-zero and returns that. */
int door_each_client(const struct door *door,
		     int (*fn)(void *ctx, const struct door_client *client), void *ctx);

/*
 * Takes clients out of the table, except those that sent something after last_mono_ns; what they
 * sent goes on in totals.forgotten. Others can come in then.
 */
void door_forget(struct door *door, const struct door_client *clients, size_t count);

#endif
