/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log lines to stderr. Under the service manager each line starts with its journal priority, "<4>";
 * on a terminal with the program's name. One line per event that an operator may care about, none
 * per packet.
 */
#ifndef VTAP_COMMON_LOG_H
#define VTAP_COMMON_LOG_H

#include <stdbool.h>
#include <syslog.h>

void log_open(const char *program, bool verbose); /* program is kept, not copied */
void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__) /* only with --verbose */

#endif
