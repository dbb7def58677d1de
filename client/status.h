/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's status document, which vtapstat(8) describes, and its summary in a few words. Values
 * only.
 */
#ifndef VTAP_CLIENT_STATUS_H
#define VTAP_CLIENT_STATUS_H

#include "client/setup.h"

/* What keeps the copies to collector i from the express lane; NULL: they take it. */
const char *client_lane_off(const struct setup *s, const struct subjects *subjects, size_t i);
/* "none", "resegment", "fragment", "drop": what happens to copies of full-size frames. */
const char *client_oversize(const struct setup *s, const struct subjects *subjects, size_t i);
/* Whether copies of this stream can reach its collector. */
bool client_stream_works(const struct subjects *subjects, const struct stream *stream);
/* "tc", "tee" */
const char *client_method(const struct setup *setup, const struct stream *stream);
uint64_t client_stream_repairs(const struct subjects *subjects, const struct stream *stream);

char *client_status(const struct setup *setup, const struct subjects *subjects, bool degraded,
		    double uptime_s);
void client_summary(const struct setup *setup, const struct subjects *subjects, char *text,
		    size_t size);

#endif
