/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The collector's status: its endpoints, the totals with what they mean where they are not zero,
 * who was turned away, and one line per client, by default sorted by address so that a line stays
 * where it is from one look to the next.
 */
#include "vtapstat/view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vtapstat/fields.h"
#include "vtapstat/table.h"
#include "vtapstat/text.h"
#include "vtapstat/units.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct table_column total_columns[] = {
    {"TOTAL", false, {0}},
    {"PACKETS", true, {0}},
    {"BYTES", true, {0}},
};

static const struct {
	const char *key;
	const char *meaning; /* said when it is not zero */
	bool newer;          /* not every collector sends it */
} totals[] = {
    {"accepted", NULL, false},
    {"rejected", "from addresses outside the allow-list", false},
    {"malformed", "to the tunnel's port, but no tunnel packets", false},
    {"overflow", "counted for no client: raise max_clients", false},
    {"forgotten", "from clients that have left the table since", true},
    {"undelivered", "dropped by the kernel: fragment, checksum, VNI", true},
};

static const struct list_column rejected_columns[] = {
    {"REJECTED SOURCE", "address", LIST_ADDRESS, LIST_ALWAYS, {0}},
    {"PACKETS", "packets", LIST_COUNT, LIST_ALWAYS, {0}},
    {"BYTES", "bytes", LIST_BYTES, LIST_ALWAYS, {.leaves = 1}},
    {"LAST SEEN", "last_seen", LIST_AGE, LIST_ALWAYS, {.leaves = 2}},
};

static const struct list rejected_sources = {
    .key = "rejected_sources",
    .columns = rejected_columns,
    .columns_count = COUNT(rejected_columns),
    .none = "",
};

static const struct list_column client_columns[] = {
    {"CLIENT", "address", LIST_ADDRESS, LIST_ALWAYS, {0}},
    {"NAME", "name", LIST_TEXT, LIST_IF_ANY, {.floor = 8}},
    {"ENCAP", "encap", LIST_TEXT, LIST_ALWAYS, {.leaves = 1}},
    {"VNI", "vni", LIST_NUMBER, LIST_ALWAYS, {.leaves = 4}},
    {"PACKETS", "packets", LIST_COUNT, LIST_ALWAYS, {.leaves = 3}},
    {"BYTES", "bytes", LIST_BYTES, LIST_ALWAYS, {.leaves = 6}},
    {"PACKETS/S", "packets_per_s", LIST_PER_S, LIST_ALWAYS, {.leaves = 2}},
    {"BITS/S", "bits_per_s", LIST_BITS_PER_S, LIST_ALWAYS, {.leaves = 7}},
    {"LAST SEEN", "last_seen", LIST_AGE, LIST_ALWAYS, {.leaves = 5}},
};

const struct list view_collector_clients = {
    .key = "clients",
    .columns = client_columns,
    .columns_count = COUNT(client_columns),
    .order = {"address", "vni"},
    .none = "no clients yet",
};

static void print_field(const struct json_object *object, const char *key, const char *before,
			FILE *out)
{
	const char *text = field_string(object, key);

	fputs(before, out);
	text_print(text != NULL && text[0] != '\0' ? text : "-", out);
}

/* "vtap0: vxlan vni 42 port 4789 up"; a GRE endpoint has no port, and takes every
 * key; the VNI of one that takes all of them is not a number. */
static void print_endpoint(const struct json_object *endpoint, bool colour, FILE *out)
{
	const char *state = field_string(endpoint, "state");
	enum style style = state != NULL && strcmp(state, "up") == 0 ? STYLE_GOOD : STYLE_BAD;
	uint64_t number;

	print_field(endpoint, "device", "", out);
	print_field(endpoint, "encap", ": ", out);
	if (field_uint(endpoint, "vni", &number) && number != 0)
		fprintf(out, " vni %" PRIu64, number);
	else
		fputs(" vni any", out);
	if (field_uint(endpoint, "port", &number) && number != 0)
		fprintf(out, " port %" PRIu64, number);
	fprintf(out, " %s", style_on(style, colour));
	print_field(endpoint, "state", "", out);
	fputs(style_off(style, colour), out);
	if (field_string(endpoint, "reason") != NULL)
		print_field(endpoint, "reason", ": ", out);
	fputc('\n', out);
}

/* One endpoint goes on in the daemon's own line; more have a line each. */
static void print_endpoints(const struct json_object *status, const struct page *page)
{
	size_t count = field_count(status, "endpoints");

	if (count != 1)
		fputs(count == 0 ? "  no endpoint\n" : "\n", page->out);
	for (size_t i = 0; i < count; i++) {
		fputs("  ", page->out);
		print_endpoint(field_element(status, "endpoints", i), page->layout->colour,
			       page->out);
	}
}

/* A number of packets, and of bytes where there is one. */
static void add_total(struct table *table, const char *label, const struct json_object *total,
		      const char *packets_key, const char *meaning)
{
	char text[UNITS_TEXT];
	uint64_t packets = 0, bytes;
	bool known = field_uint(total, packets_key, &packets);
	bool bad = meaning != NULL && packets > 0;

	table_cell(table, label, STYLE_PLAIN);
	table_cell(table, known ? units_count(packets, text) : NULL,
		   bad ? STYLE_WARN : STYLE_PLAIN);
	table_cell(table, field_uint(total, "bytes", &bytes) ? units_bytes(bytes, text) : NULL,
		   bad ? STYLE_WARN : STYLE_PLAIN);
	if (bad)
		table_remark(table, meaning);
}

static int print_totals(const struct json_object *status, const struct page *page)
{
	struct table *table = table_new(total_columns, COUNT(total_columns));
	int error;

	if (table == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < COUNT(totals); i++) {
		const struct json_object *total = field_object(status, totals[i].key);

		if (total != NULL || !totals[i].newer)
			add_total(table, totals[i].key, total, "packets", totals[i].meaning);
	}
	for (size_t i = 0; i < field_count(status, "endpoints"); i++) {
		const struct json_object *endpoint = field_element(status, "endpoints", i);
		const char *device = field_string(endpoint, "device");
		char *label;

		if (asprintf(&label, "%s dropped", device != NULL ? device : "-") < 0) {
			table_free(table);
			return -ENOMEM;
		}
		add_total(table, label, endpoint, "rx_dropped", "by the device");
		free(label);
	}
	/* its columns are few and short: they are not fitted */
	error = table_print(table, SIZE_MAX, 0, page->layout->colour, page->out);
	table_free(table);
	return error;
}

/* Nothing when there are none; of a small window a small part. */
static int print_rejected(const struct json_object *status, struct page *page)
{
	enum { LEAST = 3, PART = 4 };
	size_t rows = page->layout->rows;
	size_t room = rows == 0 ? page_room(page) : rows / PART;
	int error;

	if (field_count(status, rejected_sources.key) == 0)
		return 0;
	error = list_print(&rejected_sources, status, NULL, room < LEAST ? LEAST : room, page);
	putc('\n', page->out);
	return error;
}

int view_collector(const struct json_object *status, struct page *page)
{
	int error;

	print_endpoints(status, page);
	if (page->layout->hint != NULL)
		fprintf(page->out, "%s\n", page->layout->hint);
	fputc('\n', page->out);
	error = print_totals(status, page);
	if (error < 0)
		return error;
	fputc('\n', page->out);
	error = print_rejected(status, page);
	if (error < 0)
		return error;
	return list_print(&view_collector_clients, status, page->layout->sort, page_room(page),
			  page);
}
