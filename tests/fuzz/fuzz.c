/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fuzz/fuzz.h"

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

void fuzz_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

uint8_t fuzz_u8(struct fuzz_input *input)
{
	if (!input->left)
		return 0;
	input->left--;
	return *input->at++;
}

uint32_t fuzz_u32(struct fuzz_input *input)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 8 | fuzz_u8(input);
	return value;
}

void *fuzz_copy(const void *bytes, size_t size)
{
	void *copy = malloc(size ? size : 1);

	fuzz_check(copy);
	if (size)
		memcpy(copy, bytes, size);
	return copy;
}

char *fuzz_text(struct fuzz_input *input, uint8_t end, size_t *size)
{
	const uint8_t *stop = input->left ? memchr(input->at, end, input->left) : NULL;
	size_t length = stop ? (size_t)(stop - input->at) : input->left;
	char *text = malloc(length + 1);

	fuzz_check(text);
	if (length)
		memcpy(text, input->at, length);
	text[length] = '\0';
	input->at += length + (stop != NULL);
	input->left -= length + (stop != NULL);
	*size = length;
	return text;
}

const char *fuzz_file(const void *bytes, size_t size)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	fuzz_check(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

void fuzz_leave_network(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	if (unshare(CLONE_NEWNET))
		return;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	fuzz_check(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0);
	close(fd);
}
