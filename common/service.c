/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
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

void service_ready(const char *status)
{
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
	sd_notifyf(0, "STATUS=%s", status);
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

void service_store(const char *name, int fd)
{
	char message[160];

	snprintf(message, sizeof(message), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	sd_notify(0, message);
	snprintf(message, sizeof(message), "FDSTORE=1\nFDNAME=%s", name);
	sd_pid_notify_with_fds(0, 0, message, &fd, 1);
}
