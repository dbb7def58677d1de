/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program in an eBPF object as the compiler writes it, with descriptors of maps in place of
 * their names. As much of ELF as one program without functions and data needs; no system call.
 */
#ifndef VTAP_CLIENT_EXPRESS_OBJECT_H
#define VTAP_CLIENT_EXPRESS_OBJECT_H

#include <linux/bpf.h>
#include <stddef.h>

struct express_map {
	const char *name;
	int fd;
};

/*
 * The instructions of section `name`, to be freed. `object` is aligned as a struct of pointers is.
 * -ENOEXEC: it is not such an object, or names a map that is not among `maps`; -ENOMEM.
 */
int express_object_take(const void *object, size_t size, const char *name,
			const struct express_map *maps, size_t map_count, struct bpf_insn **out,
			size_t *count);

#endif
