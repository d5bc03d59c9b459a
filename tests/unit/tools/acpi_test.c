// SPDX-License-Identifier: GPL-2.0-only
/* The tables as a guest walks them: signatures, lengths, checksums, pointers, entries. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/acpi.h"
#include "tools/src/vmctl/aml.h"
#include "tools/src/vmctl/layout.h"

#include <string.h>

#define GPA 0xe0000u

static uint8_t tables[RD_ACPI_ROOM];
static size_t used;

static bool with_pci;
static uint64_t epc_base, epc_size;

static void build(uint32_t n_cpus, bool legacy_pic, bool serial)
{
	struct rd_acpi_config config = { .n_cpus = n_cpus, .legacy_pic = legacy_pic,
					 .serial = serial, .pci = with_pci,
					 .epc_base = epc_base, .epc_size = epc_size };

	memset(tables, 0xcc, sizeof(tables));
	used = rd_acpi_build(&config, GPA, tables, sizeof(tables));
}

static uint32_t get32(size_t off)
{
	uint32_t v;

	memcpy(&v, tables + off, sizeof(v));
	return v;
}

static uint64_t get64(size_t off)
{
	uint64_t v;

	memcpy(&v, tables + off, sizeof(v));
	return v;
}

static uint8_t sum(size_t off, size_t len)
{
	uint8_t s = 0;

	while (len--)
		s = (uint8_t)(s + tables[off++]);
	return s;
}

/* Check header and checksum of the table at OFF and return its length. */
static uint32_t check_table(size_t off, const char *signature)
{
	uint32_t len = get32(off + 4);

	ck_assert_mem_eq(tables + off, signature, 4);
	ck_assert_uint_ge(len, 36);
	ck_assert_uint_le(off + len, used);
	ck_assert_uint_eq(sum(off, len), 0);
	return len;
}

/* Offset of the table with SIGNATURE in the XSDT. */
static size_t find_table(const char *signature)
{
	size_t xsdt = get64(24) - GPA;
	uint32_t len = check_table(xsdt, "XSDT");

	for (size_t off = xsdt + 36; off < xsdt + len; off += 8) {
		size_t table = get64(off) - GPA;

		if (!memcmp(tables + table, signature, 4))
			return table;
	}
	ck_abort_msg("no table %s", signature);
	return 0;
}

START_TEST(rsdp_is_valid)
{
	build(4, true, true);
	ck_assert_uint_gt(used, 0);
	ck_assert_mem_eq(tables, "RSD PTR ", 8);
	ck_assert_uint_eq(tables[15], 2);
	ck_assert_uint_eq(get32(20), 36);
	ck_assert_uint_eq(sum(0, 20), 0);
	ck_assert_uint_eq(sum(0, 36), 0);
}
END_TEST

START_TEST(fadt_describes_the_ports)
{
	size_t fadt, facs;

	build(1, true, true);
	fadt = find_table("FACP");
	ck_assert_uint_eq(check_table(fadt, "FACP"), 276);
	ck_assert_uint_eq(get32(fadt + 40), get64(fadt + 140));
	check_table(get64(fadt + 140) - GPA, "DSDT");
	ck_assert_uint_eq(tables[fadt + 46], RD_GSI_SCI);
	ck_assert_uint_eq(get32(fadt + 48), 0);		/* no SMI command: always ACPI mode */
	ck_assert_uint_eq(get32(fadt + 56), RD_PORT_PM1_EVT);
	ck_assert_uint_eq(get32(fadt + 64), RD_PORT_PM1_CNT);
	ck_assert_uint_eq(get32(fadt + 76), RD_PORT_PM_TIMER);
	ck_assert_uint_eq(tables[fadt + 88], 4);
	ck_assert_uint_eq(tables[fadt + 89], 2);
	ck_assert_uint_eq(tables[fadt + 91], 4);
	ck_assert_uint_eq(get32(fadt + 112) & 1u << 10, 1u << 10);	/* reset register */
	ck_assert_uint_eq(get32(fadt + 112) & 1u << 4, 0);	/* fixed power button */
	ck_assert_uint_eq(get32(fadt + 112) & 1u << 20, 0);	/* not hardware-reduced */
	ck_assert_uint_eq(tables[fadt + 116], 1);		/* in I/O space */
	ck_assert_uint_eq(get64(fadt + 120), RD_PORT_RESET);
	ck_assert_uint_eq(tables[fadt + 128], RD_RESET_VALUE);
	facs = get32(fadt + 36) - GPA;
	ck_assert_mem_eq(tables + facs, "FACS", 4);
	ck_assert_uint_eq(facs % 64, 0);
	ck_assert_uint_eq(get32(facs + 4), 64);
}
END_TEST

struct madt_counts {
	unsigned int lapics, x2apics, ioapics, overrides, nmis, x2nmis;
	uint32_t next_id;
};

static void count_entry(struct madt_counts *c, size_t off)
{
	static const uint8_t lengths[] = { [0] = 8, [1] = 12, [2] = 10, [4] = 6, [9] = 16,
					   [10] = 12 };
	uint8_t type = tables[off];

	ck_assert_uint_lt(type, sizeof(lengths));
	ck_assert_uint_eq(tables[off + 1], lengths[type]);
	if (type == 0) {
		ck_assert_uint_eq(tables[off + 3], c->next_id++);
		ck_assert_uint_eq(get32(off + 4), 1);
		c->lapics++;
	} else if (type == 9) {
		ck_assert_uint_eq(get32(off + 4), c->next_id++);
		ck_assert_uint_eq(get32(off + 8), 1);
		c->x2apics++;
	}
	c->ioapics += type == 1;
	c->overrides += type == 2;
	c->nmis += type == 4;
	c->x2nmis += type == 10;
}

static struct madt_counts walk_madt(void)
{
	struct madt_counts c = { 0 };
	size_t madt = find_table("APIC");
	size_t end = madt + check_table(madt, "APIC");
	size_t off = madt + 44;

	while (off < end) {
		count_entry(&c, off);
		off += tables[off + 1];
	}
	ck_assert_uint_eq(off, end);
	return c;
}

START_TEST(madt_lists_every_cpu)
{
	static const uint32_t counts[] = { 1, 2, 4, 255, 256, 1024, 4096 };
	uint32_t n = counts[_i];
	struct madt_counts c;

	build(n, true, true);
	c = walk_madt();
	ck_assert_uint_eq(c.lapics + c.x2apics, n);
	ck_assert_uint_eq(c.lapics, n < 255 ? n : 255);
	ck_assert_uint_eq(c.ioapics, 1);
	ck_assert_uint_eq(c.overrides, 1);
	ck_assert_uint_eq(c.nmis, 1);
	ck_assert_uint_eq(c.x2nmis, n > 255);
}
END_TEST

START_TEST(madt_tells_of_the_legacy_pic)
{
	build(1, true, true);
	ck_assert_uint_eq(get32(find_table("APIC") + 40), 1);
	build(1, false, true);
	ck_assert_uint_eq(get32(find_table("APIC") + 40), 0);
}
END_TEST

static bool dsdt_contains(const void *what, size_t n)
{
	size_t dsdt = get64(find_table("FACP") + 140) - GPA;
	uint32_t len = check_table(dsdt, "DSDT");

	for (size_t i = dsdt; i + n <= dsdt + len; i++)
		if (!memcmp(tables + i, what, n))
			return true;
	return false;
}

START_TEST(dsdt_has_what_there_is)
{
	static const uint8_t pnp0501[] = { 0x41, 0xd0, 0x05, 0x01 };

	build(1, true, true);
	ck_assert(dsdt_contains("_S5_\x12", 5));
	ck_assert(dsdt_contains("QEMU0001", 9));
	ck_assert(dsdt_contains(pnp0501, sizeof(pnp0501)));
	build(1, true, false);
	ck_assert(!dsdt_contains(pnp0501, sizeof(pnp0501)));
}
END_TEST

START_TEST(dsdt_has_the_pci_bus)
{
	static const uint8_t pnp0a03[] = { 0x41, 0xd0, 0x0a, 0x03 };
	static const uint8_t buses[] = { 0x88, 0x0d, 0, 2, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0 };
	static const uint8_t window[] = { 0x87, 0x17, 0, 0, 0x0c, 1, 0, 0, 0, 0, 0, 0, 0, 0xe0,
					  0xff, 0xff, 0x1f, 0xe0, 0, 0, 0, 0, 0, 0, 0x20, 0 };

	build(1, true, true);
	ck_assert(!dsdt_contains(pnp0a03, sizeof(pnp0a03)));
	with_pci = true;
	build(1, true, true);
	with_pci = false;
	ck_assert(dsdt_contains(pnp0a03, sizeof(pnp0a03)));
	ck_assert(dsdt_contains(buses, sizeof(buses)));
	ck_assert(dsdt_contains(window, sizeof(window)));
}
END_TEST

/* The whole device, as the specification encodes it: id, name in 16-bit units, range, state. */
START_TEST(dsdt_has_the_epc)
{
	static const uint8_t device[] = {
		0x5b, 0x82, 0x4b, 0x08, 'E', 'P', 'C', '_',
		0x08, '_', 'H', 'I', 'D', 0x0c, 0x25, 0xd4, 0x0e, 0x0c,
		0x08, '_', 'S', 'T', 'R', 0x11, 0x43, 0x03, 0x0b, 0x2e, 0x00,
		'E', 0, 'n', 0, 'c', 0, 'l', 0, 'a', 0, 'v', 0, 'e', 0, ' ', 0,
		'P', 0, 'a', 0, 'g', 0, 'e', 0, ' ', 0,
		'C', 0, 'a', 0, 'c', 0, 'h', 0, 'e', 0, ' ', 0, '1', 0, '.', 0, '0', 0, 0, 0,
		0x08, '_', 'C', 'R', 'S', 0x11, 0x45, 0x03, 0x0b, 0x30, 0x00,
		0x8a, 0x2b, 0x00, 0x00, 0x0d, 0x03,
		0, 0, 0, 0, 0, 0, 0, 0,
		0x00, 0x00, 0x20, 0x40, 0x01, 0, 0, 0,
		0xff, 0xff, 0x1f, 0x44, 0x02, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0,
		0x00, 0x00, 0x00, 0x04, 0x01, 0, 0, 0,
		0x79, 0x00,
		0x08, '_', 'S', 'T', 'A', 0x0a, 0x0f,
	};
	/* What follows: the device is closed where it ends. */
	static const uint8_t next[] = { 0x5b, 0x82 };
	uint8_t both[sizeof(device) + sizeof(next)];

	memcpy(both, device, sizeof(device));
	memcpy(both + sizeof(device), next, sizeof(next));
	build(1, true, true);
	ck_assert(!dsdt_contains("EPC_", 4));
	epc_base = 0x140200000;
	epc_size = 0x104000000;
	build(1, true, true);
	epc_base = epc_size = 0;
	ck_assert(dsdt_contains(both, sizeof(both)));
}
END_TEST

START_TEST(too_little_room_is_noticed)
{
	struct rd_acpi_config config = { .n_cpus = 4, .legacy_pic = true, .serial = true,
					 .epc_base = 1ull << 32, .epc_size = 1 << 20 };

	epc_base = config.epc_base;
	epc_size = config.epc_size;
	build(4, true, true);
	epc_base = epc_size = 0;
	for (size_t room = 0; room < used; room += 7)
		ck_assert_uint_eq(rd_acpi_build(&config, GPA, tables, room), 0);
	ck_assert_uint_eq(rd_acpi_build(&config, GPA, tables, used), used);
	config.n_cpus = 100000;
	ck_assert_uint_eq(rd_acpi_build(&config, GPA, tables, sizeof(tables)), 0);
}
END_TEST

START_TEST(aml_integers)
{
	uint8_t buf[32];
	struct rd_aml a = { .buf = buf, .room = sizeof(buf) };
	static const uint8_t want[] = { 0x00, 0x01, 0x0a, 0x02, 0x0a, 0xff, 0x0b, 0x00, 0x01,
					0x0c, 0x00, 0x00, 0x01, 0x00 };

	rd_aml_int(&a, 0);
	rd_aml_int(&a, 1);
	rd_aml_int(&a, 2);
	rd_aml_int(&a, 0xff);
	rd_aml_int(&a, 0x100);
	rd_aml_int(&a, 0x10000);
	ck_assert_uint_eq(a.len, sizeof(want));
	ck_assert_mem_eq(buf, want, sizeof(want));
}
END_TEST

START_TEST(aml_packages)
{
	uint8_t buf[8192];
	struct rd_aml a = { .buf = buf, .room = sizeof(buf) };
	size_t pkg = rd_aml_package(&a, 1);

	rd_aml_int(&a, 7);
	rd_aml_end(&a, pkg);
	ck_assert_mem_eq(buf, "\x12\x45\x00\x01\x0a\x07", 6);
	ck_assert(!a.full);
	pkg = rd_aml_scope(&a, "_SB_");
	for (int i = 0; i < 5000; i++)
		rd_aml_u8(&a, 0);
	rd_aml_end(&a, pkg);
	ck_assert(a.full);	/* does not fit a two-byte package length */
}
END_TEST

TCase *acpi_case(void)
{
	TCase *tc = tcase_create("acpi");

	tcase_add_test(tc, rsdp_is_valid);
	tcase_add_test(tc, fadt_describes_the_ports);
	tcase_add_loop_test(tc, madt_lists_every_cpu, 0, 7);
	tcase_add_test(tc, madt_tells_of_the_legacy_pic);
	tcase_add_test(tc, dsdt_has_what_there_is);
	tcase_add_test(tc, dsdt_has_the_pci_bus);
	tcase_add_test(tc, dsdt_has_the_epc);
	tcase_add_test(tc, too_little_room_is_noticed);
	tcase_add_test(tc, aml_integers);
	tcase_add_test(tc, aml_packages);
	return tc;
}
