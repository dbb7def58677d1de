/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nlmsg.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <string.h>

static size_t aligned(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

void nlmsg_start(struct nlmsg *m, void *buffer, size_t size, uint16_t type, uint16_t flags,
		 const void *family, size_t family_size)
{
	*m = (struct nlmsg){.header = buffer, .size = size};
	if (size < sizeof(struct nlmsghdr) + aligned(family_size)) {
		m->overflow = true;
		return;
	}
	mnl_nlmsg_put_header(buffer);
	m->header->nlmsg_type = type;
	m->header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	memcpy(mnl_nlmsg_put_extra_header(m->header, family_size), family, family_size);
}

void nlmsg_put(struct nlmsg *m, uint16_t type, const void *data, size_t size)
{
	/* an attribute's length is 16 bits wide; mnl checks the buffer only */
	if (m->overflow || size > UINT16_MAX - sizeof(struct nlattr) ||
	    !mnl_attr_put_check(m->header, m->size, type, size, data)) {
		m->overflow = true;
		return;
	}
	/* libmnl 1.0.4 leaves the padding as it was */
	size_t padding = aligned(size) - size;
	memset((char *)mnl_nlmsg_get_payload_tail(m->header) - padding, 0, padding);
}

void nlmsg_put_raw(struct nlmsg *m, const void *data, size_t size)
{
	if (m->overflow || m->header->nlmsg_len + aligned(size) > m->size) {
		m->overflow = true;
		return;
	}
	memcpy(mnl_nlmsg_put_extra_header(m->header, size), data, size);
}

void nlmsg_put_u8(struct nlmsg *m, uint16_t type, uint8_t value)
{
	nlmsg_put(m, type, &value, sizeof(value));
}

void nlmsg_put_u16(struct nlmsg *m, uint16_t type, uint16_t value)
{
	nlmsg_put(m, type, &value, sizeof(value));
}

void nlmsg_put_be16(struct nlmsg *m, uint16_t type, uint16_t value)
{
	nlmsg_put_u16(m, type, htons(value));
}

void nlmsg_put_u32(struct nlmsg *m, uint16_t type, uint32_t value)
{
	nlmsg_put(m, type, &value, sizeof(value));
}

void nlmsg_put_u64(struct nlmsg *m, uint16_t type, uint64_t value)
{
	nlmsg_put(m, type, &value, sizeof(value));
}

void nlmsg_put_string(struct nlmsg *m, uint16_t type, const char *value)
{
	nlmsg_put(m, type, value, strlen(value) + 1);
}

struct nlattr *nlmsg_nest(struct nlmsg *m, uint16_t type)
{
	struct nlattr *nest =
	    m->overflow ? NULL : mnl_attr_nest_start_check(m->header, m->size, type);
	if (!nest)
		m->overflow = true;
	return nest;
}

void nlmsg_nest_end(struct nlmsg *m, struct nlattr *nest)
{
	if (!nest || m->overflow)
		return;
	if ((size_t)((char *)mnl_nlmsg_get_payload_tail(m->header) - (char *)nest) > UINT16_MAX)
		m->overflow = true;
	else
		mnl_attr_nest_end(m->header, nest);
}

static void fill_table(const void *start, size_t size, const struct nlattr *table[], uint16_t max)
{
	memset(table, 0, sizeof(*table) * ((size_t)max + 1));
	const struct nlattr *attr = start;
	size_t left = size;
	while (left >= sizeof(*attr) && attr->nla_len >= sizeof(*attr) && attr->nla_len <= left) {
		uint16_t type = mnl_attr_get_type(attr);
		if (type <= max)
			table[type] = attr;
		size_t step = aligned(attr->nla_len);
		if (step > left)
			break;
		left -= step;
		attr = (const struct nlattr *)((const char *)attr + step);
	}
}

bool nlmsg_parse(const struct nlmsghdr *header, size_t family_size, const struct nlattr *table[],
		 uint16_t max)
{
	size_t skip = sizeof(struct nlmsghdr) + aligned(family_size);
	if (header->nlmsg_len < sizeof(*header) + family_size)
		return false;
	size_t size = header->nlmsg_len > skip ? header->nlmsg_len - skip : 0;
	fill_table((const char *)header + skip, size, table, max);
	return true;
}

void nlattr_parse_nest(const struct nlattr *nest, const struct nlattr *table[], uint16_t max)
{
	size_t size = 0;
	const void *data = nlattr_data(nest, &size);
	fill_table(data, size, table, max);
}

const void *nlattr_data(const struct nlattr *attr, size_t *size)
{
	*size = attr ? mnl_attr_get_payload_len(attr) : 0;
	return attr ? mnl_attr_get_payload(attr) : NULL;
}

static bool read_exact(const struct nlattr *attr, void *out, size_t size)
{
	if (!attr || mnl_attr_get_payload_len(attr) != size)
		return false;
	memcpy(out, mnl_attr_get_payload(attr), size);
	return true;
}

bool nlattr_u8(const struct nlattr *attr, uint8_t *out)
{
	return read_exact(attr, out, sizeof(*out));
}

bool nlattr_u16(const struct nlattr *attr, uint16_t *out)
{
	return read_exact(attr, out, sizeof(*out));
}

bool nlattr_be16(const struct nlattr *attr, uint16_t *out)
{
	if (!nlattr_u16(attr, out))
		return false;
	*out = ntohs(*out);
	return true;
}

bool nlattr_u32(const struct nlattr *attr, uint32_t *out)
{
	return read_exact(attr, out, sizeof(*out));
}

bool nlattr_u64(const struct nlattr *attr, uint64_t *out)
{
	return read_exact(attr, out, sizeof(*out));
}

bool nlattr_copy(const struct nlattr *attr, void *out, size_t size)
{
	if (!attr || mnl_attr_get_payload_len(attr) < size)
		return false;
	memcpy(out, mnl_attr_get_payload(attr), size);
	return true;
}

bool nlattr_string(const struct nlattr *attr, char *out, size_t size)
{
	if (!attr || size == 0)
		return false;
	size_t length = strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	if (length >= size)
		length = size - 1;
	memcpy(out, mnl_attr_get_payload(attr), length);
	out[length] = '\0';
	return true;
}
