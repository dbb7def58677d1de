/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpcap's compiler, in memory only while it is used: with what it pulls in it is a tenth of a
 * client that then runs for months.
 */
#ifndef VTAP_CLIENT_PCAP_H
#define VTAP_CLIENT_PCAP_H

#include <pcap/pcap.h>
#include <stddef.h>

/* Between these two it stays loaded over several uses; they nest. Not needed for a single use. */
void pcap_hold(void);
void pcap_release(void);

/*
 * pcap-filter(7) text to a program for packets of a link type (DLT_...), to be freed with
 * pcap_free_program. 0; -EINVAL with libpcap's words, -ENOMEM, or -ENOENT where libpcap is not
 * installed, with words in `error`.
 */
int pcap_compile_text(const char *text, int link_type, struct bpf_program *out, char *error,
		      size_t error_size);
void pcap_free_program(struct bpf_program *program);

#endif
