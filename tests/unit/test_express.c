/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The express lane's program, run by the kernel on frames of all kinds, against a reference. What
 * it makes of TCP aggregates can be seen on the wire only: a test run has none that the kernel
 * would know the type of.
 */
#include <string.h>

#include "express_rig.h"

enum { ROUNDS = 3000, HOP_ENTRY = 77, HOP_EXIT = 78 };

static uint64_t state;

static uint32_t draw(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

/* Headers as they should be, then mostly a few bytes as they should not. */
static void draw_frame(struct frame *frame)
{
	static const uint16_t types[] = {0x0800, 0x0800, 0x0800, 0x86dd, 0x86dd,
					 0x0806, 0x8100, 0x88a8, 0x88b5, 0x0040};
	const uint16_t type = types[draw(sizeof(types) / sizeof(*types))];

	memset(frame, 0, sizeof(*frame));
	frame->length = draw(3) ? 60 + draw(1500) : 60 + draw(40);
	for (size_t i = 0; i < frame->length; i++)
		frame->bytes[i] = (uint8_t)draw(256);
	frame->bytes[0] &= 0xfe;
	frame->bytes[12] = (uint8_t)(type >> 8);
	frame->bytes[13] = (uint8_t)type;
	frame->bytes[14] = type == 0x86dd ? 0x60 : 0x45;
	frame->bytes[type == 0x86dd ? 20 : 23] = draw(2) ? 6 : 17;
	for (uint32_t i = draw(4); i; i--)
		frame->bytes[12 + draw(40)] = (uint8_t)draw(256);
}

static void assert_as_reference(const struct express_way *way)
{
	struct express_counts before = rig_counts(), after;
	enum express_pass reason;
	struct frame in, out;
	const char *wrong;
	int verdict;

	draw_frame(&in);
	out = in;
	verdict = rig_run(&out);
	after = rig_counts();
	ck_assert_uint_eq(after.dropped, 0);
	ck_assert_uint_eq(after.resegmented, 0);
	if (rig_fate(way, &in, &reason) == RIG_TAKEN) {
		wrong = rig_wrong(way, &in, &out);
		ck_assert_msg(!wrong, "%s, frame of %zu", wrong, in.length);
		ck_assert_int_eq(verdict, VERDICT_REDIRECT);
		before.packets++;
		before.bytes += in.length;
	} else {
		ck_assert_int_eq(verdict, VERDICT_ON);
		ck_assert_uint_eq(out.length, in.length);
		ck_assert_mem_eq(out.bytes, in.bytes, in.length);
		before.passed[reason]++;
	}
	ck_assert_mem_eq(&before, &after, sizeof(after));
}

START_TEST(frames_are_as_the_reference_has_them)
{
	struct express_way ways[] = {
	    rig_way(ENCAP_VXLAN, 0xabcdef, "10.0.0.5", "192.0.2.1"),
	    rig_way(ENCAP_VXLAN, 1, "fd00::5", "2001:db8::1"),
	    rig_way(ENCAP_GRETAP, 0, "10.0.0.5", "192.0.2.1"),
	    rig_way(ENCAP_GRETAP, 0xfedcba98, "10.0.0.5", "192.0.2.1"),
	    rig_way(ENCAP_GRETAP, 0, "fd00::5", "2001:db8::1"),
	    rig_way(ENCAP_GRETAP, 7, "fd00::5", "2001:db8::1"),
	};

	ways[0].mtu = 1550;
	ways[3].mtu = 1400;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		state = i + 1;
		ck_assert_int_eq(express_set(express, &ways[i]), 0);
		for (int round = 0; round < ROUNDS; round++)
			assert_as_reference(&ways[i]);
	}
}
END_TEST

/* To the byte: what just fits, and what just does not. */
START_TEST(a_frame_fits_or_not)
{
	struct express_way way = rig_plain();
	struct frame frame;

	ck_assert_int_eq(express_set(express, &way), 0);
	for (size_t length = 1463; length <= 1465; length++) {
		memset(&frame, 0, sizeof(frame));
		frame.bytes[12] = 0x08;
		frame.bytes[14] = 0x45;
		frame.length = length;
		ck_assert_int_eq(rig_run(&frame), length <= 1464 ? VERDICT_REDIRECT : VERDICT_ON);
	}
	ck_assert_uint_eq(rig_counts().packets, 2);
	ck_assert_uint_eq(rig_counts().bytes, 1463 + 1464);
	ck_assert_uint_eq(rig_counts().passed[EXPRESS_PASS_TOO_BIG], 1);
}
END_TEST

/* A flow keeps its source port, and flows spread. */
START_TEST(flows_have_their_ports)
{
	struct express_way way = rig_plain();
	struct frame base = {.length = 60}, frame;
	unsigned port, first = 0, differ = 0;

	ck_assert_int_eq(express_set(express, &way), 0);
	base.bytes[12] = 0x08;
	memcpy(base.bytes + 14, "\x45\0\0\x2e\0\0\0\0\x40\x11\0\0\x0a\1\0\1\x0a\1\0\2", 20);
	for (unsigned i = 0; i < 64; i++) {
		base.bytes[35] = (uint8_t)(i / 2); /* UDP source port: two of each */
		base.bytes[39] = 26;
		frame = base;
		ck_assert_int_eq(rig_run(&frame), VERDICT_REDIRECT);
		port = (unsigned)frame.bytes[34] << 8 | frame.bytes[35];
		if (i % 2)
			ck_assert_uint_eq(port, first);
		else
			differ += port != first;
		first = port;
	}
	ck_assert_uint_gt(differ, 16);
}
END_TEST

static void put_aggregate(struct frame *frame, bool ipv4, uint8_t protocol, uint32_t gso_size)
{
	memset(frame, 0, sizeof(*frame));
	frame->length = 1900;
	frame->gso_size = gso_size;
	frame->gso_segs = 3;
	frame->bytes[12] = ipv4 ? 0x08 : 0x86;
	frame->bytes[13] = ipv4 ? 0x00 : 0xdd;
	frame->bytes[14] = ipv4 ? 0x45 : 0x60;
	frame->bytes[ipv4 ? 23 : 20] = protocol;
	frame->bytes[(ipv4 ? 34 : 54) + 12] = 0x80; /* TCP, with 12 bytes of options */
}

static unsigned source_port_of(const struct frame *in)
{
	struct frame out = *in;

	ck_assert_int_eq(rig_run(&out), VERDICT_REDIRECT);
	return (unsigned)out.bytes[34] << 8 | out.bytes[35];
}

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t was = a[i];
		a[i] = b[i];
		b[i] = was;
	}
}

/* Both directions have one source port, so that a collector's CPUs do not overtake each other. */
START_TEST(directions_share_a_port)
{
	struct express_way way = rig_plain();
	unsigned differ = 0, before = 0;

	way.finishes = true; /* random checksums are those that are left to the device, at times */
	ck_assert_int_eq(express_set(express, &way), 0);
	state = 1;
	for (int i = 0; i < 400; i++) {
		const bool ipv4 = i & 1;
		struct frame frame;
		put_aggregate(&frame, ipv4, i & 2 ? 6 : 17, 0);
		frame.gso_segs = 0;
		frame.length = 200;
		for (size_t b = ipv4 ? 26 : 22; b < 58; b++)
			frame.bytes[b] = (uint8_t)draw(256);
		unsigned port = source_port_of(&frame);
		swap(frame.bytes + (ipv4 ? 26 : 22), frame.bytes + (ipv4 ? 30 : 38), ipv4 ? 4 : 16);
		swap(frame.bytes + (ipv4 ? 34 : 54), frame.bytes + (ipv4 ? 36 : 56), 2);
		ck_assert_uint_eq(source_port_of(&frame), port);
		swap(frame.bytes + (ipv4 ? 34 : 54), frame.bytes + (ipv4 ? 36 : 56), 2);
		differ += source_port_of(&frame) != port && port != before;
		before = port;
	}
	ck_assert_uint_gt(differ, 390);
}
END_TEST

/* REFUSED is the kernel's: the program has found that it fits, and tried. */
START_TEST(aggregates_fit_or_not)
{
	static const struct {
		bool ipv4, resegment;
		uint8_t protocol;
		uint32_t gso_size, mtu;
		enum express_pass reason;
	} cases[] = {
	    {true, false, 6, 1448, 1550, EXPRESS_PASS_REFUSED},
	    {true, false, 6, 1448, 1549, EXPRESS_PASS_TOO_BIG},
	    {true, true, 6, 1448, 1549, EXPRESS_PASS_REFUSED},
	    {true, true, 6, 1448, 1500, EXPRESS_PASS_REFUSED},
	    {true, true, 6, 1448, 1499, EXPRESS_PASS_TOO_BIG},
	    {false, true, 6, 1428, 1500, EXPRESS_PASS_REFUSED},
	    {false, true, 6, 1429, 1500, EXPRESS_PASS_TOO_BIG},
	    {false, false, 6, 1428, 1550, EXPRESS_PASS_REFUSED},
	    {true, false, 17, 1472, 1550, EXPRESS_PASS_REFUSED},
	    {true, true, 17, 1472, 1549, EXPRESS_PASS_TOO_BIG},
	    {true, true, 6, 90, 150, EXPRESS_PASS_TOO_BIG},
	    {true, true, 132, 500, 1500, EXPRESS_PASS_UNFAMILIAR},
	    {false, true, 0, 500, 1500, EXPRESS_PASS_UNFAMILIAR},
	};
	struct express_way way = rig_plain();
	struct frame in, out;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t before = rig_counts().passed[cases[i].reason];

		way.mtu = cases[i].mtu;
		way.resegment = cases[i].resegment;
		ck_assert_int_eq(express_set(express, &way), 0);
		put_aggregate(&in, cases[i].ipv4, cases[i].protocol, cases[i].gso_size);
		out = in;
		ck_assert_int_eq(rig_run(&out), VERDICT_ON);
		ck_assert_mem_eq(out.bytes, in.bytes, in.length);
		ck_assert_msg(rig_counts().passed[cases[i].reason] == before + 3, "case %zu", i);
	}
	ck_assert_uint_eq(rig_counts().packets, 0);
}
END_TEST

START_TEST(what_comes_from_the_hop_was_there_before)
{
	struct express_way way = rig_plain();
	struct frame in = {.length = 60}, out = in;

	way.hop_entry = HOP_ENTRY;
	way.hop_exit = HOP_EXIT;
	ck_assert_int_eq(express_set(express, &way), 0);
	ck_assert_int_eq(rig_run(&out), VERDICT_ON);
	ck_assert_mem_eq(out.bytes, in.bytes, in.length);
	ck_assert_uint_eq(out.length, in.length);
	ck_assert_uint_eq(rig_counts().passed[EXPRESS_PASS_NOT_IP], 1);
	/* back again, whatever it is */
	for (int ip = 0; ip < 2; ip++) {
		in.bytes[12] = ip ? 0x08 : 0;
		in.bytes[14] = 0x45;
		out = in;
		out.ingress_ifindex = HOP_EXIT;
		ck_assert_int_eq(rig_run(&out), VERDICT_ON);
		ck_assert_uint_eq(out.length, in.length);
	}
	ck_assert_uint_eq(rig_counts().passed[EXPRESS_PASS_NOT_IP], 1);
	ck_assert_uint_eq(rig_counts().packets, 0);
	/* nor while there is no way */
	way.oif = 0;
	ck_assert_int_eq(express_set(express, &way), 0);
	ck_assert_int_eq(rig_run(&out), VERDICT_ON);
	out.ingress_ifindex = 0;
	ck_assert_int_eq(rig_run(&out), VERDICT_ON);
	ck_assert_uint_eq(rig_counts().passed[EXPRESS_PASS_OFF], 1);
}
END_TEST

/* Nobody knows whether it is finished: behind an extension header, but for that of a fragment. */
START_TEST(checksums_that_are_not_seen)
{
	static const uint8_t next[] = {0, 43, 60, 44, 58};
	struct express_way way = rig_plain();
	struct frame frame;

	ck_assert_int_eq(express_set(express, &way), 0);
	for (size_t i = 0; i < sizeof(next); i++) {
		put_aggregate(&frame, false, next[i], 0);
		frame.gso_segs = 0;
		frame.length = 200;
		ck_assert_int_eq(rig_run(&frame), i < 3 ? VERDICT_ON : VERDICT_REDIRECT);
	}
	ck_assert_uint_eq(rig_counts().passed[EXPRESS_PASS_CHECKSUM], 3);
}
END_TEST

/* As the stack leaves a frame to the device, and one bit beside it. */
START_TEST(checksums_that_are_left_to_the_device)
{
	static const struct {
		bool ipv4;
		uint8_t protocol;
	} cases[] = {{true, 6}, {true, 17}, {false, 6}, {false, 17}};
	struct express_way way = rig_plain();
	struct frame frame, out;

	ck_assert_int_eq(express_set(express, &way), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		state = i;
		put_aggregate(&frame, cases[i].ipv4, cases[i].protocol, 0);
		frame.gso_segs = 0;
		frame.length = 200;
		for (size_t b = cases[i].ipv4 ? 26 : 22; b < frame.length; b++)
			frame.bytes[b] = (uint8_t)draw(256);
		frame.bytes[cases[i].ipv4 ? 17 : 19] = cases[i].ipv4 ? 186 : 146;
		uint8_t *check =
		    frame.bytes + (cases[i].ipv4 ? 34 : 54) + (cases[i].protocol == 6 ? 16 : 6);
		unsigned sum = rig_pseudo_sum(&frame);
		check[0] = (uint8_t)(sum >> 8);
		check[1] = (uint8_t)sum;
		out = frame;
		ck_assert_int_eq(rig_run(&out), VERDICT_ON);
		ck_assert_uint_eq(rig_counts().passed[EXPRESS_PASS_CHECKSUM], i + 1);
		check[1] ^= 1;
		out = frame;
		ck_assert_int_eq(rig_run(&out), VERDICT_REDIRECT);
	}
}
END_TEST

/* But not where the kernel fills them in on the way. */
START_TEST(checksums_that_the_kernel_will_fill_in)
{
	struct express_way way = rig_plain();
	struct frame frame, in;

	way.finishes = true;
	ck_assert_int_eq(express_set(express, &way), 0);
	put_aggregate(&in, true, 17, 0);
	in.gso_segs = 0;
	in.length = 200;
	in.bytes[17] = 186;
	unsigned sum = rig_pseudo_sum(&in);
	in.bytes[40] = (uint8_t)(sum >> 8);
	in.bytes[41] = (uint8_t)sum;
	frame = in;
	ck_assert_int_eq(rig_run(&frame), VERDICT_REDIRECT);
	ck_assert_ptr_null(rig_wrong(&way, &in, &frame));
	ck_assert_uint_eq(rig_counts().passed[EXPRESS_PASS_CHECKSUM], 0);
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_test(tests, frames_are_as_the_reference_has_them);
	tcase_add_test(tests, a_frame_fits_or_not);
	tcase_add_test(tests, directions_share_a_port);
	tcase_add_test(tests, flows_have_their_ports);
	tcase_add_test(tests, aggregates_fit_or_not);
	tcase_add_test(tests, what_comes_from_the_hop_was_there_before);
	tcase_add_test(tests, checksums_that_are_left_to_the_device);
	tcase_add_test(tests, checksums_that_are_not_seen);
	tcase_add_test(tests, checksums_that_the_kernel_will_fill_in);
}

int main(void)
{
	return rig_main("express", add);
}
