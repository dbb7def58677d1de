/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client.conf: defaults, ranges, every problem with its line. No privileges, no network.
 */
#include "client/config.h"

#include "tests/unit/config_file.h"

#ifndef TEST_SRCDIR
#error "TEST_SRCDIR: where etc/ is"
#endif

#define SOC "collector soc { address = 192.0.2.1 }\n"

static struct client_config *read_text(const char *text, const char *expected)
{
	struct problems problems = {0};
	char *path = config_file_write(text, strlen(text));
	struct client_config *config = client_config_read(path, &problems);

	ck_assert_msg((config != NULL) == (problems.count == 0),
		      "%zu problems, %s configuration: %s", problems.count, config ? "a" : "no",
		      problems_text(&problems, 0));
	config_file_expect(&problems, path, expected);
	config_file_remove(path);
	return config;
}

static struct client_config *good(const char *text)
{
	return read_text(text, "");
}

static void bad(const char *text, const char *expected)
{
	ck_assert_ptr_null(read_text(text, expected));
}

/* A collector with one more key. The value is on line 3. */
static struct client_config *key(const char *setting, const char *expected)
{
	char text[512];

	snprintf(text, sizeof(text), "collector \"soc\" {\n\taddress = \"192.0.2.1\"\n\t%s\n}\n",
		 setting);
	return read_text(text, expected);
}

static void key_bad(const char *setting, const char *expected)
{
	ck_assert_ptr_null(key(setting, expected));
}

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
