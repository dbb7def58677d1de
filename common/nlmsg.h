/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Netlink messages as bytes: a builder whose overflow flag sticks, so that only the end needs a
 * check, and readers that trust no length. No socket.
 */
#ifndef VTAP_COMMON_NLMSG_H
#define VTAP_COMMON_NLMSG_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlmsg {
	struct nlmsghdr *header;
	size_t size;   /* of the buffer */
	bool overflow; /* something did not fit: do not send */
};

/* The header and the family's own structure (ifinfomsg, tcmsg ...). `buffer` is aligned as nlmsghdr
 * is. */
void nlmsg_start(struct nlmsg *m, void *buffer, size_t size, uint16_t type, uint16_t flags,
		 const void *family, size_t family_size);
void nlmsg_put(struct nlmsg *m, uint16_t type, const void *data, size_t size);
/* Bytes without an attribute's header, as some nests begin with a structure. */
void nlmsg_put_raw(struct nlmsg *m, const void *data, size_t size);
void nlmsg_put_u8(struct nlmsg *m, uint16_t type, uint8_t value);
void nlmsg_put_u16(struct nlmsg *m, uint16_t type, uint16_t value);
void nlmsg_put_be16(struct nlmsg *m, uint16_t type, uint16_t value); /* value in host order */
void nlmsg_put_u32(struct nlmsg *m, uint16_t type, uint32_t value);
void nlmsg_put_u64(struct nlmsg *m, uint16_t type, uint64_t value);
void nlmsg_put_string(struct nlmsg *m, uint16_t type, const char *value); /* with its NUL */
struct nlattr *nlmsg_nest(struct nlmsg *m,
			  uint16_t type); /* NULL after an overflow, which _end takes */
void nlmsg_nest_end(struct nlmsg *m, struct nlattr *nest);

/*
 * Readers. nlmsg_parse fills table[0..max] from the attributes behind the family's structure;
 * false: the message is shorter than that structure. The value readers return false, and leave *out
 * alone, when the attribute is absent or of a wrong size.
 */
bool nlmsg_parse(const struct nlmsghdr *header, size_t family_size, const struct nlattr *table[],
		 uint16_t max);
void nlattr_parse_nest(const struct nlattr *nest, const struct nlattr *table[], uint16_t max);
bool nlattr_u8(const struct nlattr *attr, uint8_t *out);
bool nlattr_u16(const struct nlattr *attr, uint16_t *out);
bool nlattr_be16(const struct nlattr *attr, uint16_t *out); /* to host order */
bool nlattr_u32(const struct nlattr *attr, uint32_t *out);
bool nlattr_u64(const struct nlattr *attr, uint64_t *out);
bool nlattr_copy(const struct nlattr *attr, void *out,
		 size_t size); /* at least size bytes of payload */
/* Copies text, cut to fit and always terminated. */
bool nlattr_string(const struct nlattr *attr, char *out, size_t size);
const void *nlattr_data(const struct nlattr *attr, size_t *size);

#endif
