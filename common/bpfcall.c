/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/bpfcall.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PROGRAM_MAPS = 16 };

static int call(enum bpf_cmd command, union bpf_attr *attr)
{
	long result = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return result < 0 ? -errno : (int)result;
}

static uint64_t pointer(const void *to)
{
	return (uint64_t)(uintptr_t)to;
}

static void put_name(char to[BPFCALL_NAME], const char *name)
{
	memcpy(to, name, strnlen(name, BPFCALL_NAME - 1));
}

int bpfcall_create(const struct bpfcall_map *map)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = map->type;
	attr.key_size = map->key_size;
	attr.value_size = map->value_size;
	attr.max_entries = map->max_entries;
	if (map->type == BPF_MAP_TYPE_ARRAY_OF_MAPS)
		attr.inner_map_fd = (uint32_t)map->inner_fd;
	put_name(attr.map_name, map->name);
	return call(BPF_MAP_CREATE, &attr);
}

static int info(int fd, void *to, uint32_t size)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = size;
	attr.info.info = pointer(to);
	return call(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

int bpfcall_is(int fd, const struct bpfcall_map *map)
{
	struct bpf_map_info seen = {0};
	int error = info(fd, &seen, sizeof(seen));

	if (error)
		return error;
	return seen.type == map->type && seen.key_size == map->key_size &&
		       seen.value_size == map->value_size && seen.max_entries == map->max_entries &&
		       strncmp(seen.name, map->name, BPFCALL_NAME) == 0
		   ? 0
		   : -ENOENT;
}

int bpfcall_map_id(int fd, uint32_t *id)
{
	struct bpf_map_info seen = {0};
	int error = info(fd, &seen, sizeof(seen));

	*id = seen.id;
	return error;
}

static int element(enum bpf_cmd command, int fd, const void *key, const void *value)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)fd;
	attr.key = pointer(key);
	attr.value = pointer(value);
	return call(command, &attr);
}

int bpfcall_update(int fd, const void *key, const void *value)
{
	return element(BPF_MAP_UPDATE_ELEM, fd, key, value);
}

int bpfcall_look(int fd, const void *key, void *value)
{
	return element(BPF_MAP_LOOKUP_ELEM, fd, key, value);
}

/* "0-3,8": in a machine that can be given more, also those that it has not got yet. */
int bpfcall_cpus(void)
{
	FILE *file = fopen("/sys/devices/system/cpu/possible", "re");
	int first, last, cpus = 0;

	if (!file)
		return -errno;
	while (fscanf(file, "%d", &first) == 1) {
		last = first;
		if (fscanf(file, "-%d", &last) == 1 && last < first)
			break;
		cpus += last - first + 1;
		if (fgetc(file) != ',')
			break;
	}
	fclose(file);
	return cpus > 0 ? cpus : -EINVAL;
}

int bpfcall_load(const char *name, const struct bpf_insn *program, size_t count, char *log,
		 size_t log_size)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	attr.insns = pointer(program);
	attr.insn_cnt = (uint32_t)count;
	attr.license = pointer("Dual BSD/GPL");
	put_name(attr.prog_name, name);
	if (log_size) {
		log[0] = 0;
		attr.log_buf = pointer(log);
		attr.log_size = (uint32_t)log_size;
		attr.log_level = 1;
	}
	return call(BPF_PROG_LOAD, &attr);
}

int bpfcall_program_id(int fd, uint32_t *id)
{
	struct bpf_prog_info seen = {0};
	int error = info(fd, &seen, sizeof(seen));

	*id = seen.id;
	return error;
}

static int by_id(enum bpf_cmd command, uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id; /* of a map, too: they are one union */
	return call(command, &attr);
}

int bpfcall_map_of(uint32_t program_id, const struct bpfcall_map *map)
{
	uint32_t ids[PROGRAM_MAPS] = {0};
	struct bpf_prog_info seen = {.nr_map_ids = PROGRAM_MAPS, .map_ids = pointer(ids)};
	int program = by_id(BPF_PROG_GET_FD_BY_ID, program_id), fd, error;

	if (program < 0)
		return program;
	error = info(program, &seen, sizeof(seen));
	close(program);
	if (error)
		return error;
	for (size_t i = 0; i < seen.nr_map_ids && i < PROGRAM_MAPS; i++) {
		fd = by_id(BPF_MAP_GET_FD_BY_ID, ids[i]);
		if (fd >= 0 && !bpfcall_is(fd, map))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -ENOENT;
}
