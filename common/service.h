/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The service manager: notifications, passed sockets, the descriptor store. Without one, everything
 * here does nothing.
 */
#ifndef VTAP_COMMON_SERVICE_H
#define VTAP_COMMON_SERVICE_H

#include <stddef.h>
#include <stdint.h>

enum { SERVICE_FDS = 64 };

struct service_fd {
	char name[64];
	int fd;
};

/* What the manager handed over. */
struct service {
	int listen_fd; /* the control socket, -1: none */
	struct service_fd kept[SERVICE_FDS];
	size_t kept_count;
};

void service_receive(struct service *service);
void service_ready(const char *status);
void service_reloading(void);
void service_stopping(void);
/* Sent when it is new and the manager has room for it; the next call tries again. */
void service_status(const char *status);
/* Half the watchdog's interval in ms, 0: there is none. */
uint64_t service_watchdog_ms(void);
void service_watchdog(void);
/* Keeps a descriptor over a restart, in place of what has that name. */
void service_store(const char *name, int fd);
/* Keeps it no longer. */
void service_drop(const char *name);

#endif
