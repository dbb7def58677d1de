/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's status document (design section 2) and its summary in a few words. Values only.
 */
#ifndef VTAP_CLIENT_STATUS_H
#define VTAP_CLIENT_STATUS_H

#include "client/setup.h"

char *client_status(const struct setup *setup, const struct subjects *subjects, bool degraded,
		    double uptime_s);
void client_summary(const struct setup *setup, const struct subjects *subjects, char *text,
		    size_t size);

#endif
