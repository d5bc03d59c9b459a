/* SPDX-License-Identifier: GPL-2.0-only */
/* Puts kernel, initrd, boot parameters, page tables and ACPI tables into guest memory. */
#ifndef RD_TOOLS_LOADER_H
#define RD_TOOLS_LOADER_H

#include "tools/src/vmctl/acpi.h"
#include "tools/src/vmctl/ram.h"

#include <stdint.h>

struct rd_load {
	const char *kernel;
	const char *initrd;	/* NULL: none */
	const char *append;
	struct rd_acpi_config acpi;
};

/*
 * rd_load_check - check all that can be checked of the input files for a guest with MEMORY bytes,
 * without reading more than their headers. A status.
 */
int rd_load_check(const struct rd_load *load, uint64_t memory);

/* rd_load_guest - fill RAM and set *ENTRY to the address of the first instruction. A status. */
int rd_load_guest(const struct rd_load *load, const struct rd_ram *ram, uint64_t *entry);

#endif
