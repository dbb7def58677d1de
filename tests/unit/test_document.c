/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What vtapstat makes of a daemon's document: whole texts, hostile strings, missing fields.
 */
#include "tests/unit/document_rig.h"

#include <check.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

/* ---- whole texts --------------------------------------------------------------------------- */

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
	      "rejected             3    180 B  from addresses outside the allow-list\n"
	      "malformed            2     90 B  to the tunnel's port, but no tunnel packets\n"
	      "overflow             0      0 B\n"
	      "vtap0 dropped        0        -\n"
	      "vtap1 dropped        1        -  by the device\n"
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
	      "\"tx_bytes\":987654321,\"tx_dropped\":0,\"tx_errors\":0,\"express\":{\"state\":"
	      "\"off\",\"reason\":\"eth1 has no Ethernet header\",\"packets\":5}},"
	      "{\"name\":\"b\",\"address\":\"2001:db8::7\",\"local\":null,\"encap\":\"vxlan\","
	      "\"vni\":42,\"port\":4789,\"device\":\"vtap-b\",\"state\":\"blocked\","
	      "\"reason\":\"no route to 2001:db8::7\",\"path_mtu\":null,\"needed_mtu\":1570,"
	      "\"oversize\":\"none\",\"tx_packets\":0,\"tx_bytes\":0,\"tx_dropped\":1,"
	      "\"tx_errors\":2,\"express\":{\"state\":\"on\",\"reason\":null}}],"
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
	      "  NEEDED  OVERSIZE  EXPRESS  PACKETS   BYTES  DROPPED  ERRORS\n"
	      "soc        172.31.108.76  172.31.102.153  vxlan   42  4789  vtap-soc  up           "
	      "1500"
	      "    1564  fragment  off        1.23M  988 MB        0       0\n"
	      "    express lane off: eth1 has no Ethernet header\n"
	      "b          2001:db8::7    -               vxlan   42  4789  vtap-b    blocked       "
	      "  -"
	      "    1570  none      on             0     0 B        1       2\n"
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

/* ---- the rest of a collector's status ------------------------------------------------------- */

START_TEST(names_and_all_that_is_lost)
{
	shows(ALL, "collector 0.1.0  ok  up 1s  vtap0: vxlan vni 42 port 4789 up\n"
		   "\n"
		   "TOTAL          PACKETS  BYTES\n"
		   "accepted             9  900 B\n"
		   "rejected             7  700 B  from addresses outside the allow-list\n"
		   "malformed            0    0 B\n"
		   "overflow             5  500 B  counted for no client: raise max_clients\n"
		   "undelivered          4  400 B  dropped by the kernel: fragment, checksum, VNI\n"
		   "vtap0 dropped        0      -\n"
		   "\n"
		   "REJECTED SOURCE  PACKETS  BYTES  LAST SEEN\n"
		   "1.2.3.4                6  600 B     5s ago\n"
		   "2001:db8::1            1  100 B  1m 0s ago\n"
		   "2001:db8::2            1  100 B  1m 0s ago\n"
		   "\n"
		   "CLIENT    NAME   ENCAP  VNI  PACKETS  BYTES  PACKETS/S   BITS/S  LAST SEEN\n"
		   "10.0.0.5  -      vxlan   42        1  100 B          0  0 bit/s     0s ago\n"
		   "10.0.0.6  web-1  vxlan   42        8  800 B          0  0 bit/s     0s ago\n");
}
END_TEST

START_TEST(rates_of_mirrors)
{
	static const char before[] =
	    "{\"daemon\":\"client\",\"state\":\"ok\",\"mirrors\":[{\"interface\":\"eth0\","
	    "\"direction\":\"egress\",\"collector\":\"soc\",\"packets\":100,\"bytes\":1000}]}";
	static const char after[] =
	    "{\"daemon\":\"client\",\"state\":\"ok\",\"mirrors\":[{\"interface\":\"eth0\","
	    "\"direction\":\"egress\",\"collector\":\"soc\",\"packets\":400,\"bytes\":251000}]}";
	const struct page_layout layout = {.now = NOW};
	struct document *old = parse(before), *new = parse(after);
	struct document *other = parse("{\"daemon\":\"collector\",\"state\":\"ok\"}");
	char *text;
	size_t size;

	document_add_rates(old, NULL, 0);
	text = document_text(old, &layout, &size);
	ck_assert_ptr_nonnull(strstr(text, "BYTES  PACKETS/S  BITS/S  DROPPED"));
	ck_assert_ptr_nonnull(strstr(text, " 100  1000 B          -       -        - "));
	free(text);
	document_add_rates(new, old, 2);
	text = document_text(new, &layout, &size);
	ck_assert_ptr_nonnull(strstr(text, "  150  1.00 Mbit/s  "));
	free(text);
	document_add_rates(old, new, 2); /* counters that began anew */
	text = document_text(old, &layout, &size);
	ck_assert_ptr_nonnull(strstr(text, " 100  1000 B          -       -        - "));
	free(text);
	document_add_rates(other, old, 2); /* another daemon answers there now */
	document_add_rates(old, other, 2);
	document_free(old);
	document_free(new);
	document_free(other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("document");
	TCase *tcase = tcase_create("document");
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
	tcase_add_test(tcase, names_and_all_that_is_lost);
	tcase_add_test(tcase, rates_of_mirrors);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
