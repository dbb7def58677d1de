/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's status as two tables, in the order of its configuration: where the copies go, and
 * what is copied.
 */

#include "vtapstat/view.h"

#include <errno.h>
#include <stdlib.h>

#include "vtapstat/fields.h"
#include "vtapstat/table.h"

static const struct table_column collector_columns[] = {
    {"COLLECTOR", false}, {"ADDRESS", false}, {"LOCAL", false},    {"ENCAP", false},
    {"VNI", true},        {"PORT", true},     {"DEVICE", false},   {"STATE", false},
    {"PATH MTU", true},   {"NEEDED", true},   {"OVERSIZE", false}, {"PACKETS", true},
    {"BYTES", true},      {"DROPPED", true},  {"ERRORS", true},
};

static const struct table_column mirror_columns[] = {
    {"INTERFACE", false}, {"DIRECTION", false}, {"METHOD", false},
    {"COLLECTOR", false}, {"STATE", false},     {"PACKETS", true},
    {"BYTES", true},      {"DROPPED", true},    {"REPAIRS", true},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void add_collector(struct table *table, const struct json_object *collector)
{
	cell_string(table, collector, "name");
	cell_string(table, collector, "address");
	cell_string(table, collector, "local");
	cell_string(table, collector, "encap");
	cell_number(table, collector, "vni");
	cell_number(table, collector, "port");
	cell_string(table, collector, "device");
	cell_string(table, collector, "state");
	cell_number(table, collector, "path_mtu");
	cell_number(table, collector, "needed_mtu");
	cell_string(table, collector, "oversize");
	cell_count(table, collector, "tx_packets");
	cell_bytes(table, collector, "tx_bytes");
	cell_count(table, collector, "tx_dropped");
	cell_count(table, collector, "tx_errors");
	note_reason(table, collector);
}

static void add_mirror(struct table *table, const struct json_object *mirror)
{
	cell_string(table, mirror, "interface");
	cell_string(table, mirror, "direction");
	cell_string(table, mirror, "method");
	cell_string(table, mirror, "collector");
	cell_string(table, mirror, "state");
	cell_count(table, mirror, "packets");
	cell_bytes(table, mirror, "bytes");
	cell_count(table, mirror, "dropped");
	cell_count(table, mirror, "repairs");
	note_reason(table, mirror);
}

static int print_list(const struct json_object *status, const char *key,
		      const struct table_column *columns, size_t columns_count,
		      void (*add)(struct table *table, const struct json_object *element),
		      FILE *out)
{
	size_t count = field_count(status, key);
	struct table *table;
	int error;

	if (count == 0) {
		fprintf(out, "no %s\n", key);
		return 0;
	}
	table = table_new(columns, columns_count);
	if (table == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		add(table, field_element(status, key, i));
	error = table_print(table, out);
	table_free(table);
	return error;
}

int view_client(const struct json_object *status, FILE *out)
{
	int error;

	fputc('\n', out);
	error = print_list(status, "collectors", collector_columns, COUNT(collector_columns),
			   add_collector, out);
	if (error < 0)
		return error;
	fputc('\n', out);
	return print_list(status, "mirrors", mirror_columns, COUNT(mirror_columns), add_mirror,
			  out);
}
