/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fuzz/random_filter.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/message.h"

enum { TERMS_MAX = 5 };

static const char *const primitives[] = {"ip",
					 "ip6",
					 "arp",
					 "tcp",
					 "udp",
					 "icmp",
					 "icmp6",
					 "vlan",
					 "vlan 100",
					 "mpls",
					 "pppoes",
					 "ether broadcast",
					 "ether multicast",
					 "ip multicast",
					 "ip6 multicast",
					 "ip broadcast",
					 "ether host 02:00:00:00:00:01",
					 "ether proto 0x0806",
					 "host 10.0.0.9",
					 "src host 10.0.0.5",
					 "dst host fd00::9",
					 "host 2001::5",
					 "net 10.0.0.0/8",
					 "src net 192.168.0.0/16",
					 "net fd00::/8",
					 "net 10 mask 255.0.0.0",
					 "port 53",
					 "src port 4789",
					 "dst port 8472",
					 "portrange 1-1024",
					 "tcp port 22",
					 "udp dst portrange 4000-5000",
					 "ip proto 47",
					 "ip6 proto 17",
					 "proto 17",
					 "ip protochain 6",
					 "ip6 protochain 17",
					 "less 100",
					 "greater 60",
					 "len > 200",
					 "ip[6:2] & 0x1fff = 0",
					 "ip[0] & 0xf > 5",
					 "tcp[13] & 2 != 0",
					 "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
					 "udp[8:4] = 0x08000000",
					 "icmp[icmptype] = 3",
					 "ether[0] & 1 = 1",
					 "ip6[40] = 17",
					 "ip[2:2] - 20 > len / 2",
					 "ip[8] % 3 = 1",
					 "ether[12:2] << 1 = 0x1000",
					 "link[2] = 0",
					 "sctp",
					 "esp",
					 "ah",
					 "ip host 10.0.0.10",
					 "llc",
					 "stp",
					 "atalk",
					 "decnet src 1.1",
					 "geneve",
					 "inbound",
					 "ip[len - 4:4] = 7",
					 "tcp[(tcp[12] >> 4) * 4:4] = 0x47455420",
					 "1 = 1",
					 "len / 0 = 1",
					 "ip[0] ^ 0x45 = 0"};

static size_t below(uint64_t *random, size_t end)
{
	return (size_t)(random_next(random) >> 16) % end;
}

size_t random_filter(char *text, size_t room, uint64_t *random)
{
	size_t terms = 1 + below(random, TERMS_MAX), open = 0, size = 0;
	char all[512];

	for (size_t i = 0; i < terms; i++) {
		const char *join = i ? (below(random, 2) ? " and " : " or ") : "";
		const char *not = below(random, 4) ? "" : "not ";
		const char *term =
		    primitives[below(random, sizeof(primitives) / sizeof(*primitives))];
		bool opens = below(random, 4) == 0, closes = open && below(random, 3) == 0;

		size += (size_t)snprintf(all + size, sizeof(all) - size, "%s%s%s%s%s", join, not,
					 opens ? "(" : "", term, closes ? ")" : "");
		open += opens;
		open -= closes;
	}
	for (; open; open--)
		all[size++] = ')';
	if (size > room)
		size = room;
	memcpy(text, all, size);
	return size;
}
