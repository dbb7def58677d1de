/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of collector.conf: the configuration that a text is, and the problems that it has.
 */
#ifndef VTAP_TESTS_COLLECTOR_CONFIG_TEXT_H
#define VTAP_TESTS_COLLECTOR_CONFIG_TEXT_H

#include "collector/config.h"
#include "tests/unit/config_file.h"

static inline struct collector_config *config_of(const char *text, const char *expected)
{
	struct problems problems = {0};
	char *path = config_file_write(text, strlen(text));
	struct collector_config *config = collector_config_read(path, &problems);

	config_file_judge(config != NULL, &problems, path, expected);
	return config;
}

static inline struct collector_config *good(const char *text)
{
	return config_of(text, "");
}

static inline void bad(const char *text, const char *expected)
{
	ck_assert_ptr_null(config_of(text, expected));
}

#endif
