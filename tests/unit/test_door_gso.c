/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door's program on aggregates: what GRO and GSO make of several frames must count as those
 * frames.
 */
#include "door_rig.h"

/* The inner headers; tot_len 0 is filled in by nobody. Returns their size. */
static size_t inner(unsigned tags, unsigned version, unsigned protocol, size_t options,
		    size_t payload)
{
	size_t start = length, l4 = protocol == 6 ? 20 + options : 8;

	put_zeros(12);
	for (unsigned i = 0; i < tags; i++) {
		put16(i + 1 < tags ? 0x88a8 : 0x8100);
		put16(100 + i);
	}
	if (version == 4) {
		put16(0x0800);
		put16(0x4500);
		put16((unsigned)(20 + l4 + payload));
		put_zeros(5);
		put8(protocol);
		put_zeros(10);
	} else {
		put16(0x86dd);
		put32(0x60000000);
		put16((unsigned)(l4 + payload));
		put8(protocol);
		put8(64);
		put_zeros(32);
	}
	if (protocol == 6) {
		put_zeros(12);
		put8((unsigned)(20 + options) / 4 << 4);
		put_zeros(7 + options);
	} else {
		put_zeros(8);
	}
	return length - start;
}

static void outer(unsigned version)
{
	if (version == 4)
		ipv4("10.0.0.5", 0, 0, 17);
	else
		ipv6("fd00::5", 17);
	udp(PORT, 0);
	vxlan(42);
}

/* Each kind of inner header; the last segment is a short one. gso_segs as given, or unknown. */
START_TEST(aggregate_counts_its_segments)
{
	enum { SEGMENT = 500, PAYLOAD = 5 * SEGMENT + 77 };
	static const struct {
		unsigned outer, tags, version, protocol;
		size_t options;
		uint32_t segs;
	} cases[] = {
	    {4, 0, 4, 6, 0, 6},  {4, 0, 4, 6, 12, 0}, {6, 0, 4, 6, 12, 0}, {4, 1, 4, 6, 12, 0},
	    {4, 2, 6, 6, 40, 6}, {6, 1, 6, 6, 0, 0},  {4, 0, 4, 17, 0, 0}, {6, 0, 6, 17, 0, 6},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *source = cases[i].outer == 4 ? "10.0.0.5" : "fd00::5";
		size_t headers;

		outer(cases[i].outer);
		headers = inner(cases[i].tags, cases[i].version, cases[i].protocol,
				cases[i].options, PAYLOAD);
		put_zeros(PAYLOAD);
		done();
		ck_assert_int_eq(run_gso(door, SEGMENT, cases[i].segs), PASS);
		assert_client(source, 42, 6, 6 * headers + PAYLOAD);
		assert_counter(totals().accepted, 6, 6 * headers + PAYLOAD);
		teardown();
		setup();
	}
}
END_TEST

START_TEST(aggregate_of_exact_and_of_one_segment)
{
	size_t headers;

	outer(4);
	headers = inner(0, 4, 6, 12, 2000);
	put_zeros(2000);
	done();
	ck_assert_int_eq(run_gso(door, 1000, 0), PASS);
	assert_client("10.0.0.5", 42, 2, 2 * headers + 2000);
	outer(4);
	inner(0, 4, 6, 12, 1000);
	put_zeros(1000);
	done();
	ck_assert_int_eq(run_gso(door, 1000, 1), PASS);
	assert_client("10.0.0.5", 42, 3, 3 * headers + 3000);
}
END_TEST

/* More than 64 KiB: the length fields hold 0, outside and inside. */
START_TEST(aggregate_without_lengths)
{
	size_t headers, inner_at;

	outer(4);
	inner_at = length;
	headers = inner(0, 4, 6, 12, 0);
	put_zeros(3000);
	done();
	set16(ip_at + 2, 0);
	set16(udp_at + 4, 0);
	set16(inner_at + 16, 0);
	ck_assert_int_eq(run_gso(door, 1000, 0), PASS);
	assert_client("10.0.0.5", 42, 3, 3 * headers + 3000);
	outer(6);
	inner_at = length;
	headers = inner(0, 6, 6, 12, 0);
	put_zeros(3000);
	done();
	set16(ip_at + 4, 0);
	set16(udp_at + 4, 0);
	set16(inner_at + 18, 0);
	ck_assert_int_eq(run_gso(door, 1000, 0), PASS);
	assert_client("fd00::5", 42, 3, 3 * headers + 3000);
}
END_TEST

/* Whole datagrams in a row, each with its VXLAN header. */
START_TEST(aggregate_of_datagrams)
{
	outer(4);
	for (int i = 0; i < 5; i++) {
		if (i)
			vxlan(42);
		inner(0, 4, 17, 0, i < 4 ? 450 : 100);
		put_zeros(i < 4 ? 450 : 100);
	}
	done();
	ck_assert_int_eq(run_gso(door, 8 + 42 + 450, 0), PASS);
	assert_client("10.0.0.5", 42, 5, 5 * 42 + 4 * 450 + 100);
}
END_TEST

/* Not TCP, not UDP: the number of segments is all there is to go by. */
START_TEST(aggregate_of_something_else)
{
	outer(4);
	inner(0, 4, 132, 0, 1000);
	put_zeros(1000);
	done();
	ck_assert_int_eq(run_gso(door, 500, 3), PASS);
	assert_client("10.0.0.5", 42, 3, 34 + 1008 + 2 * 34);
	outer(4);
	put_zeros(100);
	done();
	ck_assert_int_eq(run_gso(door, 500, 0), PASS);
	assert_client("10.0.0.5", 42, 4, 34 + 1008 + 2 * 34 + 100);
}
END_TEST

/* The seal, which sees the frames without what was around them, comes to the same numbers. */
START_TEST(seal_counts_alike)
{
	size_t headers;

	length = 0;
	headers = inner(0, 4, 6, 12, 2077);
	put_zeros(2077);
	ck_assert_int_eq(run_seal(1000, 3), SHOT);
	assert_counter(totals().delivered, 3, 3 * headers + 2077);
	length = 0;
	headers += inner(1, 6, 6, 12, 1500) * 2; /* with a tag */
	put_zeros(1500);
	ck_assert_int_eq(run_seal(1000, 0), SHOT);
	assert_counter(totals().delivered, 5, headers + 2 * (52 + 14) + 2077 + 1500);
	length = 0;
	put_zeros(12);
	put16(0x88b5);
	ck_assert_int_eq(run_seal(0, 0), SHOT);
	assert_counter(totals().delivered, 6, headers + 2 * (52 + 14) + 2077 + 1500 + 14);
	assert_counter(totals().accepted, 0, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, aggregate_counts_its_segments);
	tcase_add_test(tests, aggregate_of_exact_and_of_one_segment);
	tcase_add_test(tests, aggregate_without_lengths);
	tcase_add_test(tests, aggregate_of_datagrams);
	tcase_add_test(tests, aggregate_of_something_else);
	tcase_add_test(tests, seal_counts_alike);
}

int main(void)
{
	return run_suite("door_gso", add_tests);
}
