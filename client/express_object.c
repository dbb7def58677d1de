/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/express_object.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { RELOCATE_MAP = 1 /* R_BPF_64_64 */, WIDE = BPF_LD | BPF_IMM | BPF_DW };

struct object {
	const char *bytes;
	size_t size;
	const Elf64_Shdr *sections;
	size_t count;
	const char *names; /* of sections */
	size_t names_size;
};

/* A section's content; NULL: not all of it is there. */
static const void *content(const struct object *object, const Elf64_Shdr *section)
{
	if (section->sh_type == SHT_NOBITS || section->sh_offset > object->size ||
	    section->sh_size > object->size - section->sh_offset || section->sh_offset % 8)
		return NULL;
	return object->bytes + section->sh_offset;
}

/* As content, of a section by its number; strings may stand anywhere. */
static const char *strings(const struct object *object, size_t index, size_t *size)
{
	const Elf64_Shdr *section;

	if (index >= object->count)
		return NULL;
	section = &object->sections[index];
	if (section->sh_type != SHT_STRTAB || section->sh_offset > object->size ||
	    section->sh_size > object->size - section->sh_offset || !section->sh_size ||
	    object->bytes[section->sh_offset + section->sh_size - 1])
		return NULL;
	*size = section->sh_size;
	return object->bytes + section->sh_offset;
}

static bool open_object(struct object *object, const void *bytes, size_t size)
{
	const Elf64_Ehdr *header = bytes;

	if (size < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_BPF ||
	    header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shoff > size ||
	    header->e_shoff % 8 || header->e_shnum > (size - header->e_shoff) / sizeof(Elf64_Shdr))
		return false;
	*object = (struct object){.bytes = bytes, .size = size, .count = header->e_shnum};
	object->sections = (const Elf64_Shdr *)(const void *)(object->bytes + header->e_shoff);
	object->names = strings(object, header->e_shstrndx, &object->names_size);
	return object->names;
}

static const Elf64_Shdr *find_section(const struct object *object, const char *name)
{
	for (size_t i = 0; i < object->count; i++)
		if (object->sections[i].sh_type == SHT_PROGBITS &&
		    object->sections[i].sh_name < object->names_size &&
		    strcmp(object->names + object->sections[i].sh_name, name) == 0)
			return &object->sections[i];
	return NULL;
}

static int map_named(const struct express_map *maps, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(maps[i].name, name) == 0)
			return maps[i].fd;
	return -1;
}

/* The descriptors of the maps that a section of relocations names, into the instructions. */
static int relocate(const struct object *object, const Elf64_Shdr *section,
		    const struct express_map *maps, size_t map_count, struct bpf_insn *program,
		    size_t count)
{
	const Elf64_Rel *entries = content(object, section);
	const Elf64_Shdr *table;
	const Elf64_Sym *symbols;
	const char *names;
	size_t names_size, symbol, at;
	int fd;

	if (!entries || section->sh_link >= object->count)
		return -ENOEXEC;
	table = &object->sections[section->sh_link];
	symbols = content(object, table);
	names = strings(object, table->sh_link, &names_size);
	if (!symbols || !names)
		return -ENOEXEC;
	for (size_t i = 0; i < section->sh_size / sizeof(*entries); i++) {
		symbol = ELF64_R_SYM(entries[i].r_info);
		at = entries[i].r_offset / sizeof(*program);
		if (ELF64_R_TYPE(entries[i].r_info) != RELOCATE_MAP || at + 1 >= count ||
		    program[at].code != WIDE || symbol >= table->sh_size / sizeof(*symbols) ||
		    symbols[symbol].st_name >= names_size)
			return -ENOEXEC;
		fd = map_named(maps, map_count, names + symbols[symbol].st_name);
		if (fd < 0)
			return -ENOEXEC;
		program[at].src_reg = BPF_PSEUDO_MAP_FD;
		program[at].imm = fd;
	}
	return 0;
}

int express_object_take(const void *object, size_t size, const char *name,
			const struct express_map *maps, size_t map_count, struct bpf_insn **out,
			size_t *count)
{
	const Elf64_Shdr *code;
	const void *from;
	struct object in;
	int error = 0;

	*out = NULL;
	*count = 0;
	if (!open_object(&in, object, size))
		return -ENOEXEC;
	code = find_section(&in, name);
	from = code ? content(&in, code) : NULL;
	if (!from || !code->sh_size || code->sh_size % sizeof(**out))
		return -ENOEXEC;
	*out = malloc(code->sh_size);
	if (!*out)
		return -ENOMEM;
	*count = code->sh_size / sizeof(**out);
	memcpy(*out, from, code->sh_size);
	for (size_t i = 0; !error && i < in.count; i++)
		if (in.sections[i].sh_type == SHT_REL &&
		    in.sections[i].sh_info == (size_t)(code - in.sections))
			error = relocate(&in, &in.sections[i], maps, map_count, *out, *count);
	if (error) {
		free(*out);
		*out = NULL;
	}
	return error;
}
