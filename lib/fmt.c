/* SPDX-License-Identifier: BSD-3-Clause */
#include "fmt.h"

void line_init(struct line *line)
{
	line->length = 0;
	line->text[0] = '\0';
}

void line_str(struct line *line, const char *text)
{
	while (*text != '\0' && line->length < LINE_MAX_CHARS)
		line->text[line->length++] = *text++;
	line->text[line->length] = '\0';
}

static void line_number(struct line *line, uint64_t value, uint32_t base)
{
	char digits[24];
	size_t n = sizeof(digits) - 1;

	digits[n] = '\0';
	do {
		digits[--n] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	line_str(line, &digits[n]);
}

void line_dec(struct line *line, uint64_t value)
{
	line_number(line, value, 10);
}

void line_hex(struct line *line, uint64_t value)
{
	line_str(line, "0x");
	line_number(line, value, 16);
}

void line_int(struct line *line, int64_t value)
{
	if (value < 0)
		line_str(line, "-");
	line_number(line, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10);
}
