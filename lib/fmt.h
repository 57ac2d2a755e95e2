/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines without stdio: bounded, no locale, no allocation. */
#ifndef VSM_FMT_H
#define VSM_FMT_H

#include <stddef.h>
#include <stdint.h>

#define LINE_MAX_CHARS 200

struct line {
	char text[LINE_MAX_CHARS + 1];
	size_t length;
};

void line_init(struct line *line);
void line_str(struct line *line, const char *text);
void line_dec(struct line *line, uint64_t value);
void line_hex(struct line *line, uint64_t value);
/* A negative number as "-3". */
void line_int(struct line *line, int64_t value);

#endif /* VSM_FMT_H */
