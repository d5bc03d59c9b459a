// SPDX-License-Identifier: GPL-2.0-only
/*
 * Boot protocol arithmetic. Every number taken from the kernel file is checked against the file's
 * length or the size of guest memory before anything relies on it.
 */
#include "tools/src/vmctl/bzimage.h"

#include "tools/src/vmctl/layout.h"
#include "tools/src/vmctl/util.h"

#include <string.h>

#define HDR_OFFSET 0x1f1u
#define BOOT_FLAG 0xaa55u
#define MAGIC_HDRS 0x53726448u		/* "HdrS" */
#define VERSION_XLOADFLAGS 0x020cu
#define ENTRY_64_OFFSET 0x200u
#define LOADER_UNKNOWN 0xffu
#define INITRD_MAX_DEFAULT 0x37ffffffull
#define PAGE 4096ull

#define E820_RAM 1u
#define E820_RESERVED 2u

const char *rd_bz_parse(struct rd_bzimage *bz, const void *head, size_t head_len,
			uint64_t file_len)
{
	struct setup_header *hdr = &bz->hdr;
	unsigned int setup_sects;

	memset(bz, 0, sizeof(*bz));
	if (head_len < HDR_OFFSET + sizeof(*hdr))
		return "too short to be a bzImage";
	memcpy(hdr, (const char *)head + HDR_OFFSET, sizeof(*hdr));
	if (hdr->boot_flag != BOOT_FLAG || hdr->header != MAGIC_HDRS)
		return "not a bzImage";
	if (hdr->version < VERSION_XLOADFLAGS)
		return "boot protocol older than 2.12";
	if (!(hdr->loadflags & LOADED_HIGH) || !(hdr->xloadflags & XLF_KERNEL_64))
		return "no 64-bit entry point";
	setup_sects = hdr->setup_sects ? hdr->setup_sects : 4;
	bz->payload_off = (setup_sects + 1) * 512ull;
	bz->payload_len = hdr->syssize * 16ull;
	if (!bz->payload_len || bz->payload_off > file_len)
		return "truncated";
	/* syssize counts units of 16 bytes: the file may end within the last one. */
	if (bz->payload_len > rd_align_up(file_len - bz->payload_off, 16))
		return "truncated";
	if (bz->payload_len > file_len - bz->payload_off)
		bz->payload_len = file_len - bz->payload_off;
	if (bz->payload_len <= ENTRY_64_OFFSET)
		return "truncated";
	if (hdr->init_size < bz->payload_len)
		return "its header asks for less memory than the kernel is long";
	return NULL;
}

bool rd_bz_place_kernel(struct rd_bzimage *bz, uint64_t low_size)
{
	const struct setup_header *hdr = &bz->hdr;
	uint64_t align = hdr->kernel_alignment;
	uint64_t gpa = hdr->pref_address;

	if (gpa >= RD_KERNEL_MIN_GPA && gpa <= low_size && hdr->init_size <= low_size - gpa) {
		bz->load_gpa = gpa;
		return true;
	}
	if (!hdr->relocatable_kernel || !align || (align & (align - 1)))
		return false;
	gpa = rd_align_up(RD_KERNEL_MIN_GPA, align);
	if (gpa > low_size || hdr->init_size > low_size - gpa)
		return false;
	bz->load_gpa = gpa;
	return true;
}

bool rd_bz_place_initrd(const struct rd_bzimage *bz, uint64_t low_size, struct rd_initrd *initrd)
{
	uint64_t bottom = rd_align_up(bz->load_gpa + bz->hdr.init_size, PAGE);
	uint64_t top = bz->hdr.initrd_addr_max ? bz->hdr.initrd_addr_max : INITRD_MAX_DEFAULT;

	top = top + 1 < low_size ? top + 1 : low_size;
	if (initrd->len > top)
		return false;
	initrd->gpa = rd_align_down(top - initrd->len, PAGE);
	return initrd->gpa >= bottom;
}

uint64_t rd_bz_entry(const struct rd_bzimage *bz)
{
	return bz->load_gpa + ENTRY_64_OFFSET;
}

uint32_t rd_bz_cmdline_max(const struct rd_bzimage *bz)
{
	uint32_t max = bz->hdr.cmdline_size ? bz->hdr.cmdline_size : 255;

	return max < RD_CMDLINE_ROOM ? max : RD_CMDLINE_ROOM - 1;
}

static void e820_add(struct boot_params *bp, uint64_t addr, uint64_t size, uint32_t type)
{
	if (size)
		bp->e820_table[bp->e820_entries++] = (struct boot_e820_entry){
			.addr = addr, .size = size, .type = type,
		};
}

void rd_bz_zero_page(const struct rd_bzimage *bz, const struct rd_ram *ram,
		     const struct rd_initrd *initrd, struct boot_params *bp)
{
	memset(bp, 0, sizeof(*bp));
	bp->hdr = bz->hdr;
	bp->hdr.type_of_loader = LOADER_UNKNOWN;
	bp->hdr.loadflags &= (uint8_t)~(QUIET_FLAG | CAN_USE_HEAP);
	bp->hdr.code32_start = (uint32_t)bz->load_gpa;
	bp->hdr.cmd_line_ptr = RD_CMDLINE_GPA;
	bp->hdr.ramdisk_image = (uint32_t)initrd->gpa;
	bp->hdr.ramdisk_size = (uint32_t)initrd->len;
	bp->ext_ramdisk_image = (uint32_t)(initrd->gpa >> 32);
	bp->ext_ramdisk_size = (uint32_t)(initrd->len >> 32);
	bp->acpi_rsdp_addr = RD_ACPI_GPA;
	e820_add(bp, 0, RD_LOW_RAM_END, E820_RAM);
	e820_add(bp, RD_LOW_RAM_END, RD_KERNEL_MIN_GPA - RD_LOW_RAM_END, E820_RESERVED);
	e820_add(bp, RD_KERNEL_MIN_GPA, ram->low_size - RD_KERNEL_MIN_GPA, E820_RAM);
	e820_add(bp, RD_RAM_HIGH_START, ram->high_size, E820_RAM);
}

void rd_bz_reserve(struct boot_params *bp, uint64_t addr, uint64_t size)
{
	e820_add(bp, addr, size, E820_RESERVED);
}

#define PTE_TABLE 0x3ull	/* present, writable */
#define PTE_LARGE 0x83ull	/* the same, and a 2 MiB page */

void rd_bz_page_tables(uint64_t *tables)
{
	uint64_t *pml4 = tables;
	uint64_t *pdpt = tables + 512;
	uint64_t *pd = tables + 1024;

	memset(tables, 0, 2 * PAGE);
	pml4[0] = (RD_PML4_GPA + PAGE) | PTE_TABLE;
	for (unsigned int i = 0; i < 4; i++)
		pdpt[i] = (RD_PML4_GPA + (2 + i) * PAGE) | PTE_TABLE;
	for (uint64_t i = 0; i < 2048; i++)
		pd[i] = (i * 2 * RD_MIB) | PTE_LARGE;
}

void rd_bz_gdt(uint64_t gdt[RD_GDT_ENTRIES])
{
	gdt[0] = 0;
	gdt[1] = 0;
	gdt[2] = 0x00af9b000000ffffull;	/* __BOOT_CS, 0x10: 64-bit code */
	gdt[3] = 0x00cf93000000ffffull;	/* __BOOT_DS, 0x18: flat data */
	gdt[4] = 0x00008b0000000067ull;	/* 0x20: a task register that VMX accepts */
}
