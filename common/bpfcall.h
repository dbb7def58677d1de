/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bpf(2) as far as it takes to load one program and to use its maps, without a library: that would
 * be most of a small daemon's memory. Descriptors or 0, or a negative errno; all are closed on
 * exec.
 */
#ifndef VTAP_COMMON_BPFCALL_H
#define VTAP_COMMON_BPFCALL_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

enum { BPFCALL_NAME = 16 };

struct bpfcall_map {
	char name[BPFCALL_NAME]; /* cut off if it is longer */
	enum bpf_map_type type;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	int inner_fd; /* for a map of maps: one like those in it */
};

int bpfcall_create(const struct bpfcall_map *map);
/* Whether what the descriptor is of has this name, type and these sizes. */
int bpfcall_is(int fd, const struct bpfcall_map *map);
int bpfcall_update(int fd, const void *key, const void *value);
int bpfcall_look(int fd, const void *key, void *value);
int bpfcall_map_id(int fd, uint32_t *id);

/* How many values a lookup in a per-CPU map gives. */
int bpfcall_cpus(void);

/* A program of tc. `log`: what the verifier says. */
int bpfcall_load(const char *name, const struct bpf_insn *program, size_t count, char *log,
		 size_t log_size);
int bpfcall_program_id(int fd, uint32_t *id);

/* A map of the program with this id. Needs CAP_SYS_ADMIN. -ENOENT: it has none like it. */
int bpfcall_map_of(uint32_t program_id, const struct bpfcall_map *map);

#endif
