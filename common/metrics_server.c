/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libevent's HTTP server with limits around it. Of these it has, in version 2.1, only the size of a
 * request: neither a number of connections nor an end of their time, and it tells nobody when one
 * has ended. So each connection's bufferevent is made here and held by one more reference; a timer,
 * which runs only while there are connections, finds those that the HTTP server has let go (it
 * takes its callbacks out of them) and ends those whose time is over.
 */
#include "common/metrics_server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/loop.h"
#include "common/metrics_document.h"

enum {
	HEADERS_MAX = 8 * 1024,
	BODY_MAX = 1024,
	INPUT_MAX = 16 * 1024, /* what a peer sends while it is answered waits in the kernel */
	SEND_MAX = 256 * 1024, /* in one turn, so that a large answer does not hold the loop */
	SWEEP_MS = 100,
	RETRY_MS = 2000,
	DOCUMENTS_MAX = 2, /* in memory; a slow reader keeps one there */
};

struct connection {
	struct bufferevent *bev;
	uint64_t since_ms;
};

struct metrics_server {
	LIST_ENTRY(metrics_server) entry;
	struct event_base *base;
	struct evhttp *http;
	metrics_write_fn write;
	void *ctx;

	struct ip_endpoint endpoint;
	struct evhttp_bound_socket *bound; /* NULL: listens nowhere */
	struct loop_timer *retry;
	int told; /* the error that was logged last */

	struct loop_timer *sweep;
	bool sweeping; /* the timer runs */
	struct connection connections[METRICS_CONNECTIONS_MAX];
	size_t connections_count;
	struct metrics_document *documents[DOCUMENTS_MAX]; /* the youngest first; NULL: none */
};

/* evhttp_bind_listener() makes a listener's context its own: this is the way back. */
static LIST_HEAD(, metrics_server) servers = LIST_HEAD_INITIALIZER(servers);

static void start_sweep(struct metrics_server *server)
{
	if (!server->sweeping)
		loop_timer_set(server->sweep, SWEEP_MS);
	server->sweeping = true;
}

/* ---- documents ------------------------------------------------------------------------------- */

/* Lets go of those that nobody reads and that are too old for the next one. */
static void drop_documents(struct metrics_server *server, uint64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < DOCUMENTS_MAX; i++) {
		struct metrics_document *document = server->documents[i];

		server->documents[i] = NULL;
		if (!document)
			continue;
		if (now_ms - metrics_document_time(document) >= METRICS_FRESH_MS &&
		    !metrics_document_is_read(document))
			metrics_document_unref(document);
		else
			server->documents[kept++] = document;
	}
}

/*
 * The document for a request. While DOCUMENTS_MAX are being read, newcomers share the youngest,
 * which is no older than METRICS_TIMEOUT_S: many slow readers need no more memory than a few.
 */
static struct metrics_document *find_document(struct metrics_server *server)
{
	uint64_t now_ms = loop_now_ms();
	struct metrics_document *youngest = server->documents[0];

	if (youngest && now_ms - metrics_document_time(youngest) < METRICS_FRESH_MS)
		return youngest;
	drop_documents(server, now_ms);
	if (server->documents[DOCUMENTS_MAX - 1])
		return server->documents[0];
	struct metrics_document *made = metrics_document_make(server->write, server->ctx, now_ms);
	if (!made)
		return NULL;
	memmove(server->documents + 1, server->documents,
		(DOCUMENTS_MAX - 1) * sizeof(server->documents[0]));
	server->documents[0] = made;
	start_sweep(server);
	return made;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void reply_text(struct evhttp_request *request, int code, const char *reason,
		       const char *text)
{
	struct evbuffer *body = evbuffer_new();

	if (body)
		evbuffer_add(body, text, strlen(text));
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
			  "text/plain; charset=utf-8");
	evhttp_send_reply(request, code, reason, body);
	if (body)
		evbuffer_free(body);
}

static void reply_metrics(struct metrics_server *server, struct evhttp_request *request)
{
	struct evbuffer *body = evbuffer_new();
	struct metrics_document *document = body ? find_document(server) : NULL;

	if (document && metrics_document_add(document, body) == 0) {
		evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
				  METRICS_TEXT_TYPE);
		evhttp_send_reply(request, HTTP_OK, "OK", body);
	} else {
		reply_text(request, HTTP_SERVUNAVAIL, "Service Unavailable", "out of memory\n");
	}
	if (body)
		evbuffer_free(body);
}

static void on_request(struct evhttp_request *request, void *ctx)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	enum evhttp_cmd_type method = evhttp_request_get_command(request);
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

	/* one request for each connection, so that its time can be limited as a whole */
	evhttp_add_header(headers, "Connection", "close");
	if (!path || strcmp(path, "/metrics") != 0) {
		reply_text(request, HTTP_NOTFOUND, "Not Found", "the metrics are at /metrics\n");
	} else if (method == EVHTTP_REQ_GET) {
		reply_metrics(ctx, request);
	} else if (method == EVHTTP_REQ_HEAD) {
		evhttp_add_header(headers, "Content-Type", METRICS_TEXT_TYPE);
		evhttp_send_reply(request, HTTP_OK, "OK", NULL);
	} else {
		evhttp_add_header(headers, "Allow", "GET, HEAD");
		reply_text(request, HTTP_BADMETHOD, "Method Not Allowed", "GET or HEAD only\n");
	}
}

/* ---- connections ----------------------------------------------------------------------------- */

/* evhttp asks for it when it has accepted a connection. */
static struct bufferevent *on_accept(struct event_base *base, void *ctx)
{
	struct metrics_server *server = ctx;
	struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

	/* One that libevent accepted although it was told to stop has no deadline. */
	if (!bev || server->connections_count == METRICS_CONNECTIONS_MAX)
		return bev;
	bufferevent_incref(bev);
	bufferevent_setwatermark(bev, EV_READ, 0, INPUT_MAX);
	bufferevent_set_max_single_write(bev, SEND_MAX);
	server->connections[server->connections_count++] =
	    (struct connection){.bev = bev, .since_ms = loop_now_ms()};
	if (server->connections_count == METRICS_CONNECTIONS_MAX)
		evconnlistener_disable(evhttp_bound_socket_get_listener(server->bound));
	start_sweep(server);
	return bev;
}

/* Out of descriptors, most likely. The peer stays in the queue and the socket readable: without a
 * pause this would be a busy loop. */
static void on_accept_error(struct evconnlistener *listener, void *http)
{
	struct metrics_server *server;

	evconnlistener_disable(listener);
	LIST_FOREACH(server, &servers, entry)
	if (server->http == http)
		start_sweep(server);
}

static void on_sweep(void *ctx)
{
	struct metrics_server *server = ctx;
	uint64_t now_ms = loop_now_ms();
	size_t kept = 0;

	server->sweeping = false;
	for (size_t i = 0; i < server->connections_count; i++) {
		struct connection connection = server->connections[i];
		bufferevent_event_cb held = NULL;

		bufferevent_getcb(connection.bev, NULL, NULL, &held, NULL);
		if (!held) {
			bufferevent_decref(connection.bev); /* and with it goes the descriptor */
			continue;
		}
		/* evhttp sees that, and lets it go */
		if (now_ms - connection.since_ms >= METRICS_TIMEOUT_S * UINT64_C(1000))
			shutdown(bufferevent_getfd(connection.bev), SHUT_RDWR);
		server->connections[kept++] = connection;
	}
	server->connections_count = kept;
	drop_documents(server, now_ms);
	if (server->bound && kept < METRICS_CONNECTIONS_MAX)
		evconnlistener_enable(evhttp_bound_socket_get_listener(server->bound));
	if (kept || server->documents[0])
		start_sweep(server);
}

/* ---- listening ------------------------------------------------------------------------------- */

/* A descriptor, or a negative errno. */
static int open_socket(const struct ip_endpoint *endpoint)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
	bool is_v6 = endpoint->addr.family == AF_INET6;
	const int on = 1;

	memcpy(&v4.sin_addr, endpoint->addr.bytes, sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, endpoint->addr.bytes, sizeof(v6.sin6_addr));
	int fd = socket(endpoint->addr.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* a connection of an earlier daemon that is not forgotten yet is no reason to wait */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, is_v6 ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4,
		 is_v6 ? sizeof(v6) : sizeof(v4)) < 0 ||
	    listen(fd, METRICS_CONNECTIONS_MAX) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

static int start_listening(struct metrics_server *server)
{
	int fd = open_socket(&server->endpoint);

	if (fd < 0)
		return fd;
	struct evconnlistener *listener = evconnlistener_new(
	    server->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!listener) {
		close(fd);
		return -ENOMEM;
	}
	server->bound = evhttp_bind_listener(server->http, listener);
	if (!server->bound) {
		evconnlistener_free(listener);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(listener, on_accept_error);
	if (server->connections_count == METRICS_CONNECTIONS_MAX)
		evconnlistener_disable(listener);
	return 0;
}

static void try_listening(void *ctx)
{
	struct metrics_server *server = ctx;
	char text[IP_ENDPOINT_TEXT];
	int error = start_listening(server);

	ip_endpoint_format(&server->endpoint, text);
	if (!error) {
		log_notice("metrics are at http://%s/metrics", text);
		return;
	}
	if (error != server->told)
		log_warning("no metrics: cannot listen on %s: %s; will try again", text,
			    strerror(-error));
	server->told = error;
	loop_timer_set(server->retry, RETRY_MS);
}

void metrics_server_listen(struct metrics_server *server, const struct ip_endpoint *endpoint)
{
	if (ip_endpoint_equal(&server->endpoint, endpoint))
		return;
	if (server->bound)
		evhttp_del_accept_socket(server->http, server->bound);
	server->bound = NULL;
	server->told = 0;
	server->endpoint = *endpoint;
	loop_timer_clear(server->retry);
	if (endpoint->addr.family)
		try_listening(server);
}

/* ---- start and end --------------------------------------------------------------------------- */

struct metrics_server *metrics_server_new(struct loop *loop, metrics_write_fn write, void *ctx)
{
	struct metrics_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->base = loop_base(loop);
	server->write = write;
	server->ctx = ctx;
	/* the timers are the loop's to free */
	server->sweep = loop_timer_new(loop, on_sweep, server);
	server->retry = loop_timer_new(loop, try_listening, server);
	server->http = evhttp_new(server->base);
	if (!server->sweep || !server->retry || !server->http) {
		if (server->http)
			evhttp_free(server->http);
		free(server);
		return NULL;
	}
	evhttp_set_max_headers_size(server->http, HEADERS_MAX);
	evhttp_set_max_body_size(server->http, BODY_MAX);
	evhttp_set_allowed_methods(server->http, UINT16_MAX); /* they get a better answer here */
	evhttp_set_bevcb(server->http, on_accept, server);
	evhttp_set_gencb(server->http, on_request, server);
	LIST_INSERT_HEAD(&servers, server, entry);
	return server;
}

void metrics_server_free(struct metrics_server *server)
{
	if (!server)
		return;
	LIST_REMOVE(server, entry);
	loop_timer_clear(server->sweep);
	loop_timer_clear(server->retry);
	evhttp_free(server->http); /* connections and listener too */
	for (size_t i = 0; i < server->connections_count; i++)
		bufferevent_decref(server->connections[i].bev);
	for (size_t i = 0; i < DOCUMENTS_MAX; i++)
		metrics_document_unref(server->documents[i]);
	free(server);
}
