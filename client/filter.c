/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/classic.h"
#include "client/pcap.h"
#include "common/addr.h"

enum { PROGRAM_MAX = BPF_MAXINSNS };

/*
 * The exemption, as pcap-filter(7) text. It names the outermost packet as it is on the wire. Of an
 * outer datagram that was fragmented, only the first fragment has ports: the others are told by
 * address and protocol.
 */

/* ---- of UDP to the tunnel's port ------------------------------------------------------------- */

/* Leaving for the collector: the copies. */
static void udp_egress(FILE *text, const struct client_collector *c, const char *host)
{
	if (c->address.family == AF_INET)
		fprintf(text,
			"(ip dst host %s and ip proto 17 and (ip[6:2] & 0x1fff != 0 or udp dst "
			"port %u))",
			host, c->port);
	else
		fprintf(text,
			"(ip6 dst host %s and ((ip6[6] = 17 and ip6[42:2] = %u) or (ip6[6] = 44 "
			"and ip6[40] = 17 and "
			"(ip6[42:2] & 0xfff8 != 0 or ip6[50:2] = %u))))",
			host, c->port, c->port);
}

/* The 16 bytes of an IPv6 address at an offset behind the start of the IPv6 header. */
static void address_at(FILE *text, unsigned offset, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < 16; i += 4)
		fprintf(text, "%sip6[%u:4] = 0x%02x%02x%02x%02x", i ? " and " : "", offset + i,
			addr->bytes[i], addr->bytes[i + 1], addr->bytes[i + 2], addr->bytes[i + 3]);
}

/* ICMP errors about copies, from whichever router: what they quote is a datagram to the collector's
 * port, or a later fragment. */
static void udp_errors(FILE *text, const struct client_collector *c)
{
	const uint8_t *b = c->address.bytes;

	if (c->address.family == AF_INET) {
		fprintf(text,
			" or (icmp and (icmp[0] = 3 or icmp[0] = 11 or icmp[0] = 12) and icmp[17] "
			"= 17 and "
			"icmp[24:4] = 0x%02x%02x%02x%02x and (icmp[14:2] & 0x1fff != 0 or "
			"icmp[30:2] = %u))",
			b[0], b[1], b[2], b[3], c->port);
		return;
	}
	fprintf(text, " or (ip6 and ip6[6] = 58 and ip6[40] < 128 and ");
	address_at(text, 72, &c->address);
	fprintf(text,
		" and ((ip6[54] = 17 and ip6[90:2] = %u) or (ip6[54] = 44 and ip6[88] = 17)))",
		c->port);
}

/*
 * Arriving: tunnel packets from anyone (two clients that watch each other would feed back), their
 * later fragments from the collector (it mirrors too) and to it: a switch that has forgotten a
 * silent collector floods the copies of all clients to all clients.
 */
static void udp_ingress(FILE *text, const struct client_collector *c, const char *host)
{
	if (c->address.family == AF_INET)
		fprintf(text,
			"(ip and udp dst port %u) or (ip host %s and ip proto 17 and ip[6:2] & "
			"0x1fff != 0)",
			c->port, host);
	else
		fprintf(text,
			"(ip6 and ((ip6[6] = 17 and ip6[42:2] = %u) or (ip6[6] = 44 and ip6[40] = "
			"17 and "
			"ip6[42:2] & 0xfff8 = 0 and ip6[50:2] = %u))) or "
			"(ip6 host %s and ip6[6] = 44 and ip6[40] = 17 and ip6[42:2] & 0xfff8 "
			"!= 0)",
			c->port, c->port, host);
	udp_errors(text, c);
}

/* ---- of GRE ---------------------------------------------------------------------------------- */

/* Every fragment names its protocol: no ports are needed. `end`: "src", "dst", or "" for both. */
static void gre_packets(FILE *text, const struct client_collector *c, const char *host,
			const char *end)
{
	if (c->address.family == AF_INET)
		fprintf(text, "(ip %s host %s and ip proto 47)", end, host);
	else
		fprintf(text,
			"(ip6 %s host %s and (ip6[6] = 47 or (ip6[6] = 44 and ip6[40] = 47)))", end,
			host);
}

static void gre_errors(FILE *text, const struct client_collector *c)
{
	const uint8_t *b = c->address.bytes;

	if (c->address.family == AF_INET) {
		fprintf(text,
			" or (icmp and (icmp[0] = 3 or icmp[0] = 11 or icmp[0] = 12) and icmp[17] "
			"= 47 and icmp[24:4] = 0x%02x%02x%02x%02x)",
			b[0], b[1], b[2], b[3]);
		return;
	}
	fprintf(text, " or (ip6 and ip6[6] = 58 and ip6[40] < 128 and ");
	address_at(text, 72, &c->address);
	fprintf(text, " and (ip6[54] = 47 or (ip6[54] = 44 and ip6[88] = 47)))");
}

/* Arriving, and about to be copied again: what comes from the collector, where two hosts are each
 * other's, and what passes on its way there. GRE of others is production. */
static void gre_ingress(FILE *text, const struct client_collector *c, const char *host)
{
	gre_packets(text, c, host, "");
	gre_errors(text, c);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void exempt(FILE *text, const struct client_collector *c, enum direction direction)
{
	char host[IP_ADDR_TEXT];

	ip_addr_format(&c->address, host);
	if (c->encap != ENCAP_VXLAN && direction == EGRESS)
		gre_packets(text, c, host, "dst");
	else if (c->encap != ENCAP_VXLAN)
		gre_ingress(text, c, host);
	else if (direction == EGRESS)
		udp_egress(text, c, host);
	else
		udp_ingress(text, c, host);
}

/* malloc'd; NULL: no memory */
static char *exemption(const struct client_config *config, enum direction direction,
		       enum filter_layer layer)
{
	char *once = NULL, *all = NULL;
	size_t size;
	FILE *text = open_memstream(&once, &size);

	if (!text)
		return NULL;
	for (size_t i = 0; i < config->collectors_count; i++) {
		fputs(i ? " or " : "", text);
		exempt(text, &config->collectors[i], direction);
	}
	if (fclose(text) != 0) {
		free(once);
		return NULL;
	}
	if (layer == FILTER_IP)
		return once;
	/* "vlan" moves the offsets of all that follows by one tag. In brackets, so that a second
	 * tag is looked for behind a first one only. */
	if (asprintf(&all, "(%s) or (vlan and ((%s) or (vlan and (%s))))", once, once, once) < 0)
		all = NULL;
	free(once);
	return all;
}

/* ---- programs -------------------------------------------------------------------------------- */

static int compile(const char *text, enum filter_layer layer, struct bpf_program *out,
		   char error[FILTER_ERROR_TEXT])
{
	int result = pcap_compile_text(text, layer == FILTER_IP ? DLT_RAW : DLT_EN10MB, out, error,
				       FILTER_ERROR_TEXT);

	const char *refused = result ? NULL : classic_refused(out);

	if (!refused)
		return result;
	pcap_free_program(out);
	snprintf(error, FILTER_ERROR_TEXT, "%s", refused);
	return -EINVAL;
}

static void copy_insns(struct sock_filter *to, const struct bpf_program *from)
{
	for (unsigned i = 0; i < from->bf_len; i++) {
		const struct bpf_insn *insn = &from->bf_insns[i];
		to[i] = (struct sock_filter){insn->code, insn->jt, insn->jf, insn->k};
	}
}

/*
 * "not exempt and user": where the exemption says yes the answer is 0; where it says no, the user's
 * program goes on. Joined as programs and not as text, since a "vlan" in either text would move the
 * offsets of the other.
 */
static int join(const struct bpf_program *exempt, const struct bpf_program *user,
		struct filter_program *out, char error[FILTER_ERROR_TEXT])
{
	size_t count = (size_t)exempt->bf_len + user->bf_len;

	if (count > PROGRAM_MAX) {
		snprintf(error, FILTER_ERROR_TEXT,
			 "the filter takes %zu BPF instructions, the kernel runs at most %d", count,
			 PROGRAM_MAX);
		return -E2BIG;
	}
	out->insns = calloc(count, sizeof(*out->insns));
	if (!out->insns) {
		snprintf(error, FILTER_ERROR_TEXT, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	out->count = count;
	copy_insns(out->insns, exempt);
	copy_insns(out->insns + exempt->bf_len, user);
	for (unsigned i = 0; i < exempt->bf_len; i++) {
		struct sock_filter *insn = &out->insns[i];
		if (BPF_CLASS(insn->code) != BPF_RET)
			continue;
		if (insn->k)
			*insn = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
		else
			*insn =
			    (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, exempt->bf_len - i - 1);
	}
	return 0;
}

int filter_build(const struct client_config *config, enum direction direction,
		 enum filter_layer layer, const char *user, struct filter_program *out,
		 char error[FILTER_ERROR_TEXT])
{
	struct bpf_program ours = {0}, wanted = {0};
	char *text = exemption(config, direction, layer);
	int result;

	*out = (struct filter_program){0};
	if (!text) {
		snprintf(error, FILTER_ERROR_TEXT, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	result = compile(text, layer, &ours, error);
	if (!result)
		result = compile(user, layer, &wanted, error);
	if (!result)
		result = join(&ours, &wanted, out, error);
	pcap_free_program(&ours);
	pcap_free_program(&wanted);
	free(text);
	return result;
}

int filter_check(const char *user, char error[FILTER_ERROR_TEXT])
{
	struct bpf_program program = {0};
	int result = compile(user, FILTER_ETHERNET, &program, error);

	pcap_free_program(&program);
	return result;
}

void filter_free(struct filter_program *program)
{
	free(program->insns);
	*program = (struct filter_program){0};
}
