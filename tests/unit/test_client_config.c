/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of client.conf: defaults, ranges, each problem with its line. No privileges, no network.
 */
#include "tests/unit/client_config_text.h"

static struct ip_addr address(const char *text)
{
	struct ip_addr addr;

	ck_assert(ip_addr_parse(text, &addr));
	return addr;
}

START_TEST(empty_is_valid)
{
	struct client_config *config = good("");

	ck_assert_uint_eq(config->collectors_count, 0);
	ck_assert_uint_eq(config->mirrors_count, 0);
	ck_assert_uint_eq(config->tc_pref, 2);
	client_config_free(config);
	client_config_free(good("# nothing but a comment"));
	client_config_free(NULL);
}
END_TEST

START_TEST(defaults)
{
	struct client_config *config =
	    good("collector \"soc\" { address = \"192.0.2.1\" }\nmirror \"eth0\" {}\n");
	const struct client_collector *c = &config->collectors[0];
	const struct client_mirror *m = &config->mirrors[0];
	struct ip_addr expected = address("192.0.2.1");

	ck_assert_uint_eq(config->collectors_count, 1);
	ck_assert_str_eq(c->name, "soc");
	ck_assert(ip_addr_equal(&c->address, &expected));
	ck_assert_uint_eq(c->local.family, 0);
	ck_assert_uint_eq(c->vni, 42);
	ck_assert_uint_eq(c->port, 4789);
	ck_assert_str_eq(c->device, "vtap-soc");
	ck_assert_uint_eq(c->rate, 0);
	ck_assert(c->accelerate);
	ck_assert_int_eq(c->oversize, OVERSIZE_RESEGMENT);
	ck_assert_int_eq(c->udp_checksum, UDP_CHECKSUM_AUTO);
	ck_assert_uint_eq(c->ttl, 64);
	ck_assert_uint_eq(c->dscp, 0);
	ck_assert_uint_eq(config->mirrors_count, 1);
	ck_assert_str_eq(m->interface, "eth0");
	ck_assert_uint_eq(m->collectors_count, 1);
	ck_assert_uint_eq(m->collectors[0], 0);
	ck_assert(m->directions[INGRESS] && m->directions[EGRESS]);
	ck_assert_str_eq(m->filter, "");
	client_config_free(config);
}
END_TEST

START_TEST(every_key)
{
	struct client_config *config =
	    good("tc_pref = 65535\n"
		 "collector other { address = 192.0.2.2 vni = 7 }\n"
		 "collector \"soc\" {\n"
		 "  address = \"2001:db8::1\" local = '2001:db8::2' encap = vxlan\n"
		 "  vni = 16777215 port = 65535 device = \"fifteen-letters\"\n"
		 "  rate = \"200mbit\" oversize = drop ttl = 255 dscp = 63\n"
		 "  accelerate = off udp_checksum = \"off\"\n"
		 "}\n"
		 "mirror \"eth0\" {\n"
		 "  collector = {soc, \"other\"} direction = ingress method = tc\n"
		 "  filter = \"tcp port 80\"\n"
		 "}\n"
		 "mirror eth0 { collector = soc direction = egress }\n");
	const struct client_collector *c = &config->collectors[1];
	struct ip_addr remote = address("2001:db8::1"), local = address("2001:db8::2");

	ck_assert_uint_eq(config->tc_pref, 65535);
	ck_assert_str_eq(config->collectors[0].name, "other");
	ck_assert(ip_addr_equal(&c->address, &remote));
	ck_assert(ip_addr_equal(&c->local, &local));
	ck_assert_uint_eq(c->vni, 16777215);
	ck_assert_uint_eq(c->port, 65535);
	ck_assert_str_eq(c->device, "fifteen-letters");
	ck_assert_uint_eq(c->rate, 25000000);
	ck_assert(!c->accelerate);
	ck_assert_int_eq(c->oversize, OVERSIZE_DROP);
	ck_assert_int_eq(c->udp_checksum, UDP_CHECKSUM_OFF);
	ck_assert_uint_eq(c->ttl, 255);
	ck_assert_uint_eq(c->dscp, 63);
	ck_assert_uint_eq(config->mirrors_count, 2);
	ck_assert_uint_eq(config->mirrors[0].collectors_count, 2);
	ck_assert_uint_eq(config->mirrors[0].collectors[0], 1);
	ck_assert_uint_eq(config->mirrors[0].collectors[1], 0);
	ck_assert(config->mirrors[0].directions[INGRESS] && !config->mirrors[0].directions[EGRESS]);
	ck_assert_str_eq(config->mirrors[0].filter, "tcp port 80");
	ck_assert(!config->mirrors[1].directions[INGRESS] && config->mirrors[1].directions[EGRESS]);
	client_config_free(config);
}
END_TEST

START_TEST(lower_edges)
{
	struct client_config *config = key("vni = 1 port = 1 ttl = 1 dscp = 0 device = x", "");

	ck_assert_uint_eq(config->collectors[0].vni, 1);
	ck_assert_uint_eq(config->collectors[0].port, 1);
	ck_assert_uint_eq(config->collectors[0].ttl, 1);
	ck_assert_str_eq(config->collectors[0].device, "x");
	client_config_free(config);
	config = good("tc_pref = 1");
	ck_assert_uint_eq(config->tc_pref, 1);
	client_config_free(config);
}
END_TEST

START_TEST(ranges)
{
	key_bad("vni = 0", "3: vni \"0\" is not a number from 1 to 16777215\n");
	key_bad("vni = 16777216", "3: vni \"16777216\" is not a number from 1 to 16777215\n");
	key_bad("vni = any", "3: vni \"any\" is not a number from 1 to 16777215\n");
	key_bad("vni = 4294967338", "3: vni \"4294967338\" is not a number from 1 to 16777215\n");
	key_bad("vni = 18446744073709551658",
		"3: vni \"18446744073709551658\" is not a number from 1 to 16777215\n");
	key_bad("vni = \"\"", "3: vni \"\" is not a number from 1 to 16777215\n");
	key_bad("vni = 1.5", "3: vni \"1.5\" is not a number from 1 to 16777215\n");
	key_bad("port = 0", "3: port \"0\" is not a number from 1 to 65535\n");
	key_bad("port = 65536", "3: port \"65536\" is not a number from 1 to 65535\n");
	key_bad("port = -1", "3: port \"-1\" is not a number from 1 to 65535\n");
	key_bad("ttl = 0", "3: ttl \"0\" is not a number from 1 to 255\n");
	key_bad("ttl = 256", "3: ttl \"256\" is not a number from 1 to 255\n");
	key_bad("dscp = 64", "3: dscp \"64\" is not a number from 0 to 63\n");
	bad("\ntc_pref = 0", "2: tc_pref \"0\" is not a number from 1 to 65535\n");
	bad("tc_pref = 65536", "1: tc_pref \"65536\" is not a number from 1 to 65535\n");
}
END_TEST

START_TEST(addresses)
{
	bad("\ncollector soc {\n}", "2: collector \"soc\" has no address\n");
	bad("collector soc {\naddress = soc.example }",
	    "2: address \"soc.example\" is not a numeric IPv4 or IPv6 address\n");
	bad("collector soc { address = \"\" }",
	    "1: address \"\" is not a numeric IPv4 or IPv6 address\n");
	bad("collector soc { address = 0.0.0.0 }",
	    "1: address \"0.0.0.0\" is not the address of a host\n");
	bad("collector soc { address = \"::\" }",
	    "1: address \"::\" is not the address of a host\n");
	bad("collector soc { address = 224.0.0.1 }",
	    "1: address \"224.0.0.1\" is not a unicast address\n");
	bad("collector soc { address = ff02::1 }",
	    "1: address \"ff02::1\" is not a unicast address\n");
	bad("collector soc { address = fe80::1 }",
	    "1: address \"fe80::1\" is not valid beyond one link\n");
	bad("collector soc { address = febf::1 }",
	    "1: address \"febf::1\" is not valid beyond one link\n");
	client_config_free(good("collector soc { address = fec0::1 }"));
	client_config_free(good("collector soc { address = 127.0.0.1 }"));
	client_config_free(key("local = \"\"", ""));
	key_bad("local = 1.2.3", "3: local \"1.2.3\" is not a numeric IPv4 or IPv6 address\n");
	key_bad("local = 0.0.0.0", "3: local \"0.0.0.0\" is not the address of a host\n");
	key_bad("local = 239.1.1.1", "3: local \"239.1.1.1\" is not a unicast address\n");
	key_bad(
	    "local = 2001:db8::1",
	    "3: local \"2001:db8::1\" and address \"192.0.2.1\" must both be IPv4 or both IPv6\n");
}
END_TEST

START_TEST(encapsulations)
{
	struct client_config *c =
	    good("collector a { address = 192.0.2.1 encap = gretap }\n"
		 "collector b { address = 192.0.2.1 encap = gre }\n"
		 "collector c { address = 192.0.2.1 encap = gre vni = 0 }\n"
		 "collector d { address = 192.0.2.1 vni = 42 }\n"
		 "collector e { address = 192.0.2.2 encap = gretap vni = 4294967295 }");

	ck_assert_int_eq(c->collectors[0].encap, ENCAP_GRETAP);
	ck_assert_uint_eq(c->collectors[0].vni, 42);
	ck_assert_uint_eq(c->collectors[0].port, 0);
	ck_assert_int_eq(c->collectors[1].encap, ENCAP_GRE);
	ck_assert_uint_eq(c->collectors[2].vni, 0);
	ck_assert_int_eq(c->collectors[3].encap, ENCAP_VXLAN);
	ck_assert_uint_eq(c->collectors[4].vni, 4294967295);
	client_config_free(c);
	key_bad("encap = gre\nport = 4789", "4: port is for encap \"vxlan\": gre has none\n");
	key_bad("encap = gretap\noversize = drop",
		"4: oversize \"drop\" is for encap \"vxlan\": gretap would tell production's hosts "
		"to send less\n");
	key_bad("encap = gretap\nudp_checksum = off",
		"4: udp_checksum is for encap \"vxlan\": gretap has none\n");
	bad("collector a { address = 192.0.2.1 encap = gre }\n"
	    "collector b { address = 192.0.2.1 encap = gre\nvni = 42 }",
	    "3: collector \"a\" has the same address and vni: the kernel has only one gre tunnel "
	    "with them\n");
}
END_TEST

START_TEST(by_tee)
{
	struct client_config *config = good(SOC "mirror eth0 { method = tee }\n"
						"mirror eth1 { method = tc }\n"
						"mirror \"eth*\" { }\n");

	ck_assert(config->mirrors[0].tee && !config->mirrors[1].tee && !config->mirrors[2].tee);
	ck_assert(!config->collectors[0].clamp_mss);
	client_config_free(config);
	config = good("collector soc { address = 192.0.2.1 clamp_mss = true }");
	ck_assert(config->collectors[0].clamp_mss);
	client_config_free(config);
	bad(SOC "mirror eth0 {\nmethod = tee\nfilter = \"tcp\" }",
	    "4: method \"tee\" copies everything, it knows no filter: use method \"tc\"\n");
	bad(SOC "mirror \"eth*\" {\nmethod = tee }",
	    "2: interface \"eth*\" has a name that nftables cannot match: use method \"tc\"\n");
}
END_TEST

START_TEST(choices)
{
	key_bad("encap = geneve", "3: encap \"geneve\" is not \"vxlan\", \"gretap\" or \"gre\"\n");
	key_bad("oversize = cut",
		"3: oversize \"cut\" is not \"resegment\", \"fragment\" or \"drop\"\n");
	key_bad("accelerate = on", "3: accelerate \"on\" is not \"auto\" or \"off\"\n");
	key_bad("udp_checksum = no", "3: udp_checksum \"no\" is not \"auto\", \"on\" or \"off\"\n");
	key_bad("clamp_mss = maybe", "3: clamp_mss \"maybe\" is not true or false\n");
	bad(SOC "mirror eth0 {\nmethod = nft }", "3: method \"nft\" is not \"tc\" or \"tee\"\n");
	bad(SOC "mirror eth0 {\ndirection = in }",
	    "3: direction \"in\" is not \"ingress\", \"egress\" or \"both\"\n");
}
END_TEST

static const struct {
	const char *text;
	uint64_t rate;
} rates[] = {
    {"none", 0},
    {"8", 1},
    {"8bit", 1},
    {"500kbit", 62500},
    {"1mbit", 125000},
    {"1Gbit", 125000000},
    {"1tbit", 125000000000},
    {"1kibit", 128},
    {"1mibit", 131072},
    {"1gibit", 134217728},
    {"1tibit", 137438953472},
    {"1bps", 1},
    {"1kbps", 1000},
    {"1mbps", 1000000},
    {"1gbps", 1000000000},
    {"1tbps", 1000000000000},
    {"1KiBps", 1024},
    {"1mibps", 1048576},
    {"1gibps", 1073741824},
    {"1tibps", 1099511627776},
    {"1.5mbit", 187500},
};

START_TEST(rates_as_tc_writes_them)
{
	char setting[64];
	struct client_config *config;

	snprintf(setting, sizeof(setting), "rate = \"%s\"", rates[_i].text);
	config = key(setting, "");
	ck_assert_uint_eq(config->collectors[0].rate, rates[_i].rate);
	client_config_free(config);
}
END_TEST

static const char *const no_rates[] = {
    "",        "fast",
    "mbit",    "0",
    "0mbit",   "7",
    "-1mbit",  "1 mbit",
    "1mbits",  "1m",
    "50%",     "0x10",
    "1e6",     "inf",
    "nan",     "1.2.3",
    ".",       "1ibit",
    "1kiibit", "None",
    "1pbit",   "99999999999tbit",
};

START_TEST(no_rates_at_all)
{
	char setting[64], expected[128];

	snprintf(setting, sizeof(setting), "rate = \"%s\"", no_rates[_i]);
	snprintf(expected, sizeof(expected),
		 "3: rate \"%s\" is not \"none\" or a rate such as \"200mbit\"\n", no_rates[_i]);
	key_bad(setting, expected);
}
END_TEST

START_TEST(devices)
{
	key_bad("device = sixteen-letters-",
		"3: device \"sixteen-letters-\" is longer than 15 characters\n");
	key_bad("device = \"a b\"", "3: device \"a b\" is not a name for an interface\n");
	key_bad("device = \"a/b\"", "3: device \"a/b\" is not a name for an interface\n");
	key_bad("device = \"a:b\"", "3: device \"a:b\" is not a name for an interface\n");
	key_bad("device = \"vtap%d\"", "3: device \"vtap%d\" is not a name for an interface\n");
	key_bad("device = \"a\\tb\"", "3: device \"a b\" is not a name for an interface\n");
	key_bad("device = .", "3: device \".\" is not a name for an interface\n");
	key_bad("device = ..", "3: device \"..\" is not a name for an interface\n");
	key_bad("device = all", "3: device \"all\" is not a name for an interface\n");
	key_bad("device = default", "3: device \"default\" is not a name for an interface\n");
	client_config_free(good("collector tencharact { address = 192.0.2.1 }"));
	bad("\ncollector elevenchara { address = 192.0.2.1 }",
	    "2: device \"vtap-elevenchara\", the default for collector \"elevenchara\", is longer "
	    "than 15 "
	    "characters: set device\n");
	bad("collector \"a b\" { address = 192.0.2.1 }",
	    "1: device \"vtap-a b\" is not a name for an interface\n");
	client_config_free(good("collector \"a b\" { address = 192.0.2.1 device = x }"));
	bad("collector \"\" { address = 192.0.2.1 }",
	    "1: a collector's name must be printable ASCII characters\n");
	bad("collector \"\\x01\" { address = 192.0.2.1 device = x }",
	    "1: a collector's name must be printable ASCII characters\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_config");
	TCase *tcase = tcase_create("client_config");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, empty_is_valid);
	tcase_add_test(tcase, defaults);
	tcase_add_test(tcase, every_key);
	tcase_add_test(tcase, lower_edges);
	tcase_add_test(tcase, ranges);
	tcase_add_test(tcase, addresses);
	tcase_add_test(tcase, encapsulations);
	tcase_add_test(tcase, choices);
	tcase_add_test(tcase, by_tee);
	tcase_add_loop_test(tcase, rates_as_tc_writes_them, 0, sizeof(rates) / sizeof(rates[0]));
	tcase_add_loop_test(tcase, no_rates_at_all, 0, sizeof(no_rates) / sizeof(no_rates[0]));
	tcase_add_test(tcase, devices);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
