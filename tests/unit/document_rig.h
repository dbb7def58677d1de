/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of documents: a status as JSON, and the text that people see of it.
 */
#ifndef VTAP_TESTS_DOCUMENT_RIG_H
#define VTAP_TESTS_DOCUMENT_RIG_H

#include "vtapstat/document.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NOW = 1767323045 }; /* 2026-01-02T03:04:05Z */

static inline struct document *parse(const char *json)
{
	char why[256] = "";
	struct document *document = document_parse(json, strlen(json), why, sizeof(why));

	ck_assert_msg(document != NULL, "%s", why);
	return document;
}

/* The caller's to free. */
static inline char *shown_as(const char *json, const struct page_layout *layout)
{
	struct document *document = parse(json);
	size_t size;
	char *text = document_text(document, layout, &size);

	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(strlen(text), size);
	document_free(document);
	return text;
}

static inline char *shown(const char *json)
{
	const struct page_layout layout = {.now = NOW};

	return shown_as(json, &layout);
}

static inline void shows(const char *json, const char *want)
{
	char *text = shown(json);

	ck_assert_str_eq(text, want);
	free(text);
}

#define ENDPOINT                                                                             \
	"\"endpoints\":[{\"encap\":\"vxlan\",\"device\":\"vtap0\",\"vni\":42,\"port\":4789," \
	"\"state\":\"up\",\"reason\":null,\"rx_packets\":12,\"rx_bytes\":34,\"rx_dropped\":5}],"
#define TOTALS                                                                                 \
	"\"accepted\":{\"packets\":12345678,\"bytes\":9876543210},"                            \
	"\"rejected\":{\"packets\":3,\"bytes\":180},\"overflow\":{\"packets\":0,\"bytes\":0}," \
	"\"malformed\":{\"packets\":2,\"bytes\":90}"
#define COLLECTOR(state, uptime, endpoints, clients)                         \
	"{\"daemon\":\"collector\",\"version\":\"0.1.0\",\"state\":\"" state \
	"\",\"uptime_s\":" uptime "," endpoints TOTALS ",\"clients\":[" clients "]}"
#define CLIENT(address, vni, count, rates, last)                                                \
	"{\"address\":\"" address "\",\"encap\":\"vxlan\",\"vni\":" vni ",\"packets\":" count   \
	",\"bytes\":" count "," rates ",\"first_seen\":\"2026-01-01T00:00:00Z\",\"last_seen\":" \
	"\"" last "\"}"
#define RATES(packets, bits) "\"packets_per_s\":" packets ",\"bits_per_s\":" bits
#define TOTALS_TEXT                                                                      \
	"\n"                                                                             \
	"TOTAL          PACKETS    BYTES\n"                                              \
	"accepted         12.3M  9.88 GB\n"                                              \
	"rejected             3    180 B  from addresses outside the allow-list\n"       \
	"malformed            2     90 B  to the tunnel's port, but no tunnel packets\n" \
	"overflow             0      0 B\n"                                              \
	"vtap0 dropped        5        -  by the device\n"                               \
	"\n"

#define ALL                                                                                      \
	"{\"daemon\":\"collector\",\"version\":\"0.1.0\",\"state\":\"ok\",\"uptime_s\":1,"       \
	"\"endpoints\":[{\"encap\":\"vxlan\",\"device\":\"vtap0\",\"vni\":42,\"port\":4789,"     \
	"\"state\":\"up\",\"rx_dropped\":0}],"                                                   \
	"\"accepted\":{\"packets\":9,\"bytes\":900},\"rejected\":{\"packets\":7,\"bytes\":700}," \
	"\"malformed\":{\"packets\":0,\"bytes\":0},\"overflow\":{\"packets\":5,\"bytes\":500},"  \
	"\"undelivered\":{\"packets\":4,\"bytes\":400},\"rejected_sources\":["                   \
	"{\"address\":\"1.2.3.4\",\"packets\":6,\"bytes\":600,"                                  \
	"\"last_seen\":\"2026-01-02T03:04:00Z\"},"                                               \
	"{\"address\":\"2001:db8::1\",\"packets\":1,\"bytes\":100,"                              \
	"\"last_seen\":\"2026-01-02T03:03:05Z\"},"                                               \
	"{\"address\":\"2001:db8::2\",\"packets\":1,\"bytes\":100,"                              \
	"\"last_seen\":\"2026-01-02T03:03:05Z\"}],"                                              \
	"\"clients\":[{\"address\":\"10.0.0.5\",\"name\":null,\"encap\":\"vxlan\",\"vni\":42,"   \
	"\"packets\":1,\"bytes\":100,\"packets_per_s\":0.0,\"bits_per_s\":0.0,"                  \
	"\"last_seen\":\"2026-01-02T03:04:05Z\"},"                                               \
	"{\"address\":\"10.0.0.6\",\"name\":\"web-1\",\"encap\":\"vxlan\",\"vni\":42,"           \
	"\"packets\":8,\"bytes\":800,\"packets_per_s\":0.0,\"bits_per_s\":0.0,"                  \
	"\"last_seen\":\"2026-01-02T03:04:05Z\"}]}"

#endif
