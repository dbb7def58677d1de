/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both status documents, to the last byte: others read these fields.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "client/status.h"
#include "collector/plan.h"
#include "collector/status.h"
#include "common/json.h"
#include "tests/unit/client_rig.h"

/* Strings and decimals as the documents write them. */
START_TEST(json_values)
{
	struct json_object *document = json_object_new_object();

	json_add_string(document, "text", "a/b \"c\"\n");
	json_add_string(document, "null", NULL);
	json_add_number(document, "max", UINT64_MAX);
	json_add_decimal(document, "zero", 0);
	json_add_decimal(document, "rounded", 1234567.06);
	json_add_array(document, "none");
	json_append_object(json_add_array(document, "one"));
	json_add_object(document, "empty");
	char *text = json_finish(document);
	ck_assert_str_eq(text,
			 "{\"text\":\"a/b "
			 "\\\"c\\\"\\n\",\"null\":null,\"max\":18446744073709551615,\"zero\":0.0,"
			 "\"rounded\":1234567.1,\"none\":[],\"one\":[{}],\"empty\":{}}");
	free(text);
}
END_TEST

START_TEST(client_document)
{
	struct fake_kernel fake;
	struct client_rig rig;
	char summary[256];

	client_rig_at_work(&rig, &fake);
	client_rig_numbers(&rig);
	char *text = client_status(rig.setup, &rig.subjects, false, 12.54);
	ck_assert_str_eq(
	    text, "{\"daemon\":\"client\",\"version\":\"" PACKAGE_VERSION
		  "\",\"state\":\"ok\",\"uptime_s\":12.5,"
		  "\"collectors\":[{\"name\":\"soc\",\"address\":\"10.0.0.9\","
		  "\"local\":\"10.0.0.1\",\"encap\":\"vxlan\","
		  "\"vni\":42,\"port\":4789,\"device\":\"vtap-soc\",\"state\":\"up\","
		  "\"reason\":null,\"path_mtu\":1500,"
		  "\"needed_mtu\":1550,\"oversize\":\"fragment\",\"tx_packets\":1,"
		  "\"tx_bytes\":2,\"tx_dropped\":3,"
		  "\"tx_errors\":4,\"express\":{\"state\":\"off\","
		  "\"reason\":\"its program is not loaded\",\"packets\":9,"
		  "\"bytes\":10,\"resegmented\":11,\"passed\":{\"off\":0,"
		  "\"outer-checksum\":0,\"not-ip\":12,\"vlan\":0,\"tunnel\":0,"
		  "\"too-big\":0,\"unfamiliar\":0,\"refused\":0,\"checksum\":0,\"unattended\":0},"
		  "\"dropped\":{\"unfinished\":13}}}],"
		  "\"mirrors\":[{\"interface\":\"eth0\",\"direction\":\"ingress\","
		  "\"method\":\"tc\",\"collector\":\"soc\","
		  "\"state\":\"mirroring\",\"reason\":null,\"packets\":0,\"bytes\":0,"
		  "\"dropped\":0,\"repairs\":0},"
		  "{\"interface\":\"eth0\",\"direction\":\"egress\",\"method\":\"tc\","
		  "\"collector\":\"soc\","
		  "\"state\":\"mirroring\",\"reason\":null,\"packets\":5,\"bytes\":6,"
		  "\"dropped\":7,\"repairs\":8}]}");
	free(text);
	client_summary(rig.setup, &rig.subjects, summary, sizeof(summary));
	ck_assert_str_eq(summary, "2 of 2 streams mirrored");

	fake_set_route(&fake, "10.0.0.9", NULL, NULL, 0);
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	text = client_status(rig.setup, &rig.subjects, true, 0);
	ck_assert_ptr_nonnull(strstr(text, "\"state\":\"degraded\",\"uptime_s\":0.0,"));
	ck_assert_ptr_nonnull(strstr(text, "\"local\":null,"));
	ck_assert_ptr_nonnull(strstr(text, "\"state\":\"blocked\",\"reason\":\"no route to "
					   "10.0.0.9 (Network is unreachable)\",\"path_mtu\":0,"));
	ck_assert_ptr_nonnull(
	    strstr(text, "\"state\":\"blocked\",\"reason\":\"collector soc: no route to 10.0.0.9"));
	ck_assert_ptr_null(strstr(text, "\"state\":\"mirroring\""));
	free(text);
	client_summary(rig.setup, &rig.subjects, summary, sizeof(summary));
	ck_assert_ptr_nonnull(strstr(summary, "0 of 2 streams mirrored; collector soc: no route"));
	client_rig_free(&rig);
	fake_kernel_free(&fake);
}
END_TEST

static const char collector_wanted[] =
    "{\"daemon\":\"collector\",\"version\":\"" PACKAGE_VERSION
    "\",\"state\":\"ok\",\"uptime_s\":1.0,"
    "\"endpoints\":[{\"encap\":\"vxlan\",\"device\":\"vtap0\",\"vni\":42,\"port\":4789,\"state\":"
    "\"up\",\"reason\":null,"
    "\"rx_packets\":10,\"rx_bytes\":1140,\"rx_dropped\":3}],"
    "\"accepted\":{\"packets\":1,\"bytes\":2},\"rejected\":{\"packets\":3,\"bytes\":4},"
    "\"overflow\":{\"packets\":5,\"bytes\":6},"
    "\"malformed\":{\"packets\":7,\"bytes\":8},"
    "\"forgotten\":{\"packets\":9,\"bytes\":10},"
    "\"undelivered\":{\"packets\":9,\"bytes\":10},"
    "\"rejected_sources\":[{\"address\":\"192.0.2.7\",\"packets\":3,\"bytes\":4,"
    "\"last_seen\":\"2026-01-02T03:04:03Z\"}],"
    "\"clients\":[{\"address\":\"10.0.0.5\",\"name\":null,\"encap\":\"vxlan\",\"vni\":42,"
    "\"packets\":7,\"bytes\":"
    "700,\"packets_per_s\":0.0,"
    "\"bits_per_s\":0.0,\"first_seen\":\"2026-01-02T03:04:05Z\",\"last_seen\":\"2026-01-02T03:04:"
    "05Z\"}]}";

START_TEST(collector_document)
{
	struct clients_clock clock = {.mono_ns = 900000000000,
				      .boot_ns = 1000000000000,
				      .real_ns = INT64_C(1767323045000000000)};
	struct door_client seen = {.vni = 42,
				   .count = {7, 700},
				   .first_boot_ns = clock.boot_ns,
				   .last_mono_ns = clock.mono_ns};
	struct collector_config config = {
	    .allow_count = 6,
	    .endpoints[ENCAP_VXLAN] = {
		.enabled = true, .device = "vtap0", .vni = 42, .port = 4789}};
	struct link endpoint = {.stats = {.rx_packets = 10, .rx_bytes = 1000, .rx_dropped = 3}};
	struct subjects subjects = {0};
	struct clients clients;
	struct rejected rejected = {
	    .count = 1, .top = {{.count = {3, 4}, .last_boot_ns = clock.boot_ns - 2000000000}}};
	char summary[256];

	ck_assert(ip_addr_parse("192.0.2.7", &rejected.top[0].address));
	clients_init(&clients, 1);
	clients_begin_sample(&clients, &clock);
	ck_assert(ip_addr_parse("10.0.0.5", &seen.address));
	ck_assert_int_eq(clients_add(&clients, &seen), 0);
	clients_end_sample(&clients, true);
	subjects_add(&subjects, "endpoint vtap0");
	subjects_add(&subjects, "no gretap");
	subjects_add(&subjects, "no gre");
	subjects_add(&subjects, "door");
	struct collector_view view = {.config = &config,
				      .subjects = &subjects,
				      .endpoints[ENCAP_VXLAN] = &endpoint,
				      .clients = &clients,
				      .undelivered = {9, 10},
				      .rejected = &rejected,
				      .totals = {.accepted = {1, 2},
						 .rejected = {3, 4},
						 .overflow = {5, 6},
						 .malformed = {7, 8},
						 .forgotten = {9, 10}}};
	char *text = collector_status(&view, false, 1);
	ck_assert_str_eq(text, collector_wanted);
	free(text);
	collector_summary(&view, summary, sizeof(summary));
	ck_assert_str_eq(summary, "vtap0 is open to 6 allowed networks");

	ck_assert_int_eq(names_add(&config.names, &seen.address, 0, "the \"web\"", 1), 0);
	text = collector_status(&view, false, 1);
	ck_assert_ptr_nonnull(
	    strstr(text, "{\"address\":\"10.0.0.5\",\"name\":\"the \\\"web\\\"\",\"encap\":"));
	free(text);
	names_clear(&config.names);

	view.endpoints[ENCAP_VXLAN] = NULL;
	config.endpoints[ENCAP_VXLAN].vni = 0;
	subject_block(&subjects, SUBJECT_DOOR, "no way");
	text = collector_status(&view, true, 1);
	ck_assert_ptr_nonnull(
	    strstr(text, "\"vni\":\"any\",\"port\":4789,\"state\":\"blocked\",\"reason\":\"no "
			 "way\",\"rx_packets\":0,\"rx_bytes\":0,"));
	free(text);
	collector_summary(&view, summary, sizeof(summary));
	ck_assert_str_eq(summary, "vtap0: no way");
	subjects_clear(&subjects);
	clients_free(&clients);
}
END_TEST

/* As many as there may be: still JSON, in order, with the names of those that have one. */
START_TEST(collector_document_of_many)
{
	static const struct rejected nobody;
	enum { MANY = 65536 };
	struct clients_clock clock = {.mono_ns = 900000000000, .boot_ns = 1000000000000};
	struct door_client seen = {.first_boot_ns = 1, .last_mono_ns = 1};
	struct collector_config config = {
	    .endpoints[ENCAP_VXLAN] = {.enabled = true, .device = "vtap0", .vni = 0, .port = 4789}};
	struct subjects subjects = {0};
	struct clients clients;
	struct json_object *document, *all;

	clients_init(&clients, 1);
	clients_begin_sample(&clients, &clock);
	ck_assert(ip_addr_parse("10.0.0.1", &seen.address));
	for (uint32_t i = 0; i < MANY; i++) {
		seen.vni = i * 40503u % MANY;
		seen.count = (struct door_counter){seen.vni, UINT64_MAX - seen.vni};
		ck_assert_int_eq(clients_add(&clients, &seen), 0);
	}
	clients_end_sample(&clients, true);
	ck_assert_int_eq(names_add(&config.names, &seen.address, 4711, "one", 1), 0);
	subjects_add(&subjects, "endpoint vtap0");
	subjects_add(&subjects, "no gretap");
	subjects_add(&subjects, "no gre");
	subjects_add(&subjects, "door");
	struct collector_view view = {
	    .config = &config, .subjects = &subjects, .rejected = &nobody, .clients = &clients};
	char *text = collector_status(&view, false, 1);
	document = json_tokener_parse(text);
	ck_assert_ptr_nonnull(document);
	all = json_object_object_get(document, "clients");
	ck_assert_uint_eq(json_object_array_length(all), MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		struct json_object *one = json_object_array_get_idx(all, i);
		const char *name = json_object_get_string(json_object_object_get(one, "name"));

		ck_assert_uint_eq(json_object_get_uint64(json_object_object_get(one, "vni")), i);
		ck_assert_uint_eq(json_object_get_uint64(json_object_object_get(one, "bytes")),
				  UINT64_MAX - i);
		ck_assert_int_eq(name && strcmp(name, "one") == 0, i == 4711);
	}
	json_object_put(document);
	free(text);
	names_clear(&config.names);
	subjects_clear(&subjects);
	clients_free(&clients);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("status");
	TCase *tests = tcase_create("status");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, json_values);
	tcase_add_test(tests, client_document);
	tcase_add_test(tests, collector_document);
	tcase_add_test(tests, collector_document_of_many);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
