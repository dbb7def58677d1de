/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the door makes of a frame, said once more in plain C: what its eBPF program is compared
 * with. It shares no code with it, and keeps no counts.
 */
#ifndef VTAP_TESTS_FUZZ_DOOR_MODEL_H
#define VTAP_TESTS_FUZZ_DOOR_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/door_shared.h"

enum door_verdict {
	DOOR_OTHER,     /* none of its business */
	DOOR_MALFORMED, /* dropped; counted as one packet of the frame's size */
	DOOR_UNWANTED,  /* another VNI: rejected whatever its source */
	DOOR_TUNNEL,    /* a tunnel packet: by its source let in or not */
};

struct door_model {
	enum door_verdict verdict;
	struct door_key key;
	struct door_sum sum; /* true wire frames */
};

/* A frame as it comes in. gso_size 0: it is no aggregate. */
struct door_frame {
	const uint8_t *bytes;
	size_t size;
	uint32_t gso_size, gso_segs;
};

/* Nothing is shut. */
struct door_model door_model(const struct door_frame *frame, const struct door_admission *admit);

/* What an endpoint's seal counts of a frame that arrived there. */
struct door_sum door_model_delivered(const struct door_frame *frame);

#endif
