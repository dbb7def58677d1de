/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/tcx.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As in linux/bpf.h of 6.6, which build machines need not have. */
enum {
	COMMAND_PROG_QUERY = 16,
	COMMAND_LINK_CREATE = 28,
	ATTACH_TCX_INGRESS = 46,
	ATTACH_TCX_EGRESS = 47
};

struct query {
	uint32_t ifindex;
	uint32_t attach_type;
	uint32_t query_flags;
	uint32_t attach_flags;
	uint64_t prog_ids; /* a pointer */
	uint32_t prog_count;
	uint32_t padding;
	uint64_t prog_attach_flags;
	uint64_t link_ids;
	uint64_t link_attach_flags;
	uint64_t revision;
};

struct link_create {
	uint32_t prog_fd;
	uint32_t ifindex;
	uint32_t attach_type;
	uint32_t flags;
	uint32_t relative_fd;
	uint32_t padding;
	uint64_t expected_revision;
};

static uint32_t attach_type(bool egress)
{
	return egress ? ATTACH_TCX_EGRESS : ATTACH_TCX_INGRESS;
}

int tcx_query(int ifindex, bool egress, uint32_t ids[TCX_PROGRAMS], size_t *count)
{
	struct query query = {.ifindex = (uint32_t)ifindex,
			      .attach_type = attach_type(egress),
			      .prog_ids = (uint64_t)(uintptr_t)ids,
			      .prog_count = TCX_PROGRAMS};

	if (syscall(SYS_bpf, COMMAND_PROG_QUERY, &query, sizeof(query)) < 0)
		return -errno;
	*count = query.prog_count < TCX_PROGRAMS ? query.prog_count : TCX_PROGRAMS;
	return 0;
}

int tcx_attach(int ifindex, bool egress, int prog_fd)
{
	struct link_create create = {.prog_fd = (uint32_t)prog_fd,
				     .ifindex = (uint32_t)ifindex,
				     .attach_type = attach_type(egress)};
	long fd = syscall(SYS_bpf, COMMAND_LINK_CREATE, &create, sizeof(create));

	return fd < 0 ? -errno : (int)fd;
}
