/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small encoder for ACPI machine language: enough for names, devices, packages, buffers and
 * resource templates. Terms are appended to a buffer; packages that nest are opened and closed.
 *
 * Overflow of the buffer is remembered in `full` and checked once at the end.
 */
#ifndef RD_TOOLS_AML_H
#define RD_TOOLS_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rd_aml {
	uint8_t *buf;
	size_t room;
	size_t len;
	bool full;
};

/* Plain bytes and little-endian words. */
void rd_aml_bytes(struct rd_aml *a, const void *p, size_t n);
void rd_aml_u8(struct rd_aml *a, uint8_t v);
void rd_aml_u16(struct rd_aml *a, uint16_t v);
void rd_aml_u32(struct rd_aml *a, uint32_t v);
void rd_aml_u64(struct rd_aml *a, uint64_t v);

/* rd_aml_int - the shortest encoding of an integer of up to 32 bits. */
void rd_aml_int(struct rd_aml *a, uint32_t v);
/* rd_aml_string - a string constant. */
void rd_aml_string(struct rd_aml *a, const char *s);
/* rd_aml_unicode - a buffer with the ASCII text S in 16-bit units, as _STR has it. */
void rd_aml_unicode(struct rd_aml *a, const char *s);
/* rd_aml_name - NameOp and a four-letter name; the value follows. */
void rd_aml_name(struct rd_aml *a, const char name[4]);
/* rd_aml_eisaid - the 32-bit form of an id such as "PNP0501". */
void rd_aml_eisaid(struct rd_aml *a, const char *id);

/*
 * rd_aml_scope, rd_aml_device, rd_aml_package, rd_aml_resources - open a term with a package
 * length. Each returns a mark for rd_aml_end(), which fills in the length.
 */
size_t rd_aml_scope(struct rd_aml *a, const char name[4]);
size_t rd_aml_device(struct rd_aml *a, const char name[4]);
size_t rd_aml_package(struct rd_aml *a, uint8_t n_elements);
void rd_aml_end(struct rd_aml *a, size_t mark);

/* rd_aml_resources, rd_aml_resources_end - a buffer that holds resource descriptors. */
size_t rd_aml_resources(struct rd_aml *a);
void rd_aml_resources_end(struct rd_aml *a, size_t mark);
/* rd_aml_io - a fixed range of I/O ports. */
void rd_aml_io(struct rd_aml *a, uint16_t port, uint8_t len);
/* rd_aml_bus_numbers, rd_aml_memory_window - what a PCI host bridge hands on to its bus. */
void rd_aml_bus_numbers(struct rd_aml *a, uint16_t first, uint16_t last);
void rd_aml_memory_window(struct rd_aml *a, uint32_t base, uint32_t len);
/* rd_aml_memory64 - memory of the device's own, cached, anywhere. */
void rd_aml_memory64(struct rd_aml *a, uint64_t base, uint64_t len);
/* rd_aml_irq - an ISA interrupt, edge-triggered and active high. */
void rd_aml_irq(struct rd_aml *a, unsigned int irq);

#endif
