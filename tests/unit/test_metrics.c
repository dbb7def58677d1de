/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What both daemons give to Prometheus: names are what dashboards and alerts are made of.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/metrics.h"
#include "collector/metrics.h"
#include "collector/plan.h"
#include "tests/unit/client_rig.h"

static FILE *out;
static char *text;
static size_t text_size;

static void take(void *ctx, char *block, size_t size)
{
	(void)ctx;
	fwrite(block, 1, size, out);
	metrics_block_free(block);
}

static struct metrics_text begin(void)
{
	free(text);
	out = open_memstream(&text, &text_size);
	return (struct metrics_text){.take = take};
}

static void end(struct metrics_text *metrics)
{
	ck_assert(metrics_end(metrics));
	fclose(out);
}

/* Every sample stands below the HELP and TYPE of its own metric, and no metric comes twice. */
static void check_order(void)
{
	char *seen = calloc(1, text_size + 2), *copy = strdup(text), *save = NULL;
	char family[128] = "", line_start[160];

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "# HELP %127s", family) == 1) {
			snprintf(line_start, sizeof(line_start), "\n%s\n", family);
			ck_assert_msg(!strstr(seen, line_start), "twice: %s", family);
			strcat(seen, line_start);
		} else if (line[0] == '#') {
			snprintf(line_start, sizeof(line_start), "# TYPE %s ", family);
			ck_assert_msg(strncmp(line, line_start, strlen(line_start)) == 0, "%s",
				      line);
		} else {
			ck_assert_msg(strncmp(line, family, strlen(family)) == 0 &&
					  strchr("{ ", line[strlen(family)]),
				      "%s", line);
		}
	}
	free(copy);
	free(seen);
}

#define HAS(line)      ck_assert_msg(strstr(text, "\n" line "\n") != NULL, "no %s in\n%s", line, text)
#define HAS_NOT(words) ck_assert_msg(strstr(text, words) == NULL, "%s in\n%s", words, text)

START_TEST(client)
{
	struct fake_kernel fake;
	struct client_rig rig;

	client_rig_at_work(&rig, &fake);
	client_rig_numbers(&rig);
	struct metrics_text metrics = begin();
	client_metrics(rig.setup, &rig.subjects, false, 9, &metrics);
	end(&metrics);
	check_order();
	HAS("vtap_healthy{daemon=\"client\"} 1");
	HAS("process_start_time_seconds 9");
	HAS("vtap_client_collector_info{collector=\"soc\",address=\"10.0.0.9\",local=\"10.0.0.1\","
	    "encap=\"vxlan\",vni=\"42\",port=\"4789\",device=\"vtap-soc\"} 1");
	HAS("vtap_client_collector_up{collector=\"soc\"} 1");
	HAS("vtap_client_collector_path_mtu_bytes{collector=\"soc\"} 1500");
	HAS("vtap_client_collector_needed_mtu_bytes{collector=\"soc\"} 1550");
	HAS("vtap_client_collector_oversize{collector=\"soc\",handling=\"none\"} 0");
	HAS("vtap_client_collector_oversize{collector=\"soc\",handling=\"resegment\"} 0");
	HAS("vtap_client_collector_oversize{collector=\"soc\",handling=\"fragment\"} 1");
	HAS("vtap_client_collector_oversize{collector=\"soc\",handling=\"drop\"} 0");
	HAS("vtap_client_collector_tx_packets_total{collector=\"soc\"} 1");
	HAS("vtap_client_collector_tx_bytes_total{collector=\"soc\"} 2");
	HAS("vtap_client_collector_tx_dropped_packets_total{collector=\"soc\"} 3");
	HAS("vtap_client_collector_tx_errors_total{collector=\"soc\"} 4");
	HAS("vtap_client_express_on{collector=\"soc\"} 0");
	HAS("vtap_client_express_packets_total{collector=\"soc\"} 9");
	HAS("vtap_client_express_bytes_total{collector=\"soc\"} 10");
	HAS("vtap_client_express_resegmented_packets_total{collector=\"soc\"} 11");
	HAS("vtap_client_express_passed_packets_total{collector=\"soc\",reason=\"not-ip\"} 12");
	HAS("vtap_client_express_passed_packets_total{collector=\"soc\",reason=\"vlan\"} 0");
	HAS("vtap_client_express_dropped_packets_total{collector=\"soc\",reason=\"unfinished\"} "
	    "13");
#define STREAM(direction) \
	"{interface=\"eth0\",direction=\"" direction "\",method=\"tc\",collector=\"soc\"}"
	HAS("vtap_client_mirror_up" STREAM("ingress") " 1");
	HAS("vtap_client_mirror_up" STREAM("egress") " 1");
	HAS("vtap_client_mirror_packets_total" STREAM("ingress") " 0");
	HAS("vtap_client_mirror_packets_total" STREAM("egress") " 5");
	HAS("vtap_client_mirror_bytes_total" STREAM("egress") " 6");
	HAS("vtap_client_mirror_dropped_packets_total" STREAM("egress") " 7");
	HAS("vtap_client_mirror_repairs_total" STREAM("egress") " 8");

	/* a blocked collector's mirrors are not up either */
	fake_set_route(&fake, "10.0.0.9", NULL, NULL, 0);
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	metrics = begin();
	client_metrics(rig.setup, &rig.subjects, true, 9, &metrics);
	end(&metrics);
	HAS("vtap_healthy{daemon=\"client\"} 0");
	HAS("vtap_client_collector_up{collector=\"soc\"} 0");
	HAS("vtap_client_mirror_up" STREAM("ingress") " 0");
	client_rig_free(&rig);
	fake_kernel_free(&fake);
}
END_TEST

/* A metric without samples is left out. */
START_TEST(client_without_mirrors)
{
	struct fake_kernel fake;
	struct client_rig rig;

	fake_kernel_init(&fake);
	client_rig_start(&rig, &fake, "");
	ck_assert_int_eq(reconcile_pass(&rig.reconcile, false), 0);
	struct metrics_text metrics = begin();
	client_metrics(rig.setup, &rig.subjects, false, 9, &metrics);
	end(&metrics);
	check_order();
	HAS_NOT("vtap_client_");
	HAS("vtap_healthy{daemon=\"client\"} 1");
	client_rig_free(&rig);
	fake_kernel_free(&fake);
}
END_TEST

struct collector_rig {
	struct collector_config config;
	struct link endpoint;
	struct subjects subjects;
	struct clients clients;
	struct collector_view view;
};

static void collector_start(struct collector_rig *rig)
{
	struct clients_clock clock = {.mono_ns = 900000000000,
				      .boot_ns = 1000000000000,
				      .real_ns = INT64_C(1767323045000000000)};
	struct door_client seen = {.vni = 42,
				   .count = {7, 700},
				   .first_boot_ns = clock.boot_ns - 60000000000,
				   .last_mono_ns = clock.mono_ns};

	*rig = (struct collector_rig){
	    .config = {.max_clients = 100,
		       .endpoints[ENCAP_VXLAN] =
			   {.enabled = true, .device = "vtap0", .vni = 42, .port = 4789},
		       .metrics = {.clients = true}},
	    .endpoint = {.stats = {.rx_packets = 10, .rx_bytes = 1000, .rx_dropped = 3}}};
	clients_init(&rig->clients, 1);
	clients_begin_sample(&rig->clients, &clock);
	ck_assert(ip_addr_parse("10.0.0.5", &seen.address));
	ck_assert_int_eq(names_add(&rig->config.names, &seen.address, 42, "a \"b\"", 1), 0);
	names_sort(&rig->config.names, NULL, NULL, NULL);
	ck_assert_int_eq(clients_add(&rig->clients, &seen), 0);
	ck_assert(ip_addr_parse("fd00::5", &seen.address));
	seen.vni = 16777215;
	seen.count = (struct door_counter){8, 800};
	ck_assert_int_eq(clients_add(&rig->clients, &seen), 0);
	clients_end_sample(&rig->clients, true);
	subjects_add(&rig->subjects, "endpoint vtap0");
	subjects_add(&rig->subjects, "no gretap");
	subjects_add(&rig->subjects, "no gre");
	subjects_add(&rig->subjects, "door");
	rig->view = (struct collector_view){.config = &rig->config,
					    .subjects = &rig->subjects,
					    .endpoints[ENCAP_VXLAN] = &rig->endpoint,
					    .clients = &rig->clients,
					    .totals = {.accepted = {1, 2},
						       .rejected = {3, 4},
						       .overflow = {5, 6},
						       .malformed = {7, 8},
						       .forgotten = {9, 10}}};
}

static void collector_free(struct collector_rig *rig)
{
	subjects_clear(&rig->subjects);
	clients_free(&rig->clients);
	names_clear(&rig->config.names);
}

START_TEST(collector)
{
	struct collector_rig rig;

	collector_start(&rig);
	struct metrics_text metrics = begin();
	collector_metrics(&rig.view, false, 9, &metrics);
	end(&metrics);
	check_order();
	HAS("vtap_healthy{daemon=\"collector\"} 1");
	HAS("vtap_collector_endpoint_info{device=\"vtap0\",encap=\"vxlan\",vni=\"42\",port="
	    "\"4789\"} 1");
	HAS("vtap_collector_endpoint_up{device=\"vtap0\"} 1");
	HAS("vtap_collector_endpoint_rx_packets_total{device=\"vtap0\"} 10");
	HAS("vtap_collector_endpoint_rx_bytes_total{device=\"vtap0\"} 1140");
	HAS("vtap_collector_endpoint_rx_dropped_packets_total{device=\"vtap0\"} 3");
	HAS("vtap_collector_accepted_packets_total 1");
	HAS("vtap_collector_accepted_bytes_total 2");
	HAS("vtap_collector_rejected_packets_total 3");
	HAS("vtap_collector_rejected_bytes_total 4");
	HAS("vtap_collector_overflow_packets_total 5");
	HAS("vtap_collector_overflow_bytes_total 6");
	HAS("vtap_collector_malformed_packets_total 7");
	HAS("vtap_collector_malformed_bytes_total 8");
	HAS("vtap_collector_forgotten_packets_total 9");
	HAS("vtap_collector_clients 2");
	HAS("vtap_collector_max_clients 100");
#define ONE "{address=\"10.0.0.5\",encap=\"vxlan\",vni=\"42\",name=\"a \\\"b\\\"\"}"
#define TWO "{address=\"fd00::5\",encap=\"vxlan\",vni=\"16777215\",name=\"\"}"
	HAS("vtap_collector_client_packets_total" ONE " 7\n"
	    "vtap_collector_client_packets_total" TWO " 8");
	HAS("vtap_collector_client_bytes_total" ONE " 700\n"
	    "vtap_collector_client_bytes_total" TWO " 800");
	HAS("vtap_collector_client_first_seen_timestamp_seconds" ONE " 1767322985");
	HAS("vtap_collector_client_last_seen_timestamp_seconds" ONE " 1767323045");
	collector_free(&rig);
}
END_TEST

START_TEST(collector_blocked_and_without_clients)
{
	struct collector_rig rig;

	collector_start(&rig);
	rig.config.metrics.clients = false;
	rig.config.endpoints[ENCAP_VXLAN].vni = 0;
	rig.view.endpoints[ENCAP_VXLAN] = NULL;
	subject_block(&rig.subjects, SUBJECT_DOOR, "no way");
	struct metrics_text metrics = begin();
	collector_metrics(&rig.view, true, 9, &metrics);
	end(&metrics);
	check_order();
	HAS("vtap_healthy{daemon=\"collector\"} 0");
	HAS("vtap_collector_endpoint_info{device=\"vtap0\",encap=\"vxlan\",vni=\"any\",port="
	    "\"4789\"} 1");
	HAS("vtap_collector_endpoint_up{device=\"vtap0\"} 0");
	HAS("vtap_collector_endpoint_rx_packets_total{device=\"vtap0\"} 0");
	HAS("vtap_collector_clients 2");
	HAS_NOT("vtap_collector_client_");
	collector_free(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tests = tcase_create("metrics");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, client);
	tcase_add_test(tests, client_without_mirrors);
	tcase_add_test(tests, collector);
	tcase_add_test(tests, collector_blocked_and_without_clients);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
