/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One question to a daemon's control socket. Knows nothing of what the answer means.
 */
#ifndef VTAP_VTAPSTAT_REQUEST_H
#define VTAP_VTAPSTAT_REQUEST_H

#include <stddef.h>

enum { REQUEST_TIMEOUT_S = 5 };

/*
 * Asks for the status; the answer is malloc'd, NUL after `size` bytes, as it came. 0 or a negative
 * errno: -ETIMEDOUT after REQUEST_TIMEOUT_S all in all, -ENODATA for a connection closed without a
 * byte, -EFBIG for an answer out of all proportion.
 */
int request_status(const char *path, char **answer, size_t *size);

#endif
