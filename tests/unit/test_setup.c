/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client's configuration made ready: its streams, the paths to its collectors, the links that
 * matter to it.
 */
#include "client/setup.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/paths.h"
#include "tests/unit/client_rig.h"

#define SOC "collector \"soc\" { address = \"10.0.0.9\" }\n"
#define LAB "collector \"lab\" { address = \"10.0.0.8\" vni = 43 }\n"

static struct fake_kernel fake;
static struct client_rig rig;

static void setup(void)
{
	client_rig_host(&fake);
	client_rig_start(&rig, &fake, client_rig_simple);
}

static void teardown(void)
{
	client_rig_free(&rig);
	fake_kernel_free(&fake);
}

START_TEST(streams_stand_by_collector)
{
	client_rig_reload(&rig, SOC LAB
			  "mirror \"eth0\" { collector = {\"lab\", \"soc\"} }\n"
			  "mirror \"eth1\" { collector = {\"soc\"} direction = \"ingress\" }\n");
	static const struct stream wanted[] = {{.collector = 0, .mirror = 0, .direction = INGRESS},
					       {.collector = 0, .mirror = 0, .direction = EGRESS},
					       {.collector = 0, .mirror = 1, .direction = INGRESS},
					       {.collector = 1, .mirror = 0, .direction = INGRESS},
					       {.collector = 1, .mirror = 0, .direction = EGRESS}};
	ck_assert_uint_eq(rig.setup->streams_count, 5);
	for (size_t i = 0; i < 5; i++) {
		const struct stream *s = &rig.setup->streams[i];
		ck_assert_uint_eq(s->collector, wanted[i].collector);
		ck_assert_uint_eq(s->mirror, wanted[i].mirror);
		ck_assert_int_eq(s->direction, wanted[i].direction);
		ck_assert_int_eq(s->subject, 2 + (int)i);
		ck_assert_int_eq(rig.setup->stream_accounts[i].direction, s->direction);
	}
	ck_assert_str_eq(rig.subjects.items[0].label, "collector soc");
	ck_assert_str_eq(rig.subjects.items[4].label, "mirror eth1 ingress to soc");
	ck_assert_str_eq(rig.subjects.items[6].label, "mirror eth0 egress to lab");
}
END_TEST

/* Which changes of a path are worth a pass. */
START_TEST(paths_that_change)
{
	struct setup *s = rig.setup;
	struct kernel *kernel = &fake.kernel;
	struct route *route = &fake.routes.items[0].route;

	paths_find(s, kernel);
	ck_assert(!paths_changed(s, kernel));
#define CHANGES(change)                               \
	do {                                          \
		change;                               \
		ck_assert(paths_changed(s, kernel));  \
		paths_find(s, kernel);                \
		ck_assert(!paths_changed(s, kernel)); \
	} while (0)
	CHANGES(route->mtu = 1400);
	CHANGES(route->oif++);
	CHANGES(route->local = true);
	CHANGES(route->checksums = CHECKSUMS_KERNEL);
	CHANGES(ck_assert(ip_addr_parse("10.0.0.2", &route->from)));
	CHANGES(fake.routes.items[0].error = -ENETUNREACH);
	CHANGES(fake.routes.items[0].error = 0);
	/* the lane wants a next hop that has answered */
	CHANGES(route->next_hop = NEXT_HOP_ASKED);
	CHANGES(route->next_hop = NEXT_HOP_GOOD);
	/* without it asked and answered is no change; no answer is one, asked again after it none
	 */
	s->config->collectors[0].accelerate = false;
	route->next_hop = NEXT_HOP_ASKED;
	ck_assert(!paths_changed(s, kernel));
	route->next_hop = NEXT_HOP_GOOD;
	ck_assert(!paths_changed(s, kernel));
	CHANGES(route->next_hop = NEXT_HOP_FAILED);
	route->next_hop = NEXT_HOP_ASKED;
	ck_assert(!paths_changed(s, kernel));
	CHANGES(route->next_hop = NEXT_HOP_GOOD);
#undef CHANGES
}
END_TEST

/* The links by which copies leave, and those that the configuration or vtap itself names. */
START_TEST(links_that_concern)
{
	struct link other = {.ifindex = 99, .name = "eth7"};

	fake_add_link(&fake, "eth7");
	fake_set_route(&fake, "10.0.0.9", "eth7", "10.0.0.1", 1500);
	paths_find(rig.setup, &fake.kernel);
	ck_assert(setup_concerns(rig.setup, fake_link(&fake, "eth0")));
	ck_assert(setup_concerns(rig.setup, fake_link(&fake, "eth7")));
	ck_assert(!setup_concerns(rig.setup, &other));
	strcpy(other.name, "vtap-soc");
	ck_assert(setup_concerns(rig.setup, &other));
	fake_set_route(&fake, "10.0.0.9", NULL, NULL, 0);
	paths_find(rig.setup, &fake.kernel);
	ck_assert(!setup_concerns(rig.setup, fake_link(&fake, "eth7")));
}
END_TEST

START_TEST(bad_filter_is_a_problem)
{
	struct client_config *config = calloc(1, sizeof(*config));
	struct problems problems = {0};

	config->mirrors = calloc(1, sizeof(*config->mirrors));
	config->mirrors_count = 1;
	strcpy(config->mirrors[0].interface, "eth0");
	config->mirrors[0].directions[INGRESS] = config->mirrors[0].directions[EGRESS] = true;
	config->mirrors[0].filter = strdup("not a filter (");
	config->collectors = calloc(1, sizeof(*config->collectors));
	config->collectors_count = 1;
	config->collectors[0].name = strdup("soc");
	ck_assert(ip_addr_parse("10.0.0.9", &config->collectors[0].address));
	ck_assert_ptr_null(setup_make(config, "client.conf", &problems));
	ck_assert_uint_eq(problems.count, 2); /* both directions */
	ck_assert_ptr_nonnull(
	    strstr(problems_text(&problems, 0), "client.conf: mirror \"eth0\" ingress: "));
	problems_clear(&problems);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("setup");
	TCase *tests = tcase_create("setup");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, streams_stand_by_collector);
	tcase_add_test(tests, paths_that_change);
	tcase_add_test(tests, links_that_concern);
	tcase_add_test(tests, bad_filter_is_a_problem);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
