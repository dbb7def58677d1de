/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * collector.conf: defaults, ranges, every problem with its line, and who is allowed in. No
 * privileges, no network.
 */
#include "tests/unit/collector_config_text.h"

#ifndef TEST_SRCDIR
#error "TEST_SRCDIR: where etc/ is"
#endif

static bool allows(const struct collector_config *config, const char *text)
{
	struct ip_addr addr;

	ck_assert(ip_addr_parse(text, &addr));
	return collector_config_allows(config, &addr);
}

static void check_defaults(const struct collector_config *config)
{
	static const char *const prefixes[] = {"10.0.0.0/8",    "172.16.0.0/12", "192.168.0.0/16",
					       "100.64.0.0/10", "fc00::/7",      "fe80::/10"};
	char text[IP_PREFIX_TEXT];

	ck_assert_uint_eq(config->allow_count, 6);
	for (size_t i = 0; i < 6; i++)
		ck_assert_str_eq(ip_prefix_format(&config->allow[i], text), prefixes[i]);
	ck_assert_uint_eq(config->max_clients, 65536);
	ck_assert_uint_eq(config->forget_after_s, 7 * 86400);
	ck_assert_uint_eq(config->names.count, 0);
	ck_assert_str_eq(config->endpoints[ENCAP_VXLAN].device, "vtap0");
	ck_assert_uint_eq(config->endpoints[ENCAP_VXLAN].vni, 42);
	ck_assert_uint_eq(config->endpoints[ENCAP_VXLAN].port, 4789);
	ck_assert_int_eq(config->endpoints[ENCAP_VXLAN].underlay, UNDERLAY_IPV4);
	ck_assert(!config->endpoints[ENCAP_VXLAN].gro);
	ck_assert_uint_eq(config->metrics.listen.addr.family, 0);
	ck_assert(config->metrics.clients);
}

START_TEST(defaults)
{
	static const char *const texts[] = {"", "# comment", "vxlan {}", "vxlan {\n# nothing\n}\n"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct collector_config *config = good(texts[i]);

		check_defaults(config);
		collector_config_free(config);
	}
	collector_config_free(NULL);
}
END_TEST

START_TEST(every_key)
{
	struct collector_config *config =
	    good("allow = {\"192.0.2.0/24\", 2001:db8::/32}\nmax_clients = 16777216\n"
		 "vxlan {\n device = \"tap\" vni = \"any\" port = 65535 underlay = dual gro = "
		 "true\n}\n");

	ck_assert_uint_eq(config->allow_count, 2);
	ck_assert_uint_eq(config->max_clients, 16777216);
	ck_assert_str_eq(config->endpoints[ENCAP_VXLAN].device, "tap");
	ck_assert_uint_eq(config->endpoints[ENCAP_VXLAN].vni, 0);
	ck_assert_uint_eq(config->endpoints[ENCAP_VXLAN].port, 65535);
	ck_assert_int_eq(config->endpoints[ENCAP_VXLAN].underlay, UNDERLAY_DUAL);
	ck_assert(config->endpoints[ENCAP_VXLAN].gro);
	collector_config_free(config);

	config = good("max_clients = 1 vxlan { vni = 1 port = 1 underlay = \"ipv6\" gro = off }");
	ck_assert_uint_eq(config->max_clients, 1);
	ck_assert_uint_eq(config->endpoints[ENCAP_VXLAN].vni, 1);
	ck_assert_uint_eq(config->endpoints[ENCAP_VXLAN].port, 1);
	ck_assert_int_eq(config->endpoints[ENCAP_VXLAN].underlay, UNDERLAY_IPV6);
	ck_assert(!config->endpoints[ENCAP_VXLAN].gro);
	collector_config_free(config);

	config = good("vxlan { vni = 16777215 underlay = ipv4 gro = yes }");
	ck_assert_uint_eq(config->endpoints[ENCAP_VXLAN].vni, 16777215);
	ck_assert_int_eq(config->endpoints[ENCAP_VXLAN].underlay, UNDERLAY_IPV4);
	ck_assert(config->endpoints[ENCAP_VXLAN].gro);
	collector_config_free(config);
}
END_TEST

START_TEST(endpoints)
{
	struct collector_config *config = good("allow = 10.0.0.0/8");
	ck_assert(config->endpoints[ENCAP_VXLAN].enabled);
	ck_assert(!config->endpoints[ENCAP_GRETAP].enabled);
	ck_assert(!config->endpoints[ENCAP_GRE].enabled);
	collector_config_free(config);

	config = good("gretap { }\ngre { device = tap underlay = ipv6 gro = yes }");
	ck_assert(!config->endpoints[ENCAP_VXLAN].enabled);
	ck_assert_str_eq(config->endpoints[ENCAP_GRETAP].device, "vtap1");
	ck_assert_int_eq(config->endpoints[ENCAP_GRETAP].underlay, UNDERLAY_IPV4);
	ck_assert_uint_eq(config->endpoints[ENCAP_GRETAP].vni, 0);
	ck_assert_str_eq(config->endpoints[ENCAP_GRE].device, "tap");
	ck_assert_int_eq(config->endpoints[ENCAP_GRE].underlay, UNDERLAY_IPV6);
	ck_assert(config->endpoints[ENCAP_GRE].gro);
	collector_config_free(config);

	config = good("vxlan { }\ngretap { }\ngre { }");
	for (enum encap e = ENCAP_VXLAN; e < ENCAPS; e++)
		ck_assert(config->endpoints[e].enabled);
	ck_assert_uint_eq(config->endpoints[ENCAP_VXLAN].vni, 42);
	collector_config_free(config);

	bad("gretap { underlay = dual }", "1: underlay \"dual\" is not \"ipv4\" or \"ipv6\"\n");
	bad("gretap { vni = 42 }", "1: unknown key \"vni\" in gretap\n");
	bad("vxlan { }\ngretap {\ndevice = vtap0-s }",
	    "3: device \"vtap0-s\" has the name of a helper device of vxlan's\n");
	bad("vxlan { }\ngre {\ndevice = vtap0 }", "3: device \"vtap0\" is that of vxlan\n");
}
END_TEST

START_TEST(when_to_forget)
{
	struct collector_config *config = good("forget_after = 90s");

	ck_assert_uint_eq(config->forget_after_s, 90);
	collector_config_free(config);
	config = good("forget_after = \"1h 30min\"");
	ck_assert_uint_eq(config->forget_after_s, 5400);
	collector_config_free(config);
	config = good("forget_after = never");
	ck_assert_uint_eq(config->forget_after_s, 0);
	collector_config_free(config);
	bad("\nforget_after = 0",
	    "2: forget_after \"0\" is not \"never\" or a time such as \"7d\", "
	    "\"12h\" or \"30min\"\n");
	bad("forget_after = \"soon\"",
	    "1: forget_after \"soon\" is not \"never\" or a time such as "
	    "\"7d\", \"12h\" or \"30min\"\n");
}
END_TEST

START_TEST(who_is_allowed)
{
	struct collector_config *config = good("");

	ck_assert(allows(config, "10.255.255.255"));
	ck_assert(!allows(config, "11.0.0.0"));
	ck_assert(allows(config, "172.31.0.1"));
	ck_assert(!allows(config, "172.32.0.1"));
	ck_assert(allows(config, "100.64.0.1"));
	ck_assert(!allows(config, "8.8.8.8"));
	ck_assert(allows(config, "fd00::1"));
	ck_assert(allows(config, "fe80::1"));
	ck_assert(!allows(config, "2001:db8::1"));
	collector_config_free(config);

	config = good("allow = {}"); /* which is not the default */
	ck_assert_uint_eq(config->allow_count, 0);
	ck_assert(!allows(config, "10.0.0.1"));
	collector_config_free(config);

	config = good("allow = 192.0.2.7"); /* a host, and a list of one */
	ck_assert_uint_eq(config->allow_count, 1);
	ck_assert(allows(config, "192.0.2.7"));
	ck_assert(!allows(config, "192.0.2.6"));
	ck_assert(!allows(config, "10.0.0.1"));
	collector_config_free(config);

	config = good("allow += {192.0.2.0/24}"); /* beside the default */
	ck_assert_uint_eq(config->allow_count, 7);
	ck_assert(allows(config, "10.0.0.1"));
	ck_assert(allows(config, "192.0.2.1"));
	collector_config_free(config);

	config = good("allow = {0.0.0.0/0, \"::/0\"}");
	ck_assert(allows(config, "8.8.8.8"));
	ck_assert(allows(config, "2001:db8::1"));
	collector_config_free(config);
}
END_TEST

#define NO_PREFIX(text) "allow \"" text "\" is not an address or a prefix such as \"10.0.0.0/8\"\n"

START_TEST(prefixes)
{
	bad("allow = {\n\"10.0.0.1/8\", # host bits\n\"fd00::1/8\"}",
	    "2: allow \"10.0.0.1/8\" has bits set beyond its length: write \"10.0.0.0/8\"\n"
	    "3: allow \"fd00::1/8\" has bits set beyond its length: write \"fd00::/8\"\n");
	bad("allow = 255.255.255.255/31", "1: allow \"255.255.255.255/31\" has bits set beyond its "
					  "length: write \"255.255.255.254/31\"\n");
	bad("allow = 10.0.0.1/0",
	    "1: allow \"10.0.0.1/0\" has bits set beyond its length: write \"0.0.0.0/0\"\n");
	bad("allow = {\n10.0.0.0/33}", "2: " NO_PREFIX("10.0.0.0/33"));
	bad("allow = {10.0.0.0/}", "1: " NO_PREFIX("10.0.0.0/"));
	bad("allow = {10.0.0.0/-1}", "1: " NO_PREFIX("10.0.0.0/-1"));
	bad("allow = {\"10.0.0.0/8x\"}", "1: " NO_PREFIX("10.0.0.0/8x"));
	bad("allow = {\"fd00::/129\"}", "1: " NO_PREFIX("fd00::/129"));
	bad("allow = {10.0.0/8}", "1: " NO_PREFIX("10.0.0/8"));
	bad("allow = {\"\"}", "1: " NO_PREFIX(""));
	bad("allow = any", "1: " NO_PREFIX("any"));
	bad("allow = {\"/8\"}", "1: " NO_PREFIX("/8"));
}
END_TEST

static char *many_allowed(size_t count)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	fputs("\nallow = {", out);
	for (size_t i = 0; i < count; i++)
		fputs(i ? ",\n192.0.2.1" : "192.0.2.1", out);
	fputs("}", out);
	fclose(out);
	return text;
}

/* The door's list has an end: -t says so, not the start. */
START_TEST(too_many_prefixes)
{
	char *text = many_allowed(32768);
	struct collector_config *config = good(text);

	ck_assert_uint_eq(config->allow_count, 32768);
	collector_config_free(config);
	free(text);
	text = many_allowed(32769);
	bad(text, "2: allow has 32769 addresses and prefixes, more than 32768\n");
	free(text);
}
END_TEST

START_TEST(ranges)
{
	bad("\nmax_clients = 0", "2: max_clients \"0\" is not a number from 1 to 16777216\n");
	bad("max_clients = 16777217",
	    "1: max_clients \"16777217\" is not a number from 1 to 16777216\n");
	bad("vxlan {\nvni = 0 }", "2: vni \"0\" is not \"any\" or a number from 1 to 16777215\n");
	bad("vxlan {\nvni = 16777216 }",
	    "2: vni \"16777216\" is not \"any\" or a number from 1 to 16777215\n");
	bad("vxlan {\nvni = all }",
	    "2: vni \"all\" is not \"any\" or a number from 1 to 16777215\n");
	bad("vxlan {\nport = 0 }", "2: port \"0\" is not a number from 1 to 65535\n");
	bad("vxlan {\nport = 65536 }", "2: port \"65536\" is not a number from 1 to 65535\n");
	bad("vxlan {\nunderlay = both }",
	    "2: underlay \"both\" is not \"ipv4\", \"ipv6\" or \"dual\"\n");
	bad("vxlan {\ngro = maybe }", "2: gro \"maybe\" is not true or false\n");
	bad("vxlan {\ndevice = \"\" }", "2: device \"\" is not a name for an interface\n");
	bad("vxlan {\ndevice = all }", "2: device \"all\" is not a name for an interface\n");
	bad("vxlan {\ndevice = sixteen-letters- }",
	    "2: device \"sixteen-letters-\" is longer than 15 characters\n");
	collector_config_free(good("vxlan { device = fifteen-letters }"));
}
END_TEST

#define NO_LISTEN(text)                                                    \
	"listen \"" text "\" is not a numeric address and a port such as " \
	"\"127.0.0.1:9478\" or \"[::1]:9478\"\n"

START_TEST(metrics)
{
	char text[IP_ENDPOINT_TEXT];
	struct collector_config *config = good("metrics { listen = \"[::1]:9478\" }");

	ck_assert_str_eq(ip_endpoint_format(&config->metrics.listen, text), "[::1]:9478");
	ck_assert(config->metrics.clients);
	collector_config_free(config);
	config = good("metrics { listen = \"0.0.0.0:9478\" clients = false }");
	ck_assert_str_eq(ip_endpoint_format(&config->metrics.listen, text), "0.0.0.0:9478");
	ck_assert(!config->metrics.clients);
	collector_config_free(config);
	bad("metrics {\nlisten = \"::\"\nclients = some }",
	    "2: " NO_LISTEN("::") "3: clients \"some\" is not true or false\n");
}
END_TEST

START_TEST(all_problems_at_once)
{
	bad("# a comment\n"
	    "allow = {10.0.0.0/8, # one\n"
	    "         10.0.0.0/99}\n"
	    "max_client = 5\n"
	    "max_clients = none\n"
	    "vxlan {\n"
	    "\tvni = none\n"
	    "\tcolour = red\n"
	    "\tport = 0\n"
	    "}\n"
	    "gretap { device = \"vtap1\" }\n"
	    "gre {\n"
	    "}\n"
	    "vxlan { port = 4790 }\n"
	    "geneve { device = \"vtap3\" }\n"
	    "allow = {}\n"
	    "include(\"x\")\n",
	    "3: " NO_PREFIX(
		"10.0.0.0/99") "4: unknown key \"max_client\"\n"
			       "5: max_clients \"none\" is not a number from 1 to 16777216\n"
			       "7: vni \"none\" is not \"any\" or a number from 1 to 16777215\n"
			       "8: unknown key \"colour\" in vxlan\n"
			       "9: port \"0\" is not a number from 1 to 65535\n"
			       "14: section \"vxlan\" is set twice, first on line 6\n"
			       "15: unknown section \"geneve\"\n"
			       "16: key \"allow\" is set twice, first on line 2\n"
			       "17: include() is not supported\n");
}
END_TEST

START_TEST(syntax)
{
	bad("vxlan \"x\" { }", "1: missing opening brace for section 'vxlan'\n");
	bad("\nvxlan = 5", "2: missing opening brace for section 'vxlan'\n");
	bad("\nvxlan {\nport = 4789\n", "2: section \"vxlan\" is never closed\n");
	bad("allow = {10.0.0.0/8\n192.168.0.0/16}", "2: unexpected token '192.168.0.0/16'\n");
	bad("allow = {\n10.0.0.0/8,\n", "3: premature end of file\n");
}
END_TEST

START_TEST(missing_file)
{
	struct problems problems = {0};

	ck_assert_ptr_null(collector_config_read("/nonexistent/collector.conf", &problems));
	config_file_expect(&problems, "/nonexistent/collector.conf",
			   " No such file or directory\n");
}
END_TEST

/* The sample has every key, and its values are the defaults. */
START_TEST(sample)
{
	static const char *const keys[] = {"allow ",   "max_clients ", "vxlan ",    "device ",
					   "vni ",     "port ",        "underlay ", "gro ",
					   "metrics ", "listen ",      "clients "};
	const char *path = TEST_SRCDIR "/etc/collector.conf";
	struct problems problems = {0};
	struct collector_config *config = collector_config_read(path, &problems);
	FILE *file = fopen(path, "re");
	char text[16384];

	config_file_expect(&problems, path, "");
	ck_assert_ptr_nonnull(config);
	check_defaults(config);
	collector_config_free(config);

	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	fclose(file);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		ck_assert_msg(strstr(text, keys[i]) != NULL, "the sample has no %s", keys[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("collector_config");
	TCase *tcase = tcase_create("collector_config");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, defaults);
	tcase_add_test(tcase, every_key);
	tcase_add_test(tcase, endpoints);
	tcase_add_test(tcase, when_to_forget);
	tcase_add_test(tcase, who_is_allowed);
	tcase_add_test(tcase, prefixes);
	tcase_add_test(tcase, too_many_prefixes);
	tcase_add_test(tcase, ranges);
	tcase_add_test(tcase, metrics);
	tcase_add_test(tcase, all_problems_at_once);
	tcase_add_test(tcase, syntax);
	tcase_add_test(tcase, missing_file);
	tcase_add_test(tcase, sample);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
