/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Linux/x86 64-bit boot protocol, as pure functions: reading a bzImage's setup header, choosing
 * addresses, filling in the zero page and the page tables of the entry state.
 */
#ifndef RD_TOOLS_BZIMAGE_H
#define RD_TOOLS_BZIMAGE_H

#include "tools/src/vmctl/ram.h"

#include <asm/bootparam.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The part of a bzImage that rd_bz_parse() looks at. */
#define RD_BZ_HEAD 4096u

struct rd_bzimage {
	struct setup_header hdr;
	uint64_t payload_off;	/* file offset of the protected-mode part */
	uint64_t payload_len;
	uint64_t load_gpa;	/* set by rd_bz_place_kernel() */
};

struct rd_initrd {
	uint64_t gpa;
	uint64_t len;		/* 0: none */
};

/*
 * rd_bz_parse - check the first HEAD_LEN bytes (RD_BZ_HEAD, or all of a shorter file) of a kernel
 * file of FILE_LEN bytes. Returns NULL, or the reason why the file cannot be booted.
 */
const char *rd_bz_parse(struct rd_bzimage *bz, const void *head, size_t head_len,
			uint64_t file_len);

/* rd_bz_place_kernel - choose load_gpa in LOW_SIZE bytes of low memory. False: no room. */
bool rd_bz_place_kernel(struct rd_bzimage *bz, uint64_t low_size);

/* rd_bz_place_initrd - choose the gpa for initrd->len bytes, above the kernel. False: no room. */
bool rd_bz_place_initrd(const struct rd_bzimage *bz, uint64_t low_size, struct rd_initrd *initrd);

/* rd_bz_entry - guest address of the 64-bit entry point. */
uint64_t rd_bz_entry(const struct rd_bzimage *bz);

/* rd_bz_cmdline_max - longest command line, in characters, that kernel and layout allow. */
uint32_t rd_bz_cmdline_max(const struct rd_bzimage *bz);

/* rd_bz_zero_page - fill in the boot parameters, with the E820 map of RAM's sizes. */
void rd_bz_zero_page(const struct rd_bzimage *bz, const struct rd_ram *ram,
		     const struct rd_initrd *initrd, struct boot_params *bp);

/* rd_bz_reserve - the guest leaves SIZE bytes at ADDR alone; nothing for 0 bytes. */
void rd_bz_reserve(struct boot_params *bp, uint64_t addr, uint64_t size);

/* rd_bz_page_tables - write an identity map of the first 4 GiB, six pages, at RD_PML4_GPA. */
void rd_bz_page_tables(uint64_t *tables);

/* rd_bz_gdt - write the descriptor table of the entry state at RD_GDT_GPA. */
#define RD_GDT_ENTRIES 5u
void rd_bz_gdt(uint64_t gdt[RD_GDT_ENTRIES]);

#endif
