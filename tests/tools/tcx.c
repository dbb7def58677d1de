/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcx INTERFACE ingress|egress VERDICT: attaches an eBPF program with this verdict to a device's
 * tcx hook. Prints "none" if the kernel has no tcx, else the program's id; keeps it attached until
 * its input ends.
 */
#include <errno.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	PROG_LOAD = 5,
	LINK_CREATE = 28,
	INFO = 15,
	TYPE_SCHED_CLS = 3,
	TCX_INGRESS = 46,
	TCX_EGRESS = 47
};

static int bpf(int command, void *attr, size_t size)
{
	return (int)syscall(SYS_bpf, command, attr, size);
}

static int load(int32_t verdict)
{
	struct insn {
		uint8_t code, regs;
		int16_t off;
		int32_t imm;
	} insns[] = {{0xb7, 0, 0, verdict}, {0x95, 0, 0, 0}}; /* r0 = verdict; exit */
	struct {
		uint32_t type, count;
		uint64_t insns, license;
		uint8_t rest[64];
	} attr = {.type = TYPE_SCHED_CLS,
		  .count = 2,
		  .insns = (uint64_t)(uintptr_t)insns,
		  .license = (uint64_t)(uintptr_t) "BSD"};

	return bpf(PROG_LOAD, &attr, sizeof(attr));
}

static uint32_t id_of(int prog)
{
	uint32_t info[32] = {0};
	struct {
		uint32_t fd, size;
		uint64_t info;
	} attr = {(uint32_t)prog, sizeof(info), (uint64_t)(uintptr_t)info};

	return bpf(INFO, &attr, sizeof(attr)) < 0 ? 0 : info[1];
}

static int attach(int prog, unsigned ifindex, int hook)
{
	struct {
		uint32_t prog, ifindex, type, flags;
		uint8_t rest[32];
	} attr = {.prog = (uint32_t)prog, .ifindex = ifindex, .type = (uint32_t)hook};

	return bpf(LINK_CREATE, &attr, sizeof(attr));
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	int prog = load(atoi(argv[3]));
	if (prog < 0) {
		perror("load");
		return 1;
	}
	int link = attach(prog, if_nametoindex(argv[1]),
			  strcmp(argv[2], "egress") == 0 ? TCX_EGRESS : TCX_INGRESS);
	if (link < 0 && errno != EINVAL) {
		perror("attach");
		return 1;
	}
	if (link < 0)
		puts("none");
	else
		printf("%u\n", id_of(prog));
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
