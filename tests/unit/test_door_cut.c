/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door's program on the way of aggregates through the cutter: counted when they are let in and
 * never again, overtaken by nothing, and nobody gets past the door by pretending to come from
 * there.
 */
#include <bpf/bpf.h>
#include <string.h>

#include "door_rig.h"

enum { REDIRECT = 7 }; /* TC_ACT_REDIRECT */
enum { CUTTER = 1 };   /* some device */
enum { LOOPBACK = 1 }; /* where the program runs */
enum { SEGMENT = 500 };

static struct __sk_buff context;

/* The context goes on from one program to the next, as the packet's own does. */
static int run_in_context(int fd, uint32_t gso_size)
{
	struct __sk_buff after = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = (uint32_t)length,
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .ctx_out = &after,
		    .ctx_size_out = sizeof(after));

	context.gso_size = gso_size;
	ck_assert_int_eq(bpf_prog_test_run_opts(fd, &opts), 0);
	memcpy(context.cb, after.cb, sizeof(context.cb));
	return (int)opts.retval;
}

static int run_door(uint32_t gso_size)
{
	return run_in_context(door_prog_fd(door), gso_size);
}

static int run_end(uint32_t gso_size)
{
	return run_in_context(door_cut_end_fd(door), gso_size);
}

static void tcp_frame(const char *source, size_t payload)
{
	ipv4(source, 0, 0, 17);
	udp(PORT, 0);
	vxlan(42);
	put_zeros(12);
	put16(0x0800);
	put16(0x4500);
	put16((unsigned)(40 + payload));
	put_zeros(5);
	put8(6);
	put_zeros(10 + 12);
	put8(5 << 4);
	put_zeros(7 + payload);
	done();
}

static void start(void)
{
	context = (struct __sk_buff){.ifindex = LOOPBACK};
	ck_assert_int_eq(door_set_cutter(door, CUTTER), 0);
}

/* An aggregate of three; its segments come back. */
START_TEST(counted_once)
{
	start();
	tcp_frame("10.0.0.5", 3 * SEGMENT);
	ck_assert_int_eq(run_door(SEGMENT), REDIRECT);
	assert_client("10.0.0.5", 42, 3, 3 * 54 + 3 * SEGMENT);
	tcp_frame("10.0.0.5", SEGMENT);
	const struct __sk_buff inherited = context;
	for (int i = 0; i < 3; i++) {
		context = inherited;
		ck_assert_int_eq(run_end(0), REDIRECT);
		ck_assert_int_eq(run_door(0), PASS);
		ck_assert_uint_eq(context.cb[0] | context.cb[1], 0);
	}
	assert_client("10.0.0.5", 42, 3, 3 * 54 + 3 * SEGMENT);
	assert_counter(totals().accepted, 3, 3 * 54 + 3 * SEGMENT);
}
END_TEST

/* What comes while something is on its way follows it; once all is back it goes straight on. */
START_TEST(nothing_overtakes)
{
	struct __sk_buff aggregate, single;

	start();
	tcp_frame("10.0.0.5", SEGMENT);
	ck_assert_int_eq(run_door(0), PASS);
	tcp_frame("10.0.0.5", 2 * SEGMENT);
	ck_assert_int_eq(run_door(SEGMENT), REDIRECT);
	aggregate = context;
	context = (struct __sk_buff){.ifindex = LOOPBACK};
	tcp_frame("10.0.0.6", SEGMENT); /* of somebody new */
	ck_assert_int_eq(run_door(0), REDIRECT);
	single = context;
	context = aggregate;
	ck_assert_int_eq(run_door(0), PASS);
	context = aggregate;
	ck_assert_int_eq(run_door(0), PASS);
	context = (struct __sk_buff){.ifindex = LOOPBACK};
	ck_assert_int_eq(run_door(0), REDIRECT); /* the single one is still on its way */
	aggregate = context;
	context = single;
	ck_assert_int_eq(run_door(0), PASS);
	context = aggregate;
	ck_assert_int_eq(run_door(0), PASS);
	context = (struct __sk_buff){.ifindex = LOOPBACK};
	ck_assert_int_eq(run_door(0), PASS);
}
END_TEST

/* A segment was lost: the next packet puts it right. */
START_TEST(a_loss_is_got_over)
{
	start();
	tcp_frame("10.0.0.5", 2 * SEGMENT);
	ck_assert_int_eq(run_door(SEGMENT), REDIRECT);
	ck_assert_int_eq(run_door(0), PASS); /* one of two */
	tcp_frame("10.0.0.5", SEGMENT);
	ck_assert_int_eq(run_door(0), REDIRECT);
	ck_assert_int_eq(run_door(0), PASS);
	ck_assert_int_eq(run_door(0), PASS);
	assert_client("10.0.0.5", 42, 4, 2 * (54 + SEGMENT) + 2 * (54 + SEGMENT));
}
END_TEST

START_TEST(only_with_a_cutter)
{
	start();
	tcp_frame("10.0.0.5", 2 * SEGMENT);
	ck_assert_int_eq(door_set_cutter(door, 0), 0);
	ck_assert_int_eq(run_door(SEGMENT), PASS);
	ck_assert_int_eq(run_door(0), PASS);
	assert_client("10.0.0.5", 42, 3, 2 * (54 + SEGMENT) + 54 + 2 * SEGMENT);
}
END_TEST

/* No way round: who is not allowed is rejected, and what only looks like coming back is judged. */
START_TEST(no_way_round_the_door)
{
	start();
	tcp_frame("192.0.2.1", 2 * SEGMENT);
	ck_assert_int_eq(run_door(SEGMENT), SHOT);
	tcp_frame("10.0.0.5", 2 * SEGMENT);
	ck_assert_int_eq(run_door(SEGMENT), REDIRECT);
	tcp_frame("192.0.2.1", SEGMENT);
	context.cb[0] ^= 1;
	ck_assert_int_eq(run_end(0), SHOT);
	ck_assert_int_eq(run_door(0), SHOT);
	memset(context.cb, 0, sizeof(context.cb));
	ck_assert_int_eq(run_end(0), SHOT);
	ck_assert_int_eq(run_door(0), SHOT);
}
END_TEST

/* What comes out as it went in is not sent round and round. */
START_TEST(no_loop)
{
	start();
	tcp_frame("10.0.0.5", 2 * SEGMENT);
	ck_assert_int_eq(run_door(SEGMENT), REDIRECT);
	const struct __sk_buff inherited = context;
	ck_assert_int_eq(run_end(SEGMENT), SHOT);
	context = inherited;
	ck_assert_int_eq(run_door(SEGMENT), PASS); /* nor by another way */
}
END_TEST

/* The next door knows what the one before sent to be cut. */
START_TEST(over_a_restart)
{
	struct door_kept maps[16];
	struct door *old = door, *new;
	bool lost;

	start();
	tcp_frame("10.0.0.5", 2 * SEGMENT);
	ck_assert_int_eq(run_door(SEGMENT), REDIRECT);
	size_t count = door_maps(old, maps, 16);
	ck_assert_int_eq(door_open(&config, maps, count, 0, &new, &lost, why, sizeof(why)), 0);
	door = new;
	ck_assert_int_eq(run_end(0), REDIRECT);
	ck_assert_int_eq(run_door(0), PASS);
	assert_client("10.0.0.5", 42, 2, 2 * (54 + SEGMENT));
	door_close(old);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, counted_once);
	tcase_add_test(tests, nothing_overtakes);
	tcase_add_test(tests, a_loss_is_got_over);
	tcase_add_test(tests, only_with_a_cutter);
	tcase_add_test(tests, no_way_round_the_door);
	tcase_add_test(tests, no_loop);
	tcase_add_test(tests, over_a_restart);
}

int main(void)
{
	return run_suite("door_cut", add_tests);
}
