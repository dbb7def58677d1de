/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fuzz/mutate_netlink.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/message.h"

enum { DEPTH = 8, SPLICE_MAX = 512, SMALL_TYPES = 64 };

struct stream {
	uint8_t *data;
	size_t size, max_size;
	uint64_t random;
};

/* An attribute, and the headers of what it is in, the message first. */
struct place {
	size_t at, size;
	size_t around[DEPTH];
	size_t depth;
};

static size_t below(struct stream *s, size_t end)
{
	return end ? random_next(&s->random) % end : 0;
}

static size_t aligned(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

static struct nlattr attr_at(const struct stream *s, size_t at)
{
	struct nlattr attr;

	memcpy(&attr, s->data + at, sizeof(attr));
	return attr;
}

static struct nlmsghdr header_at(const struct stream *s, size_t at)
{
	struct nlmsghdr header;

	memcpy(&header, s->data + at, sizeof(header));
	return header;
}

/* Bytes in front of the attributes. */
static size_t start_of(uint16_t type)
{
	size_t family = sizeof(struct ifinfomsg);

	if (type >> 8)
		family = sizeof(struct nfgenmsg);
	else if (type == NLMSG_ERROR)
		family = sizeof(struct nlmsgerr);
	else if (type == RTM_NEWADDR || type == RTM_DELADDR)
		family = sizeof(struct ifaddrmsg);
	else if (type >= RTM_NEWROUTE && type <= RTM_DELROUTE)
		family = sizeof(struct rtmsg);
	else if (type >= RTM_NEWNEIGH && type <= RTM_DELNEIGH)
		family = sizeof(struct ndmsg);
	else if (type >= RTM_NEWQDISC && type <= RTM_DELTFILTER)
		family = sizeof(struct tcmsg);
	else if (type == RTM_NEWSTATS)
		family = sizeof(struct if_stats_msg);
	return sizeof(struct nlmsghdr) + aligned(family);
}

/* Lengths that lead nowhere are mended, but for one in 16. */
static void repair_attributes(struct stream *s, size_t at, size_t end, size_t depth)
{
	while (at + sizeof(struct nlattr) <= end) {
		struct nlattr attr = attr_at(s, at);
		size_t left = end - at;

		if ((attr.nla_len < sizeof(attr) || attr.nla_len > left) && below(s, 16)) {
			size_t room = left < UINT16_MAX ? left : UINT16_MAX;
			attr.nla_len = (uint16_t)(sizeof(attr) + below(s, room - sizeof(attr) + 1));
			memcpy(s->data + at, &attr, sizeof(attr));
		}
		if (attr.nla_len < sizeof(attr) || attr.nla_len > left)
			return;
		if (attr.nla_type & NLA_F_NESTED && depth < DEPTH)
			repair_attributes(s, at + sizeof(attr), at + attr.nla_len, depth + 1);
		at += aligned(attr.nla_len);
	}
}

static void repair(struct stream *s)
{
	size_t at = 0;

	while (at + sizeof(struct nlmsghdr) <= s->size) {
		struct nlmsghdr header = header_at(s, at);
		size_t left = s->size - at;

		if ((header.nlmsg_len < sizeof(header) || header.nlmsg_len > left) &&
		    below(s, 16)) {
			header.nlmsg_len = (uint32_t)left;
			memcpy(s->data + at, &header, sizeof(header));
		}
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > left)
			return;
		size_t start = start_of(header.nlmsg_type);
		if (start < header.nlmsg_len)
			repair_attributes(s, at + start, at + header.nlmsg_len, 0);
		at += aligned(header.nlmsg_len);
	}
}

/* Whether these bytes are attributes up to the last one: then they are taken for a nest. */
static bool is_nest(const struct stream *s, size_t at, size_t end)
{
	if (at == end)
		return false;
	while (at + sizeof(struct nlattr) <= end) {
		struct nlattr attr = attr_at(s, at);
		if (attr.nla_len < sizeof(attr) || attr.nla_len > end - at)
			return false;
		at += aligned(attr.nla_len);
	}
	return at >= end;
}

/* Calls for each attribute in the order of the stream; `wanted` counts down to the one it is. */
static bool find_attribute(const struct stream *s, size_t at, size_t end, size_t *wanted,
			   struct place *place)
{
	while (at + sizeof(struct nlattr) <= end) {
		struct nlattr attr = attr_at(s, at);
		if (attr.nla_len < sizeof(attr) || attr.nla_len > end - at)
			return false;
		if (!(*wanted)--) {
			place->at = at;
			place->size = attr.nla_len;
			return true;
		}
		if (place->depth < DEPTH && is_nest(s, at + sizeof(attr), at + attr.nla_len)) {
			place->around[place->depth++] = at;
			if (find_attribute(s, at + sizeof(attr), at + attr.nla_len, wanted, place))
				return true;
			place->depth--;
		}
		at += aligned(attr.nla_len);
	}
	return false;
}

static bool find(const struct stream *s, size_t wanted, struct place *place)
{
	size_t at = 0;

	while (at + sizeof(struct nlmsghdr) <= s->size) {
		struct nlmsghdr header = header_at(s, at);
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > s->size - at)
			return false;
		*place = (struct place){.around = {at}, .depth = 1};
		size_t start = start_of(header.nlmsg_type);
		if (start < header.nlmsg_len &&
		    find_attribute(s, at + start, at + header.nlmsg_len, &wanted, place))
			return true;
		at += aligned(header.nlmsg_len);
	}
	return false;
}

static bool choose(struct stream *s, struct place *place)
{
	size_t count = 0;

	while (count < 4096 && find(s, count, place))
		count++;
	return count && find(s, below(s, count), place);
}

/* In place of `old` bytes there are `fresh` ones; both are aligned. */
static bool resize(struct stream *s, const struct place *place, size_t at, size_t old, size_t fresh)
{
	if (at + old > s->size || s->size - old + fresh > s->max_size)
		return false;
	for (size_t i = 1; i < place->depth; i++)
		if (attr_at(s, place->around[i]).nla_len - old + fresh > UINT16_MAX)
			return false;
	memmove(s->data + at + fresh, s->data + at + old, s->size - at - old);
	if (fresh > old)
		memset(s->data + at + old, 0, fresh - old);
	s->size = s->size - old + fresh;
	struct nlmsghdr header = header_at(s, place->around[0]);
	header.nlmsg_len = (uint32_t)(header.nlmsg_len - old + fresh);
	memcpy(s->data + place->around[0], &header, sizeof(header));
	for (size_t i = 1; i < place->depth; i++) {
		struct nlattr attr = attr_at(s, place->around[i]);
		attr.nla_len = (uint16_t)(attr.nla_len - old + fresh);
		memcpy(s->data + place->around[i], &attr, sizeof(attr));
	}
	return true;
}

/* ---- what is done to an attribute ------------------------------------------------------------ */

static void change_type(struct stream *s, const struct place *place)
{
	struct nlattr attr = attr_at(s, place->at);

	attr.nla_type = (uint16_t)below(s, SMALL_TYPES);
	memcpy(s->data + place->at, &attr, sizeof(attr));
}

static void change_size(struct stream *s, const struct place *place)
{
	static const uint16_t sizes[] = {0, 1, 2, 4, 6, 8, 12, 16, 20, 24, 32, 48, 56, 100, 196};
	struct nlattr attr = attr_at(s, place->at);
	size_t fresh =
	    sizeof(attr) + sizes[below(s, sizeof(sizes) / sizeof(*sizes))] + below(s, 8) / 7;

	if (!resize(s, place, place->at + sizeof(attr), aligned(place->size) - sizeof(attr),
		    aligned(fresh) - sizeof(attr)))
		return;
	attr.nla_len = (uint16_t)fresh;
	memcpy(s->data + place->at, &attr, sizeof(attr));
}

/* Another attribute from anywhere, in front of this one. */
static void splice(struct stream *s, const struct place *place)
{
	uint8_t copy[SPLICE_MAX];
	struct place from;

	if (!choose(s, &from) || from.size > sizeof(copy) || from.at + from.size > s->size)
		return;
	memcpy(copy, s->data + from.at, from.size);
	if (resize(s, place, place->at, 0, aligned(from.size)))
		memcpy(s->data + place->at, copy, from.size);
}

static void change_value(struct stream *s, const struct place *place)
{
	size_t size = place->size - sizeof(struct nlattr);

	if (size)
		LLVMFuzzerMutate(s->data + place->at + sizeof(struct nlattr), size, size);
}

/* ---- and to a message ------------------------------------------------------------------------ */

static void change_message(struct stream *s, const struct place *place)
{
	static const uint16_t types[] = {
	    NLMSG_ERROR,    NLMSG_DONE,     RTM_NEWLINK,  RTM_DELLINK,  RTM_NEWADDR, RTM_DELADDR,
	    RTM_NEWROUTE,   RTM_NEWNEIGH,   RTM_NEWQDISC, RTM_DELQDISC, 0xa00,       0xa03,
	    RTM_NEWTFILTER, RTM_DELTFILTER, RTM_NEWSTATS, 0xa06,        0xa0f,       0xa12};
	struct nlmsghdr header = header_at(s, place->around[0]);
	size_t family = place->around[0] + sizeof(header);

	switch (below(s, 3)) {
	case 0:
		header.nlmsg_type = types[below(s, sizeof(types) / sizeof(*types))];
		break;
	case 1:
		header.nlmsg_flags = (uint16_t)random_next(&s->random);
		break;
	default:
		if (header.nlmsg_len > sizeof(header) + 8)
			LLVMFuzzerMutate(s->data + family, 8, 8);
	}
	memcpy(s->data + place->around[0], &header, sizeof(header));
}

static void change_once(struct stream *s)
{
	struct place place;

	if (!choose(s, &place))
		return;
	switch (below(s, 8)) {
	case 0:
		change_type(s, &place);
		break;
	case 1:
		change_size(s, &place);
		break;
	case 2:
		resize(s, &place, place.at, aligned(place.size), 0);
		break;
	case 3:
		splice(s, &place);
		break;
	case 4:
		change_message(s, &place);
		break;
	default:
		change_value(s, &place);
	}
}

size_t mutate_netlink(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct stream s = {data, size, max_size, seed * UINT64_C(0x9e3779b97f4a7c15) + 1};

	if (below(&s, 8) == 0) {
		s.size = LLVMFuzzerMutate(data, size, max_size);
		repair(&s);
		return s.size;
	}
	for (size_t n = 1 + below(&s, 4); n; n--)
		change_once(&s);
	return s.size ? s.size : LLVMFuzzerMutate(data, size, max_size);
}
