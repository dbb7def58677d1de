/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client.conf as a whole: sections that name each other, syntax, all problems at once, and the
 * sample. No privileges, no network.
 */
#include "tests/unit/client_config_text.h"

#ifndef TEST_SRCDIR
#error "TEST_SRCDIR: where etc/ is"
#endif

START_TEST(collectors_that_clash)
{
	bad("collector a { address = 192.0.2.1 }\n\ncollector \"a\" { address = 192.0.2.2 vni = 7 "
	    "}",
	    "3: there already is a collector \"a\"\n");
	bad("collector a { address = 192.0.2.1 }\ncollector b { address = 192.0.2.2\ndevice = "
	    "vtap-a vni = 7 }",
	    "3: device \"vtap-a\" is that of collector \"a\"\n");
	bad("collector a { address = 192.0.2.1 device = same-first-13a }\n"
	    "collector b { address = 192.0.2.2 vni = 7\n device = same-first-13b }",
	    "3: device \"same-first-13b\" and \"same-first-13a\" of collector \"a\" must differ "
	    "within their "
	    "first 13 characters\n");
	client_config_free(
	    good("collector a { address = 192.0.2.1 device = same-first12a }\n"
		 "collector b { address = 192.0.2.2 vni = 7 device = same-first12b }"));
	bad("collector a { address = 192.0.2.1 }\ncollector a-h { address = 192.0.2.2 vni = 7 }",
	    "2: device \"vtap-a-h\" cannot be used beside \"vtap-a\" of collector \"a\": one is "
	    "the name of the "
	    "other's helper device\n");
	bad("collector a-h { address = 192.0.2.1 }\ncollector a { address = 192.0.2.2 vni = 7 }",
	    "2: device \"vtap-a\" cannot be used beside \"vtap-a-h\" of collector \"a-h\": one is "
	    "the name of "
	    "the other's helper device\n");
	bad("collector a { address = 192.0.2.1 vni = 7 }\ncollector b { address = 192.0.2.2\nvni = "
	    "7 }",
	    "3: vni 7 on port 4789 is that of collector \"a\": the kernel has only one IPv4 tunnel "
	    "with it\n");
	bad("collector a { address = 2001:db8::1 }\ncollector b { address = 2001:db8::2 }",
	    "2: vni 42 on port 4789 is that of collector \"a\": the kernel has only one IPv6 "
	    "tunnel with it\n");
	/* each is told of once, however many there are */
	bad("collector a { address = 192.0.2.1 }\ncollector b { address = 192.0.2.2 }\n"
	    "collector c { address = 192.0.2.3 }",
	    "2: vni 42 on port 4789 is that of collector \"a\": the kernel has only one IPv4 "
	    "tunnel with it\n"
	    "3: vni 42 on port 4789 is that of collector \"a\": the kernel has only one IPv4 "
	    "tunnel with it\n");
	client_config_free(
	    good("collector a { address = 192.0.2.1 }\ncollector b { address = 2001:db8::1 }\n"
		 "collector c { address = 192.0.2.1 vni = 7 }\n"
		 "collector d { address = 192.0.2.1 port = 4790 }"));
}
END_TEST

START_TEST(mirrors_and_collectors)
{
	struct client_config *config;

	bad("\nmirror eth0 {}", "2: mirror \"eth0\": there is no collector\n");
	bad(SOC "collector b { address = 192.0.2.1 vni = 7 }\nmirror eth0 {}",
	    "3: mirror \"eth0\": there are several collectors, collector must name one or more\n");
	bad(SOC "mirror eth0 {\ncollector = {\"soc\",\n\"sok\"}\n}",
	    "4: there is no collector \"sok\"\n");
	bad(SOC "mirror eth0 {\ncollector = {soc, soc}\n}",
	    "3: collector \"soc\" is named twice\n");
	bad(SOC "mirror eth0 {\ncollector = {}\n}",
	    "2: mirror \"eth0\" has an empty list of collectors\n");
	/* a faulty collector is no reason to call it unknown */
	bad("collector soc { address = x }\nmirror eth0 { collector = soc }",
	    "1: address \"x\" is not a numeric IPv4 or IPv6 address\n");
	config = good("mirror eth0 { collector = soc }\n" SOC);
	ck_assert_uint_eq(config->mirrors[0].collectors_count, 1);
	client_config_free(config);
}
END_TEST

START_TEST(mirrors_that_clash)
{
	bad(SOC "mirror \"a:b\" {}", "2: interface \"a:b\" is not a name for an interface\n");
	bad(SOC "mirror sixteen-letters- {}",
	    "2: interface \"sixteen-letters-\" is longer than 15 characters\n");
	bad(SOC "mirror vtap-soc {}",
	    "2: interface \"vtap-soc\" is vtap's own, for collector \"soc\"\n");
	bad(SOC "mirror vtap-soc-h {}",
	    "2: interface \"vtap-soc-h\" is vtap's own, for collector \"soc\"\n");
	bad("mirror eth9 {}\ncollector soc { address = 192.0.2.1 device = eth9 }",
	    "1: interface \"eth9\" is vtap's own, for collector \"soc\"\n");
	bad(SOC "mirror eth0 { direction = ingress }\n\nmirror \"eth0\" {}",
	    "4: ingress of \"eth0\" goes to collector \"soc\" already, by the mirror on line 2\n");
	bad(SOC "mirror eth0 { direction = egress filter = arp }\nmirror eth0 { direction = egress "
		"filter = ip }",
	    "3: egress of \"eth0\" goes to collector \"soc\" already, by the mirror on line 2\n");
	client_config_free(good(SOC "mirror eth0 { direction = ingress filter = arp }\n"
				    "mirror eth0 { direction = egress }\nmirror eth1 {}"));
	client_config_free(
	    good(SOC "collector b { address = 192.0.2.1 vni = 7 }\n"
		     "mirror eth0 { collector = soc filter = arp } mirror eth0 { collector = b }"));
}
END_TEST

START_TEST(filters)
{
	struct client_config *config;

	bad(SOC "mirror eth0 {\n\n\tfilter = \"not a filter (\"\n}",
	    "4: filter \"not a filter (\": can't parse filter expression: syntax error\n");
	/* the line where the value begins, and one line of text */
	bad(SOC "mirror eth0 {\nfilter = \"not a\n \\\nfilter (\"\n}\nx = 1",
	    "3: filter \"not a  filter (\": can't parse filter expression: syntax error\n"
	    "7: unknown key \"x\"\n");
	config = good(SOC "mirror eth0 {\nfilter = \"tcp\nport 80\" }");
	ck_assert_str_eq(config->mirrors[0].filter, "tcp port 80");
	client_config_free(config);
	/* what would be a comment or a variable elsewhere is text in a string */
	config = good(
	    SOC "collector \"/*#//${HOME}\" { address = 192.0.2.2 vni = 7 device = b }\n"
		"mirror eth0 { collector = soc filter = 'ip[1] & 0x02 != 0 || ether[0] = 1' }");
	ck_assert_str_eq(config->collectors[1].name, "/*#//${HOME}");
	ck_assert_str_eq(config->mirrors[0].filter, "ip[1] & 0x02 != 0 || ether[0] = 1");
	client_config_free(config);
}
END_TEST

START_TEST(all_problems_at_once)
{
	bad("# a comment\n"
	    "/* a longer\n"
	    "   comment */\n"
	    "colour = \"red\"\n"
	    "collector \"soc\" { # soc\n"
	    "\taddress = \"0.0.0.0\" // not yet\n"
	    "\tvni = 0\n"
	    "\tspeed = {1, 2}\n"
	    "\tvni = 7\n"
	    "\tinner { a = { b } c \"d\" { e = f } }\n"
	    "}\n"
	    "miror \"eth0\" { }\n"
	    "mirror \"eth0\" {\n"
	    "\tdirection = \"in\"\n"
	    "\tfilter = \"(\"\n"
	    "\tcollector = { # two\n"
	    "\t\t\"soc\", // one\n"
	    "\t\t\"nobody\" /* the other */\n"
	    "\t}\n"
	    "}\n"
	    "include(\"more.conf\")\n"
	    "tc_pref = 65536\n",
	    "4: unknown key \"colour\"\n"
	    "6: address \"0.0.0.0\" is not the address of a host\n"
	    "7: vni \"0\" is not a number from 1 to 16777215\n"
	    "8: unknown key \"speed\" in collector \"soc\"\n"
	    "9: key \"vni\" in collector \"soc\" is set twice, first on line 7\n"
	    "10: unknown section \"inner\" in collector \"soc\"\n"
	    "12: unknown section \"miror\"\n"
	    "14: direction \"in\" is not \"ingress\", \"egress\" or \"both\"\n"
	    "15: filter \"(\": can't parse filter expression: syntax error\n"
	    "18: there is no collector \"nobody\"\n"
	    "21: include() is not supported\n"
	    "22: tc_pref \"65536\" is not a number from 1 to 65535\n");
}
END_TEST

START_TEST(syntax)
{
	bad("\n\ncollector \"soc\" {\naddress = \"192.0.2.1\"\n",
	    "3: section \"collector\" is never closed\n");
	bad("\ncollector { address = x }", "2: missing title for section 'collector'\n");
	bad("collector soc {\n\n address \"x\"\n}",
	    "3: missing equal sign after option 'address'\n");
	bad("# one\n# two\ncollector soc {\n# four\n address = { x }\n}",
	    "5: unexpected token '{'\n");
	bad("x = 1\n}\n", "1: unknown key \"x\"\n2: unexpected closing brace\n");
	bad("\n\"never closed\n\n", "2: this string is never closed\n");
	bad("\n'never closed\\'\n\n", "2: this string is never closed\n");
	bad("\n/* never closed\n\n", "2: this comment is never closed\n");
	bad("\n*\n", "2: unexpected character '*'\n");
	bad("tc_pref =\n\n", "3: premature end of file\n");
	bad("tc_pref = \"\\777\"\n", "1: invalid octal number '\\777'\n");
	bad("collector soc {\naddress += x }",
	    "2: attempt to append to non-list option 'address'\n");
	/* a text that the lexer gave up on leaves nothing behind for the next */
	client_config_free(good("tc_pref = 5"));
}
END_TEST

START_TEST(no_environment)
{
	setenv("VTAP_TEST", "7", 1);
	bad("tc_pref = \"${VTAP_TEST}\"",
	    "1: tc_pref \"${VTAP_TEST}\" is not a number from 1 to 65535\n");
	bad("tc_pref = ${VTAP_TEST}", "1: unexpected token '{'\n");
}
END_TEST

START_TEST(windows_line_ends)
{
	bad("collector soc {\r\n\taddress = 192.0.2.1\r\n\tvni = 0\r\n}\r\n",
	    "3: vni \"0\" is not a number from 1 to 16777215\n");
}
END_TEST

START_TEST(files_that_are_none)
{
	struct problems problems = {0};
	char *path = config_file_write("tc_pref = 5\0\n", 13);

	ck_assert_ptr_null(client_config_read("/nonexistent/client.conf", &problems));
	config_file_expect(&problems, "/nonexistent/client.conf", " No such file or directory\n");
	ck_assert_ptr_null(client_config_read("/tmp", &problems));
	config_file_expect(&problems, "/tmp", " Is a directory\n");
	ck_assert_ptr_null(client_config_read(path, &problems));
	config_file_expect(&problems, path, " not a text file\n");
	config_file_remove(path);
}
END_TEST

/* Problems that were there before stay, and stay in front. */
START_TEST(problems_add_up)
{
	struct problems problems = {0};
	char *path = config_file_write("tc_pref = 0", 11);

	problems_add(&problems, path, 9, "earlier");
	ck_assert_ptr_null(client_config_read(path, &problems));
	config_file_expect(&problems, path,
			   "9: earlier\n1: tc_pref \"0\" is not a number from 1 to 65535\n");
	config_file_remove(path);
}
END_TEST

#define NO_LISTEN(text)                                                    \
	"listen \"" text "\" is not a numeric address and a port such as " \
	"\"127.0.0.1:9478\" or \"[::1]:9478\"\n"

START_TEST(metrics)
{
	char text[IP_ENDPOINT_TEXT];
	struct client_config *config = good("metrics { listen = \"127.0.0.1:9479\" }");

	ck_assert_str_eq(ip_endpoint_format(&config->metrics, text), "127.0.0.1:9479");
	client_config_free(config);
	config = good("metrics {\n listen = \"[::1]:1\"\n}\n");
	ck_assert_str_eq(ip_endpoint_format(&config->metrics, text), "[::1]:1");
	client_config_free(config);
	config = good("metrics { }");
	ck_assert_uint_eq(config->metrics.addr.family, 0);
	client_config_free(config);
	config = good("metrics { listen = \"\" }");
	ck_assert_uint_eq(config->metrics.addr.family, 0);
	client_config_free(config);
	bad("metrics {\nlisten = \"localhost:9479\" }", "2: " NO_LISTEN("localhost:9479"));
	bad("metrics {\nlisten = 9479 }", "2: " NO_LISTEN("9479"));
	bad("metrics {\nlisten = \"127.0.0.1:0\" }", "2: " NO_LISTEN("127.0.0.1:0"));
	bad("metrics {\nlisten = \"224.0.0.1:9479\" }", "2: " NO_LISTEN("224.0.0.1:9479"));
	bad("metrics {\nlisten = \"::1:9479\" }", "2: " NO_LISTEN("::1:9479"));
	bad("tc_pref = 0\nmetrics {\nlisten = x\nport = 1\n}",
	    "1: tc_pref \"0\" is not a number from 1 to 65535\n3: " NO_LISTEN(
		"x") "4: unknown key \"port\" in metrics\n");
}
END_TEST

START_TEST(sample)
{
	const char *path = TEST_SRCDIR "/etc/client.conf";
	struct problems problems = {0};
	struct client_config *config = client_config_read(path, &problems);

	config_file_expect(&problems, path, "");
	ck_assert_ptr_nonnull(config);
	ck_assert_uint_eq(config->collectors_count, 0);
	ck_assert_uint_eq(config->mirrors_count, 0);
	ck_assert_uint_eq(config->metrics.addr.family, 0);
	client_config_free(config);
}
END_TEST

/* The one line that a beginner uncomments. */
static bool begins(const char *line)
{
	return strncmp(line, "#collector", 10) == 0 && strstr(line, "mirror");
}

START_TEST(sample_one_line)
{
	FILE *file = fopen(TEST_SRCDIR "/etc/client.conf", "re");
	char line[256], text[16384] = "";
	struct client_config *config;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		strcat(text, begins(line) ? line + 1 : line);
	fclose(file);
	config = good(text);
	ck_assert_uint_eq(config->collectors_count, 1);
	ck_assert_uint_eq(config->mirrors_count, 1);
	ck_assert_str_eq(config->mirrors[0].interface, "eth0");
	client_config_free(config);
}
END_TEST

/* The sample's comments are settings too: with their marks gone they are valid, and all of them
 * defaults. */
START_TEST(sample_uncommented)
{
	static const char *const keys[] = {
	    "address",   "local",  "encap",  "vni",       "port",      "device",     "rate",
	    "oversize",  "ttl",    "dscp",   "clamp_mss", "collector", "accelerate", "udp_checksum",
	    "direction", "method", "filter", "listen",    "tc_pref"};
	FILE *file = fopen(TEST_SRCDIR "/etc/client.conf", "re");
	char line[256], text[16384] = "";
	struct client_config *config;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		strcat(text, strncmp(line, "#", 1) == 0 && line[1] != ' ' && line[1] != '#' &&
				     !begins(line)
				 ? line + 1
				 : line);
	fclose(file);
	config = good(text);
	ck_assert_uint_eq(config->collectors_count, 1);
	ck_assert_uint_eq(config->mirrors_count, 1);
	ck_assert_uint_eq(config->collectors[0].vni, 42);
	ck_assert_uint_eq(config->collectors[0].port, 4789);
	ck_assert_uint_eq(config->collectors[0].rate, 0);
	ck_assert_uint_eq(config->collectors[0].ttl, 64);
	ck_assert(config->collectors[0].accelerate);
	ck_assert_int_eq(config->collectors[0].oversize, OVERSIZE_RESEGMENT);
	ck_assert_int_eq(config->collectors[0].udp_checksum, UDP_CHECKSUM_AUTO);
	ck_assert_str_eq(config->collectors[0].device, "vtap-soc");
	ck_assert_uint_eq(config->tc_pref, 2);
	ck_assert_uint_eq(config->metrics.port, 9479);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(line, sizeof(line), "%s ", keys[i]);
		ck_assert_msg(strstr(text, line) != NULL, "the sample has no %s", keys[i]);
	}
	client_config_free(config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_config_whole");
	TCase *tcase = tcase_create("client_config_whole");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, collectors_that_clash);
	tcase_add_test(tcase, mirrors_and_collectors);
	tcase_add_test(tcase, mirrors_that_clash);
	tcase_add_test(tcase, filters);
	tcase_add_test(tcase, all_problems_at_once);
	tcase_add_test(tcase, syntax);
	tcase_add_test(tcase, no_environment);
	tcase_add_test(tcase, windows_line_ends);
	tcase_add_test(tcase, files_that_are_none);
	tcase_add_test(tcase, problems_add_up);
	tcase_add_test(tcase, metrics);
	tcase_add_test(tcase, sample);
	tcase_add_test(tcase, sample_one_line);
	tcase_add_test(tcase, sample_uncommented);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
