/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One virtual machine from creation to end: descriptors, memory, devices, vCPUs. A guest reset
 * destroys the machine and builds a new one from the same configuration.
 *
 * Threads: the main thread creates, starts, stops and destroys it and feeds input to the devices;
 * each vCPU thread runs one vCPU and calls the devices through the bus. What a machine has to say
 * to the main thread goes through `end_fd`.
 */
#ifndef RD_TOOLS_MACHINE_H
#define RD_TOOLS_MACHINE_H

#include "tools/src/vmctl/acpi.h"
#include "tools/src/vmctl/bus.h"
#include "tools/src/vmctl/cpu.h"
#include "tools/src/vmctl/dev_ioapic.h"
#include "tools/src/vmctl/dev_pm.h"
#include "tools/src/vmctl/dev_rtc.h"
#include "tools/src/vmctl/dev_serial.h"
#include "tools/src/vmctl/disk.h"
#include "tools/src/vmctl/kvm.h"
#include "tools/src/vmctl/msi.h"
#include "tools/src/vmctl/pci.h"
#include "tools/src/vmctl/ram.h"

#include <stdbool.h>
#include <stdint.h>

struct rd_console;
struct rd_virtio_slot;

struct rd_config {
	const char *name;
	const char *kernel;
	const char *initrd;	/* NULL: none */
	const char *append;
	const char *device;
	const char *serial;
	const char *console;	/* of the virtio console; "none": there is none */
	uint32_t n_cpus;
	uint64_t memory;
	uint32_t timeout_s;	/* 0: none */
	bool split_irqchip;
	struct rd_disk_config disks[RD_DISKS_MAX];
	unsigned int n_disks;
	bool rng;
	bool balloon;
	bool no_reboot;
	bool stats;
};

struct rd_machine {
	const struct rd_config *config;
	const struct rd_kvm *kvm;
	int vm_fd;
	int stats_fd;		/* counters of the VM, -1: none */
	int end_fd;		/* eventfd: `end` was set */
	int sink_fd;		/* eventfd that swallows unheard port writes, -1: none */
	uint32_t end;		/* enum rd_end; the first vCPU that ends the machine sets it */
	uint32_t stopping;	/* vCPU threads must leave their loop */
	bool legacy_pic;
	struct rd_ram ram;
	struct rd_bus bus;
	struct rd_ender ender;
	struct rd_ioapic ioapic;	/* unused unless split */
	struct rd_serial serial;
	struct rd_rtc rtc;
	struct rd_pm pm;
	struct rd_console *hvc;
	struct rd_routes routes;
	bool has_pci;
	struct rd_pci pci;		/* unused without devices on it */
	struct rd_virtio_slot *virtio[RD_PCI_SLOTS];
	unsigned int n_virtio;
	struct rd_virtio *balloon;	/* one of them, NULL: none */
	struct rd_cpu *cpus;
	uint32_t n_cpus;
};

/*
 * rd_machine_create - build the machine and load the guest. HOST is the other end of the serial
 * line, with a NULL transmit function for none; HVC that of the virtio console. Returns a status;
 * destroy in either case.
 */
int rd_machine_create(struct rd_machine *m, const struct rd_config *config,
		      const struct rd_kvm *kvm, struct rd_serial_host host,
		      struct rd_console *hvc);
void rd_machine_destroy(struct rd_machine *m);

/* rd_machine_start - let the vCPUs run. rd_machine_stop - end their threads; idempotent. */
int rd_machine_start(struct rd_machine *m);
void rd_machine_stop(struct rd_machine *m);

/* rd_machine_end - the guest or the hypervisor ended the machine. The first reason counts. */
void rd_machine_end(struct rd_machine *m, enum rd_end why);

/* rd_machine_wide_ids - there are APIC ids that do not fit 8 bits. */
static inline bool rd_machine_wide_ids(const struct rd_machine *m)
{
	return m->n_cpus > RD_ACPI_MAX_XAPIC_ID + 1;
}

static inline bool rd_machine_stopping(const struct rd_machine *m)
{
	return __atomic_load_n(&m->stopping, __ATOMIC_RELAXED);
}

#endif
