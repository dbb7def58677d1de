/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: one request line in, one JSON document and a newline out, close. At most 64
 * connections, 256 bytes of request, 5 s. Those who ask at the same moment share one answer; a slow
 * reader never costs the daemon's time, and no more than a bounded piece of its memory: while 16
 * MiB of answers are unread, the next one waits, for a second at most; then the oldest go.
 */
#ifndef VTAP_COMMON_CONTROL_H
#define VTAP_COMMON_CONTROL_H

#include <stddef.h>

struct control;
struct loop;

/* Where the daemons listen, unless they are told otherwise. */
#define CONTROL_CLIENT_PATH    "/run/vtap/client.sock"
#define CONTROL_COLLECTOR_PATH "/run/vtap/collector.sock"

enum { CONTROL_REQUEST_MAX = 256, CONTROL_CONNECTIONS_MAX = 64, CONTROL_TIMEOUT_S = 5 };

/* The current status as JSON text without a newline, malloc'd, the caller's to free; NULL: no
 * memory. */
typedef char *(*control_status_fn)(void *ctx);

/*
 * Serves `path`, or the listening descriptor `listen_fd` when it is >= 0 (socket activation; then
 * the path is the service manager's and is left alone, and the descriptor becomes the control's
 * unless this fails). A path of our own gets mode 0660 and group "vtap" where that group exists; a
 * socket nobody listens on is replaced, one that answers is -EADDRINUSE. On error fills why with
 * words.
 */
int control_open(struct loop *loop, const char *path, int listen_fd, control_status_fn status,
		 void *ctx, struct control **out, char *why, size_t why_size);
void control_close(
    struct control *control); /* ends connections, removes a path of our own; NULL is fine */

/* ---- values, in control_request.c ------------------------------------------------------------ */

enum control_request {
	CONTROL_MORE, /* no whole line yet */
	CONTROL_STATUS,
	CONTROL_UNKNOWN,  /* a line, but not a request we know */
	CONTROL_TOO_LONG, /* CONTROL_REQUEST_MAX bytes without a newline */
};

/* What the bytes received so far ask for. "status" may have spaces or a carriage return around it.
 */
enum control_request control_request_parse(const char *bytes, size_t size);
/* {"error": "..."} with the request quoted as JSON; malloc'd; never NULL unless there is no memory.
 */
char *control_error(enum control_request request, const char *bytes, size_t size);

#endif
