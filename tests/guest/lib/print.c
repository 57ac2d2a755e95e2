/* SPDX-License-Identifier: BSD-3-Clause */
/* Console, results and the end of a guest; and the two functions that compilers take for
 * granted. */
#include "guest.h"

#include <stdarg.h>

#include "cpu.h"

#define COM1_DATA 0x3f8
#define COM1_LSR  0x3fd
#define LSR_THRE  0x20
#define PORT_EXIT 0xf4

static uint32_t checks, failures;

void *memset(void *to, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);

void *memset(void *to, int c, size_t n)
{
	void *p = to;

	__asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(c) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *p = to;

	__asm__ volatile("rep movsb" : "+D"(p), "+S"(from), "+c"(n) : : "memory");
	return to;
}

static void put_char(char c)
{
	while (!(inb(COM1_LSR) & LSR_THRE))
		;
	outb(COM1_DATA, (uint8_t)c);
}

static void put_string(const char *s)
{
	for (; *s; s++)
		put_char(*s);
}

static void put_number(uint64_t v, uint32_t base, uint32_t width)
{
	char text[20];
	uint32_t n = 0;

	do {
		text[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (width > n) {
		put_char('0');
		width--;
	}
	while (n)
		put_char(text[--n]);
}

static void put_signed(int64_t v)
{
	if (v < 0)
		put_char('-');
	put_number(v < 0 ? -(uint64_t)v : (uint64_t)v, 10, 0);
}

static const char *put_one(const char *f, va_list *ap)
{
	uint32_t width = 0, is_long;

	for (; *f >= '0' && *f <= '9'; f++)
		width = width * 10 + (uint32_t)(*f - '0');
	is_long = *f == 'l';
	f += is_long;
	switch (*f) {
	case 's':
		put_string(va_arg(*ap, const char *));
		break;
	case 'c':
		put_char((char)va_arg(*ap, int));
		break;
	case 'd':
		put_signed(is_long ? va_arg(*ap, int64_t) : va_arg(*ap, int));
		break;
	case 'u':
		put_number(is_long ? va_arg(*ap, uint64_t) : va_arg(*ap, uint32_t), 10, width);
		break;
	case 'x':
		put_number(is_long ? va_arg(*ap, uint64_t) : va_arg(*ap, uint32_t), 16, width);
		break;
	default:
		put_char(*f);
		break;
	}
	return f + 1;
}

static void print_va(const char *f, va_list *ap)
{
	while (*f) {
		if (*f == '%')
			f = put_one(f + 1, ap);
		else
			put_char(*f++);
	}
}

void guest_print(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_va(format, &ap);
	va_end(ap);
}

int guest_check(int condition, const char *text)
{
	guest_count(condition);
	guest_print("  %s: %s\n", condition ? "ok" : "FAILED", text);
	return condition;
}

void guest_count(int condition)
{
	checks++;
	if (!condition)
		failures++;
}

uint32_t guest_checks(void)
{
	return checks;
}

uint32_t guest_failures(void)
{
	return failures;
}

void guest_exit(uint32_t code)
{
	outl(PORT_EXIT, code);
	for (;;)
		__asm__ volatile("hlt");
}

void guest_panic(const char *format, ...)
{
	va_list ap;

	put_string("FAILED: ");
	va_start(ap, format);
	print_va(format, &ap);
	va_end(ap);
	put_char('\n');
	guest_exit(1);
}
