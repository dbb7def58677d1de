/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the collector wants: a sealed endpoint, and a door on everything that has an address.
 */
#include "collector/plan.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cutter.h"
#include "common/reconcile.h"
#include "common/tc.h"
#include "tests/unit/fake_kernel.h"

static struct fake_kernel fake;
static struct collector_config config;
static struct plan_door door;
static struct subjects subjects;
static struct reconcile reconcile;

static int plan(void *ctx, struct reconcile *r, struct desired *desired)
{
	(void)ctx;
	return plan_collector(&config, door, &r->seen, &r->made, &subjects, desired);
}

static void setup(void)
{
	fake_kernel_init(&fake);
	fake_add_link(&fake, "eth0");
	fake_add_address(&fake, "eth0", "10.0.0.9");
	fake_add_link(&fake, "eth1"); /* without an address */
	config = (struct collector_config){
	    .endpoints[ENCAP_VXLAN] = {
		.enabled = true, .device = "vtap0", .vni = 42, .port = 4789}};
	door = (struct plan_door){.prog_fd = 9,
				  .prog_id = 100,
				  .seal_fd = {10, 10, 11},
				  .seal_id = {200, 200, 201},
				  .cut_end_fd = 12,
				  .cut_end_id = 300};
	ck_assert_int_eq(subjects_add(&subjects, "endpoint vtap0"), (int)ENCAP_VXLAN);
	ck_assert_int_eq(subjects_add(&subjects, "no gretap"), (int)ENCAP_GRETAP);
	ck_assert_int_eq(subjects_add(&subjects, "no gre"), (int)ENCAP_GRE);
	ck_assert_int_eq(subjects_add(&subjects, "door"), SUBJECT_DOOR);
	reconcile = (struct reconcile){
	    .kernel = &fake.kernel, .owner = OWNER_COLLECTOR, .subjects = &subjects, .plan = plan};
}

static void teardown(void)
{
	ck_assert_str_eq(fake.touched, "");
	ck_assert_str_eq(fake.unsealed, "");
	reconcile_clear(&reconcile);
	subjects_clear(&subjects);
	fake_kernel_free(&fake);
}

static void pass(void)
{
	ck_assert_int_eq(reconcile_pass(&reconcile, false), 0);
	unsigned before = fake.operations;
	ck_assert_int_eq(reconcile_pass(&reconcile, false), 0);
	ck_assert_uint_eq(fake.operations, before);
}

static const struct filter *door_on(const char *name)
{
	return fake_filter(&fake, name, TC_INGRESS, 1, FILTER_HANDLE);
}

START_TEST(makes_and_removes)
{
	char *before = fake_text(&fake);

	pass();
	const struct link *vtap0 = fake_link(&fake, "vtap0");
	ck_assert_ptr_nonnull(vtap0);
	ck_assert(fake_sealed(&fake, vtap0));
	ck_assert_uint_ne(vtap0->flags & IFF_UP, 0);
	ck_assert_uint_eq(vtap0->offloads & OFFLOAD_GRO, 0);
	ck_assert_str_eq(door_on("eth0")->prog_name, PROG_NAME_DOOR_MADE);
	ck_assert_uint_eq(door_on("eth0")->prog_id, 100);
	ck_assert_ptr_null(door_on("eth1"));
	ck_assert_int_eq(reconcile_pass(&reconcile, true), 0);
	char *after = fake_text(&fake);
	ck_assert_str_eq(after, before);
	free(before);
	free(after);
}
END_TEST

START_TEST(endpoints)
{
	static const struct {
		uint32_t vni;
		enum underlay underlay;
		bool external, v6, zero_csum;
	} rows[] = {{42, UNDERLAY_IPV4, false, false, false},
		    {42, UNDERLAY_IPV6, false, true, true},
		    {42, UNDERLAY_DUAL, true, false, true},
		    {0, UNDERLAY_IPV4, true, false, false},
		    {0, UNDERLAY_DUAL, true, false, true}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct desired desired = {.owner = OWNER_COLLECTOR};
		struct ops ops = {0};
		config.endpoints[ENCAP_VXLAN].vni = rows[i].vni;
		config.endpoints[ENCAP_VXLAN].underlay = rows[i].underlay;
		ck_assert_int_eq(reconcile_preview(&reconcile, &desired, &ops), 0);
		ck_assert_uint_eq(desired.links.count, 3); /* it, and the cutter */
		const struct vxlan *vxlan = &desired.links.items[0].vxlan;
		ck_assert_int_eq(vxlan->external, rows[i].external);
		ck_assert_uint_eq(vxlan->vni, rows[i].external ? 0 : 42);
		ck_assert_int_eq(vxlan->local.family == AF_INET6, rows[i].v6);
		ck_assert_int_eq(vxlan->zero_csum6_rx, rows[i].zero_csum);
		ck_assert(!vxlan->learning);
		ck_assert_uint_eq(vxlan->remote.family, 0);
		ops_clear(&ops);
		desired_clear(&desired);
		pass();
	}
}
END_TEST

START_TEST(endpoints_of_gre)
{
	config.endpoints[ENCAP_GRETAP] =
	    (struct collector_endpoint){.enabled = true, .device = "vtap1"};
	config.endpoints[ENCAP_GRE] = (struct collector_endpoint){
	    .enabled = true, .device = "vtap2", .underlay = UNDERLAY_IPV6};
	pass();
	const struct link *gretap = fake_link(&fake, "vtap1"), *gre = fake_link(&fake, "vtap2");
	ck_assert_ptr_nonnull(fake_link(&fake, "vtap0"));
	ck_assert_str_eq(gretap->kind_name, "gretap");
	ck_assert_str_eq(gre->kind_name, "ip6gre");
	ck_assert(gretap->gre.external && gre->gre.external);
	ck_assert(fake_sealed(&fake, gretap) && fake_sealed(&fake, gre));
	/* each with the seal that knows where its packets begin */
	ck_assert_uint_eq(fake_filter(&fake, "vtap1", TC_INGRESS, 1, FILTER_HANDLE)->prog_id, 200);
	ck_assert_uint_eq(fake_filter(&fake, "vtap2", TC_INGRESS, 1, FILTER_HANDLE)->prog_id, 201);
	unsigned before = fake.changes;
	pass();
	ck_assert_uint_eq(fake.changes, before);
	config.endpoints[ENCAP_VXLAN].enabled = config.endpoints[ENCAP_GRE].enabled = false;
	pass();
	ck_assert_ptr_null(fake_link(&fake, "vtap0"));
	ck_assert_ptr_null(fake_link(&fake, "vtap2"));
	ck_assert_ptr_nonnull(fake_link(&fake, "vtap1"));
}
END_TEST

START_TEST(gro_as_asked)
{
	config.endpoints[ENCAP_VXLAN].gro = true;
	pass();
	ck_assert_uint_ne(fake_link(&fake, "vtap0")->offloads & OFFLOAD_GRO, 0);
	config.endpoints[ENCAP_VXLAN].gro = false;
	pass();
	ck_assert_uint_eq(fake_link(&fake, "vtap0")->offloads & OFFLOAD_GRO, 0);
}
END_TEST

/* A veth pair that leaves nothing to devices; not before it is whole is it used. */
START_TEST(cutter)
{
	ck_assert_int_eq(cutter_ready(&reconcile.seen, 300, &config), 0);
	pass();
	struct link *in = fake_link(&fake, "vtap0-s"), *out = fake_link(&fake, "vtap0-t");
	const struct filter *end = fake_filter(&fake, "vtap0-t", TC_INGRESS, 1, FILTER_HANDLE);
	ck_assert_uint_eq(end->prog_id, 300);
	ck_assert_str_eq(end->prog_name, PROG_NAME_CUT_END);
	ck_assert_uint_eq(in->mtu, 65535);
	ck_assert_uint_eq(out->mtu, 65535);
	ck_assert_uint_eq((in->offloads | out->offloads) & (OFFLOAD_TX_CHECKSUM | OFFLOAD_GRO), 0);
	ck_assert_int_eq(cutter_ready(&reconcile.seen, 300, &config), in->ifindex);
	ck_assert_int_eq(cutter_ready(&reconcile.seen, 301, &config), 0);
	in->offloads = OFFLOAD_TX_CHECKSUM;
	ck_assert_int_eq(reconcile_observe(&reconcile), 0);
	ck_assert_int_eq(cutter_ready(&reconcile.seen, 300, &config), 0);
	pass();
	ck_assert_int_eq(cutter_ready(&reconcile.seen, 300, &config), in->ifindex);
	fake_link(&fake, "vtap0-t")->flags &= ~(uint32_t)IFF_UP;
	ck_assert_int_eq(reconcile_observe(&reconcile), 0);
	ck_assert_int_eq(cutter_ready(&reconcile.seen, 300, &config), 0);
	pass();
	config.endpoints[ENCAP_VXLAN].gro = true;
	ck_assert_int_eq(cutter_ready(&reconcile.seen, 300, &config), 0);
	pass();
	ck_assert_ptr_null(fake_link(&fake, "vtap0-s"));
	ck_assert_ptr_null(fake_link(&fake, "vtap0-t"));
}
END_TEST

START_TEST(cutter_taken)
{
	fake_add_link(&fake, "vtap0-t");
	pass();
	ck_assert_str_eq(subjects.items[SUBJECT_DOOR].reason,
			 "there is a device vtap0-t (hardware) that vtap-collector did not make: "
			 "readers see what GRO merged on the underlay");
	ck_assert_ptr_nonnull(door_on("eth0"));
	ck_assert_int_eq(cutter_ready(&reconcile.seen, 300, &config), 0);
	fake_delete_link(&fake, "vtap0-t");
	pass();
	ck_assert_int_ne(cutter_ready(&reconcile.seen, 300, &config), 0);
}
END_TEST

START_TEST(doors_follow_addresses)
{
	pass();
	fake_add_address(&fake, "eth1", "fd00::9");
	pass();
	ck_assert_ptr_nonnull(door_on("eth1"));
	fake_add_link(&fake, "br0");
	fake_link(&fake, "eth1")->master = fake_link(&fake, "br0")->ifindex;
	fake_add_address(&fake, "br0", "10.0.1.9");
	pass();
	ck_assert_ptr_null(door_on("eth1"));
	ck_assert_ptr_nonnull(door_on("br0"));
	door.prog_id = 101; /* a new program */
	pass();
	ck_assert_uint_eq(door_on("eth0")->prog_id, 101);
	ck_assert_uint_eq(door_on("br0")->prog_id, 101);
}
END_TEST

/* One that runs somewhere else, or is the present one, makes way for nothing. */
START_TEST(counts_the_doors_to_be_replaced)
{
	struct desired desired = {.owner = OWNER_COLLECTOR};

	fake_add_address(&fake, "eth1", "10.0.1.9");
	pass();
	fake_add_link(&fake, "eth2");
	fake_add_address(&fake, "eth2", "10.0.2.9");
	for (door.prog_id = 100; door.prog_id <= 101; door.prog_id++) {
		ck_assert_int_eq(reconcile_observe(&reconcile), 0);
		ck_assert_int_eq(plan(NULL, &reconcile, &desired), 0);
		ck_assert_uint_eq(plan_doors_replaced(&desired, &reconcile.seen, door.prog_id),
				  door.prog_id == 100 ? 0 : 2);
		desired_clear(&desired);
	}
}
END_TEST

START_TEST(shared_hook)
{
	fake_add_qdisc(&fake, "eth0", "ingress");
	pass();
	ck_assert_str_eq(door_on("eth0")->prog_name, PROG_NAME_DOOR);
	ck_assert_int_eq(reconcile_pass(&reconcile, true), 0);
	ck_assert_uint_eq(fake.qdiscs.count, 1);
}
END_TEST

START_TEST(device_taken)
{
	fake_add_link(&fake, "vtap0");
	fake_link(&fake, "vtap0")->group = owner_group(OWNER_CLIENT);
	pass();
	ck_assert_str_eq(subjects.items[(int)ENCAP_VXLAN].reason,
			 "there is a device vtap0 (hardware) that vtap-collector did not make");
	ck_assert_str_eq(subjects.items[SUBJECT_DOOR].reason, "");
}
END_TEST

/* Behind whoever has its place, and there again when it is free. */
START_TEST(pref_taken)
{
	fake_add_qdisc(&fake, "eth0", "clsact");
	fake_add_filter(&fake, "eth0", TC_INGRESS, 1, 0x80000800, "u32");
	fake_add_filter(&fake, "eth0", TC_INGRESS, 2, 0x80000801, "u32");
	pass();
	ck_assert_ptr_nonnull(strstr(subjects.items[SUBJECT_DOOR].reason,
				     "pref 1 of eth0 ingress is taken by a u32 filter, the door is "
				     "behind it at pref 3: "));
	ck_assert_uint_eq(fake_filter(&fake, "eth0", TC_INGRESS, 3, FILTER_HANDLE)->prog_id, 100);
	fake_delete_filter(&fake, 0);
	pass();
	ck_assert_str_eq(subjects.items[SUBJECT_DOOR].reason, "");
	ck_assert_ptr_null(fake_filter(&fake, "eth0", TC_INGRESS, 3, FILTER_HANDLE));
	ck_assert_uint_eq(door_on("eth0")->prog_id, 100);
}
END_TEST

/* A client with tc_pref = 1, or anybody else, may have a filter where the door would be. */
START_TEST(place_taken)
{
	fake_add_qdisc(&fake, "eth0", "clsact");
	struct filter *mirror = fake_add_filter(&fake, "eth0", TC_INGRESS, 1, FILTER_HANDLE, "bpf");
	cookie_make(mirror->cookie, OWNER_CLIENT, 0, "soc");
	mirror->cookie_size = COOKIE_SIZE;
	mirror->owner = OWNER_CLIENT;
	pass();
	ck_assert_ptr_nonnull(strstr(subjects.items[SUBJECT_DOOR].reason,
				     "pref 1 of eth0 ingress is taken by a bpf filter, "));
	ck_assert_uint_eq(fake_filter(&fake, "eth0", TC_INGRESS, 2, FILTER_HANDLE)->prog_id, 100);
	/* that one, the door behind it, the seal, and the end of the cut */
	ck_assert_uint_eq(fake.filters.count, 4);
}
END_TEST

/* Packets that come in past the door: by what is ahead of it, if something is; said anyhow. */
START_TEST(past_the_door)
{
	const struct subject *said = &subjects.items[SUBJECT_DOOR];

	pass();
	door.crossing = CROSSING_PAST;
	pass();
	ck_assert_str_eq(said->reason,
			 "tunnel packets come in past the door, unchecked and uncounted");
	fake_link(&fake, "eth0")->xdp = 77; /* what that takes never comes to the endpoint */
	pass();
	ck_assert_str_eq(said->reason,
			 "tunnel packets come in past the door, unchecked and uncounted");
	fake_add_program(&fake, "eth0", TC_INGRESS, 7);
	pass();
	ck_assert_str_eq(
	    said->reason,
	    "tunnel packets come in unchecked and uncounted, as tcx program 7 of eth0 ingress "
	    "may lead them past the door: it must return TCX_NEXT (-1)");
	door.crossing = CROSSING_GOOD;
	pass();
	ck_assert_str_eq(said->reason, "");
}
END_TEST

/* Let in, and nowhere: each endpoint that there is says what to look for. */
START_TEST(stranded)
{
	config.endpoints[ENCAP_GRETAP] =
	    (struct collector_endpoint){.enabled = true, .device = "vtap1"};
	pass();
	door.crossing = CROSSING_STRANDED;
	pass();
	ck_assert_str_eq(
	    subjects.items[(int)ENCAP_VXLAN].reason,
	    "packets of clients are let in and none reaches vtap0: a firewall on UDP port 4789, "
	    "rp_filter, or an address that is not this host's?");
	ck_assert_ptr_nonnull(strstr(subjects.items[(int)ENCAP_GRETAP].reason,
				     "none reaches vtap1: a firewall on protocol 47, "));
	ck_assert_str_eq(subjects.items[(int)ENCAP_GRE].reason, "");
	ck_assert_str_eq(subjects.items[SUBJECT_DOOR].reason, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("collector_plan");
	TCase *tests = tcase_create("collector_plan");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, makes_and_removes);
	tcase_add_test(tests, endpoints);
	tcase_add_test(tests, endpoints_of_gre);
	tcase_add_test(tests, gro_as_asked);
	tcase_add_test(tests, cutter);
	tcase_add_test(tests, cutter_taken);
	tcase_add_test(tests, doors_follow_addresses);
	tcase_add_test(tests, counts_the_doors_to_be_replaced);
	tcase_add_test(tests, shared_hook);
	tcase_add_test(tests, device_taken);
	tcase_add_test(tests, pref_taken);
	tcase_add_test(tests, place_taken);
	tcase_add_test(tests, past_the_door);
	tcase_add_test(tests, stranded);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
