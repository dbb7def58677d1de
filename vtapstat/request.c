/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket client. One deadline covers connecting, asking and the whole answer: a daemon that
 * sends a byte now and then must not hold us for ever.
 */

#include "vtapstat/request.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const size_t answer_size_max = (size_t)256 << 20; /* about a million clients */

struct buffer {
	char *bytes;
	size_t size;
	size_t capacity;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int connect_to(const char *path)
{
	/* A daemon whose queue is full makes connect wait; poll cannot, on a UNIX socket. */
	static const struct timeval timeout = {.tv_sec = REQUEST_TIMEOUT_S};
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int error;
	int fd;

	if (strlen(path) >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	memcpy(name.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    connect(fd, (const struct sockaddr *)&name, sizeof(name)) < 0) {
		error = errno == EAGAIN ? ETIMEDOUT : errno;
		close(fd);
		return -error;
	}
	return fd;
}

/* One byte is kept free for the NUL. */
static int buffer_reserve(struct buffer *buffer)
{
	size_t capacity = buffer->capacity == 0 ? 65536 : 2 * buffer->capacity;
	char *bytes;

	if (buffer->size + 1 < buffer->capacity)
		return 0;
	if (buffer->size >= answer_size_max)
		return -EFBIG;
	bytes = realloc(buffer->bytes, capacity);
	if (bytes == NULL)
		return -ENOMEM;
	buffer->bytes = bytes;
	buffer->capacity = capacity;
	return 0;
}

/* A number of bytes, 0 at the end, or a negative errno. */
static ssize_t receive(int fd, struct buffer *buffer, int64_t deadline)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	int64_t left = deadline - now_ms();
	int ready = left > 0 ? poll(&pollfd, 1, (int)left) : 0;
	ssize_t n;

	if (ready == 0)
		return -ETIMEDOUT;
	n = ready < 0 ? -1
		      : recv(fd, buffer->bytes + buffer->size, buffer->capacity - buffer->size - 1,
			     MSG_DONTWAIT);
	if (n < 0) {
		/* a daemon that refused without reading our request: what it said is complete */
		if (errno == ECONNRESET && buffer->size > 0)
			return 0;
		return -errno;
	}
	return n;
}

static int receive_all(int fd, struct buffer *buffer, int64_t deadline)
{
	for (;;) {
		int error = buffer_reserve(buffer);
		ssize_t n;

		if (error < 0)
			return error;
		n = receive(fd, buffer, deadline);
		if (n == -EINTR || n == -EAGAIN)
			continue;
		if (n < 0)
			return (int)n;
		if (n == 0) {
			if (buffer->size == 0)
				return -ENODATA;
			buffer->bytes[buffer->size] = '\0';
			return 0;
		}
		buffer->size += (size_t)n;
	}
}

int request_status(const char *path, char **answer, size_t *size)
{
	static const char request[] = "status\n";
	int64_t deadline = now_ms() + REQUEST_TIMEOUT_S * INT64_C(1000);
	struct buffer buffer = {0};
	int fd = connect_to(path);
	int error;

	if (fd < 0)
		return fd;
	/* EPIPE: it closed already, but may have said why */
	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		error = -errno;
	else
		error = receive_all(fd, &buffer, deadline);
	close(fd);
	if (error < 0) {
		free(buffer.bytes);
		return error;
	}
	*answer = buffer.bytes;
	*size = buffer.size;
	return 0;
}
