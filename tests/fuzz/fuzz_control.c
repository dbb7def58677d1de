/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control protocol. As values: what a request means does not depend on the pieces that it comes
 * in, and every refusal is a JSON document that quotes it. Then the server, over a socket of this
 * process alone: whatever comes in whatever pieces is answered by one document and a newline.
 *
 * Input: a byte with the size of the pieces, 0: all at once; then what is sent.
 */
#include <errno.h>
#include <event2/event.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/control.h"
#include "common/loop.h"
#include "tests/fuzz/fuzz.h"

static const char status_text[] = "{\"daemon\":\"client\",\"state\":\"ok\"}";
enum { SENT_MAX = 2048, TURNS = 64 };

static struct loop *loop;
static struct control *control;
static struct sockaddr_un name = {.sun_family = AF_UNIX};
static socklen_t name_size = sizeof(name);

static char *status(void *ctx)
{
	(void)ctx;
	return strdup(status_text);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* The one string of {"error": "..."}. */
static void check_error(const char *text, size_t size)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *words;

	fuzz_check(tokener);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *document = json_tokener_parse_ex(tokener, text, (int)size);
	fuzz_check(json_tokener_get_error(tokener) == json_tokener_success);
	fuzz_check(json_object_is_type(document, json_type_object) &&
		   json_object_object_length(document) == 1 &&
		   json_object_object_get_ex(document, "error", &words) &&
		   json_object_is_type(words, json_type_string));
	json_object_put(document);
	json_tokener_free(tokener);
}

static void check_refusal(enum control_request request, const uint8_t *bytes, size_t size)
{
	char *text = control_error(request, (const char *)bytes, size);

	fuzz_check(text && !strchr(text, '\n'));
	check_error(text, strlen(text) + 1);
	free(text);
}

/* What the whole of it means; no shorter part of it may mean something else. */
static enum control_request check_request(const uint8_t *bytes, size_t size)
{
	enum control_request whole = control_request_parse((const char *)bytes, size);

	for (size_t part = 0; part < size; part++) {
		uint8_t *exact = fuzz_copy(bytes, part);
		enum control_request request = control_request_parse((const char *)exact, part);

		fuzz_check(request == CONTROL_MORE || request == whole);
		free(exact);
		if (request != CONTROL_MORE)
			break;
	}
	check_refusal(whole, bytes, size);
	return whole;
}

/* ---- the server ------------------------------------------------------------------------------ */

static void turn(void)
{
	fuzz_check(event_base_loop(loop_base(loop), EVLOOP_NONBLOCK) >= 0);
}

/* The answer; 0: there is none yet. Past its end the server has closed. */
static size_t receive(int fd, char *answer, size_t room)
{
	size_t size = 0;

	for (int i = 0; i < TURNS; i++) {
		ssize_t got = recv(fd, answer + size, room - size, MSG_DONTWAIT);
		if (got > 0)
			size += (size_t)got;
		else if (got == 0)
			return size;
		else
			fuzz_check(errno == EAGAIN);
		turn();
	}
	fuzz_check(size == 0);
	return 0;
}

static void converse(const uint8_t *data, size_t size, size_t piece)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[4096];
	size_t sent = 0;

	fuzz_check(fd >= 0 && connect(fd, (const struct sockaddr *)&name, name_size) == 0);
	turn();
	while (sent < size) {
		size_t next = piece && piece < size - sent ? piece : size - sent;
		/* the server may have answered and closed */
		if (send(fd, data + sent, next, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		sent += next;
		turn();
	}
	shutdown(fd, SHUT_WR);
	turn();
	size_t got = receive(fd, answer, sizeof(answer));
	close(fd);
	if (!size) {
		fuzz_check(got == 0);
		return;
	}
	fuzz_check(got > 1 && answer[got - 1] == '\n' && !memchr(answer, '\n', got - 1));
	/* the end of what is sent ends the line too */
	uint8_t line[SENT_MAX + 1];
	memcpy(line, data, size);
	line[size] = '\n';
	if (control_request_parse((const char *)line, size + 1) == CONTROL_STATUS)
		fuzz_check(got == sizeof(status_text) && !memcmp(answer, status_text, got - 1));
	else
		check_error(answer, got - 1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char why[256] = "";
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)argc, (void)argv;
	signal(SIGPIPE, SIG_IGN);
	/* without a path it gets a name that no file has */
	fuzz_check(bind(fd, (const struct sockaddr *)&name, sizeof(name.sun_family)) == 0 &&
		   listen(fd, 8) == 0 &&
		   getsockname(fd, (struct sockaddr *)&name, &name_size) == 0);
	loop = loop_new();
	fuzz_check(loop &&
		   control_open(loop, NULL, fd, status, NULL, &control, why, sizeof(why)) == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	size_t piece = fuzz_u8(&input);

	if (input.left > SENT_MAX)
		return 0;
	check_request(input.at, input.left);
	for (enum control_request r = CONTROL_MORE; r <= CONTROL_TOO_LONG; r++)
		check_refusal(r, input.at, input.left);
	converse(input.at, input.left, piece);
	return 0;
}
