/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/pcap.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/library.h"

enum { SNAPSHOT_LENGTH = 65535 };

static struct {
	void *handle;
	unsigned users;
	pcap_t *(*open_dead)(int link_type, int snapshot_length);
	int (*compile)(pcap_t *pcap, struct bpf_program *out, const char *text, int optimize,
		       bpf_u_int32 netmask);
	char *(*geterr)(pcap_t *pcap);
	void (*freecode)(struct bpf_program *program);
	void (*close)(pcap_t *pcap);
} library;

void pcap_hold(void)
{
	static const struct library_function functions[] = {
	    {"pcap_open_dead", &library.open_dead}, {"pcap_compile", &library.compile},
	    {"pcap_geterr", &library.geterr},       {"pcap_freecode", &library.freecode},
	    {"pcap_close", &library.close},
	};

	if (!library.users++)
		library.handle =
		    library_load(PCAP_LIBRARY, functions, sizeof(functions) / sizeof(*functions));
}

void pcap_release(void)
{
	if (--library.users || !library.handle)
		return;
	dlclose(library.handle);
	library.handle = NULL;
}

/* The program as the caller's own, since libpcap's goes with it. */
static int take(struct bpf_program *from, struct bpf_program *out)
{
	size_t size = from->bf_len * sizeof(*from->bf_insns);
	struct bpf_insn *insns = malloc(size);

	if (!insns)
		return -ENOMEM;
	memcpy(insns, from->bf_insns, size);
	out->bf_len = from->bf_len;
	out->bf_insns = insns;
	return 0;
}

static int compile(const char *text, int link_type, struct bpf_program *out, char *error,
		   size_t error_size)
{
	pcap_t *pcap = library.open_dead(link_type, SNAPSHOT_LENGTH);
	struct bpf_program program;
	int result = -ENOMEM;

	if (pcap && library.compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		snprintf(error, error_size, "%s", library.geterr(pcap));
		result = -EINVAL;
	} else if (pcap) {
		result = take(&program, out);
		library.freecode(&program);
	}
	if (result == -ENOMEM)
		snprintf(error, error_size, "%s", strerror(ENOMEM));
	if (pcap)
		library.close(pcap);
	return result;
}

int pcap_compile_text(const char *text, int link_type, struct bpf_program *out, char *error,
		      size_t error_size)
{
	int result = -ENOENT;

	*out = (struct bpf_program){0};
	pcap_hold();
	if (library.handle)
		result = compile(text, link_type, out, error, error_size);
	else
		snprintf(error, error_size, "libpcap cannot be used: install %s", PCAP_LIBRARY);
	pcap_release();
	return result;
}

void pcap_free_program(struct bpf_program *program)
{
	free(program->bf_insns);
	*program = (struct bpf_program){0};
}
