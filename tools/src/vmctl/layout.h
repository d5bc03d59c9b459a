/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where things are in the guest's address spaces. All of the boot-time data below 640 KiB is dead
 * once the guest kernel runs and is plain memory in the E820 map, as with a PC's boot loader.
 */
#ifndef RD_TOOLS_LAYOUT_H
#define RD_TOOLS_LAYOUT_H

/* Low memory. */
#define RD_GDT_GPA 0x500u
#define RD_ZERO_PAGE_GPA 0x7000u
#define RD_STACK_GPA 0x8ff0u
#define RD_PML4_GPA 0x9000u		/* then one PDPT and four page directories */
#define RD_CMDLINE_GPA 0x20000u
#define RD_CMDLINE_ROOM 0x10000u
#define RD_LOW_RAM_END 0x9fc00u
#define RD_ACPI_GPA 0xe0000u		/* RSDP first, then the tables; reserved in the E820 map */
#define RD_ACPI_ROOM 0x20000u
#define RD_KERNEL_MIN_GPA 0x100000u

/* BARs of PCI devices, 64 KiB for each slot. */
#define RD_PCI_WINDOW_GPA 0xe0000000u
#define RD_PCI_WINDOW_LEN 0x00200000u

/* Chip registers. */
#define RD_IOAPIC_GPA 0xfec00000u
#define RD_LAPIC_GPA 0xfee00000u
#define RD_IDENTITY_MAP_GPA 0xfffbc000u
#define RD_TSS_GPA 0xfffbd000u

/* I/O ports. */
#define RD_PORT_I8042 0x60u
#define RD_PORT_CMOS 0x70u
#define RD_PORT_POST 0x80u
#define RD_PORT_COM1 0x3f8u
#define RD_PORT_PVPANIC 0x505u
#define RD_PORT_PM1_EVT 0x600u
#define RD_PORT_PM1_CNT 0x604u
#define RD_PORT_PM_TIMER 0x608u
#define RD_PORT_PCI_INDEX 0xcf8u
#define RD_PORT_RESET 0xcf9u
#define RD_PORT_PCI_DATA 0xcfcu

/* Interrupt lines (GSIs). */
#define RD_GSI_COM1 4u
#define RD_GSI_RTC 8u
#define RD_GSI_SCI 9u

/* Values that firmware tables and devices must agree on. */
#define RD_RESET_VALUE 0x06u
#define RD_SLP_TYP_S5 5u

#endif
