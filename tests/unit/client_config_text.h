/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of client.conf: the configuration that a text is, and the problems that it has.
 */
#ifndef VTAP_TESTS_CLIENT_CONFIG_TEXT_H
#define VTAP_TESTS_CLIENT_CONFIG_TEXT_H

#include "client/config.h"
#include "tests/unit/config_file.h"

#define SOC "collector soc { address = 192.0.2.1 }\n"

static inline struct client_config *config_of(const char *text, const char *expected)
{
	struct problems problems = {0};
	char *path = config_file_write(text, strlen(text));
	struct client_config *config = client_config_read(path, &problems);

	config_file_judge(config != NULL, &problems, path, expected);
	return config;
}

static inline struct client_config *good(const char *text)
{
	return config_of(text, "");
}

static inline void bad(const char *text, const char *expected)
{
	ck_assert_ptr_null(config_of(text, expected));
}

/* A collector with one more key. The value is on line 3. */
static inline struct client_config *key(const char *setting, const char *expected)
{
	char text[512];

	snprintf(text, sizeof(text), "collector \"soc\" {\n\taddress = \"192.0.2.1\"\n\t%s\n}\n",
		 setting);
	return config_of(text, expected);
}

static inline void key_bad(const char *setting, const char *expected)
{
	ck_assert_ptr_null(key(setting, expected));
}

#endif
