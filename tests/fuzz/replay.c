/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs the files of a corpus through a fuzz target that was built without libFuzzer, so that what a
 * fuzzer once found stays a test on every machine and with every compiler.
 *
 * usage: replay-NAME FOLDER
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_MAX 65536u

static uint8_t input[INPUT_MAX];

static int replay(const char *folder, const char *name)
{
	char path[4096];
	size_t size;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	if (f == NULL)
		return 0;
	size = fread(input, 1, sizeof(input), f);
	fclose(f);
	printf("# %s\n", name);
	fflush(stdout);
	return LLVMFuzzerTestOneInput(input, size) == 0;
}

int main(int argc, char **argv)
{
	const struct dirent *entry;
	uint32_t files = 0, bad = 0;
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;

	if (dir == NULL) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		files++;
		bad += !replay(argv[1], entry->d_name);
	}
	closedir(dir);
	printf("%sok 1 - %u inputs of the corpus\n1..1\n", files == 0 || bad != 0 ? "not " : "",
	       files);
	return files == 0 || bad != 0;
}
