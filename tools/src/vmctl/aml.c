// SPDX-License-Identifier: GPL-2.0-only
/*
 * Encoding of ACPI machine language (ACPI specification, chapter "ACPI Machine Language
 * Specification"). A package length always takes the two-byte form, so that it can be written
 * when the term is closed without moving what is inside.
 */
#include "tools/src/vmctl/aml.h"

#include <string.h>

#define OP_NAME 0x08
#define OP_BYTE 0x0a
#define OP_WORD 0x0b
#define OP_DWORD 0x0c
#define OP_STRING 0x0d
#define OP_SCOPE 0x10
#define OP_BUFFER 0x11
#define OP_PACKAGE 0x12
#define OP_EXT 0x5b
#define OP_EXT_DEVICE 0x82

#define PKG_LENGTH_MAX 0xfff	/* of the two-byte form */

void rd_aml_bytes(struct rd_aml *a, const void *p, size_t n)
{
	if (n > a->room - a->len) {
		a->full = true;
		return;
	}
	memcpy(a->buf + a->len, p, n);
	a->len += n;
}

void rd_aml_u8(struct rd_aml *a, uint8_t v)
{
	rd_aml_bytes(a, &v, 1);
}

void rd_aml_u16(struct rd_aml *a, uint16_t v)
{
	rd_aml_bytes(a, &v, 2);
}

void rd_aml_u32(struct rd_aml *a, uint32_t v)
{
	rd_aml_bytes(a, &v, 4);
}

void rd_aml_u64(struct rd_aml *a, uint64_t v)
{
	rd_aml_bytes(a, &v, 8);
}

void rd_aml_int(struct rd_aml *a, uint32_t v)
{
	if (v <= 1) {
		rd_aml_u8(a, (uint8_t)v);	/* ZeroOp and OneOp encode themselves */
	} else if (v <= 0xff) {
		rd_aml_u8(a, OP_BYTE);
		rd_aml_u8(a, (uint8_t)v);
	} else if (v <= 0xffff) {
		rd_aml_u8(a, OP_WORD);
		rd_aml_u16(a, (uint16_t)v);
	} else {
		rd_aml_u8(a, OP_DWORD);
		rd_aml_u32(a, v);
	}
}

void rd_aml_string(struct rd_aml *a, const char *s)
{
	rd_aml_u8(a, OP_STRING);
	rd_aml_bytes(a, s, strlen(s) + 1);
}

void rd_aml_name(struct rd_aml *a, const char name[4])
{
	rd_aml_u8(a, OP_NAME);
	rd_aml_bytes(a, name, 4);
}

static uint32_t hex_digit(char c)
{
	return (uint32_t)(c <= '9' ? c - '0' : c - 'A' + 10);
}

void rd_aml_eisaid(struct rd_aml *a, const char *id)
{
	uint32_t v = 0;

	for (int i = 0; i < 3; i++)
		v = v << 5 | (uint32_t)(id[i] - '@');
	for (int i = 3; i < 7; i++)
		v = v << 4 | hex_digit(id[i]);
	rd_aml_u8(a, OP_DWORD);
	rd_aml_u32(a, __builtin_bswap32(v));
}

static size_t open_package(struct rd_aml *a)
{
	size_t mark = a->len;

	rd_aml_u16(a, 0);
	return mark;
}

size_t rd_aml_scope(struct rd_aml *a, const char name[4])
{
	size_t mark;

	rd_aml_u8(a, OP_SCOPE);
	mark = open_package(a);
	rd_aml_bytes(a, name, 4);
	return mark;
}

size_t rd_aml_device(struct rd_aml *a, const char name[4])
{
	size_t mark;

	rd_aml_u8(a, OP_EXT);
	rd_aml_u8(a, OP_EXT_DEVICE);
	mark = open_package(a);
	rd_aml_bytes(a, name, 4);
	return mark;
}

size_t rd_aml_package(struct rd_aml *a, uint8_t n_elements)
{
	size_t mark;

	rd_aml_u8(a, OP_PACKAGE);
	mark = open_package(a);
	rd_aml_u8(a, n_elements);
	return mark;
}

void rd_aml_end(struct rd_aml *a, size_t mark)
{
	size_t len = a->len - mark;

	if (a->full || len > PKG_LENGTH_MAX) {
		a->full = true;
		return;
	}
	a->buf[mark] = (uint8_t)(0x40 | (len & 0xf));
	a->buf[mark + 1] = (uint8_t)(len >> 4);
}

void rd_aml_unicode(struct rd_aml *a, const char *s)
{
	size_t n = strlen(s) + 1;
	size_t mark;

	rd_aml_u8(a, OP_BUFFER);
	mark = open_package(a);
	rd_aml_u8(a, OP_WORD);
	rd_aml_u16(a, (uint16_t)(2 * n));
	for (size_t i = 0; i < n; i++)
		rd_aml_u16(a, (uint8_t)s[i]);
	rd_aml_end(a, mark);
}

/* The size of the buffer comes before its content: a word constant, filled in at the end. */
size_t rd_aml_resources(struct rd_aml *a)
{
	size_t mark;

	rd_aml_u8(a, OP_BUFFER);
	mark = open_package(a);
	rd_aml_u8(a, OP_WORD);
	rd_aml_u16(a, 0);
	return mark;
}

void rd_aml_resources_end(struct rd_aml *a, size_t mark)
{
	size_t content = mark + 5;	/* package length 2, WordPrefix 1, the word 2 */
	uint16_t len;

	rd_aml_u8(a, 0x79);		/* end tag, with a checksum of zero: not checked */
	rd_aml_u8(a, 0);
	if (a->full)
		return;
	len = (uint16_t)(a->len - content);
	memcpy(a->buf + mark + 3, &len, sizeof(len));
	rd_aml_end(a, mark);
}

void rd_aml_io(struct rd_aml *a, uint16_t port, uint8_t len)
{
	rd_aml_u8(a, 0x47);		/* I/O port descriptor */
	rd_aml_u8(a, 1);		/* all 16 address bits are decoded */
	rd_aml_u16(a, port);
	rd_aml_u16(a, port);
	rd_aml_u8(a, 1);
	rd_aml_u8(a, len);
}

void rd_aml_irq(struct rd_aml *a, unsigned int irq)
{
	rd_aml_u8(a, 0x22);		/* IRQ descriptor without flags */
	rd_aml_u16(a, (uint16_t)(1u << irq));
}

#define FIXED 0x0c		/* minimum and maximum are; the device hands it on */
#define FIXED_OWN 0x0d		/* the same, and it consumes it */

/* An address space descriptor that starts with its tag and the length of what follows. */
static void address_space(struct rd_aml *a, uint8_t tag, uint16_t len, uint8_t type,
			  uint8_t flags, uint8_t type_flags)
{
	rd_aml_u8(a, tag);
	rd_aml_u16(a, len);
	rd_aml_u8(a, type);
	rd_aml_u8(a, flags);
	rd_aml_u8(a, type_flags);
}

void rd_aml_bus_numbers(struct rd_aml *a, uint16_t first, uint16_t last)
{
	address_space(a, 0x88, 13, 2, FIXED, 0);
	rd_aml_u16(a, 0);
	rd_aml_u16(a, first);
	rd_aml_u16(a, last);
	rd_aml_u16(a, 0);
	rd_aml_u16(a, (uint16_t)(last - first + 1));
}

void rd_aml_memory_window(struct rd_aml *a, uint32_t base, uint32_t len)
{
	address_space(a, 0x87, 23, 0, FIXED, 1);	/* memory, not cacheable, writable */
	rd_aml_u32(a, 0);
	rd_aml_u32(a, base);
	rd_aml_u32(a, base + (len - 1));
	rd_aml_u32(a, 0);
	rd_aml_u32(a, len);
}

void rd_aml_memory64(struct rd_aml *a, uint64_t base, uint64_t len)
{
	address_space(a, 0x8a, 43, 0, FIXED_OWN, 3);	/* memory, cacheable, writable */
	rd_aml_u64(a, 0);
	rd_aml_u64(a, base);
	rd_aml_u64(a, base + (len - 1));
	rd_aml_u64(a, 0);
	rd_aml_u64(a, len);
}
