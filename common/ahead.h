/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What sees a hook's packets before a filter of vtap's does, and may keep them from it: filters of
 * others, tcx programs, XDP. Values only. Nothing of it is touched: it is production's.
 */
#ifndef VTAP_COMMON_AHEAD_H
#define VTAP_COMMON_AHEAD_H

#include "common/object.h"

enum ahead {
	AHEAD_NOTHING,
	AHEAD_MAY, /* something whose verdict cannot be known */
	AHEAD_DOES /* a filter that has kept packets back: its own counter says so */
};

struct ahead_finding {
	enum ahead what;
	char words[160]; /* names it, as the subject of a sentence: "tcx program 7 of eth0 ingress"
			  */
	char cure[80];
};

/*
 * For the filter at this place, which need not be there yet. The surest finding counts, then the
 * first in the order they run.
 */
enum ahead ahead_of(const struct snapshot *seen, const struct link *link, uint32_t parent,
		    uint16_t pref, uint32_t handle);
/* The same, in words. */
void ahead_describe(const struct snapshot *seen, const struct link *link, uint32_t parent,
		    uint16_t pref, uint32_t handle, struct ahead_finding *out);
/* An eBPF program of somebody else's on a device where nothing but vtap's own belongs. `own`: the
 * id of a tcx program that does; 0: none. */
bool ahead_on_own(const struct snapshot *snapshot, const struct link *link, uint32_t own,
		  struct ahead_finding *out);

#endif
