/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls as tests/data/hypercalls.csv lists them: a second source for what the library's table
 * says, so that neither can be changed alone.
 */
#ifndef HYPERCALL_CSV_H
#define HYPERCALL_CSV_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CSV_ROWS_MAX 64u

struct csv_row {
	unsigned int code;
	char name[48];
	char kind[8]; /* simple, rep, vtl */
	char fast[8]; /* gpr, xmm, no, unknown */
	char output[8]; /* output in registers: yes, no */
	char variable[8]; /* yes, no */
	int known; /* 0: the size is "unknown" */
	uint32_t fixed_in;
	uint32_t rep_in;
	uint32_t rep_out;
	uint32_t fixed_out;
};

struct csv {
	struct csv_row rows[CSV_ROWS_MAX];
	uint32_t count;
};

static inline FILE *csv_try(const char *dir, size_t dir_len, const char *tail)
{
	char path[512];

	snprintf(path, sizeof(path), "%.*s%s", (int)dir_len, dir, tail);
	return fopen(path, "r");
}

/*
 * Where a data file is: VSM_TEST_DATA, beside this file, or in a tree around the working directory.
 */
static inline FILE *csv_open(void)
{
	static const char name[] = "data/hypercalls.csv";
	const char *env = getenv("VSM_TEST_DATA");
	const char *slash = strrchr(__FILE__, '/');
	char up[64] = "";
	FILE *file = NULL;
	int depth;

	if (env)
		return csv_try(env, strlen(env), "/hypercalls.csv");
	if (slash)
		file = csv_try(__FILE__, (size_t)(slash - __FILE__), "/../data/hypercalls.csv");
	for (depth = 0; !file && depth < 6; depth++) {
		char tail[64];

		snprintf(tail, sizeof(tail), "tests/%s", name);
		file = csv_try(up, strlen(up), tail);
		strcat(up, "../");
	}
	return file;
}

static inline int csv_parse(const char *line, struct csv_row *row)
{
	char fixed[16];
	int fields = sscanf(line,
			    "0x%x,%47[^,],%7[^,],%7[^,],%7[^,],%7[^,],%15[^,],%" SCNu32 ",%" SCNu32
			    ",%" SCNu32,
			    &row->code, row->name, row->kind, row->fast, row->output, row->variable,
			    fixed, &row->rep_in, &row->rep_out, &row->fixed_out);

	if (fields != 10)
		return 0;
	row->known = strcmp(fixed, "unknown") != 0;
	row->fixed_in = row->known ? (uint32_t)strtoul(fixed, NULL, 10) : 0;
	return 1;
}

/* 1: read; 0: not found, or a line that is not understood. */
static inline int csv_load(struct csv *csv)
{
	char line[256];
	FILE *file = csv_open();
	int ok = 1;

	memset(csv, 0, sizeof(*csv));
	if (!file) {
		fprintf(stderr, "hypercalls.csv not found: set VSM_TEST_DATA to its directory\n");
		return 0;
	}
	if (!fgets(line, sizeof(line), file))
		ok = 0;
	while (ok && csv->count < CSV_ROWS_MAX && fgets(line, sizeof(line), file))
		ok = csv_parse(line, &csv->rows[csv->count++]);
	fclose(file);
	return ok && csv->count > 0;
}

static inline const struct csv_row *csv_find(const struct csv *csv, unsigned int code)
{
	uint32_t i;

	for (i = 0; i < csv->count; i++) {
		if (csv->rows[i].code == code)
			return &csv->rows[i];
	}
	return NULL;
}

static inline int csv_is(const char *field, const char *value)
{
	return strcmp(field, value) == 0;
}

#endif
