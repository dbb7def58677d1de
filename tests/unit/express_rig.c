/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reference is written from the RFCs, byte by byte, and shares nothing with the lane's code.
 */
#include "express_rig.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SKIPPED = 77 };

struct express *express;
static char words[256];

struct express_way rig_way(enum encap encap, uint32_t vni, const char *local, const char *remote)
{
	struct express_way way = {.encap = encap,
				  .vni = vni,
				  .port = 4789,
				  .oif = 1,
				  .mtu = 1500,
				  .ttl = 63,
				  .tos = 0xb8,
				  .port_min = 32768,
				  .port_max = 60999};

	ck_assert(ip_addr_parse(local, &way.local));
	ck_assert(ip_addr_parse(remote, &way.remote));
	way.via = way.remote;
	return way;
}

struct express_way rig_plain(void)
{
	return rig_way(ENCAP_VXLAN, 42, "10.0.0.5", "192.0.2.1");
}

struct express_counts rig_counts(void)
{
	struct express_counts now;

	ck_assert_int_eq(express_read(express, &now), 0);
	return now;
}

int rig_run(struct frame *frame)
{
	static uint8_t out[sizeof(frame->bytes)];
	struct __sk_buff context = {.gso_size = frame->gso_size,
				    .gso_segs = frame->gso_segs,
				    .ingress_ifindex = frame->ingress_ifindex};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)express_prog_fd(express);
	attr.test.data_in = (uintptr_t)frame->bytes;
	attr.test.data_size_in = (uint32_t)frame->length;
	attr.test.data_out = (uintptr_t)out;
	attr.test.data_size_out = sizeof(out);
	attr.test.ctx_in = (uintptr_t)&context;
	attr.test.ctx_size_in = sizeof(context);
	ck_assert_int_eq(syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr)), 0);
	frame->length = attr.test.data_size_out;
	memcpy(frame->bytes, out, frame->length);
	return (int)attr.test.retval;
}

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* Outer headers behind Ethernet's. */
static size_t overhead(const struct express_way *way)
{
	size_t ip = way->remote.family == AF_INET ? 20 : 40;

	if (way->encap == ENCAP_VXLAN)
		return ip + 8 + 8;
	return ip + (way->vni ? 8 : 4);
}

/* Addresses, protocol and length, added up as RFC 1071 has it. */
unsigned rig_pseudo_sum(const struct frame *frame)
{
	const uint8_t *ip = frame->bytes + 14;
	const bool ipv4 = ip[0] >> 4 == 4;
	uint32_t sum = ipv4 ? ip[9] + get16(ip + 2) - (ip[0] & 15u) * 4 : ip[6] + get16(ip + 4);

	for (size_t i = ipv4 ? 12 : 8; i < (ipv4 ? 20 : 40); i += 2)
		sum += get16(ip + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static bool is_unfinished(const struct frame *frame)
{
	const uint8_t *ip = frame->bytes + 14;
	const bool ipv4 = ip[0] >> 4 == 4;
	const uint8_t protocol = ipv4 ? ip[9] : ip[6];
	const size_t at = ipv4 ? 34 : 54, size = protocol == 6 ? 18 : 8;

	if (ipv4 && get16(ip + 6) & 0x3fff)
		return false;
	if (protocol == 132)
		return true;
	/* in front of TCP or UDP: hop-by-hop options, a routing header, destination options */
	if (!ipv4 && (protocol == 0 || protocol == 43 || protocol == 60))
		return true;
	if (protocol != 6 && protocol != 17)
		return false;
	/* the header is not where it usually is, or is cut off */
	if ((ipv4 && (ip[0] & 15) != 5) || at + size > frame->length)
		return true;
	return get16(frame->bytes + at + size - 2) == rig_pseudo_sum(frame);
}

enum rig_fate rig_fate(const struct express_way *way, const struct frame *frame,
		       enum express_pass *why)
{
	const unsigned type = get16(frame->bytes + 12), version = frame->bytes[14] >> 4;

	*why = EXPRESS_PASSES;
	if (type == 0x8100 || type == 0x88a8)
		*why = EXPRESS_PASS_VLAN;
	else if (type != 0x0800 && type != 0x86dd)
		*why = EXPRESS_PASS_NOT_IP;
	else if (version != (type == 0x0800 ? 4u : 6u))
		*why = EXPRESS_PASS_UNFAMILIAR;
	else if (frame->length + overhead(way) > way->mtu)
		*why = EXPRESS_PASS_TOO_BIG;
	else if (is_unfinished(frame))
		*why = EXPRESS_PASS_CHECKSUM;
	return *why == EXPRESS_PASSES ? RIG_TAKEN : RIG_PASSED;
}

static bool differ(const void *a, const void *b, size_t size)
{
	return memcmp(a, b, size) != 0;
}

static const char *wrong_ipv4(const struct express_way *way, const uint8_t *ip, size_t length)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < 20; i += 2)
		sum += get16(ip + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	if (sum != 0xffff)
		return "IPv4 checksum";
	if (ip[0] != 0x45 || ip[1] != way->tos || get16(ip + 2) != length || get16(ip + 6) ||
	    ip[8] != way->ttl || ip[9] != (way->encap == ENCAP_VXLAN ? 17 : 47))
		return "IPv4 header";
	return differ(ip + 12, way->local.bytes, 4) || differ(ip + 16, way->remote.bytes, 4)
		   ? "IPv4 addresses"
		   : NULL;
}

static const char *wrong_ipv6(const struct express_way *way, const uint8_t *ip, size_t length)
{
	if (get16(ip) != (0x6000u | (unsigned)way->tos << 4) || get16(ip + 2) ||
	    get16(ip + 4) != length - 40 || ip[6] != (way->encap == ENCAP_VXLAN ? 17 : 47) ||
	    ip[7] != way->ttl)
		return "IPv6 header";
	return differ(ip + 8, way->local.bytes, 16) || differ(ip + 24, way->remote.bytes, 16)
		   ? "IPv6 addresses"
		   : NULL;
}

static const char *wrong_vxlan(const struct express_way *way, const uint8_t *udp, size_t length)
{
	const uint8_t vxlan[8] = {
	    8, 0, 0, 0, (uint8_t)(way->vni >> 16), (uint8_t)(way->vni >> 8), (uint8_t)way->vni, 0};

	if (get16(udp) < way->port_min || get16(udp) > way->port_max)
		return "source port";
	if (get16(udp + 2) != way->port || get16(udp + 4) != length || get16(udp + 6))
		return "UDP header";
	return differ(udp + 8, vxlan, sizeof(vxlan)) ? "VXLAN header" : NULL;
}

static const char *wrong_gre(const struct express_way *way, const uint8_t *gre)
{
	const uint8_t key[4] = {(uint8_t)(way->vni >> 24), (uint8_t)(way->vni >> 16),
				(uint8_t)(way->vni >> 8), (uint8_t)way->vni};

	if (get16(gre) != (way->vni ? 0x2000 : 0) || get16(gre + 2) != 0x6558)
		return "GRE header";
	return way->vni && differ(gre + 4, key, sizeof(key)) ? "GRE key" : NULL;
}

const char *rig_wrong(const struct express_way *way, const struct frame *in,
		      const struct frame *out)
{
	static const uint8_t zeros[12];
	const bool ipv4 = way->remote.family == AF_INET;
	const size_t ip_length = overhead(way) + in->length;
	const uint8_t *ip = out->bytes + 14, *inside = ip + (ipv4 ? 20 : 40);
	const char *wrong;

	if (out->length != 14 + ip_length)
		return "length";
	/* the neighbour's part: no group's address */
	if (differ(out->bytes, zeros, sizeof(zeros)) ||
	    get16(out->bytes + 12) != (ipv4 ? 0x0800 : 0x86dd))
		return "outer Ethernet";
	wrong = ipv4 ? wrong_ipv4(way, ip, ip_length) : wrong_ipv6(way, ip, ip_length);
	if (!wrong)
		wrong = way->encap == ENCAP_VXLAN
			    ? wrong_vxlan(way, inside, ip_length - (size_t)(inside - ip))
			    : wrong_gre(way, inside);
	if (!wrong && differ(ip + overhead(way), in->bytes, in->length))
		wrong = "inner frame";
	return wrong;
}

static void setup(void)
{
	ck_assert_msg(express_open(&express, -1, 0, words, sizeof(words)) == 0, "%s", words);
	ck_assert_str_eq(words, "");
}

static void teardown(void)
{
	express_free(express);
}

int rig_main(const char *name, void (*add)(TCase *))
{
	Suite *suite = suite_create(name);
	TCase *tests = tcase_create(name);
	SRunner *runner;
	int failed, error = express_open(&express, -1, 0, words, sizeof(words));

	express_free(express);
	if (error == -EPERM || error == -EACCES || error == -ENOSYS) {
		fprintf(stderr, "skipped: %s\n", words);
		return SKIPPED;
	}
	/* Frames of a test run come in on this namespace's lo: it must be none that forwards. */
	if (unshare(CLONE_NEWNET))
		fprintf(stderr, "in the network namespace of the caller: %s\n", strerror(errno));
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	add(tests);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
