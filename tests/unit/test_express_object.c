/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking the program out of the compiler's object: from the real one, and from what is none.
 */
#include "client/express_object.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const _Alignas(8) unsigned char object[] = {
#include "client/express.inc"
};
static const struct express_map maps[] = {{"vtap_ways", 1001}, {"vtap_counts", 1002}};

static int take(const void *from, size_t size, size_t map_count, struct bpf_insn **out,
		size_t *count)
{
	return express_object_take(from, size, "tc", maps, map_count, out, count);
}

START_TEST(maps_are_in_the_place_of_names)
{
	struct bpf_insn *program;
	size_t count, seen[2] = {0};

	ck_assert_int_eq(take(object, sizeof(object), 2, &program, &count), 0);
	ck_assert_uint_gt(count, 100);
	for (size_t i = 0; i < count; i++) {
		if (program[i].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (program[i].src_reg) { /* else it is a number */
			ck_assert_int_eq(program[i].src_reg, BPF_PSEUDO_MAP_FD);
			ck_assert(program[i].imm == 1001 || program[i].imm == 1002);
			seen[program[i].imm - 1001]++;
		}
		i++;
	}
	ck_assert_uint_eq(seen[0], 1);
	ck_assert_uint_ge(seen[1], 2);
	free(program);
}
END_TEST

START_TEST(a_map_that_is_not_there)
{
	struct bpf_insn *program;
	size_t count;

	ck_assert_int_eq(take(object, sizeof(object), 1, &program, &count), -ENOEXEC);
	ck_assert_ptr_null(program);
	ck_assert_int_eq(
	    express_object_take(object, sizeof(object), "xdp", maps, 2, &program, &count),
	    -ENOEXEC);
}
END_TEST

static void take_or_refuse(const void *bytes, size_t size)
{
	struct bpf_insn *program;
	size_t count;
	int error = take(bytes, size, 2, &program, &count);

	ck_assert(error == 0 || error == -ENOEXEC);
	free(program);
}

/* Cut short, and with bytes changed: refused or taken, never read beyond its end. */
START_TEST(what_is_no_object)
{
	unsigned char *copy;
	uint64_t state = 1;

	for (size_t size = 0; size < sizeof(object); size += 7) {
		copy = malloc(size ? size : 1); /* so that a sanitizer sees its end */
		memcpy(copy, object, size);
		take_or_refuse(copy, size);
		free(copy);
	}
	copy = malloc(sizeof(object));
	for (int round = 0; round < 20000; round++) {
		memcpy(copy, object, sizeof(object));
		for (int i = 0; i < 3; i++) {
			size_t tail = sizeof(object) - 2500, at; /* where tables are */

			state = state * 6364136223846793005u + 1442695040888963407u;
			at = (size_t)(state >> 33);
			at = round % 2 ? at % 64 : tail + at % (sizeof(object) - tail);
			copy[at] = (unsigned char)(state >> 24);
		}
		take_or_refuse(copy, sizeof(object));
	}
	free(copy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("express_object");
	TCase *tests = tcase_create("express_object");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, maps_are_in_the_place_of_names);
	tcase_add_test(tests, a_map_that_is_not_there);
	tcase_add_test(tests, what_is_no_object);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
