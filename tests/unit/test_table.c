/* SPDX-License-Identifier: BSD-2-Clause */
/* What vtapstat makes of a daemon's document: whole texts, hostile strings, missing fields,
 * screens. */
#include <check.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vtapstat/document.h"
#include "vtapstat/screen.h"
#include "vtapstat/table.h"

enum { NOW = 1767323045 }; /* 2026-01-02T03:04:05Z */

static struct document *parse(const char *json)
{
	char why[256] = "";
	struct document *document = document_parse(json, strlen(json), why, sizeof(why));

	ck_assert_msg(document != NULL, "%s", why);
	return document;
}

/* The caller's to free. */
static char *shown(const char *json)
{
	struct document *document = parse(json);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(document_print(document, NOW, out), 0);
	fclose(out);
	document_free(document);
	return text;
}

static void shows(const char *json, const char *want)
{
	char *text = shown(json);

	ck_assert_str_eq(text, want);
	free(text);
}

/* ---- whole texts --------------------------------------------------------------------------- */

#define ENDPOINT                                                                             \
	"\"endpoints\":[{\"encap\":\"vxlan\",\"device\":\"vtap0\",\"vni\":42,\"port\":4789," \
	"\"state\":\"up\",\"reason\":null,\"rx_packets\":12,\"rx_bytes\":34,\"rx_dropped\":5}],"
#define TOTALS                                                      \
	"\"accepted\":{\"packets\":12345678,\"bytes\":9876543210}," \
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
#define TOTALS_TEXT                         \
	"\n"                                \
	"TOTAL          PACKETS    BYTES\n" \
	"accepted         12.3M  9.88 GB\n" \
	"rejected             3    180 B\n" \
	"malformed            2     90 B\n" \
	"overflow             0      0 B\n" \
	"vtap0 dropped        5        -\n" \
	"\n"

START_TEST(collector_without_clients)
{
	shows(COLLECTOR("ok", "12.9", ENDPOINT, ""),
	      "collector 0.1.0  ok  up 12s  vtap0: vxlan vni 42 port 4789 up\n" TOTALS_TEXT
	      "no clients yet\n");
}
END_TEST

START_TEST(collector_with_a_client)
{
	shows(COLLECTOR(
		  "ok", "273605.2", ENDPOINT,
		  CLIENT("10.0.0.5", "42", "98", RATES("0.4", "313.6"), "2026-01-02T03:04:04Z")),
	      "collector 0.1.0  ok  up 3d 4h  vtap0: vxlan vni 42 port 4789 up\n" TOTALS_TEXT
	      "CLIENT    ENCAP  VNI  PACKETS  BYTES  PACKETS/S     BITS/S  LAST SEEN\n"
	      "10.0.0.5  vxlan   42       98   98 B        0.4  314 bit/s     1s ago\n");
}
END_TEST

/* Sorted by address and VNI; the largest numbers there are; times that are none or yet to come. */
START_TEST(collector_with_many)
{
	shows(
	    COLLECTOR(
		"ok", "61", ENDPOINT,
		CLIENT(
		    "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", "16777215", "18446744073709551615",
		    RATES("14880952.0", "99999999999"),
		    "2026-01-01T00:00:00Z") "," CLIENT("10.0.0.10", "7", "999999",
						       RATES("812.3", "12345678"),
						       "2027-01-01T00:00:00Z") "," CLIENT("10.0.0."
											  "10",
											  "6",
											  "10000",
											  RATES(
											      "0",
											      "0"),
											  "yesterda"
											  "y") "," CLIENT("10.0.0.9",
													  "42",
													  "9999",
													  RATES(
													      "0.0",
													      "0.0"),
													  "2026-01-02T01:59:05Z")),
	    "collector 0.1.0  ok  up 1m 1s  vtap0: vxlan vni 42 port 4789 up\n" TOTALS_TEXT
	    "CLIENT                                  ENCAP       VNI  PACKETS    BYTES  PACKETS/S"
	    "       BITS/S             LAST SEEN\n"
	    "10.0.0.9                                vxlan        42     9999   9999 B          0"
	    "      0 bit/s             1h 5m ago\n"
	    "10.0.0.10                               vxlan         6    10.0k  10.0 kB          0"
	    "      0 bit/s             yesterday\n"
	    "10.0.0.10                               vxlan         7    1.00M  1.00 MB        812"
	    "  12.3 Mbit/s  2027-01-01T00:00:00Z\n"
	    "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff  vxlan  16777215    18.4E  18.4 EB      14.9M"
	    "   100 Gbit/s             1d 3h ago\n");
}
END_TEST

START_TEST(collector_with_other_endpoints)
{
	shows(COLLECTOR("degraded", "7200",
			"\"endpoints\":[{\"encap\":\"vxlan\",\"device\":\"vtap0\",\"vni\":\"any\","
			"\"port\":4789,\"state\":\"blocked\",\"reason\":\"UDP port 4789 is taken\","
			"\"rx_dropped\":0},"
			"{\"encap\":\"gretap\",\"device\":\"vtap1\",\"state\":\"up\","
			"\"reason\":null,\"rx_dropped\":1}],",
			""),
	      "collector 0.1.0  degraded  up 2h 0m\n"
	      "  vtap0: vxlan vni any port 4789 blocked: UDP port 4789 is taken\n"
	      "  vtap1: gretap vni any up\n"
	      "\n"
	      "TOTAL          PACKETS    BYTES\n"
	      "accepted         12.3M  9.88 GB\n"
	      "rejected             3    180 B\n"
	      "malformed            2     90 B\n"
	      "overflow             0      0 B\n"
	      "vtap0 dropped        0        -\n"
	      "vtap1 dropped        1        -\n"
	      "\n"
	      "no clients yet\n");
}
END_TEST

START_TEST(client)
{
	shows("{\"daemon\":\"client\",\"version\":\"0.1.0\",\"state\":\"degraded\",\"uptime_s\":"
	      "90061,"
	      "\"collectors\":[{\"name\":\"soc\",\"address\":\"172.31.108.76\","
	      "\"local\":\"172.31.102.153\",\"encap\":\"vxlan\",\"vni\":42,\"port\":4789,"
	      "\"device\":\"vtap-soc\",\"state\":\"up\",\"reason\":null,\"path_mtu\":1500,"
	      "\"needed_mtu\":1564,\"oversize\":\"fragment\",\"tx_packets\":1234567,"
	      "\"tx_bytes\":987654321,\"tx_dropped\":0,\"tx_errors\":0},"
	      "{\"name\":\"b\",\"address\":\"2001:db8::7\",\"local\":null,\"encap\":\"vxlan\","
	      "\"vni\":42,\"port\":4789,\"device\":\"vtap-b\",\"state\":\"blocked\","
	      "\"reason\":\"no route to 2001:db8::7\",\"path_mtu\":null,\"needed_mtu\":1570,"
	      "\"oversize\":\"none\",\"tx_packets\":0,\"tx_bytes\":0,\"tx_dropped\":1,"
	      "\"tx_errors\":2}],"
	      "\"mirrors\":[{\"interface\":\"eth0\",\"direction\":\"ingress\",\"method\":\"tc\","
	      "\"collector\":\"soc\",\"state\":\"mirroring\",\"reason\":null,\"packets\":1000000,"
	      "\"bytes\":900000000,\"dropped\":3,\"repairs\":1},"
	      "{\"interface\":\"eth0\",\"direction\":\"egress\",\"method\":\"tc\","
	      "\"collector\":\"b\",\"state\":\"blocked\",\"reason\":\"collector b is blocked\","
	      "\"packets\":0,\"bytes\":0,\"dropped\":0,\"repairs\":0}]}",
	      "client 0.1.0  degraded  up 1d 1h\n"
	      "\n"
	      "COLLECTOR  ADDRESS        LOCAL           ENCAP  VNI  PORT  DEVICE    STATE    PATH "
	      "MTU"
	      "  NEEDED  OVERSIZE  PACKETS   BYTES  DROPPED  ERRORS\n"
	      "soc        172.31.108.76  172.31.102.153  vxlan   42  4789  vtap-soc  up           "
	      "1500"
	      "    1564  fragment    1.23M  988 MB        0       0\n"
	      "b          2001:db8::7    -               vxlan   42  4789  vtap-b    blocked       "
	      "  -"
	      "    1570  none            0     0 B        1       2\n"
	      "    blocked: no route to 2001:db8::7\n"
	      "\n"
	      "INTERFACE  DIRECTION  METHOD  COLLECTOR  STATE      PACKETS   BYTES  DROPPED  "
	      "REPAIRS\n"
	      "eth0       ingress    tc      soc        mirroring    1.00M  900 MB        3        "
	      "1\n"
	      "eth0       egress     tc      b          blocked          0     0 B        0        "
	      "0\n"
	      "    blocked: collector b is blocked\n");
}
END_TEST

START_TEST(missing_and_unknown_fields)
{
	shows("{\"daemon\":\"client\",\"state\":\"ok\",\"later\":{\"x\":[1]}}",
	      "client -  ok  up -\n\nno collectors\n\nno mirrors\n");
	shows("{\"daemon\":\"collector\",\"state\":\"ok\",\"uptime_s\":\"long\",\"version\":1,"
	      "\"accepted\":[],\"rejected\":{\"packets\":-1,\"bytes\":\"x\"},"
	      "\"clients\":[{},17,null,{\"packets\":1.5,\"later\":0,\"last_seen\":5}]}",
	      "collector -  ok  up -  no endpoint\n"
	      "\n"
	      "TOTAL      PACKETS  BYTES\n"
	      "accepted         -      -\n"
	      "rejected         -      -\n"
	      "malformed        -      -\n"
	      "overflow         -      -\n"
	      "\n"
	      "CLIENT  ENCAP  VNI  PACKETS  BYTES  PACKETS/S  BITS/S  LAST SEEN\n"
	      "-       -        -        -      -          -       -          -\n"
	      "-       -        -        -      -          -       -          -\n"
	      "-       -        -        -      -          -       -          -\n"
	      "-       -        -        -      -          -       -          -\n");
}
END_TEST

START_TEST(hostile_strings)
{
	char *text = shown("{\"daemon\":\"collector\",\"version\":\"\\u001b]0;x\\u0007\","
			   "\"state\":\"ok\",\"endpoints\":[{\"device\":\"v\\nt\",\"encap\":"
			   "\"\\u009b2J\",\"reason\":\"\\u202edna\",\"state\":\"\xff\xc3\"}],"
			   "\"clients\":[{\"address\":\"\\u001b[2J\\r\\t\\u0000x\"}]}");

	for (const char *c = text; *c != '\0'; c++)
		ck_assert_msg(*c == '\n' || (*c >= 0x20 && *c < 0x7f), "byte %d in %s", *c, text);
	ck_assert_ptr_nonnull(strstr(text, "collector ?]0;x?  ok"));
	ck_assert_ptr_nonnull(strstr(text, "  v?t: "));
	ck_assert_ptr_nonnull(strstr(text, "\n?[2J??  "));
	free(text);
}
END_TEST

START_TEST(other_alphabets_are_aligned)
{
	char *text;

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return;
	text = shown("{\"daemon\":\"client\",\"state\":\"ok\",\"mirrors\":[{\"interface\":\"a\","
		     "\"direction\":\"x\"},{\"interface\":\"m\xc3\xbcnchen-\xe6\x9d\xb1\","
		     "\"direction\":\"x\"}]}");
	ck_assert_ptr_nonnull(strstr(text, "\na           x  "));
	ck_assert_ptr_nonnull(strstr(text, "\nm\xc3\xbcnchen-\xe6\x9d\xb1  x  "));
	free(text);
	setlocale(LC_CTYPE, "C");
}
END_TEST

START_TEST(state)
{
	struct document *document = parse("{\"daemon\":\"client\",\"state\":\"ok\"} \r\n");

	ck_assert(document_is_ok(document));
	ck_assert_str_eq(document_daemon(document), "client");
	document_free(document);
	document = parse("{\"state\":\"degraded\",\"daemon\":\"collector\"}");
	ck_assert(!document_is_ok(document));
	ck_assert_str_eq(document_daemon(document), "collector");
	document_free(document);
	document_free(NULL);
}
END_TEST

START_TEST(not_a_status)
{
	static const struct {
		const char *bytes, *word;
	} cases[] = {
	    {"", "incomplete"},
	    {"\n", "incomplete"},
	    {"hello", "not JSON"},
	    {"{\"daemon\":\"client\",\"state\":\"ok\"", "incomplete"},
	    {"{\"daemon\":\"client\",\"state\":\"ok\"} x", "not JSON"},
	    {"{\"daemon\":\"client\",\"state\":\"ok\"}{}", "not JSON"},
	    {"{'daemon':'client','state':'ok'}", "not JSON"},
	    {"null\n", "not a vtap status"},
	    {"[]", "not a vtap status"},
	    {"\"ok\"", "not a vtap status"},
	    {"{}", "not a vtap status"},
	    {"{\"daemon\":\"client\"}", "not a vtap status"},
	    {"{\"daemon\":\"client\",\"state\":\"fine\"}", "not a vtap status"},
	    {"{\"daemon\":\"client\",\"state\":null}", "not a vtap status"},
	    {"{\"daemon\":\"server\",\"state\":\"ok\"}", "not a vtap status"},
	    {"{\"error\":\"too many connections\"}", "the daemon says: too many connections"},
	};
	char why[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		why[0] = '\0';
		ck_assert_ptr_null(
		    document_parse(cases[i].bytes, strlen(cases[i].bytes), why, sizeof(why)));
		ck_assert_msg(strstr(why, cases[i].word) != NULL, "%s: %s", cases[i].bytes, why);
	}
}
END_TEST

/* ---- the parts ----------------------------------------------------------------------------- */

START_TEST(short_rows_and_empty_tables)
{
	static const struct table_column columns[] = {{"A", false}, {"LONG", true}, {"C", false}};
	struct table *table = table_new(columns, 3);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	table_note(table, "no row yet");
	ck_assert_int_eq(table_print(table, out), 0);
	table_cell(table, "wide cell");
	table_cell(table, "");
	table_cell(table, "c");
	table_note(table, "first");
	table_note(table, "sec\nond");
	table_cell(table, "half");
	ck_assert_int_eq(table_print(table, out), 0);
	fclose(out);
	ck_assert_str_eq(text, "A  LONG  C\n"
			       "A          LONG  C\n"
			       "wide cell     -  c\n"
			       "    sec?ond\n"
			       "half             \n");
	free(text);
	table_free(table);
	table_free(NULL);
}
END_TEST

START_TEST(screens)
{
	static const struct {
		unsigned int rows, columns;
		const char *text, *want;
	} cases[] = {
	    {4, 10, "a\nb\nc\n", "a\nb\nc\n"},
	    {4, 10, "a\nb\nc", "a\nb\nc\n"},
	    {4, 10, "a\nb\nc\nd\n", "a\nb\n... 2 more\n"},
	    {4, 10, "a\n\n\n\n\n", "a\n\n... 3 more\n"},
	    {4, 3, "abc\nd\ne\n", "abc\nd\ne\n"}, /* just fits its row */
	    {4, 3, "abcd\ne\n", "abcd\ne\n"},     /* takes two */
	    {4, 3, "abcd\ne\nf\n", "abcd\n... 2 more\n"},
	    {4, 3, "a\nbcdefgh\n", "a\n... 1 more\n"},
	    {1, 1, "a\nb\n", "... 2 more\n"},
	    {0, 0, "a\n", "a\n"},
	    {24, 80, "", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *frame = screen_frame(cases[i].text, cases[i].rows, cases[i].columns);

		ck_assert_ptr_nonnull(frame);
		ck_assert_int_eq(strncmp(frame, "\033[H\033[J", 6), 0);
		ck_assert_msg(strcmp(frame + 6, cases[i].want) == 0, "%zu: %s", i, frame + 6);
		free(frame);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table");
	TCase *tcase = tcase_create("table");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, collector_without_clients);
	tcase_add_test(tcase, collector_with_a_client);
	tcase_add_test(tcase, collector_with_many);
	tcase_add_test(tcase, collector_with_other_endpoints);
	tcase_add_test(tcase, client);
	tcase_add_test(tcase, missing_and_unknown_fields);
	tcase_add_test(tcase, hostile_strings);
	tcase_add_test(tcase, other_alphabets_are_aligned);
	tcase_add_test(tcase, state);
	tcase_add_test(tcase, not_a_status);
	tcase_add_test(tcase, short_rows_and_empty_tables);
	tcase_add_test(tcase, screens);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
