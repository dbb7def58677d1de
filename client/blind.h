/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Evidence that a copy stream sees nothing: its interface carries packets, its filter counts none.
 * It is only asked for where something ahead of the filter may keep them back; a filter that simply
 * matches nothing is no reason for alarm. Values only.
 */
#ifndef VTAP_CLIENT_BLIND_H
#define VTAP_CLIENT_BLIND_H

#include <stdbool.h>
#include <stdint.h>

struct setup;
struct snapshot;

enum {
	BLIND_PACKETS = 10, /* so many must have passed before it is judged */
	BLIND_SHARE = 8     /* less than one byte in so many copied: starved */
};

struct blind_count {
	uint64_t packets, bytes;
};

/* Counters of one moment. */
struct blind_sample {
	int ifindex;
	bool filtered;             /* the user chose what to copy: one copy is enough */
	struct blind_count passed; /* by the interface, in the stream's direction */
	struct blind_count exempt; /* at most so much of it was tunnel packets */
	struct blind_count copied; /* by the stream's filter */
};

struct blind {
	bool watching;
	bool starved;             /* packets passed, and were not copied */
	bool robbed;              /* something counts what it keeps back */
	struct blind_sample last; /* where what is judged next begins */
};

/* Something is ahead of the filter: judges what happened since the last sample, if there is one. */
void blind_judge(struct blind *blind, const struct blind_sample *now);

/*
 * Over all streams of a setup, after it has counted. Judges only where the snapshot's counters are
 * all of one time. True: a stream began, or ended, to be starved or robbed.
 */
bool blind_look(struct setup *setup, const struct snapshot *seen, bool judge);

#endif
