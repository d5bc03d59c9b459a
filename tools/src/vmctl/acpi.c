// SPDX-License-Identifier: GPL-2.0-only
/*
 * Building of the ACPI tables. Table layouts are packed structures whose sizes are asserted next
 * to them; checksums are computed last, when a table is complete.
 */
#include "tools/src/vmctl/acpi.h"

#include "tools/src/vmctl/aml.h"
#include "tools/src/vmctl/layout.h"

#include <string.h>

#define PACKED __attribute__((packed))

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} PACKED;
_Static_assert(sizeof(struct rsdp) == 36, "RSDP of ACPI 2.0");

struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} PACKED;
_Static_assert(sizeof(struct header) == 36, "common table header");

struct gas {
	uint8_t space;		/* 1: I/O ports */
	uint8_t bit_width;
	uint8_t bit_offset;
	uint8_t access_size;
	uint64_t address;
} PACKED;
_Static_assert(sizeof(struct gas) == 12, "generic address structure");

struct fadt {
	struct header h;
	uint32_t firmware_ctrl, dsdt;
	uint8_t reserved0, preferred_pm_profile;
	uint16_t sci_int;
	uint32_t smi_cmd;
	uint8_t acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	uint32_t pm1a_evt_blk, pm1b_evt_blk, pm1a_cnt_blk, pm1b_cnt_blk;
	uint32_t pm2_cnt_blk, pm_tmr_blk, gpe0_blk, gpe1_blk;
	uint8_t pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len;
	uint8_t gpe0_blk_len, gpe1_blk_len, gpe1_base, cst_cnt;
	uint16_t p_lvl2_lat, p_lvl3_lat, flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alrm, mon_alrm, century;
	uint16_t iapc_boot_arch;
	uint8_t reserved1;
	uint32_t flags;
	struct gas reset_reg;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor_revision;
	uint64_t x_firmware_ctrl, x_dsdt;
	struct gas x_pm1a_evt_blk, x_pm1b_evt_blk, x_pm1a_cnt_blk, x_pm1b_cnt_blk;
	struct gas x_pm2_cnt_blk, x_pm_tmr_blk, x_gpe0_blk, x_gpe1_blk;
	struct gas sleep_control, sleep_status;
	uint64_t hypervisor_id;
} PACKED;
_Static_assert(sizeof(struct fadt) == 276, "FADT of ACPI 6");

struct facs {
	char signature[4];
	uint32_t length;
	uint32_t hardware_signature;
	uint32_t waking_vector;
	uint32_t global_lock;
	uint32_t flags;
	uint64_t x_waking_vector;
	uint8_t version;
	uint8_t reserved[31];
} PACKED;
_Static_assert(sizeof(struct facs) == 64, "FACS");

struct madt {
	struct header h;
	uint32_t lapic_address;
	uint32_t flags;		/* bit 0: a dual 8259 exists */
} PACKED;

struct madt_lapic {
	uint8_t type, length, acpi_id, apic_id;
	uint32_t flags;		/* bit 0: enabled */
} PACKED;

struct madt_ioapic {
	uint8_t type, length, id, reserved;
	uint32_t address;
	uint32_t gsi_base;
} PACKED;

struct madt_override {
	uint8_t type, length, bus, source;
	uint32_t gsi;
	uint16_t flags;
} PACKED;

struct madt_lapic_nmi {
	uint8_t type, length, acpi_id;
	uint16_t flags;
	uint8_t lint;
} PACKED;

struct madt_x2apic {
	uint8_t type, length;
	uint16_t reserved;
	uint32_t x2apic_id;
	uint32_t flags;
	uint32_t acpi_uid;
} PACKED;

struct madt_x2apic_nmi {
	uint8_t type, length;
	uint16_t flags;
	uint32_t acpi_uid;
	uint8_t lint;
	uint8_t reserved[3];
} PACKED;

#define MADT_PCAT_COMPAT 1u
#define MADT_ENABLED 1u
#define MADT_LEVEL_HIGH 0x000du	/* polarity: active high; trigger: level */

#define FADT_BOOT_LEGACY_DEVICES (1u << 0)
#define FADT_BOOT_NO_VGA (1u << 2)
#define FADT_WBINVD (1u << 0)
#define FADT_PROC_C1 (1u << 2)
#define FADT_SLP_BUTTON_ABSENT (1u << 5)
#define FADT_RTC_WAKE_ABSENT (1u << 6)
#define FADT_TMR_VAL_EXT (1u << 8)
#define FADT_RESET_REG_SUP (1u << 10)

/* The tables under construction: `out` grows, `gpa` is where its first byte will be. */
struct builder {
	struct rd_aml out;
	uint64_t gpa;
};

uint8_t rd_acpi_checksum(const void *p, size_t len)
{
	const uint8_t *byte = p;
	uint8_t sum = 0;

	while (len--)
		sum = (uint8_t)(sum + *byte++);
	return (uint8_t)-sum;
}

static void align_to(struct builder *b, size_t align)
{
	while (b->out.len % align && !b->out.full)
		rd_aml_u8(&b->out, 0);
}

static uint64_t here(const struct builder *b)
{
	return b->gpa + b->out.len;
}

static struct header make_header(const char signature[4], uint8_t revision)
{
	struct header h = { .revision = revision, .oem_revision = 1, .creator_revision = 1 };

	memcpy(h.signature, signature, 4);
	memcpy(h.oem_id, "RDOUBT", 6);
	memcpy(h.oem_table_id, "REDOUBT ", 8);
	memcpy(h.creator_id, "RDBT", 4);
	return h;
}

/* Complete the table that began at offset START: length and checksum. */
static void finish(struct builder *b, size_t start)
{
	struct header *h = (struct header *)(b->out.buf + start);

	if (b->out.full)
		return;
	h->length = (uint32_t)(b->out.len - start);
	h->checksum = 0;
	h->checksum = rd_acpi_checksum(h, h->length);
}

static struct gas io_register(uint32_t port, uint8_t bytes)
{
	return (struct gas){
		.space = 1,
		.bit_width = (uint8_t)(bytes * 8),
		.access_size = (uint8_t)(bytes == 4 ? 3 : bytes),
		.address = port,
	};
}

static void dsdt_sleep_states(struct rd_aml *a)
{
	size_t pkg;

	rd_aml_name(a, "_S5_");
	pkg = rd_aml_package(a, 4);
	rd_aml_int(a, RD_SLP_TYP_S5);
	rd_aml_int(a, RD_SLP_TYP_S5);
	rd_aml_int(a, 0);
	rd_aml_int(a, 0);
	rd_aml_end(a, pkg);
}

/* What a device decodes and raises: LEN ports, and an interrupt unless GSI is 0, the timer's. */
static void dsdt_ports(struct rd_aml *a, uint16_t port, uint8_t len, unsigned int gsi)
{
	size_t res;

	rd_aml_name(a, "_CRS");
	res = rd_aml_resources(a);
	rd_aml_io(a, port, len);
	if (gsi)
		rd_aml_irq(a, gsi);
	rd_aml_resources_end(a, res);
}

static void dsdt_serial(struct rd_aml *a)
{
	size_t dev = rd_aml_device(a, "COM1");

	rd_aml_name(a, "_HID");
	rd_aml_eisaid(a, "PNP0501");
	rd_aml_name(a, "_UID");
	rd_aml_int(a, 0);
	dsdt_ports(a, RD_PORT_COM1, 8, RD_GSI_COM1);
	rd_aml_end(a, dev);
}

static void dsdt_rtc(struct rd_aml *a)
{
	size_t dev = rd_aml_device(a, "RTC_");

	rd_aml_name(a, "_HID");
	rd_aml_eisaid(a, "PNP0B00");
	dsdt_ports(a, RD_PORT_CMOS, 2, RD_GSI_RTC);
	rd_aml_end(a, dev);
}

static void dsdt_pvpanic(struct rd_aml *a)
{
	size_t dev = rd_aml_device(a, "PEVT");

	/* The id that guests' pvpanic drivers bind to. */
	rd_aml_name(a, "_HID");
	rd_aml_string(a, "QEMU0001");
	dsdt_ports(a, RD_PORT_PVPANIC, 1, 0);
	rd_aml_name(a, "_STA");
	rd_aml_int(a, 0xf);
	rd_aml_end(a, dev);
}

/* No _PRT: no device has an interrupt pin. */
static void dsdt_pci(struct rd_aml *a)
{
	size_t dev = rd_aml_device(a, "PCI0");
	size_t res;

	rd_aml_name(a, "_HID");
	rd_aml_eisaid(a, "PNP0A03");
	rd_aml_name(a, "_UID");
	rd_aml_int(a, 0);
	rd_aml_name(a, "_CRS");
	res = rd_aml_resources(a);
	rd_aml_bus_numbers(a, 0, 0);
	rd_aml_io(a, RD_PORT_PCI_INDEX, 8);
	rd_aml_memory_window(a, RD_PCI_WINDOW_GPA, RD_PCI_WINDOW_LEN);
	rd_aml_resources_end(a, res);
	rd_aml_end(a, dev);
}

/* The enclave page cache. Drivers find it by CPUID; the id says that firmware has it on. */
static void dsdt_epc(struct rd_aml *a, const struct rd_acpi_config *config)
{
	size_t dev = rd_aml_device(a, "EPC_");
	size_t res;

	rd_aml_name(a, "_HID");
	rd_aml_eisaid(a, "INT0E0C");
	rd_aml_name(a, "_STR");
	rd_aml_unicode(a, "Enclave Page Cache 1.0");
	rd_aml_name(a, "_CRS");
	res = rd_aml_resources(a);
	rd_aml_memory64(a, config->epc_base, config->epc_size);
	rd_aml_resources_end(a, res);
	rd_aml_name(a, "_STA");
	rd_aml_int(a, 0xf);
	rd_aml_end(a, dev);
}

static uint64_t add_dsdt(struct builder *b, const struct rd_acpi_config *config)
{
	struct header h = make_header("DSDT", 2);
	struct rd_aml *a = &b->out;
	uint64_t gpa;
	size_t start, scope;

	align_to(b, 16);
	gpa = here(b);
	start = a->len;
	rd_aml_bytes(a, &h, sizeof(h));
	dsdt_sleep_states(a);
	scope = rd_aml_scope(a, "_SB_");
	if (config->serial)
		dsdt_serial(a);
	dsdt_rtc(a);
	if (config->pci)
		dsdt_pci(a);
	if (config->epc_size)
		dsdt_epc(a, config);
	dsdt_pvpanic(a);
	rd_aml_end(a, scope);
	finish(b, start);
	return gpa;
}

static uint64_t add_facs(struct builder *b)
{
	struct facs facs = { .signature = "FACS", .length = sizeof(facs), .version = 2 };
	uint64_t gpa;

	align_to(b, 64);
	gpa = here(b);
	rd_aml_bytes(&b->out, &facs, sizeof(facs));
	return gpa;
}

/*
 * No SMI_CMD: the machine is always in ACPI mode. The fixed power button is there (its absence
 * flag is clear), which is how `vmctl stop` asks the guest to go down.
 */
static uint64_t add_fadt(struct builder *b, uint64_t facs, uint64_t dsdt)
{
	struct fadt fadt = {
		.h = make_header("FACP", 6),
		.firmware_ctrl = (uint32_t)facs,
		.dsdt = (uint32_t)dsdt,
		.sci_int = RD_GSI_SCI,
		.pm1a_evt_blk = RD_PORT_PM1_EVT,
		.pm1a_cnt_blk = RD_PORT_PM1_CNT,
		.pm_tmr_blk = RD_PORT_PM_TIMER,
		.pm1_evt_len = 4,
		.pm1_cnt_len = 2,
		.pm_tmr_len = 4,
		.p_lvl2_lat = 0xfff,	/* no C2, no C3 */
		.p_lvl3_lat = 0xfff,
		.century = 0x32,
		.iapc_boot_arch = FADT_BOOT_LEGACY_DEVICES | FADT_BOOT_NO_VGA,
		.flags = FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON_ABSENT |
			 FADT_RTC_WAKE_ABSENT | FADT_TMR_VAL_EXT | FADT_RESET_REG_SUP,
		.reset_reg = io_register(RD_PORT_RESET, 1),
		.reset_value = RD_RESET_VALUE,
		.x_dsdt = dsdt,
		.x_pm1a_evt_blk = io_register(RD_PORT_PM1_EVT, 4),
		.x_pm1a_cnt_blk = io_register(RD_PORT_PM1_CNT, 2),
		.x_pm_tmr_blk = io_register(RD_PORT_PM_TIMER, 4),
		.hypervisor_id = 0x5442554f444552,	/* "REDOUBT" */
	};
	uint64_t gpa;
	size_t start;

	fadt.x_pm1a_evt_blk.access_size = 2;
	align_to(b, 16);
	gpa = here(b);
	start = b->out.len;
	rd_aml_bytes(&b->out, &fadt, sizeof(fadt));
	finish(b, start);
	return gpa;
}

static void madt_cpu(struct rd_aml *a, uint32_t id)
{
	struct madt_x2apic x2apic = {
		.type = 9, .length = sizeof(x2apic), .x2apic_id = id, .flags = MADT_ENABLED,
		.acpi_uid = id,
	};
	struct madt_lapic lapic = {
		.type = 0, .length = sizeof(lapic), .acpi_id = (uint8_t)id,
		.apic_id = (uint8_t)id, .flags = MADT_ENABLED,
	};

	if (id > RD_ACPI_MAX_XAPIC_ID)
		rd_aml_bytes(a, &x2apic, sizeof(x2apic));
	else
		rd_aml_bytes(a, &lapic, sizeof(lapic));
}

/* LINT1 is the NMI line of every CPU. */
static void madt_nmi(struct rd_aml *a, const struct rd_acpi_config *config)
{
	struct madt_lapic_nmi nmi = { .type = 4, .length = sizeof(nmi), .acpi_id = 0xff,
				      .lint = 1 };
	struct madt_x2apic_nmi x2nmi = { .type = 10, .length = sizeof(x2nmi),
					 .acpi_uid = 0xffffffff, .lint = 1 };

	rd_aml_bytes(a, &nmi, sizeof(nmi));
	if (config->n_cpus > RD_ACPI_MAX_XAPIC_ID + 1)
		rd_aml_bytes(a, &x2nmi, sizeof(x2nmi));
}

/*
 * ISA interrupt n is IOAPIC pin n, which is how an in-kernel irqchip is wired unless told
 * otherwise; the one override says that the SCI is level-triggered.
 */
static uint64_t add_madt(struct builder *b, const struct rd_acpi_config *config)
{
	struct madt madt = {
		.h = make_header("APIC", 5),
		.lapic_address = RD_LAPIC_GPA,
		.flags = config->legacy_pic ? MADT_PCAT_COMPAT : 0,
	};
	struct madt_ioapic ioapic = { .type = 1, .length = sizeof(ioapic), .id = 0,
				      .address = RD_IOAPIC_GPA };
	struct madt_override sci = { .type = 2, .length = sizeof(sci), .source = RD_GSI_SCI,
				     .gsi = RD_GSI_SCI, .flags = MADT_LEVEL_HIGH };
	struct rd_aml *a = &b->out;
	uint64_t gpa;
	size_t start;

	align_to(b, 16);
	gpa = here(b);
	start = a->len;
	rd_aml_bytes(a, &madt, sizeof(madt));
	for (uint32_t i = 0; i < config->n_cpus; i++)
		madt_cpu(a, i);
	rd_aml_bytes(a, &ioapic, sizeof(ioapic));
	rd_aml_bytes(a, &sci, sizeof(sci));
	madt_nmi(a, config);
	finish(b, start);
	return gpa;
}

static uint64_t add_xsdt(struct builder *b, uint64_t fadt, uint64_t madt)
{
	struct header h = make_header("XSDT", 1);
	uint64_t tables[2] = { fadt, madt };
	uint64_t gpa;
	size_t start;

	align_to(b, 16);
	gpa = here(b);
	start = b->out.len;
	rd_aml_bytes(&b->out, &h, sizeof(h));
	rd_aml_bytes(&b->out, tables, sizeof(tables));
	finish(b, start);
	return gpa;
}

size_t rd_acpi_build(const struct rd_acpi_config *config, uint64_t gpa, void *buf, size_t room)
{
	struct builder b = { .out = { .buf = buf, .room = room }, .gpa = gpa };
	struct rsdp rsdp = { .revision = 2, .length = sizeof(rsdp) };
	uint64_t dsdt, facs, fadt, madt;

	memcpy(rsdp.signature, "RSD PTR ", 8);
	memcpy(rsdp.oem_id, "RDOUBT", 6);
	rd_aml_bytes(&b.out, &rsdp, sizeof(rsdp));
	dsdt = add_dsdt(&b, config);
	facs = add_facs(&b);
	fadt = add_fadt(&b, facs, dsdt);
	madt = add_madt(&b, config);
	rsdp.xsdt = add_xsdt(&b, fadt, madt);
	if (b.out.full)
		return 0;
	rsdp.checksum = rd_acpi_checksum(&rsdp, 20);
	rsdp.extended_checksum = rd_acpi_checksum(&rsdp, sizeof(rsdp));
	memcpy(buf, &rsdp, sizeof(rsdp));
	return b.out.len;
}
