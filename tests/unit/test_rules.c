/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the door lets in, by what is configured and what devices are there.
 */
#include "collector/rules.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct collector_config config;
static struct snapshot seen;
static struct desired desired;

static struct link *add(const char *name, enum link_kind kind, bool ours)
{
	struct link *link = ARRAY_ADD(&seen.links);

	ck_assert_ptr_nonnull(link);
	*link = (struct link){.ifindex = (int)seen.links.count, .kind = kind, .flags = IFF_UP};
	memcpy(link->name, name, strlen(name));
	link->group = ours ? owner_group(OWNER_COLLECTOR) : 0;
	return link;
}

static void want_vxlan(uint32_t vni, uint16_t port)
{
	struct want_link *want = ARRAY_ADD(&desired.links);

	*want = (struct want_link){.name = "vtap0",
				   .kind = LINK_VXLAN,
				   .vxlan = {.vni = vni, .port = port, .external = !vni},
				   .subject = ENCAP_VXLAN};
	config.endpoints[ENCAP_VXLAN] =
	    (struct collector_endpoint){.enabled = true, .vni = vni, .port = port};
}

static void setup(void)
{
	want_vxlan(42, 4790);
}

static void teardown(void)
{
	snapshot_clear(&seen);
	desired_clear(&desired);
	memset(&config, 0, sizeof(config));
}

static struct door_rules plan(enum rules_when when)
{
	struct door_rules rules;

	ck_assert_int_eq(snapshot_sort(&seen), 0);
	rules_plan(&config, &seen, &desired, when, &rules);
	return rules;
}

#define assert_open(rules, wanted_port)                                       \
	do {                                                                  \
		ck_assert_uint_eq(ntohs((rules).admit.port), wanted_port);    \
		ck_assert_uint_eq((rules).admit.flags &DOOR_SOME_SHUT,        \
				  (rules).shut[0].port ? DOOR_SOME_SHUT : 0); \
	} while (0)

static void assert_shut(const struct door_shut *shut, uint16_t port, bool any, uint32_t vni)
{
	ck_assert_uint_eq(ntohs(shut->port), port);
	ck_assert_uint_eq(shut->any_vni, any);
	ck_assert_uint_eq(shut->vni, vni);
}

START_TEST(shut_until_the_device_is_there)
{
	struct door_rules rules = plan(RULES_BEFORE);

	assert_open(rules, 0);
	assert_shut(&rules.shut[0], 4790, false, 42);
	assert_shut(&rules.shut[1], 0, false, 0);
	/* made, and not up yet */
	struct link *link = add("vtap0", LINK_VXLAN, true);
	link->vxlan = desired.links.items[0].vxlan;
	link->flags = 0;
	rules = plan(RULES_BEFORE);
	assert_open(rules, 0);
	assert_shut(&rules.shut[0], 4790, false, 42);
	link->flags = IFF_UP;
	rules = plan(RULES_BEFORE);
	assert_open(rules, 4790);
	assert_shut(&rules.shut[0], 0, false, 0);
}
END_TEST

START_TEST(shut_while_one_replaces_another)
{
	add("vtap0", LINK_VXLAN, true)->vxlan = (struct vxlan){.vni = 7, .port = 4789};
	struct door_rules rules = plan(RULES_BEFORE);

	assert_open(rules, 0);
	assert_shut(&rules.shut[0], 4789, false, 7);
	assert_shut(&rules.shut[1], 4790, false, 42);
	/* it could not be taken away: still unchecked, if it were open */
	rules = plan(RULES_AFTER);
	assert_open(rules, 0);
	assert_shut(&rules.shut[0], 4789, false, 7);
	assert_shut(&rules.shut[1], 0, false, 0);
}
END_TEST

START_TEST(an_old_name_is_shut_beside_the_new_one)
{
	struct vxlan old = {.port = 4789, .external = true};

	add("old", LINK_VXLAN, true)->vxlan = old;
	add("vtap0", LINK_VXLAN, true)->vxlan = desired.links.items[0].vxlan;
	struct door_rules rules = plan(RULES_BEFORE);
	assert_open(rules, 4790);
	assert_shut(&rules.shut[0], 4789, true, 0);
}
END_TEST

/* Whose packets they are then. */
START_TEST(without_a_device_they_are_left_alone)
{
	struct door_rules rules = plan(RULES_AFTER);

	assert_open(rules, 0);
	assert_shut(&rules.shut[0], 0, false, 0);
	/* somebody else's, which keeps ours from going up */
	struct link *other = add("other", LINK_VXLAN, false);
	other->vxlan = (struct vxlan){.port = 4790, .external = true};
	rules = plan(RULES_BEFORE);
	assert_shut(&rules.shut[0], 0, false, 0);
	other->vxlan.external = false; /* beside which ours can be */
	rules = plan(RULES_BEFORE);
	assert_shut(&rules.shut[0], 4790, false, 42);
	other->vxlan.vni = 42; /* the kernel makes no second one */
	rules = plan(RULES_BEFORE);
	assert_shut(&rules.shut[0], 0, false, 0);
	other->vxlan.local.family = AF_INET6; /* but of the other family */
	rules = plan(RULES_BEFORE);
	assert_shut(&rules.shut[0], 4790, false, 42);
	/* not wanted any more, or in nobody's way */
	desired_clear(&desired);
	rules = plan(RULES_BEFORE);
	assert_open(rules, 0);
	assert_shut(&rules.shut[0], 0, false, 0);
}
END_TEST

START_TEST(gre_the_same_way)
{
	struct want_link *want = ARRAY_ADD(&desired.links);

	*want = (struct want_link){
	    .name = "vtap1", .kind = LINK_GRETAP, .gre.external = true, .subject = ENCAP_GRETAP};
	config.endpoints[ENCAP_GRETAP].enabled = true;
	ck_assert_uint_eq(plan(RULES_BEFORE).admit.gre, 0x10);
	ck_assert_uint_eq(plan(RULES_AFTER).admit.gre, 0);
	struct link *link = add("vtap1", LINK_GRETAP, true);
	link->gre.external = true;
	ck_assert_uint_eq(plan(RULES_BEFORE).admit.gre, 0x01);
	link->gre.ipv6 = true; /* another kind of device */
	ck_assert_uint_eq(plan(RULES_BEFORE).admit.gre, 0x30);
}
END_TEST

START_TEST(the_vni_rule_changes_with_the_device_in_place)
{
	config.endpoints[ENCAP_VXLAN].underlay = UNDERLAY_DUAL;
	desired.links.items[0].vxlan = (struct vxlan){.port = 4790, .external = true};
	add("vtap0", LINK_VXLAN, true)->vxlan = desired.links.items[0].vxlan;
	struct door_rules rules = plan(RULES_BEFORE);
	assert_open(rules, 4790);
	ck_assert_uint_eq(rules.admit.flags, DOOR_ENFORCE_VNI);
	ck_assert_uint_eq(rules.admit.vni, 42);
	config.endpoints[ENCAP_VXLAN].vni = 0;
	ck_assert_uint_eq(plan(RULES_BEFORE).admit.flags, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rules");
	TCase *tests = tcase_create("rules");
	SRunner *runner;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, shut_until_the_device_is_there);
	tcase_add_test(tests, shut_while_one_replaces_another);
	tcase_add_test(tests, an_old_name_is_shut_beside_the_new_one);
	tcase_add_test(tests, without_a_device_they_are_left_alone);
	tcase_add_test(tests, gre_the_same_way);
	tcase_add_test(tests, the_vni_rule_changes_with_the_device_in_place);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
