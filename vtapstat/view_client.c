/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's status as two tables, in the order of its configuration: where the copies go, and
 * what is copied.
 */
#include "vtapstat/view.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct list_column collector_columns[] = {
    {"COLLECTOR", "name", LIST_TEXT, LIST_ALWAYS, {.floor = 10}},
    {"ADDRESS", "address", LIST_ADDRESS, LIST_ALWAYS, {.leaves = 10}},
    {"LOCAL", "local", LIST_ADDRESS, LIST_ALWAYS, {.leaves = 2}},
    {"ENCAP", "encap", LIST_TEXT, LIST_ALWAYS, {.leaves = 1}},
    {"VNI", "vni", LIST_NUMBER, LIST_ALWAYS, {.leaves = 4}},
    {"PORT", "port", LIST_NUMBER, LIST_ALWAYS, {.leaves = 3}},
    {"DEVICE", "device", LIST_TEXT, LIST_ALWAYS, {.leaves = 5}},
    {"STATE", "state", LIST_STATE, LIST_ALWAYS, {0}},
    {"PATH MTU", "path_mtu", LIST_NUMBER, LIST_ALWAYS, {.leaves = 6}},
    {"NEEDED", "needed_mtu", LIST_NUMBER, LIST_ALWAYS, {.leaves = 7}},
    {"OVERSIZE", "oversize", LIST_TEXT, LIST_ALWAYS, {.leaves = 8}},
    {"EXPRESS", "express.state", LIST_TEXT, LIST_IF_ANY, {.leaves = 8}},
    {"PACKETS", "tx_packets", LIST_COUNT, LIST_ALWAYS, {.leaves = 9}},
    {"BYTES", "tx_bytes", LIST_BYTES, LIST_ALWAYS, {.leaves = 11}},
    {"DROPPED", "tx_dropped", LIST_LOSS, LIST_ALWAYS, {0}},
    {"ERRORS", "tx_errors", LIST_LOSS, LIST_ALWAYS, {0}},
};

static const struct list collectors = {
    .key = "collectors",
    .columns = collector_columns,
    .columns_count = COUNT(collector_columns),
    .none = "no collectors",
};

static const struct list_column mirror_columns[] = {
    {"INTERFACE", "interface", LIST_TEXT, LIST_ALWAYS, {0}},
    {"DIRECTION", "direction", LIST_TEXT, LIST_ALWAYS, {0}},
    {"METHOD", "method", LIST_TEXT, LIST_ALWAYS, {.leaves = 1}},
    {"COLLECTOR", "collector", LIST_TEXT, LIST_ALWAYS, {.floor = 10, .leaves = 5}},
    {"STATE", "state", LIST_STATE, LIST_ALWAYS, {0}},
    {"PACKETS", "packets", LIST_COUNT, LIST_ALWAYS, {.leaves = 3}},
    {"BYTES", "bytes", LIST_BYTES, LIST_ALWAYS, {.leaves = 6}},
    {"PACKETS/S", "packets_per_s", LIST_PER_S, LIST_IF_SENT, {.leaves = 4}},
    {"BITS/S", "bits_per_s", LIST_BITS_PER_S, LIST_IF_SENT, {.leaves = 7}},
    {"DROPPED", "dropped", LIST_LOSS, LIST_ALWAYS, {0}},
    {"REPAIRS", "repairs", LIST_COUNT, LIST_ALWAYS, {.leaves = 2}},
};

const struct list view_client_mirrors = {
    .key = "mirrors",
    .columns = mirror_columns,
    .columns_count = COUNT(mirror_columns),
    .none = "no mirrors",
};

int view_client(const struct json_object *status, struct page *page)
{
	const struct page_layout *layout = page->layout;
	size_t room;
	int error;

	putc('\n', page->out);
	if (layout->hint != NULL)
		fprintf(page->out, "%s\n", layout->hint);
	putc('\n', page->out);
	room = page_room(page);
	/* whatever there is of collectors, mirrors are what one looks for */
	error = list_print(&collectors, status, NULL, layout->rows > 0 ? room / 2 : room, page);
	if (error < 0)
		return error;
	putc('\n', page->out);
	return list_print(&view_client_mirrors, status, layout->sort, page_room(page), page);
}
