/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ACPI tables of the virtual machine: RSDP, XSDT, FADT, FACS, MADT, DSDT. They describe
 * exactly what vmctl emulates and nothing else.
 */
#ifndef RD_TOOLS_ACPI_H
#define RD_TOOLS_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Largest APIC id that the 8-bit local APIC entries can name; above it x2APIC entries are used. */
#define RD_ACPI_MAX_XAPIC_ID 254u

struct rd_acpi_config {
	uint32_t n_cpus;	/* APIC ids are 0 to n_cpus - 1 */
	bool legacy_pic;	/* a dual 8259 exists */
	bool serial;		/* COM1 exists */
	bool pci;		/* PCI bus 0 exists */
	uint64_t epc_base, epc_size;	/* size 0: no enclaves */
};

/*
 * rd_acpi_build - write all tables for guest physical address GPA into BUF of ROOM bytes; the RSDP
 * comes first. Returns the bytes used, 0 when they do not fit.
 */
size_t rd_acpi_build(const struct rd_acpi_config *config, uint64_t gpa, void *buf, size_t room);

/* rd_acpi_checksum - the byte that makes LEN bytes sum to zero when added to them. */
uint8_t rd_acpi_checksum(const void *p, size_t len);

#endif
