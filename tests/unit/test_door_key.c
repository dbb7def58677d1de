/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients and addresses as the door's maps have them: there, and back.
 */
#include "collector/door_key.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char *const addresses[] = {"10.0.0.5", "255.255.255.255", "fd00::5", "::1", "::"};

static struct ip_addr address_of(const char *text)
{
	struct ip_addr address;

	ck_assert(ip_addr_parse(text, &address));
	return address;
}

START_TEST(keys_there_and_back)
{
	const struct ip_addr address = address_of(addresses[_i]);

	for (enum encap encap = ENCAP_VXLAN; encap < ENCAPS; encap++) {
		const struct door_key key = door_key_make(&address, 0xffffffff, encap);
		const struct ip_addr back = door_key_address(&key);

		ck_assert(ip_addr_equal(&back, &address));
		ck_assert_int_eq(door_key_encap(&key), encap);
		ck_assert_uint_eq(key.vni, 0xffffffff);
		ck_assert_uint_eq(key.zero, 0);
	}
}
END_TEST

START_TEST(words_there_and_back)
{
	const struct ip_addr address = address_of(addresses[_i]);
	__u64 words[2];

	door_words_put(words, &address);
	const struct ip_addr back = door_words_address(words);
	ck_assert(ip_addr_equal(&back, &address));
}
END_TEST

START_TEST(words_are_in_network_order)
{
	static const uint8_t expected[16] = {[10] = 0xff, 0xff, 10, 0, 0, 5};
	const struct ip_addr address = address_of("10.0.0.5");
	__u64 words[2];

	door_words_put(words, &address);
	ck_assert_mem_eq(words, expected, sizeof(expected));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("door_key");
	TCase *tests = tcase_create("door_key");
	SRunner *runner = srunner_create(suite);
	const int count = sizeof(addresses) / sizeof(*addresses);

	tcase_add_loop_test(tests, keys_there_and_back, 0, count);
	tcase_add_loop_test(tests, words_there_and_back, 0, count);
	tcase_add_test(tests, words_are_in_network_order);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
