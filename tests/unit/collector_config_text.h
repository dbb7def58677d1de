/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of collector.conf: the configuration that a text is, and the problems that it has.
 */
#ifndef VTAP_TESTS_COLLECTOR_CONFIG_TEXT_H
#define VTAP_TESTS_COLLECTOR_CONFIG_TEXT_H

#include "collector/config.h"
#include "tests/unit/config_file.h"

static inline void *read_config(const char *path, struct problems *problems)
{
	return collector_config_read(path, problems);
}

static inline struct collector_config *config_of(const char *text, const char *expected)
{
	return config_file_read(read_config, text, expected);
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
