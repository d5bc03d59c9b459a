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

#include "kmod/uapi/redoubt_sgx.h"
#include "tools/src/vmctl/acpi.h"
#include "tools/src/vmctl/bus.h"
#include "tools/src/vmctl/clocks.h"
#include "tools/src/vmctl/config.h"
#include "tools/src/vmctl/cpu.h"
#include "tools/src/vmctl/dev_ioapic.h"
#include "tools/src/vmctl/dev_pm.h"
#include "tools/src/vmctl/dev_rtc.h"
#include "tools/src/vmctl/dev_serial.h"
#include "tools/src/vmctl/kvm.h"
#include "tools/src/vmctl/msi.h"
#include "tools/src/vmctl/pci.h"
#include "tools/src/vmctl/ram.h"
#include "tools/src/vmctl/state.h"
#include "tools/src/vmctl/traces.h"

#include <stdbool.h>
#include <stdint.h>

struct rd_console;
struct rd_virtio_slot;

/* Interrupt controllers in the kernel: two 8259s and an I/O APIC. */
#define RD_KERNEL_CHIPS 3u

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
	bool kernel_irqchip;	/* all RD_KERNEL_CHIPS are in the kernel */
	bool has_pit;
	bool paused;		/* no vCPU runs, devices and time stand still */
	struct rd_ram ram;
	struct rd_vm_sgx_info sgx;	/* size 0: no enclaves */
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
	struct rd_traces traces;
	bool isolated;			/* atomic: the network cards are cut */
	struct rd_states states;	/* what a snapshot saves of the devices */
	struct rd_clocks clocks;
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

/*
 * rd_machine_pause - when it returns, no vCPU runs, the last instruction of each is complete,
 * devices do nothing of their own and time stands still. A machine that ended meanwhile (`end` is
 * set) is not paused. rd_machine_resume - go on from there, or from where a snapshot was taken.
 * Statuses; after a failure the machine cannot go on.
 */
int rd_machine_pause(struct rd_machine *m);
int rd_machine_resume(struct rd_machine *m);

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
