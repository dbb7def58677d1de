/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The collector's status document, which vtapstat(8) describes, and its summary in a few words.
 * Values only.
 */
#ifndef VTAP_COLLECTOR_STATUS_H
#define VTAP_COLLECTOR_STATUS_H

#include "collector/clients.h"
#include "collector/config.h"
#include "collector/door.h"
#include "collector/rejected.h"
#include "common/object.h"
#include "common/subject.h"

struct collector_view {
	const struct collector_config *config;
	const struct subjects *subjects;
	const struct link *endpoints[ENCAPS]; /* NULL: not there */
	struct door_totals totals;
	struct door_counter undelivered;
	const struct rejected *rejected;
	struct clients *clients;
};

/* What the endpoint gave to readers, whole frames; all zero when it is not there. */
struct collector_received {
	uint64_t packets, bytes, dropped;
};
struct collector_received collector_received(const struct collector_view *view, enum encap encap);
/* Why frames with this encapsulation do not get to readers, or are not counted. NULL: they do, and
 * are. */
const char *collector_reason(const struct collector_view *view, enum encap encap);

/* JSON, malloc'd; NULL: no memory. */
char *collector_status(const struct collector_view *view, bool degraded, double uptime_s);
/* For `systemctl status`: what is wrong, else what is open to whom. */
void collector_summary(const struct collector_view *view, char *text, size_t size);

#endif
