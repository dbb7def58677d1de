/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libbpf says while it loads, in one line. It prints through one function per process, hence
 * begin and end.
 */
#ifndef VTAP_COLLECTOR_DOOR_ERROR_H
#define VTAP_COLLECTOR_DOOR_ERROR_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>

struct door_error {
	char *why;
	size_t size;
	libbpf_print_fn_t print_before;
};

void door_error_begin(struct door_error *words, char *why, size_t size); /* why is emptied */
/* error 0: why stays empty. Else it says what is missing, in libbpf's words or ours; never empty.
 */
void door_error_end(struct door_error *words, int error);

/*
 * Whether this process has the capabilities that loading takes. To be asked first: without
 * CAP_PERFMON the verifier also follows what a processor may do by mistake, which takes it half a
 * minute, to no avail.
 */
bool door_error_permitted(void);

#endif
