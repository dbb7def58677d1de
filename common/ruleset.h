/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtap-client's own nftables tables, one each for IPv4 and IPv6 (dup is not in the family inet),
 * treated as one object: a text makes both at once, a mark in both says which text it was, and a
 * hash over what the kernel tells of their rules says whether they still are what it made. No
 * socket, no libnftables.
 *
 * The mark is the table's comment: "vtap-client PRINT RULES", the text's hash and the number of
 * rules that it makes in this table. A table without it is somebody else's.
 */
#ifndef VTAP_COMMON_RULESET_H
#define VTAP_COMMON_RULESET_H

#include "common/nlmsg.h"
#include "common/object.h"

#define RULESET_NAME "vtap-client"

enum { RULESET_IPV4, RULESET_IPV6, RULESET_FAMILIES };
const char *ruleset_family_name(unsigned family); /* as nft(8) has it: "ip", "ip6" */

struct ruleset_mark {
	uint64_t print;
	unsigned rules;
};

/* FNV-1a over all of the parts; the kernel keeps it, so it is the same in every build. */
uint64_t ruleset_print(uint64_t before, const void *bytes, size_t size);
enum { RULESET_MARK_TEXT = 64 };
const char *ruleset_mark_text(const struct ruleset_mark *mark, char text[RULESET_MARK_TEXT]);
bool ruleset_mark_read(const char *text, struct ruleset_mark *out);

/* ---- requests; the dumps are of a whole family, the readers below leave out what is others' -- */

enum ruleset_part { RULESET_CHAINS, RULESET_RULES, RULESET_COUNTERS };
void ruleset_get_generation(struct nlmsg *m, void *buffer, size_t size);
void ruleset_get_table(struct nlmsg *m, void *buffer, size_t size, unsigned family);
void ruleset_dump(struct nlmsg *m, void *buffer, size_t size, unsigned family,
		  enum ruleset_part part);

/* ---- answers: false for what is none, or is of another table --------------------------------- */

bool ruleset_generation_parse(const struct nlmsghdr *header, uint32_t *out);
/* `marked` says whether it carries the mark. */
bool ruleset_table_parse(const struct nlmsghdr *header, bool *marked, struct ruleset_mark *mark);
/* Adds a chain or a rule to a hash, without what differs each time it is made. */
bool ruleset_mix_chain(const struct nlmsghdr *header, uint64_t *hash);
bool ruleset_mix_rule(const struct nlmsghdr *header, uint64_t *hash);
bool ruleset_counter_parse(const struct nlmsghdr *header, struct tally *out);

/* Whether an event is about a table of this name. */
bool ruleset_event(const struct nlmsghdr *event);

#endif
