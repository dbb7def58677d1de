/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/classic.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { NOTHING = 0 }; /* of the 16 words of memory, a bit each */

/* Jumps go forward in the kernel. */
static bool has_loop(const struct bpf_program *program)
{
	for (unsigned i = 0; i < program->bf_len; i++)
		if (program->bf_insns[i].code == (BPF_JMP | BPF_JA) &&
		    program->bf_insns[i].k > INT32_MAX)
			return true;
	return false;
}

/* There the kernel has things that are not in the packet. */
static bool reads_before_packet(const struct bpf_program *program)
{
	for (unsigned i = 0; i < program->bf_len; i++) {
		const struct bpf_insn *insn = &program->bf_insns[i];
		if (BPF_CLASS(insn->code) == BPF_LD && BPF_MODE(insn->code) == BPF_ABS &&
		    insn->k > INT32_MAX)
			return true;
	}
	return false;
}

/* What an instruction leaves written of memory to the ones that follow it. */
static void pass_on(const struct bpf_insn *insn, uint16_t written, uint16_t *next)
{
	if (BPF_CLASS(insn->code) == BPF_RET)
		return;
	if (insn->code == (BPF_JMP | BPF_JA)) {
		next[insn->k] &= written;
	} else if (BPF_CLASS(insn->code) == BPF_JMP) {
		next[insn->jt] &= written;
		next[insn->jf] &= written;
	} else {
		next[0] &= written;
	}
}

/*
 * Whether a word of memory is read that was not written on every way there, as
 * check_load_and_stores of the kernel sees it. Jumps are known to go forward, and libpcap's never
 * leave the program.
 */
static bool reads_unwritten(const struct bpf_program *program)
{
	uint16_t *written = calloc(program->bf_len + 1, sizeof(*written));
	bool found = false;

	if (!written)
		return false; /* the kernel will say */
	memset(written, 0xff, (program->bf_len + 1) * sizeof(*written));
	written[0] = NOTHING;
	for (unsigned i = 0; i < program->bf_len; i++) {
		const struct bpf_insn *insn = &program->bf_insns[i];
		uint16_t now = written[i];

		if (insn->code == BPF_ST || insn->code == BPF_STX)
			now |= (uint16_t)(1u << (insn->k % BPF_MEMWORDS));
		else if (insn->code == (BPF_LD | BPF_MEM) || insn->code == (BPF_LDX | BPF_MEM))
			found |= !(now & 1u << (insn->k % BPF_MEMWORDS));
		pass_on(insn, now, written + i + 1);
	}
	free(written);
	return found;
}

const char *classic_refused(const struct bpf_program *program)
{
	if (has_loop(program))
		return "it needs a loop, as \"protochain\" does, and the kernel runs none";
	if (reads_before_packet(program))
		return "it reads before the packet's start";
	if (reads_unwritten(program))
		return "libpcap's program for it reads memory before it is written, which the "
		       "kernel refuses: join to \"geneve\" or the like by \"and\" alone";
	return NULL;
}
