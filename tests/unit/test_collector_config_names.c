/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of clients in collector.conf.
 */
#include "tests/unit/collector_config_text.h"

static const char *name_of(const struct collector_config *config, const char *address, uint32_t vni)
{
	struct ip_addr addr;
	const char *name;

	ck_assert(ip_addr_parse(address, &addr));
	name = names_find(&config->names, &addr, vni);
	return name ? name : "(none)";
}

START_TEST(names_of_clients)
{
	struct collector_config *config =
	    good("client \"web-1\" { address = \"10.0.0.5\" vni = 42 }\n"
		 "client \"site, \\\"B\\\"\" { address = 10.0.0.5 }\n"
		 "client six { address = \"fe80::1\" vni = any }\n");

	ck_assert_str_eq(name_of(config, "10.0.0.5", 42), "web-1");
	ck_assert_str_eq(name_of(config, "10.0.0.5", 43), "site, \"B\"");
	ck_assert_str_eq(name_of(config, "fe80::1", 1), "six");
	ck_assert_str_eq(name_of(config, "10.0.0.6", 42), "(none)");
	collector_config_free(config);

	bad("client \"a\" { address = \"10.0.0.5\" vni = 42 }\n"
	    "client \"b\" { address = \"10.0.0.5\" vni = 42 }\n"
	    "client \"a\" { address = \"10.0.0.6\" }\n"
	    "client \"c\" { address = \"10.0.0.6\" vni = \"any\" }\n",
	    "2: client \"b\" has the address and vni of client \"a\" on line 1\n"
	    "3: there already is a client \"a\", on line 1\n"
	    "4: client \"c\" has the address and vni of client \"a\" on line 3\n");
	bad("client \"\" { address = \"10.0.0.5\" }\n"
	    "client \"d\" { }\n"
	    "client \"e\" { address = \"web.example.org\" }\n"
	    "client \"f\" { address = \"10.0.0.0/8\" }\n"
	    "client \"g\" { address = \"224.0.0.1\" }\n"
	    "client \"h\" { address = \"10.0.0.7\" vni = 0 }\n"
	    "client \"\xc3\xa4\" { address = \"10.0.0.8\" }\n"
	    "client \"i\" { address = \"0.0.0.0\" name = x }\n",
	    "1: a client's name must be printable ASCII characters\n"
	    "2: client \"d\" has no address\n"
	    "3: address \"web.example.org\" is not the numeric address of a host\n"
	    "4: address \"10.0.0.0/8\" is not the numeric address of a host\n"
	    "5: address \"224.0.0.1\" is not the numeric address of a host\n"
	    "6: vni \"0\" is not \"any\" or a number from 1 to 4294967295\n"
	    "7: a client's name must be printable ASCII characters\n"
	    "8: unknown key \"name\" in client \"i\"\n"
	    "8: address \"0.0.0.0\" is not the numeric address of a host\n");
}
END_TEST

/* Sections without a title, with a strange one, and the key that no file can have. */
START_TEST(titles_of_clients)
{
	struct collector_config *config = good("client '10.0.0.5' { address = 10.0.0.5 }\n"
					       "client 7 {\naddress = 10.0.0.6 }\n"
					       "client \"a:b {}\" { address = 10.0.0.7 }\n");

	ck_assert_str_eq(name_of(config, "10.0.0.5", 42), "10.0.0.5");
	ck_assert_str_eq(name_of(config, "10.0.0.6", 42), "7");
	ck_assert_str_eq(name_of(config, "10.0.0.7", 42), "a:b {}");
	collector_config_free(config);
	bad("\nclient { address = 10.0.0.5 }",
	    "2: a client's name must be printable ASCII characters\n");
	bad("client \"a\" {\n\"#title\" = \"b\" address = 10.0.0.5 }",
	    "2: unknown key \"\"#title\"\" in client \"a\"\n");
}
END_TEST

/* Each of them costs the same: 65,536 take seconds, not minutes. */
START_TEST(many_clients)
{
	enum { MANY = 65536 };
	struct collector_config *config;
	char *text = NULL, name[16];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (unsigned i = 0; i < MANY; i++)
		fprintf(out, "client c%u { address = 10.0.%u.%u vni = 7 }\n", i, i >> 8, i & 255);
	ck_assert_int_eq(fclose(out), 0);
	config = good(text);
	free(text);
	ck_assert_uint_eq(config->names.count, MANY);
	ck_assert_str_eq(name_of(config, "10.0.0.0", 7), "c0");
	snprintf(name, sizeof(name), "c%d", MANY - 1);
	ck_assert_str_eq(name_of(config, "10.0.255.255", 7), name);
	collector_config_free(config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("collector_config_names");
	TCase *tcase = tcase_create("collector_config_names");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 100);
	tcase_add_test(tcase, names_of_clients);
	tcase_add_test(tcase, titles_of_clients);
	tcase_add_test(tcase, many_clients);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
