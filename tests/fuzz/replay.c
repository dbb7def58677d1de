/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fuzz target without libFuzzer: runs it once on each of the files, or the files in the
 * directories, that are named; with none, on the target's seeds below $FUZZ_SEEDS.
 */
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#pragma weak LLVMFuzzerInitialize

/* Targets have mutators, which nobody calls here. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
	(void)data, (void)max_size;
	return size;
}

static void run(const char *path)
{
	FILE *file = fopen(path, "re");
	uint8_t *bytes = NULL;
	size_t size = 0;
	FILE *out = open_memstream((char **)&bytes, &size);
	char part[4096];
	size_t got;

	if (!file || !out) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
	while ((got = fread(part, 1, sizeof(part), file)))
		fwrite(part, 1, got, out);
	fclose(file);
	fclose(out);
	uint8_t *exact = fuzz_copy(bytes, size);
	free(bytes);
	/* shown when the target ends the process */
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static unsigned run_all(char *const *paths)
{
	FTS *tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	unsigned count = 0;

	if (!tree)
		return 0;
	for (FTSENT *entry; (entry = fts_read(tree));) {
		if (entry->fts_info != FTS_F)
			continue;
		run(entry->fts_path);
		count++;
	}
	fts_close(tree);
	return count;
}

int main(int argc, char **argv)
{
	const char *seeds = getenv("FUZZ_SEEDS"), *name = strrchr(argv[0], '/');
	char *own[2] = {NULL};

	name = name ? name + 1 : argv[0];
	if (argc < 2) {
		if (!seeds || strncmp(name, "fuzz_", 5) != 0 ||
		    asprintf(&own[0], "%s/%s", seeds, name + 5) < 0) {
			fprintf(stderr, "usage: %s FILE...\n", argv[0]);
			return 2;
		}
	}
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	unsigned count = run_all(own[0] ? own : argv + 1);
	printf("%s: %u inputs\n", name, count);
	free(own[0]);
	return count ? 0 : 2;
}
