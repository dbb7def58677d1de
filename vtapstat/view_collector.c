/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The collector's status: its endpoints, the totals, and one line per client, sorted by address so
 * that a line stays where it is from one look to the next.
 */

#include "vtapstat/view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "vtapstat/fields.h"
#include "vtapstat/table.h"
#include "vtapstat/units.h"

static const struct table_column total_columns[] = {
    {"TOTAL", false},
    {"PACKETS", true},
    {"BYTES", true},
};

static const struct table_column client_columns[] = {
    {"CLIENT", false}, {"ENCAP", false},    {"VNI", true},    {"PACKETS", true},
    {"BYTES", true},   {"PACKETS/S", true}, {"BITS/S", true}, {"LAST SEEN", true},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct sortable {
	struct ip_addr address;
	uint64_t vni;
	const struct json_object *client;
};

static void print_field(const struct json_object *object, const char *key, const char *before,
			FILE *out)
{
	const char *text = field_string(object, key);

	fputs(before, out);
	table_print_text(text != NULL && text[0] != '\0' ? text : "-", out);
}

/* "vtap0: vxlan vni 42 port 4789 up"; a GRE endpoint has no port, and takes every
 * key; the VNI of one that takes all of them is not a number. */
static void print_endpoint(const struct json_object *endpoint, FILE *out)
{
	uint64_t number;

	print_field(endpoint, "device", "", out);
	print_field(endpoint, "encap", ": ", out);
	if (field_uint(endpoint, "vni", &number) && number != 0)
		fprintf(out, " vni %" PRIu64, number);
	else
		fputs(" vni any", out);
	if (field_uint(endpoint, "port", &number) && number != 0)
		fprintf(out, " port %" PRIu64, number);
	print_field(endpoint, "state", " ", out);
	if (field_string(endpoint, "reason") != NULL)
		print_field(endpoint, "reason", ": ", out);
	fputc('\n', out);
}

/* One endpoint goes on in the daemon's own line; more have a line each. */
static void print_endpoints(const struct json_object *status, FILE *out)
{
	size_t count = field_count(status, "endpoints");

	if (count == 1) {
		fputs("  ", out);
		print_endpoint(field_element(status, "endpoints", 0), out);
		return;
	}
	fputs(count == 0 ? "  no endpoint\n" : "\n", out);
	for (size_t i = 0; i < count; i++) {
		fputs("  ", out);
		print_endpoint(field_element(status, "endpoints", i), out);
	}
}

static int print_totals(const struct json_object *status, FILE *out)
{
	static const char *const keys[] = {"accepted", "rejected", "malformed", "overflow"};
	struct table *table = table_new(total_columns, COUNT(total_columns));
	int error;

	if (table == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < COUNT(keys); i++) {
		const struct json_object *total = field_object(status, keys[i]);

		table_cell(table, keys[i]);
		cell_count(table, total, "packets");
		cell_bytes(table, total, "bytes");
	}
	for (size_t i = 0; i < field_count(status, "endpoints"); i++) {
		const struct json_object *endpoint = field_element(status, "endpoints", i);
		const char *device = field_string(endpoint, "device");
		char *label;

		if (asprintf(&label, "%s dropped", device != NULL ? device : "-") < 0)
			break;
		table_cell(table, label);
		free(label);
		cell_count(table, endpoint, "rx_dropped");
		table_cell(table, NULL);
	}
	error = table_print(table, out);
	table_free(table);
	return error;
}

static int compare_clients(const void *a, const void *b)
{
	const struct sortable *x = a;
	const struct sortable *y = b;
	int order = ip_addr_compare(&x->address, &y->address);

	if (order != 0)
		return order;
	return (x->vni > y->vni) - (x->vni < y->vni);
}

/* malloc'd; only when count is not 0. */
static struct sortable *sorted_clients(const struct json_object *status, size_t count)
{
	struct sortable *clients = calloc(count, sizeof(*clients));

	if (clients == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const struct json_object *client = field_element(status, "clients", i);
		const char *address = field_string(client, "address");

		clients[i].client = client;
		if (address != NULL)
			ip_addr_parse(address, &clients[i].address);
		field_uint(client, "vni", &clients[i].vni);
	}
	qsort(clients, count, sizeof(*clients), compare_clients);
	return clients;
}

/* A time that is not one, or is yet to come because the clock was set, shows as it was written. */
static void cell_age(struct table *table, const char *time_text, time_t now)
{
	char age[UNITS_TEXT], text[UNITS_TEXT + 8];
	struct tm tm = {0};
	const char *end = time_text != NULL ? strptime(time_text, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
	time_t then = end != NULL && *end == '\0' ? timegm(&tm) : now + 1;

	if (then > now) {
		table_cell(table, time_text);
		return;
	}
	snprintf(text, sizeof(text), "%s ago", units_duration((uint64_t)(now - then), age));
	table_cell(table, text);
}

static int print_clients(const struct json_object *status, time_t now, FILE *out)
{
	size_t count = field_count(status, "clients");
	struct sortable *clients;
	struct table *table;
	int error = -ENOMEM;

	if (count == 0) {
		fputs("no clients yet\n", out);
		return 0;
	}
	clients = sorted_clients(status, count);
	table = table_new(client_columns, COUNT(client_columns));
	if (clients != NULL && table != NULL) {
		for (size_t i = 0; i < count; i++) {
			const struct json_object *client = clients[i].client;

			cell_string(table, client, "address");
			cell_string(table, client, "encap");
			cell_number(table, client, "vni");
			cell_count(table, client, "packets");
			cell_bytes(table, client, "bytes");
			cell_per_s(table, client, "packets_per_s");
			cell_bits_per_s(table, client, "bits_per_s");
			cell_age(table, field_string(client, "last_seen"), now);
		}
		error = table_print(table, out);
	}
	table_free(table);
	free(clients);
	return error;
}

int view_collector(const struct json_object *status, time_t now, FILE *out)
{
	int error;

	print_endpoints(status, out);
	fputc('\n', out);
	error = print_totals(status, out);
	if (error < 0)
		return error;
	fputc('\n', out);
	return print_clients(status, now, out);
}
