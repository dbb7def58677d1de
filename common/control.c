/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket's edge: connections and their limits. Whatever a peer does costs a
 * bounded buffer and nothing of the daemon's time; it must never block, spin, or die of SIGPIPE.
 * What a request means is in control_request.c.
 */

#include "common/control.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/answers.h"
#include "common/listener.h"
#include "common/loop.h"

/* Sent in one turn, so that a large answer does not hold the loop. */
enum { SEND_SIZE_MAX = 256 * 1024 };
/* In one turn, so that those who come together can share an answer in the next one. */
enum { ACCEPT_AT_ONCE = 16 };

static const char too_many[] = "{\"error\": \"too many connections\"}\n";
static const struct timeval connection_time = {.tv_sec = CONTROL_TIMEOUT_S};
static const struct timeval descriptors_pause = {.tv_usec = 250000};
static const struct timeval answers_pause = {.tv_usec = 20000};

struct connection {
	LIST_ENTRY(connection) entry;
	struct control *control;
	int fd;
	struct event io;       /* readable, then, with an answer, writable */
	struct event deadline; /* counts from accept: a trickle of bytes does not move it */
	char request[CONTROL_REQUEST_MAX];
	size_t request_size;
	bool wants_status;     /* as soon as all that can be read now has been read */
	struct answer *answer; /* NULL while there is none */
	size_t sent;
};

struct control {
	struct event_base *base;
	struct listener listener;
	struct event readable;
	struct event resume; /* accepts again after we ran out of descriptors */
	struct event tell;   /* those that want the status */
	LIST_HEAD(, connection) connections;
	struct answers answers;
	unsigned int count;
	control_status_fn status;
	void *ctx;
};

/* ---- connections ----------------------------------------------------------------------------- */

/*
 * Closing a UNIX socket with unread bytes resets the connection, and the peer would report an error
 * instead of reading our answer to the end. What came so far is thrown away; a peer that goes on
 * sending gets its reset.
 */
static void close_gently(int fd)
{
	char bytes[4096];

	for (int i = 0; i < 16; i++) {
		if (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) <= 0)
			break;
	}
	close(fd);
}

static void connection_end(struct connection *connection)
{
	LIST_REMOVE(connection, entry);
	connection->control->count--;
	event_del(&connection->io);
	event_del(&connection->deadline);
	close_gently(connection->fd);
	if (connection->answer)
		answers_release(&connection->control->answers, connection->answer);
	free(connection);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct connection *connection = ctx;
	const struct answer *answer = connection->answer;
	size_t size = answer->size - connection->sent;
	ssize_t n;

	(void)what;
	if (size > SEND_SIZE_MAX)
		size = SEND_SIZE_MAX;
	n = send(fd, answer->text + connection->sent, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		connection->sent += (size_t)n;
	if (n < 0 || connection->sent == answer->size)
		connection_end(connection);
}

/* Begins to send it; NULL ends the connection. */
static void tell(struct connection *connection, struct answer *answer)
{
	if (answer == NULL) {
		connection_end(connection);
		return;
	}
	answer->readers++;
	connection->wants_status = false;
	connection->answer = answer;
	event_del(&connection->io);
	event_assign(&connection->io, connection->control->base, connection->fd,
		     EV_WRITE | EV_PERSIST, on_writable, connection);
	if (event_add(&connection->io, NULL) < 0)
		connection_end(connection);
}

/* An answer that nobody reads is gone, so there is one. */
static struct connection *reader_of(struct control *control, const struct answer *answer)
{
	struct connection *connection = LIST_FIRST(&control->connections);

	while (connection->answer != answer)
		connection = LIST_NEXT(connection, entry);
	return connection;
}

/*
 * Whether there is room for another answer. Who reads slowly while others ask and ask must not cost
 * memory without end: it loses its answer after a while.
 */
static bool make_room(struct control *control)
{
	const uint64_t now = loop_now_ms();
	struct answer *oldest;

	while ((oldest = answers_in_the_way(&control->answers)) != NULL) {
		if (now < oldest->made_ms + ANSWERS_AGE_MS)
			return false;
		connection_end(reader_of(control, oldest));
	}
	return true;
}

/* All who asked up to now get one and the same answer, which is newer than their question. */
static void on_tell(evutil_socket_t fd, short what, void *ctx)
{
	struct control *control = ctx;
	struct connection *connection, *next;
	struct answer *answer;

	(void)fd;
	(void)what;
	if (!make_room(control)) {
		event_add(&control->tell, &answers_pause);
		return;
	}
	answer = answers_make(&control->answers, control->status(control->ctx), loop_now_ms());
	for (connection = LIST_FIRST(&control->connections); connection; connection = next) {
		next = LIST_NEXT(connection, entry);
		if (connection->wants_status)
			tell(connection, answer);
	}
	if (answer != NULL)
		answers_release(&control->answers, answer);
}

static void refuse(struct connection *connection, enum control_request request)
{
	struct control *control = connection->control;
	char *text = control_error(request, connection->request, connection->request_size);
	struct answer *answer = answers_make(&control->answers, text, loop_now_ms());

	tell(connection, answer);
	if (answer != NULL)
		answers_release(&control->answers, answer);
}

static void on_request(evutil_socket_t fd, short what, void *ctx)
{
	struct connection *connection = ctx;
	struct control *control = connection->control;
	char *end = connection->request + connection->request_size;
	size_t room = sizeof(connection->request) - connection->request_size;
	enum control_request request;
	ssize_t n;

	(void)what;
	n = recv(fd, end, room, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 || (n == 0 && connection->request_size == 0)) {
		connection_end(connection);
		return;
	}
	if (n == 0) { /* the end of what the peer sends ends the line too */
		*end = '\n';
		n = 1;
	}
	connection->request_size += (size_t)n;
	request = control_request_parse(connection->request, connection->request_size);
	if (request == CONTROL_STATUS) {
		event_del(&connection->io);
		connection->wants_status = true;
		/* runs when all others that are readable now were read */
		event_active(&control->tell, EV_TIMEOUT, 0);
	} else if (request != CONTROL_MORE) {
		refuse(connection, request);
	}
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	struct connection *connection = ctx;
	char *text;

	(void)fd;
	(void)what;
	if (connection->answer == NULL && !connection->wants_status) {
		text = control_error(CONTROL_MORE, connection->request, connection->request_size);
		if (text != NULL) {
			send(connection->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
			send(connection->fd, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		}
		free(text);
	}
	connection_end(connection);
}

static void connection_start(struct control *control, int fd)
{
	struct connection *connection = NULL;

	if (control->count < CONTROL_CONNECTIONS_MAX)
		connection = calloc(1, sizeof(*connection));
	if (connection == NULL) {
		/* words at once help more than silence in the queue */
		send(fd, too_many, sizeof(too_many) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		close_gently(fd);
		return;
	}
	connection->control = control;
	connection->fd = fd;
	LIST_INSERT_HEAD(&control->connections, connection, entry);
	control->count++;
	event_assign(&connection->io, control->base, fd, EV_READ | EV_PERSIST, on_request,
		     connection);
	event_assign(&connection->deadline, control->base, -1, 0, on_deadline, connection);
	if (event_add(&connection->io, NULL) < 0 ||
	    event_add(&connection->deadline, &connection_time) < 0)
		connection_end(connection);
}

/* ---- listening ------------------------------------------------------------------------------- */

static void on_readable(evutil_socket_t listen_fd, short what, void *ctx)
{
	struct control *control = ctx;
	int error = 0;

	(void)what;
	for (int i = 0; i < ACCEPT_AT_ONCE && !error; i++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			connection_start(control, fd);
		else
			error = errno;
	}
	/* The peer stays in the queue and the socket readable: without a pause this would be a busy
	 * loop. */
	if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
		if (event_add(&control->resume, &descriptors_pause) == 0)
			event_del(&control->readable);
	}
}

static void on_resume(evutil_socket_t fd, short what, void *ctx)
{
	struct control *control = ctx;

	(void)fd;
	(void)what;
	if (event_add(&control->readable, NULL) < 0)
		event_add(&control->resume, &descriptors_pause);
}

int control_open(struct loop *loop, const char *path, int listen_fd, control_status_fn status,
		 void *ctx, struct control **out, char *why, size_t why_size)
{
	struct control *control = calloc(1, sizeof(*control));
	int error;

	if (control == NULL) {
		snprintf(why, why_size, "no memory for the control socket");
		return -ENOMEM;
	}
	control->base = loop_base(loop);
	control->status = status;
	control->ctx = ctx;
	LIST_INIT(&control->connections);
	answers_init(&control->answers);
	if (listen_fd >= 0)
		error = listener_adopt(listen_fd, &control->listener, why, why_size);
	else
		error =
		    listener_open(path, CONTROL_CONNECTIONS_MAX, &control->listener, why, why_size);
	if (error < 0) {
		free(control);
		return error;
	}
	event_assign(&control->readable, control->base, control->listener.fd, EV_READ | EV_PERSIST,
		     on_readable, control);
	event_assign(&control->resume, control->base, -1, 0, on_resume, control);
	event_assign(&control->tell, control->base, -1, 0, on_tell, control);
	if (event_add(&control->readable, NULL) < 0) {
		snprintf(why, why_size, "cannot watch the control socket");
		control_close(control);
		return -ENOMEM;
	}
	*out = control;
	return 0;
}

void control_close(struct control *control)
{
	if (control == NULL)
		return;
	while (!LIST_EMPTY(&control->connections))
		connection_end(LIST_FIRST(&control->connections));
	event_del(&control->readable);
	event_del(&control->resume);
	event_del(&control->tell);
	listener_close(&control->listener);
	free(control);
}
