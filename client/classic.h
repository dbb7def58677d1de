/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classic BPF programs as the kernel judges them. libpcap makes some for its own interpreter that
 * the kernel takes from nobody; who asks here first can say so with the configuration. No socket.
 */
#ifndef VTAP_CLIENT_CLASSIC_H
#define VTAP_CLIENT_CLASSIC_H

#include <pcap/pcap.h>

/* Why the kernel would refuse a program of libpcap's, in words; NULL: it would not. */
const char *classic_refused(const struct bpf_program *program);

#endif
