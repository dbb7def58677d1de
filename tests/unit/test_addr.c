/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses and prefixes: what is one, how it prints, what it contains. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/addr.h"

static struct ip_addr addr(const char *text)
{
	struct ip_addr out;

	ck_assert_msg(ip_addr_parse(text, &out), "%s", text);
	return out;
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix out;

	ck_assert_msg(ip_prefix_parse(text, &out), "%s", text);
	return out;
}

START_TEST(addresses_print_as_they_parse)
{
	static const char *const same[] = {
	    "0.0.0.0", "10.0.0.5", "255.255.255.255",      "::",
	    "::1",     "fe80::1",  "2001:db8:1:2:3:4:5:6",
	};
	char text[IP_ADDR_TEXT];
	struct ip_addr a;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		a = addr(same[i]);
		ck_assert_str_eq(ip_addr_format(&a, text), same[i]);
	}
	a = addr("2001:0DB8:0:0:0:0:0:1");
	ck_assert_str_eq(ip_addr_format(&a, text), "2001:db8::1");
	a = addr("1111:2222:3333:4444:5555:6666:123.123.123.123");
	ck_assert_str_eq(ip_addr_format(&a, text), "1111:2222:3333:4444:5555:6666:7b7b:7b7b");
}
END_TEST

START_TEST(bytes_are_in_network_order_and_zero_behind)
{
	static const uint8_t want[16] = {10, 1, 2, 3};
	struct ip_addr a;

	memset(&a, 0xff, sizeof(a));
	ck_assert(ip_addr_parse("10.1.2.3", &a));
	ck_assert_uint_eq(a.family, AF_INET);
	ck_assert_mem_eq(a.bytes, want, 16);
	ck_assert_uint_eq(ip_addr_size(&a), 4);
	a = addr("ff02::1");
	ck_assert_uint_eq(a.family, AF_INET6);
	ck_assert_uint_eq(ip_addr_size(&a), 16);
}
END_TEST

START_TEST(other_text_is_no_address)
{
	static const char *const bad[] = {
	    "",          " ",         "10",         "10.0.0",     "10.0.0.256", "10.0.0.1 ",
	    " 10.0.0.1", "010.0.0.1", "0x0a000001", "10.0.0.1.2", "localhost",  "fe80::1%eth0",
	    ":::",       "1::2::3",   "10.0.0.0/8", "12345::",    "-1.0.0.0",
	};
	struct ip_addr a = addr("1.2.3.4"), before = a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!ip_addr_parse(bad[i], &a), "\"%s\"", bad[i]);
	ck_assert_mem_eq(&a, &before, sizeof(a));
}
END_TEST

START_TEST(no_address)
{
	struct ip_addr none = {0}, a = addr("0.0.0.0");
	char text[IP_ADDR_TEXT] = "x";

	ck_assert_str_eq(ip_addr_format(&none, text), "");
	ck_assert_uint_eq(ip_addr_size(&none), 0);
	ck_assert(ip_addr_is_any(&none));
	ck_assert(!ip_addr_is_multicast(&none));
	ck_assert(!ip_addr_equal(&none, &a));
	ck_assert(ip_addr_equal(&none, &none));
}
END_TEST

START_TEST(kinds)
{
	static const struct {
		const char *text;
		bool any, multicast;
	} cases[] = {
	    {"0.0.0.0", true, false},
	    {"0.0.0.1", false, false},
	    {"223.255.255.255", false, false},
	    {"224.0.0.0", false, true},
	    {"239.255.255.255", false, true},
	    {"240.0.0.0", false, false},
	    {"::", true, false},
	    {"::1", false, false},
	    {"feff::", false, false},
	    {"ff00::", false, true},
	    {"1::", false, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_addr a = addr(cases[i].text);

		ck_assert_msg(ip_addr_is_any(&a) == cases[i].any, "%s", cases[i].text);
		ck_assert_msg(ip_addr_is_multicast(&a) == cases[i].multicast, "%s", cases[i].text);
	}
}
END_TEST

START_TEST(sorted_by_family_and_value)
{
	static const char *const sorted[] = {"0.0.0.1",   "9.0.0.0", "10.0.0.2", "10.0.0.10",
					     "255.0.0.0", "::",      "::2",      "ff::"};
	size_t count = sizeof(sorted) / sizeof(sorted[0]);

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < count; k++) {
			struct ip_addr a = addr(sorted[i]), b = addr(sorted[k]);
			int order = ip_addr_compare(&a, &b);

			ck_assert_int_eq((order > 0) - (order < 0), (i > k) - (i < k));
			ck_assert(ip_addr_equal(&a, &b) == (i == k));
		}
	}
}
END_TEST

START_TEST(prefixes_print_as_they_parse)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
	    {"10.0.0.0/8", "10.0.0.0/8"},       {"100.64.0.0/10", "100.64.0.0/10"},
	    {"0.0.0.0/0", "0.0.0.0/0"},         {"10.1.2.3", "10.1.2.3/32"},
	    {"10.1.2.3/32", "10.1.2.3/32"},     {"fe80::/10", "fe80::/10"},
	    {"fc00::/7", "fc00::/7"},           {"::/0", "::/0"},
	    {"2001:db8::1", "2001:db8::1/128"},
	};
	char text[IP_PREFIX_TEXT];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_prefix p = prefix(cases[i].text);

		ck_assert_str_eq(ip_prefix_format(&p, text), cases[i].shown);
	}
}
END_TEST

START_TEST(other_text_is_no_prefix)
{
	static const char *const bad[] = {
	    "",
	    "/",
	    "/8",
	    "10.0.0.0/",
	    "10.0.0.0/33",
	    "10.0.0.0/-1",
	    "10.0.0.0/+8",
	    "10.0.0.0/ 8",
	    "10.0.0.0/8 ",
	    "10.0.0.0/08",
	    "10.0.0.0/8/8",
	    "10.0.0.1/8",
	    "10.0.0.0/255.0.0.0",
	    "::/129",
	    "fe80::1/10",
	    "fd00::/7",
	    "128.0.0.0/0",
	    "10.0.0.0/4294967304",
	    "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa/1",
	};
	struct ip_prefix p = prefix("1.2.3.4"), before = p;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!ip_prefix_parse(bad[i], &p), "\"%s\"", bad[i]);
	ck_assert_mem_eq(&p.addr, &before.addr, sizeof(p.addr));
	ck_assert_uint_eq(p.len, 32);
}
END_TEST

static struct ip_endpoint endpoint(const char *text)
{
	struct ip_endpoint e;

	ck_assert_msg(ip_endpoint_parse(text, &e), "\"%s\"", text);
	return e;
}

START_TEST(endpoints_print_as_they_parse)
{
	static const char *const good[] = {"127.0.0.1:9478", "0.0.0.0:1", "[::1]:9478",
					   "[::]:65535", "[2001:db8::1]:80"};
	char text[IP_ENDPOINT_TEXT];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct ip_endpoint e = endpoint(good[i]);

		ck_assert_str_eq(ip_endpoint_format(&e, text), good[i]);
	}
	struct ip_endpoint e = endpoint("[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
	ck_assert_str_eq(ip_endpoint_format(&e, text),
			 "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
	e = (struct ip_endpoint){.port = 80};
	ck_assert_str_eq(ip_endpoint_format(&e, text), "");
}
END_TEST

START_TEST(other_text_is_no_endpoint)
{
	static const char *const bad[] = {
	    "",
	    ":",
	    ":80",
	    "127.0.0.1",
	    "127.0.0.1:",
	    "127.0.0.1:0",
	    "127.0.0.1:65536",
	    "127.0.0.1:080",
	    "127.0.0.1:-1",
	    "127.0.0.1:80 ",
	    " 127.0.0.1:80",
	    "localhost:80",
	    "[127.0.0.1]:80",
	    "::1:80",
	    "::1",
	    "[::1]",
	    "[::1]80",
	    "[::1:80",
	    "[::1]x:80",
	    "::1]:80",
	    "[]:80",
	    "]:80",
	    "[",
	    "[:80",
	    "[fe80::1%eth0]:80",
	    "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:80",
	};
	struct ip_endpoint e = endpoint("1.2.3.4:5");

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!ip_endpoint_parse(bad[i], &e), "\"%s\"", bad[i]);
	ck_assert_uint_eq(e.port, 5);
}
END_TEST

START_TEST(equal_endpoints)
{
	struct ip_endpoint a = endpoint("1.2.3.4:5"), b = a, none = {0};

	ck_assert(ip_endpoint_equal(&a, &b));
	ck_assert(ip_endpoint_equal(&none, &none));
	ck_assert(!ip_endpoint_equal(&a, &none));
	b.port = 6;
	ck_assert(!ip_endpoint_equal(&a, &b));
	b = endpoint("1.2.3.5:5");
	ck_assert(!ip_endpoint_equal(&a, &b));
}
END_TEST

START_TEST(containing)
{
	static const struct {
		const char *prefix, *addr;
		bool in;
	} cases[] = {
	    {"10.0.0.0/8", "10.255.255.255", true},
	    {"10.0.0.0/8", "11.0.0.0", false},
	    {"172.16.0.0/12", "172.31.255.255", true},
	    {"172.16.0.0/12", "172.32.0.0", false},
	    {"0.0.0.0/0", "255.255.255.255", true},
	    {"0.0.0.0/0", "::", false},
	    {"::/0", "0.0.0.0", false},
	    {"::/0", "ffff::", true},
	    {"10.0.0.5/32", "10.0.0.5", true},
	    {"10.0.0.5/32", "10.0.0.4", false},
	    {"fe80::/10", "febf::1", true},
	    {"fe80::/10", "fec0::1", false},
	    {"2001:db8::1/128", "2001:db8::1", true},
	    {"2001:db8::1/128", "2001:db8::2", false},
	    {"::/0", "::ffff:10.0.0.1", true},
	    {"10.0.0.0/8", "::ffff:10.0.0.1", false},
	};
	struct ip_prefix all = prefix("0.0.0.0/0");
	struct ip_addr none = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_prefix p = prefix(cases[i].prefix);
		struct ip_addr a = addr(cases[i].addr);

		ck_assert_msg(ip_prefix_contains(&p, &a) == cases[i].in, "%s in %s", cases[i].addr,
			      cases[i].prefix);
	}
	ck_assert(!ip_prefix_contains(&all, &none));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("addr");
	TCase *tcase = tcase_create("addr");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, addresses_print_as_they_parse);
	tcase_add_test(tcase, bytes_are_in_network_order_and_zero_behind);
	tcase_add_test(tcase, other_text_is_no_address);
	tcase_add_test(tcase, no_address);
	tcase_add_test(tcase, kinds);
	tcase_add_test(tcase, sorted_by_family_and_value);
	tcase_add_test(tcase, prefixes_print_as_they_parse);
	tcase_add_test(tcase, other_text_is_no_prefix);
	tcase_add_test(tcase, containing);
	tcase_add_test(tcase, endpoints_print_as_they_parse);
	tcase_add_test(tcase, other_text_is_no_endpoint);
	tcase_add_test(tcase, equal_endpoints);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
