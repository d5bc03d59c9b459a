// SPDX-License-Identifier: GPL-2.0-only
/* Kernel files good and bad, placement in memory of all sizes, the boot parameters. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/bzimage.h"
#include "tools/src/vmctl/layout.h"
#include "tools/src/vmctl/util.h"

#include <string.h>

#define FILE_LEN (9 * RD_MIB)

static uint8_t head[RD_BZ_HEAD];
static struct setup_header *hdr;
static struct rd_bzimage bz;

static void setup(void)
{
	memset(head, 0, sizeof(head));
	hdr = (struct setup_header *)(head + 0x1f1);
	hdr->setup_sects = 27;
	hdr->boot_flag = 0xaa55;
	hdr->header = 0x53726448;
	hdr->version = 0x020f;
	hdr->loadflags = LOADED_HIGH;
	hdr->xloadflags = XLF_KERNEL_64;
	hdr->syssize = 8 * RD_MIB / 16;
	hdr->init_size = 48 * RD_MIB;
	hdr->pref_address = 16 * RD_MIB;
	hdr->kernel_alignment = 2 * RD_MIB;
	hdr->relocatable_kernel = 1;
	hdr->initrd_addr_max = 0x7fffffff;
	hdr->cmdline_size = 2047;
}

static const char *parse(void)
{
	return rd_bz_parse(&bz, head, sizeof(head), FILE_LEN);
}

START_TEST(a_good_kernel)
{
	ck_assert_ptr_null(parse());
	ck_assert_uint_eq(bz.payload_off, 28 * 512);
	ck_assert_uint_eq(bz.payload_len, 8 * RD_MIB);
	ck_assert_uint_eq(rd_bz_cmdline_max(&bz), 2047);
}
END_TEST

START_TEST(bad_kernels)
{
	ck_assert_ptr_nonnull(rd_bz_parse(&bz, head, 0x1f1, 0x1f1));
	ck_assert_ptr_nonnull(rd_bz_parse(&bz, head, 0, 0));
	hdr->boot_flag = 0;
	ck_assert_str_eq(parse(), "not a bzImage");
	setup();
	hdr->header = 0;
	ck_assert_str_eq(parse(), "not a bzImage");
	setup();
	hdr->version = 0x020b;
	ck_assert_ptr_nonnull(parse());
	setup();
	hdr->xloadflags = 0;
	ck_assert_ptr_nonnull(parse());
	setup();
	hdr->loadflags = 0;
	ck_assert_ptr_nonnull(parse());
	setup();
	hdr->syssize = 0xffffffff;
	ck_assert_str_eq(parse(), "truncated");
	setup();
	hdr->syssize = 0;
	ck_assert_str_eq(parse(), "truncated");
	setup();
	hdr->syssize = 1;
	ck_assert_str_eq(parse(), "truncated");
	setup();
	hdr->init_size = 4096;
	ck_assert_ptr_nonnull(parse());
}
END_TEST

START_TEST(every_truncation_is_noticed)
{
	uint64_t whole = 28 * 512 + 8 * RD_MIB;

	for (uint64_t len = 0; len + 16 <= whole; len += 4093) {
		size_t head_len = len < sizeof(head) ? len : sizeof(head);

		ck_assert_ptr_nonnull(rd_bz_parse(&bz, head, head_len, len));
	}
	ck_assert_ptr_null(rd_bz_parse(&bz, head, sizeof(head), whole));
	ck_assert_ptr_null(rd_bz_parse(&bz, head, sizeof(head), whole - 15));
	ck_assert_uint_eq(bz.payload_len, 8 * RD_MIB - 15);
}
END_TEST

START_TEST(kernel_placement)
{
	ck_assert_ptr_null(parse());
	ck_assert(rd_bz_place_kernel(&bz, 512 * RD_MIB));
	ck_assert_uint_eq(bz.load_gpa, 16 * RD_MIB);
	ck_assert_uint_eq(rd_bz_entry(&bz), 16 * RD_MIB + 0x200);
	ck_assert(rd_bz_place_kernel(&bz, 64 * RD_MIB));
	ck_assert_uint_eq(bz.load_gpa, 16 * RD_MIB);
	ck_assert(rd_bz_place_kernel(&bz, 60 * RD_MIB));
	ck_assert_uint_eq(bz.load_gpa, 2 * RD_MIB);
	ck_assert(!rd_bz_place_kernel(&bz, 49 * RD_MIB));
	bz.hdr.relocatable_kernel = 0;
	ck_assert(!rd_bz_place_kernel(&bz, 60 * RD_MIB));
	bz.hdr.relocatable_kernel = 1;
	bz.hdr.kernel_alignment = 3;
	ck_assert(!rd_bz_place_kernel(&bz, 60 * RD_MIB));
	bz.hdr.pref_address = UINT64_MAX - 4096;
	bz.hdr.kernel_alignment = 2 * RD_MIB;
	ck_assert(rd_bz_place_kernel(&bz, 512 * RD_MIB));
	ck_assert_uint_eq(bz.load_gpa, 2 * RD_MIB);
}
END_TEST

START_TEST(initrd_placement)
{
	struct rd_initrd initrd = { .len = 10 * RD_MIB + 1 };

	ck_assert_ptr_null(parse());
	ck_assert(rd_bz_place_kernel(&bz, 512 * RD_MIB));
	ck_assert(rd_bz_place_initrd(&bz, 512 * RD_MIB, &initrd));
	ck_assert_uint_eq(initrd.gpa % 4096, 0);
	ck_assert_uint_eq(initrd.gpa, 502 * RD_MIB - 4096);
	ck_assert(rd_bz_place_initrd(&bz, 3 * RD_GIB, &initrd));
	ck_assert_uint_le(initrd.gpa + initrd.len, 0x80000000u);
	initrd.len = 448 * RD_MIB;
	ck_assert(rd_bz_place_initrd(&bz, 512 * RD_MIB, &initrd));
	ck_assert_uint_eq(initrd.gpa, 64 * RD_MIB);
	initrd.len++;
	ck_assert(!rd_bz_place_initrd(&bz, 512 * RD_MIB, &initrd));
	initrd.len = UINT64_MAX;
	ck_assert(!rd_bz_place_initrd(&bz, 512 * RD_MIB, &initrd));
}
END_TEST

START_TEST(zero_page)
{
	struct rd_initrd initrd = { .gpa = 0x1f000000, .len = 12345 };
	struct boot_params bp;
	struct rd_ram ram;

	ck_assert_ptr_null(parse());
	ck_assert(rd_bz_place_kernel(&bz, 3 * RD_GIB));
	rd_ram_split(&ram, 5 * RD_GIB);
	rd_bz_zero_page(&bz, &ram, &initrd, &bp);
	ck_assert_uint_eq(bp.hdr.header, 0x53726448);
	ck_assert_uint_eq(bp.hdr.type_of_loader, 0xff);
	ck_assert_uint_eq(bp.hdr.cmd_line_ptr, RD_CMDLINE_GPA);
	ck_assert_uint_eq(bp.hdr.ramdisk_image, 0x1f000000);
	ck_assert_uint_eq(bp.hdr.ramdisk_size, 12345);
	ck_assert_uint_eq(bp.acpi_rsdp_addr, RD_ACPI_GPA);
	ck_assert_uint_eq(bp.e820_entries, 4);
	ck_assert_uint_eq(bp.e820_table[2].addr, RD_MIB);
	ck_assert_uint_eq(bp.e820_table[2].size, 3 * RD_GIB - RD_MIB);
	ck_assert_uint_eq(bp.e820_table[3].addr, 4 * RD_GIB);
	ck_assert_uint_eq(bp.e820_table[3].size, 2 * RD_GIB);
	ck_assert_uint_eq(bp.e820_table[3].type, 1);
	rd_ram_split(&ram, 512 * RD_MIB);
	rd_bz_zero_page(&bz, &ram, &initrd, &bp);
	ck_assert_uint_eq(bp.e820_entries, 3);
	rd_bz_reserve(&bp, 4 * RD_GIB, 0);
	ck_assert_uint_eq(bp.e820_entries, 3);
	rd_bz_reserve(&bp, 4 * RD_GIB, 64 * RD_MIB);
	ck_assert_uint_eq(bp.e820_entries, 4);
	ck_assert_uint_eq(bp.e820_table[3].addr, 4 * RD_GIB);
	ck_assert_uint_eq(bp.e820_table[3].size, 64 * RD_MIB);
	ck_assert_uint_eq(bp.e820_table[3].type, 2);
}
END_TEST

START_TEST(memory_split)
{
	struct rd_ram ram;

	rd_ram_split(&ram, 3 * RD_GIB);
	ck_assert_uint_eq(ram.low_size, 3 * RD_GIB);
	ck_assert_uint_eq(ram.high_size, 0);
	rd_ram_split(&ram, 3 * RD_GIB + 4096);
	ck_assert_uint_eq(ram.low_size, 3 * RD_GIB);
	ck_assert_uint_eq(ram.high_size, 4096);
	ck_assert_int_eq(rd_ram_map(&ram, 64 * RD_MIB, true), RD_OK);
	ck_assert_uint_eq((uintptr_t)ram.host % (2 * RD_MIB), 0);
	ck_assert_ptr_eq(rd_ram_at(&ram, 64 * RD_MIB - 1, 1), ram.host + 64 * RD_MIB - 1);
	ck_assert_ptr_null(rd_ram_at(&ram, 64 * RD_MIB - 1, 2));
	ck_assert_ptr_null(rd_ram_at(&ram, UINT64_MAX, 2));
	ck_assert_ptr_null(rd_ram_at(&ram, 1, UINT64_MAX));
	rd_ram_unmap(&ram);
	ck_assert_ptr_null(rd_ram_at(&ram, 0, 1));
	rd_ram_unmap(&ram);
}
END_TEST

START_TEST(page_tables_map_identity)
{
	static uint64_t t[6 * 512];

	rd_bz_page_tables(t);
	for (uint64_t gpa = 0; gpa < 4 * RD_GIB; gpa += 2 * RD_MIB) {
		uint64_t pdpt = t[gpa >> 39] & ~0xfffull;
		uint64_t pd = t[(pdpt - RD_PML4_GPA) / 8 + (gpa >> 30 & 511)] & ~0xfffull;
		uint64_t e = t[(pd - RD_PML4_GPA) / 8 + (gpa >> 21 & 511)];

		ck_assert_uint_eq(e, gpa | 0x83);
	}
}
END_TEST

TCase *bzimage_case(void)
{
	TCase *tc = tcase_create("bzimage");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_good_kernel);
	tcase_add_test(tc, bad_kernels);
	tcase_add_test(tc, every_truncation_is_noticed);
	tcase_add_test(tc, kernel_placement);
	tcase_add_test(tc, initrd_placement);
	tcase_add_test(tc, zero_page);
	tcase_add_test(tc, memory_split);
	tcase_add_test(tc, page_tables_map_identity);
	return tc;
}
