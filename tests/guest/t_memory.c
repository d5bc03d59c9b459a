// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory as the guest sees it: its own page tables in all sizes with their rights and bits, slots
 * that are read-only, come late or are not there, and code that changes under itself.
 */
#include "tests/guest/guest.h"

#define WINDOW 0x60000000ul
#define ROM ((volatile u8 *)RDP_ROM_GPA)
#define LATE ((volatile u8 *)RDP_LATE_GPA)

static volatile u8 *const window = (u8 *)WINDOW;

static void pages_4k(void)
{
	for (u32 i = 0; i < 64; i++) {
		u8 *page = alloc_page();

		*page = i;
		map_page(WINDOW + i * PAGE_SIZE, (ulong)page, PTE_P | PTE_W);
	}
	for (u32 i = 0; i < 64; i++)
		CHECK_EQ(window[i * PAGE_SIZE], i);
}

static void pages_2m(void)
{
	u64 *pde = pde_of(WINDOW);

	*pde = 0x000000 | PTE_P | PTE_W | PTE_PS;
	invlpg(window);
	*(volatile u64 *)(RDP_IMAGE_GPA - 8) = 0x1122334455667788;
	CHECK_EQ(*(volatile u64 *)(WINDOW + RDP_IMAGE_GPA - 8), 0x1122334455667788);
}

static void pages_1g(void)
{
	u64 *pdpt = (u64 *)RDP_PDPT_GPA;

	if (!has_feature(0x80000001, 0, 3, 26))
		rdg_skip("no 1 GiB pages");
	pdpt[4] = PTE_P | PTE_W | PTE_PS;
	*(volatile u64 *)(RDP_IMAGE_GPA - 8) = 0x8877665544332211;
	CHECK_EQ(*(volatile u64 *)(0x100000000 + RDP_IMAGE_GPA - 8), 0x8877665544332211);
}

static void accessed_dirty(void)
{
	volatile u64 *pte = pte_of(WINDOW);

	map_page(WINDOW, (ulong)alloc_page(), PTE_P | PTE_W);
	CHECK_EQ(*pte & (PTE_A | PTE_D), 0);
	(void)*window;
	CHECK_EQ(*pte & (PTE_A | PTE_D), PTE_A);
	*window = 1;
	CHECK_EQ(*pte & (PTE_A | PTE_D), PTE_A | PTE_D);
}

/* The bits are set too when the hypervisor walks the tables itself, for an access to a device. */
static void accessed_dirty_mmio(void)
{
	volatile u64 *pte = pte_of(WINDOW);

	map_page(WINDOW, RDP_MMIO_GPA, PTE_P | PTE_W);
	(void)*window;
	CHECK_EQ(*pte & (PTE_A | PTE_D), PTE_A);
	*window = 1;
	CHECK_EQ(*pte & (PTE_A | PTE_D), PTE_A | PTE_D);
}

static void write_protect(void)
{
	map_page(WINDOW, (ulong)alloc_page(), PTE_P);
	asm volatile(GUARDED("movb $1, (%0)") : : "r"(window) : "memory");
	CHECK_EQ(rdg_caught(), PF);
	CHECK_EQ(rdg_fault.error, 3);
	write_cr0(read_cr0() & ~0x10000ul);	/* without WP the supervisor may write */
	asm volatile(GUARDED("movb $1, (%0)") : : "r"(window) : "memory");
	CHECK_EQ(rdg_caught(), RDG_NONE);
	CHECK_EQ(*window, 1);
	write_cr0(read_cr0() | 0x10000);
	asm volatile(GUARDED("movb $2, (%0)") : : "r"(window) : "memory");
	CHECK_EQ(rdg_caught(), PF);
}

static void smap(void)
{
	if (!HAS_SMAP())
		rdg_skip("no SMAP");
	map_page(WINDOW, (ulong)alloc_page(), PTE_P | PTE_W | PTE_U);
	*window = 5;
	write_cr4(read_cr4() | 1 << 21);
	asm volatile(GUARDED("movb (%0), %%al") : : "r"(window) : "rax");
	CHECK_EQ(rdg_caught(), PF);
	CHECK_EQ(rdg_fault.error, 1);
	asm volatile("stac");
	CHECK_EQ(*window, 5);
	asm volatile("clac");
	write_cr4(read_cr4() & ~(1ul << 21));
	CHECK_EQ(*window, 5);
}

static volatile u32 faults;

static void on_fetch(struct rdg_frame *f)
{
	faults++;
	f->ip = *(ulong *)f->sp;
	f->sp += 8;
}

static void smep(void)
{
	void (*fn)(void) = (void (*)(void))WINDOW;
	u8 *page = alloc_page();

	if (!HAS_SMEP())
		rdg_skip("no SMEP");
	page[0] = 0xc3;
	map_page(WINDOW, (ulong)page, PTE_P | PTE_W | PTE_U);
	rdg_handlers[PF] = on_fetch;
	fn();
	CHECK_EQ(faults, 0);
	write_cr4(read_cr4() | 1 << 20);
	fn();
	CHECK_EQ(faults, 1);
	write_cr4(read_cr4() & ~(1ul << 20));
	fn();
	CHECK_EQ(faults, 1);
}

static void reserved_bits(void)
{
	*pte_of(WINDOW) = 0x1000 | PTE_P | PTE_W | 1ull << 51;
	invlpg(window);
	asm volatile(GUARDED("movb (%0), %%al") : : "r"(window) : "rax");
	CHECK_EQ(rdg_caught(), PF);
	if (!emulated())		/* TCG does not always set RSVD in the code */
		CHECK_EQ(rdg_fault.error, 9);
}

/* A page taken from the tables and given back, under one address, many times. */
static void remap(void)
{
	u8 *page[2] = { alloc_page(), alloc_page() };

	*page[0] = 10;
	*page[1] = 11;
	for (u32 i = 0; i < 1000; i++) {
		map_page(WINDOW, (ulong)page[i & 1], PTE_P | PTE_W);
		CHECK_EQ(*window, 10 + (i & 1));
	}
}

/* A write of CR3 makes changes visible; global pages outlive it. */
static void cr3_flush(void)
{
	u8 *page[2] = { alloc_page(), alloc_page() };

	*page[0] = 10;
	*page[1] = 11;
	for (u32 i = 0; i < 200; i++) {
		*pte_of(WINDOW) = (ulong)page[i & 1] | PTE_P | PTE_W;
		write_cr3(read_cr3());
		CHECK_EQ(*window, 10 + (i & 1));
	}
	write_cr4(read_cr4() | 0x80);
	*pte_of(WINDOW) = (ulong)page[0] | PTE_P | PTE_W | 0x100;
	invlpg(window);
	CHECK_EQ(*window, 10);
	*pte_of(WINDOW) = (ulong)page[1] | PTE_P | PTE_W | 0x100;
	write_cr4(read_cr4() & ~0x80ul);	/* changing PGE flushes all */
	CHECK_EQ(*window, 11);
}

static void all_of_memory(void)
{
	for (ulong at = 2 * RDP_IMAGE_GPA; at < RDP_RAM_MIN; at += PAGE_SIZE)
		*(volatile u64 *)at = at * 3;
	for (ulong at = 2 * RDP_IMAGE_GPA; at < RDP_RAM_MIN; at += PAGE_SIZE)
		CHECK_EQ(*(volatile u64 *)at, at * 3);
}

static void self_modifying(void)
{
	u8 *code = alloc_page();
	u32 (*fn)(void) = (void *)code;

	code[0] = 0xb8;
	code[5] = 0xc3;
	for (u32 i = 0; i < 500; i++) {
		memcpy(code + 1, &i, 4);
		CHECK_EQ(fn(), i);
	}
}

static u8 rom_byte(u32 i)
{
	return i ^ i >> 8;
}

static void rom_read(void)
{
	for (u32 i = 0; i < RDP_ROM_SIZE; i += 7)
		CHECK_EQ(ROM[i], rom_byte(i));
	CHECK_EQ(shared->mmio.reads, 0);
}

/* A write to it is an exit with the data, and changes nothing. */
static void rom_write(void)
{
	ROM[5] = 0x99;
	CHECK_EQ(shared->mmio.writes, 1);
	CHECK_EQ(shared->mmio.addr, RDP_ROM_GPA + 5);
	CHECK_EQ(shared->mmio.data, 0x99);
	CHECK_EQ(ROM[5], rom_byte(5));
	*(volatile u32 *)(ROM + 0x100) = 0x12345678;
	CHECK_EQ(shared->mmio.writes, 2);
	CHECK_EQ(shared->mmio.data, 0x12345678);
	CHECK_EQ(ROM[0x100], rom_byte(0x100));
	for (u32 i = 0; i < 100; i++) {
		(void)ROM[i];
		ROM[i] = 0;
	}
	CHECK_EQ(shared->mmio.writes, 102);
	CHECK_EQ(shared->mmio.reads, 0);
}

/* Read, change, write: the read comes from memory, the write goes out. */
static void rom_modify(void)
{
	asm volatile("addb $1, (%0)" : : "r"(ROM + 9) : "memory");
	CHECK_EQ(shared->mmio.reads, 0);
	CHECK_EQ(shared->mmio.writes, 1);
	CHECK_EQ(shared->mmio.data, rom_byte(9) + 1);
	CHECK_EQ(ROM[9], rom_byte(9));
}

/* What no slot backs goes to the client. */
static void beyond_slots(void)
{
	volatile u32 *p = (u32 *)(RDP_RAM_MIN + 0x1000);

	CHECK_EQ(*p, 0xffffffff);
	CHECK_EQ(shared->mmio.reads, 1);
	CHECK_EQ(shared->mmio.addr, RDP_RAM_MIN + 0x1000);
	*p = 1;
	CHECK_EQ(shared->mmio.writes, 1);
	CHECK_EQ(*p, 0xffffffff);
}

/* The same address is a device first and memory afterwards. */
static void late_slot(void)
{
	CHECK_EQ(LATE[0], 0xff);
	LATE[0] = 1;
	CHECK_EQ(shared->mmio.reads, 1);
	CHECK_EQ(shared->mmio.writes, 1);
	rdg_sync(1);
	CHECK_EQ(LATE[0], 0);
	LATE[0] = 7;
	CHECK_EQ(LATE[0], 7);
	LATE[RDP_LATE_SIZE - 1] = 8;
	CHECK_EQ(LATE[RDP_LATE_SIZE - 1], 8);
	CHECK_EQ(shared->mmio.reads, 1);
	CHECK_EQ(shared->mmio.writes, 1);
}

/* An instruction that no memory backs cannot be run, only reported. */
static void execute_nowhere(void)
{
	void (*fn)(void) = (void (*)(void))RDP_MMIO_GPA;

	fn();
}

/*
 * For host programs. Write one byte into each page that the bitmap at args[0] names, of the region
 * at args[1]; SYNC 1 when done; again as often as args[2] says.
 */
static void write_pattern(void)
{
	for (;;) {
		volatile u64 *bits = (u64 *)shared->args[0];
		ulong base = shared->args[1], pages = shared->args[2];

		for (ulong i = 0; i < pages; i++)
			if (bits[i / 64] >> (i & 63) & 1)
				*(volatile u8 *)(base + i * PAGE_SIZE) += 1;
		rdg_sync(1);
		if (shared->args[3])
			return;
	}
}

/* Write every page of a region with its number, over and over; say at results[0] how often. */
static void write_forever(void)
{
	ulong base = shared->args[1], pages = shared->args[2];

	for (u64 round = 1; !shared->args[3]; round++) {
		for (ulong i = 0; i < pages; i++) {
			volatile u64 *p = (u64 *)(base + i * PAGE_SIZE);
			u64 was = p[0];

			if (was != 0 && was >> 32 != i)
				rdg_fail("page %lu holds 0x%llx", i, was);
			p[0] = (u64)i << 32 | (u32)round;
		}
		shared->results[0] = round;
	}
	rdg_sync(2);
}

/* Read a region and add it up, over and over, for hosts that change its memory. */
static void read_forever(void)
{
	ulong base = shared->args[1], pages = shared->args[2];

	while (!shared->args[3]) {
		for (ulong i = 0; i < pages; i++)
			shared->results[1] = *(volatile u8 *)(base + i * PAGE_SIZE);
		shared->results[0]++;
	}
	rdg_sync(2);
}

/* Count at results[0] until told to end at args[3], touching no other memory. */
static void count_forever(void)
{
	while (!shared->args[3])
		shared->results[0]++;
	rdg_sync(2);
}

/* One access per SYNC: kind args[0] (0 read, 1 write) at args[1], value at results[0]. */
static void access_on_demand(void)
{
	for (;;) {
		rdg_sync(1);
		if (shared->args[0] == 2)
			return;
		if (shared->args[0] == 1)
			*(volatile u64 *)shared->args[1] = shared->args[2];
		else
			shared->results[0] = *(volatile u64 *)shared->args[1];
	}
}

static const struct rdp_test tests[] = {
	RDG_TEST(pages_4k, 1, 0),
	RDG_TEST(pages_2m, 1, 0),
	RDG_TEST(pages_1g, 1, 0),
	RDG_TEST(accessed_dirty, 1, 0),
	RDG_TEST(accessed_dirty_mmio, 1, 0),
	RDG_TEST(write_protect, 1, 0),
	RDG_TEST(smap, 1, 0),
	RDG_TEST(smep, 1, 0),
	RDG_TEST(reserved_bits, 1, 0),
	RDG_TEST(remap, 1, 0),
	RDG_TEST(cr3_flush, 1, 0),
	RDG_TEST(all_of_memory, 1, 0),
	RDG_TEST(self_modifying, 1, 0),
	RDG_TEST(rom_read, 1, RDP_ROM),
	RDG_TEST(rom_write, 1, RDP_ROM),
	RDG_TEST(rom_modify, 1, RDP_ROM),
	RDG_TEST(beyond_slots, 1, 0),
	RDG_TEST(late_slot, 1, RDP_LATE_PAGE),
	RDG_TEST(execute_nowhere, 1, RDP_PAIRED),
	RDG_TEST(write_pattern, 1, RDP_PAIRED),
	RDG_TEST(write_forever, 1, RDP_PAIRED),
	RDG_TEST(read_forever, 1, RDP_PAIRED),
	RDG_TEST(count_forever, 1, RDP_PAIRED),
	RDG_TEST(access_on_demand, 1, RDP_PAIRED),
};
RDG_TESTS(tests, 64);
