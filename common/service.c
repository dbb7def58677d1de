/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/service.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

void service_receive(struct service *service)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names);

	*service = (struct service){.listen_fd = -1};
	for (int i = 0; i < count; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0 && service->listen_fd < 0) {
			service->listen_fd = fd;
		} else if (service->kept_count < SERVICE_FDS) {
			struct service_fd *kept = &service->kept[service->kept_count++];
			snprintf(kept->name, sizeof(kept->name), "%s", names[i]);
			kept->fd = fd;
		} else {
			close(fd);
		}
	}
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

static char told[512]; /* the last status text */

/*
 * A status line, but only if the service manager has room for it: sd_notify() waits for room, and a
 * manager that is busy must not keep the daemon from repairing. False: it was not sent.
 */
static bool send_at_once(const char *message)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t size = path ? strlen(path) : 0;

	if (size < 2 || size >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@'))
		return false;
	memcpy(to.sun_path, path, size);
	if (path[0] == '@')
		to.sun_path[0] = '\0'; /* an abstract socket */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	bool sent = sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&to,
			   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) >= 0;
	close(fd);
	return sent;
}

void service_ready(const char *status)
{
	snprintf(told, sizeof(told), "STATUS=%s", status);
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void service_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
		   (long long)now.tv_sec * 1000000 + (long long)now.tv_nsec / 1000);
}

void service_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void service_status(const char *status)
{
	char message[sizeof(told)];

	snprintf(message, sizeof(message), "STATUS=%s", status);
	if (strcmp(message, told) != 0 && send_at_once(message))
		memcpy(told, message, sizeof(told));
}

uint64_t service_watchdog_ms(void)
{
	uint64_t us = 0;

	if (sd_watchdog_enabled(0, &us) <= 0)
		return 0;
	return us / 2000 ? us / 2000 : 1;
}

void service_watchdog(void)
{
	sd_notify(0, "WATCHDOG=1");
}

void service_drop(const char *name)
{
	sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

void service_store(const char *name, int fd)
{
	char message[160];

	service_drop(name);
	/* without FDPOLL=0 the manager polls it, sees the error that polling a BPF map gives, and
	 * drops it */
	snprintf(message, sizeof(message), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	sd_pid_notify_with_fds(0, 0, message, &fd, 1);
}
