/* SPDX-License-Identifier: BSD-2-Clause */
/* Order of a list by each kind of column, names of columns, and what fits into how many rows. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vtapstat/fields.h"
#include "vtapstat/list.h"
#include "vtapstat/order.h"
#include "vtapstat/view.h"

static const char clients[] =
    "{\"clients\":["
    "{\"id\":\"a\",\"address\":\"10.0.0.10\",\"vni\":1,\"name\":\"web-10\","
    "\"packets_per_s\":0.5,\"last_seen\":\"2026-01-02T03:04:05Z\"},"
    "{\"id\":\"b\",\"address\":\"10.0.0.9\",\"vni\":3,\"name\":\"web-9\","
    "\"packets_per_s\":10,\"bytes\":18446744073709551615,"
    "\"last_seen\":\"2025-12-31T03:04:05Z\"},"
    "{\"id\":\"c\",\"address\":\"2001:db8::1\",\"vni\":2,\"name\":null,\"bytes\":5,"
    "\"last_seen\":\"2026-01-02T03:04:06Z\"},"
    "{\"id\":\"d\",\"address\":\"10.0.0.9\",\"vni\":2,\"name\":\"db\",\"bytes\":50}]}";

/* The ids of the elements in the order of a column. */
static void ordered(const char *name, bool reverse, const char *want)
{
	const struct list_column *column = list_find(&view_collector_clients, name);
	struct json_object *status = json_tokener_parse(clients);
	const struct json_object *elements[4];
	char ids[5] = "";

	ck_assert_ptr_nonnull(column);
	for (size_t i = 0; i < 4; i++)
		elements[i] = field_element(status, "clients", i);
	ck_assert_int_eq(order_by(elements, 4, column, reverse), 0);
	for (size_t i = 0; i < 4; i++)
		strcat(ids, field_string(elements[i], "id"));
	ck_assert_msg(strcmp(ids, want) == 0, "%s: %s", name, ids);
	json_object_put(status);
}

/* Missing ones last, whichever way round; equal ones as they were. */
START_TEST(order)
{
	ordered("bytes", false, "bdca");
	ordered("bytes", true, "cdba");
	ordered("vni", false, "bcda");
	ordered("vni", true, "acdb");
	ordered("packets/s", false, "bacd");
	ordered("packets/s", true, "abcd");
	ordered("name", false, "dbac");
	ordered("name", true, "abdc");
	ordered("client", false, "bdac");
	ordered("client", true, "cabd");
	ordered("last-seen", false, "cabd");
	ordered("last-seen", true, "bacd");
	ordered("bits/s", false, "abcd");
	ck_assert_int_eq(order_by(NULL, 0, list_find(&view_collector_clients, "vni"), false), 0);
}
END_TEST

START_TEST(names)
{
	static const char *const same[] = {"last-seen", "LAST SEEN", "last_seen", "Last-Seen"};
	static const char *const none[] = {"", "last", "last-seen-", "lastseen", "-", "uptime"};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		ck_assert_str_eq(list_find(&view_collector_clients, same[i])->key, "last_seen");
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_ptr_null(list_find(&view_collector_clients, none[i]));
	ck_assert(list_find(&view_collector_clients, "packets_per_s") ==
		  list_find(&view_collector_clients, "packets/s"));
	ck_assert(list_find(&view_collector_clients, "address") ==
		  list_find(&view_collector_clients, "client"));
	ck_assert(view_can_sort(NULL, "-interface") && view_can_sort("client", "interface"));
	ck_assert(!view_can_sort("collector", "interface") && !view_can_sort("client", "--vni"));
}
END_TEST

static void listed(const struct list *list, const char *json, const char *sort, size_t room,
		   size_t columns, const char *want)
{
	const struct page_layout layout = {.columns = columns};
	struct json_object *status = json_tokener_parse(json);
	struct page page;
	char *text;
	size_t size;

	ck_assert_int_eq(page_open(&page, &layout), 0);
	ck_assert_int_eq(list_print(list, status, sort, room, &page), 0);
	text = page_close(&page, 0, &size);
	ck_assert_str_eq(text, want);
	free(text);
	json_object_put(status);
}

static const struct list_column columns[] = {
    {"KEY", "key", LIST_TEXT, LIST_ALWAYS, {0}},
    {"SIZE", "size", LIST_BYTES, LIST_ALWAYS, {.leaves = 1}},
    {"STATE", "state", LIST_STATE, LIST_IF_ANY, {0}},
};
static const struct list list = {
    .key = "list", .columns = columns, .columns_count = 3, .none = "nothing"};

static const char plain[] = "{\"list\":[{\"key\":\"x\",\"size\":1},{\"key\":\"y\",\"size\":2},"
			    "{\"key\":\"z\",\"size\":3}]}";
static const char blocked[] =
    "{\"list\":[{\"key\":\"x\",\"state\":\"blocked\",\"reason\":\"123456789\"},"
    "{\"key\":\"y\",\"state\":\"up\"}]}";

START_TEST(rows)
{
	listed(&list, "{}", NULL, SIZE_MAX, 0, "nothing\n");
	listed(&list, plain, "-key", SIZE_MAX, 0, "KEY  SIZE\nz     3 B\ny     2 B\nx     1 B\n");
	listed(&list, plain, "other", 4, 0, "KEY  SIZE\nx     1 B\ny     2 B\nz     3 B\n");
	listed(&list, plain, "size", 3, 0,
	       "KEY  SIZE\nz     3 B\n... and 2 more: --sort, or a higher window\n");
	listed(&list, plain, NULL, 0, 0, "KEY  SIZE\n... and 3 more: --sort, or a higher window\n");
	/* the column that one sorts by stays */
	listed(&list, plain, NULL, SIZE_MAX, 8, "KEY\nx\ny\nz\n    too narrow for: SIZE\n");
	listed(&list, plain, "size", SIZE_MAX, 8, "KEY  SI~\nz    3 B\ny    2 B\nx    1 B\n");
}
END_TEST

START_TEST(reasons_take_rows)
{
	listed(&list, blocked, NULL, 4, 30,
	       "KEY  SIZE  STATE\nx       -  blocked\n    blocked: 123456789\ny       -  up\n");
	listed(&list, blocked, NULL, 4, 19, /* the reason wraps */
	       "KEY  SIZE  STATE\n"
	       "... and 2 more\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("list");
	TCase *tcase = tcase_create("list");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, order);
	tcase_add_test(tcase, names);
	tcase_add_test(tcase, rows);
	tcase_add_test(tcase, reasons_take_rows);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
