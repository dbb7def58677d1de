/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/ruleset.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

enum {
	TABLE_OF_ALL = 1, /* NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, ... are all the same number */
	COMMENT = 0,      /* the type of a comment in a table's user data, for every tool */
};

#define FNV_START 0xcbf29ce484222325ULL
#define FNV_PRIME 0x100000001b3ULL

static const uint8_t families[] = {NFPROTO_IPV4, NFPROTO_IPV6};

const char *ruleset_family_name(unsigned family)
{
	return family == RULESET_IPV4 ? "ip" : "ip6";
}

uint64_t ruleset_print(uint64_t before, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;
	uint64_t hash = before ? before : FNV_START;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ at[i]) * FNV_PRIME;
	return hash;
}

const char *ruleset_mark_text(const struct ruleset_mark *mark, char text[RULESET_MARK_TEXT])
{
	snprintf(text, RULESET_MARK_TEXT, RULESET_NAME " %016llx %u",
		 (unsigned long long)mark->print, mark->rules);
	return text;
}

bool ruleset_mark_read(const char *text, struct ruleset_mark *out)
{
	unsigned long long print;
	char again[RULESET_MARK_TEXT];

	if (sscanf(text, RULESET_NAME " %16llx %9u", &print, &out->rules) != 2)
		return false;
	out->print = print;
	return strcmp(ruleset_mark_text(out, again), text) == 0;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void start(struct nlmsg *m, void *buffer, size_t size, uint8_t family, uint16_t message,
		  uint16_t flags)
{
	struct nfgenmsg info = {.nfgen_family = family, .version = NFNETLINK_V0};

	nlmsg_start(m, buffer, size, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), flags, &info,
		    sizeof(info));
}

void ruleset_get_generation(struct nlmsg *m, void *buffer, size_t size)
{
	start(m, buffer, size, NFPROTO_UNSPEC, NFT_MSG_GETGEN, 0);
}

void ruleset_get_table(struct nlmsg *m, void *buffer, size_t size, unsigned family)
{
	start(m, buffer, size, families[family], NFT_MSG_GETTABLE, 0);
	nlmsg_put_string(m, NFTA_TABLE_NAME, RULESET_NAME);
}

void ruleset_dump(struct nlmsg *m, void *buffer, size_t size, unsigned family,
		  enum ruleset_part part)
{
	static const uint16_t messages[] = {NFT_MSG_GETCHAIN, NFT_MSG_GETRULE, NFT_MSG_GETOBJ};

	start(m, buffer, size, families[family], messages[part], NLM_F_DUMP);
	if (part == RULESET_CHAINS)
		return; /* takes no filter */
	nlmsg_put_string(m, TABLE_OF_ALL, RULESET_NAME);
	if (part == RULESET_COUNTERS)
		nlmsg_put_u32(m, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool is(const struct nlmsghdr *header, uint16_t message)
{
	return header->nlmsg_len >= sizeof(*header) &&
	       header->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | message);
}

/* Parses a message about our table. */
static bool parse(const struct nlmsghdr *header, uint16_t message, const struct nlattr *tb[],
		  uint16_t max)
{
	char table[sizeof(RULESET_NAME) + 1];

	return is(header, message) && nlmsg_parse(header, sizeof(struct nfgenmsg), tb, max) &&
	       nlattr_string(tb[TABLE_OF_ALL], table, sizeof(table)) &&
	       strcmp(table, RULESET_NAME) == 0;
}

bool ruleset_generation_parse(const struct nlmsghdr *header, uint32_t *out)
{
	const struct nlattr *tb[NFTA_GEN_MAX + 1];

	return is(header, NFT_MSG_NEWGEN) &&
	       nlmsg_parse(header, sizeof(struct nfgenmsg), tb, NFTA_GEN_MAX) &&
	       nlattr_u32(tb[NFTA_GEN_ID], out);
}

/* User data are entries of a byte of type, a byte of length, and so many bytes. */
static bool comment_of(const struct nlattr *userdata, char *out, size_t size)
{
	size_t left = 0;
	const uint8_t *at = nlattr_data(userdata, &left);

	while (left >= 2 && left - 2 >= at[1]) {
		size_t length = at[1];
		if (at[0] == COMMENT && length && length <= size && !at[1 + length]) {
			memcpy(out, at + 2, length);
			return true;
		}
		left -= 2 + length;
		at += 2 + length;
	}
	return false;
}

bool ruleset_table_parse(const struct nlmsghdr *header, bool *marked, struct ruleset_mark *mark)
{
	const struct nlattr *tb[NFTA_TABLE_MAX + 1];
	char comment[RULESET_MARK_TEXT];

	if (!parse(header, NFT_MSG_NEWTABLE, tb, NFTA_TABLE_MAX))
		return false;
	*marked = comment_of(tb[NFTA_TABLE_USERDATA], comment, sizeof(comment)) &&
		  ruleset_mark_read(comment, mark);
	return true;
}

static void mix(const struct nlattr *attr, uint64_t *hash)
{
	size_t size = 0;
	const void *data = nlattr_data(attr, &size);

	*hash = ruleset_print(*hash, &size, sizeof(size));
	if (size)
		*hash = ruleset_print(*hash, data, size);
}

bool ruleset_mix_chain(const struct nlmsghdr *header, uint64_t *hash)
{
	static const uint16_t parts[] = {NFTA_CHAIN_NAME, NFTA_CHAIN_HOOK, NFTA_CHAIN_POLICY,
					 NFTA_CHAIN_TYPE};
	const struct nlattr *tb[NFTA_CHAIN_MAX + 1];

	if (!parse(header, NFT_MSG_NEWCHAIN, tb, NFTA_CHAIN_MAX))
		return false;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		mix(tb[parts[i]], hash);
	return true;
}

bool ruleset_mix_rule(const struct nlmsghdr *header, uint64_t *hash)
{
	const struct nlattr *tb[NFTA_RULE_MAX + 1];

	if (!parse(header, NFT_MSG_NEWRULE, tb, NFTA_RULE_MAX))
		return false;
	mix(tb[NFTA_RULE_CHAIN], hash);
	mix(tb[NFTA_RULE_EXPRESSIONS], hash);
	return true;
}

static uint64_t big_endian(const struct nlattr *attr)
{
	uint8_t bytes[8] = {0};
	uint64_t value = 0;

	nlattr_copy(attr, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		value = value << 8 | bytes[i];
	return value;
}

bool ruleset_counter_parse(const struct nlmsghdr *header, struct tally *out)
{
	const struct nlattr *tb[NFTA_OBJ_MAX + 1], *data[NFTA_COUNTER_MAX + 1];

	*out = (struct tally){0};
	if (!parse(header, NFT_MSG_NEWOBJ, tb, NFTA_OBJ_MAX) ||
	    !nlattr_string(tb[NFTA_OBJ_NAME], out->name, sizeof(out->name)))
		return false;
	nlattr_parse_nest(tb[NFTA_OBJ_DATA], data, NFTA_COUNTER_MAX);
	out->packets = big_endian(data[NFTA_COUNTER_PACKETS]);
	out->bytes = big_endian(data[NFTA_COUNTER_BYTES]);
	return true;
}

bool ruleset_event(const struct nlmsghdr *event)
{
	const struct nlattr *tb[TABLE_OF_ALL + 1];
	char table[sizeof(RULESET_NAME) + 1];

	return nlmsg_parse(event, sizeof(struct nfgenmsg), tb, TABLE_OF_ALL) &&
	       event->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES && !is(event, NFT_MSG_NEWGEN) &&
	       nlattr_string(tb[TABLE_OF_ALL], table, sizeof(table)) &&
	       strcmp(table, RULESET_NAME) == 0;
}
