// SPDX-License-Identifier: GPL-2.0-only
/*
 * Assembly of the machine. The order matters to the API: interrupt controllers before vCPUs,
 * memory before the loader, the EPC between memory and vCPUs, everything before the first vCPU
 * runs.
 */
#include "tools/src/vmctl/machine.h"

#include "tools/src/vmctl/cpuid.h"
#include "tools/src/vmctl/irqchip.h"
#include "tools/src/vmctl/layout.h"
#include "tools/src/vmctl/loader.h"
#include "tools/src/vmctl/restore.h"
#include "tools/src/vmctl/sgx.h"
#include "tools/src/vmctl/stats_report.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/virtio_attach.h"
#include "tools/src/vmctl/virtio_devices.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void end_machine(void *ctx, enum rd_end why)
{
	rd_machine_end(ctx, why);
}

void rd_machine_end(struct rd_machine *m, enum rd_end why)
{
	uint32_t none = RD_END_NONE;
	uint64_t one = 1;

	if (!__atomic_compare_exchange_n(&m->end, &none, why, false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED))
		return;
	/* No further guest instruction: the others are kicked by the main thread. */
	__atomic_store_n(&m->stopping, 1, __ATOMIC_RELAXED);
	if (write(m->end_fd, &one, sizeof(one)) != sizeof(one))
		abort();	/* an eventfd takes a first 1 */
}

static int create_vm(struct rd_machine *m)
{
	uint64_t identity = RD_IDENTITY_MAP_GPA;

	do {
		m->vm_fd = ioctl(m->kvm->fd, KVM_CREATE_VM, 0);
	} while (m->vm_fd < 0 && errno == EINTR);
	if (m->vm_fd < 0)
		return rd_kvm_fail("KVM_CREATE_VM");
	m->stats_fd = rd_stats_open(m->kvm, m->vm_fd);
	if (rd_kvm_cap(m->kvm->fd, KVM_CAP_SET_IDENTITY_MAP_ADDR) &&
	    ioctl(m->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0)
		return rd_kvm_fail("KVM_SET_IDENTITY_MAP_ADDR");
	if (ioctl(m->vm_fd, KVM_SET_TSS_ADDR, (unsigned long)RD_TSS_GPA) < 0)
		return rd_kvm_fail("KVM_SET_TSS_ADDR");
	return RD_OK;
}

/*
 * Ports that guests write and nobody reads: POST codes and I/O delays, and the index of the PCI
 * configuration space where there is none. Where the hypervisor can, it swallows the writes itself.
 * They are counted in an eventfd that nobody looks at.
 */
static int sink_unheard_ports(struct rd_machine *m)
{
	static const uint64_t ports[] = { RD_PORT_POST, RD_PORT_PCI_INDEX };

	if (!rd_kvm_cap(m->kvm->fd, KVM_CAP_IOEVENTFD) ||
	    !rd_kvm_cap(m->kvm->fd, KVM_CAP_IOEVENTFD_ANY_LENGTH))
		return RD_OK;
	m->sink_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->sink_fd < 0)
		return rd_fail(RD_HOST_ERROR, "eventfd: %s", strerror(errno));
	for (size_t i = 0; i < RD_ARRAY_SIZE(ports) - m->has_pci; i++) {
		struct kvm_ioeventfd sink = {
			.addr = ports[i], .fd = m->sink_fd, .flags = KVM_IOEVENTFD_FLAG_PIO,
		};

		if (ioctl(m->vm_fd, KVM_IOEVENTFD, &sink) < 0)
			return rd_kvm_fail("KVM_IOEVENTFD");
	}
	return RD_OK;
}

static int set_slot(struct rd_machine *m, uint32_t slot, uint64_t gpa, uint64_t size,
		    const uint8_t *host)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	if (!size)
		return RD_OK;
	if (ioctl(m->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return rd_kvm_fail("KVM_SET_USER_MEMORY_REGION");
	return RD_OK;
}

static int create_memory(struct rd_machine *m)
{
	int status = rd_ram_map(&m->ram, m->config->memory, m->config->mem_merge);

	if (!status)
		status = set_slot(m, 0, 0, m->ram.low_size, m->ram.host);
	if (!status)
		status = set_slot(m, 1, RD_RAM_HIGH_START, m->ram.high_size,
				  m->ram.host + m->ram.low_size);
	return status;
}

/* The order is that of the devices in a snapshot. */
static int register_states(struct rd_machine *m)
{
	struct rd_states *s = &m->states;
	bool ok = rd_states_add(s, "ports", &rd_ender_state, &m->ender) &&
		  rd_states_add(s, "pm", &rd_pm_state, &m->pm) &&
		  rd_states_add(s, "rtc", &rd_rtc_state, &m->rtc);

	if (!m->kernel_irqchip)
		ok = ok && rd_states_add(s, "ioapic", &rd_ioapic_state, &m->ioapic);
	if (m->config->has_serial)
		ok = ok && rd_states_add(s, "serial", &rd_serial_state, &m->serial);
	return ok ? RD_OK : rd_fail(RD_HOST_ERROR, "two devices have the same name");
}

static int create_devices(struct rd_machine *m, struct rd_serial_host host)
{
	int status;
	bool ok;

	m->ender = (struct rd_ender){ .end = end_machine, .ctx = m };
	ok = rd_pm_init(&m->pm, &m->bus, rd_irqchip_line(m, RD_GSI_SCI), m->ender) &&
	     rd_reset_ports_init(&m->ender, &m->bus) && rd_pvpanic_init(&m->ender, &m->bus);
	if (host.transmit)
		ok = ok && rd_serial_init(&m->serial, &m->bus, RD_PORT_COM1,
					  rd_irqchip_line(m, RD_GSI_COM1), host);
	if (!ok)
		return rd_fail(RD_HOST_ERROR, "two devices claim the same ports");
	status = rd_rtc_init(&m->rtc, &m->bus, rd_irqchip_line(m, RD_GSI_RTC));
	if (!status)
		status = register_states(m);
	return status ? status : rd_virtio_create_all(m);
}

static int check_cpu_count(const struct rd_machine *m)
{
	int max = rd_kvm_cap(m->kvm->fd, KVM_CAP_MAX_VCPUS);

	if (!max)
		max = rd_kvm_cap(m->kvm->fd, KVM_CAP_NR_VCPUS);
	if (max > 0 && m->n_cpus > (uint32_t)max)
		return rd_fail(RD_USAGE, "--cpus: %u, but %s allows at most %d", m->n_cpus,
			       m->kvm->node, max);
	return RD_OK;
}

/*
 * Ids that do not fit 8 bits need the 32-bit forms of the local APIC and MSI interfaces, and an
 * I/O APIC that knows of them: the one here, not the kernel's.
 */
static int enable_wide_ids(struct rd_machine *m)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X2APIC_API,
		.args[0] = KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK,
	};

	if (!rd_machine_wide_ids(m))
		return RD_OK;
	if (!m->config->split_irqchip)
		return rd_fail(RD_USAGE, "--cpus: more than %u need --irqchip split",
			       RD_ACPI_MAX_XAPIC_ID + 1);
	if (ioctl(m->vm_fd, KVM_ENABLE_CAP, &cap) < 0)
		return rd_fail(RD_USAGE, "--cpus: %s has no 32-bit APIC ids, the most is %u",
			       m->kvm->node, RD_ACPI_MAX_XAPIC_ID + 1);
	return RD_OK;
}

/* Before the first vCPU, and after the memory. A reset builds the machine anew, and its EPC. */
static int create_epc(struct rd_machine *m, const struct kvm_cpuid2 *supported)
{
	uint32_t bits = rd_cpuid_address_bits(supported);
	uint64_t base, size = m->config->epc;

	if (!size)
		return RD_OK;
	if (!rd_epc_place(m->ram.size, size, bits, &base))
		return rd_fail(RD_USAGE, "--epc: no room above the memory in %u address bits",
			       bits);
	return rd_epc_create(m->vm_fd, m->kvm->node, base, size, &m->sgx);
}

static int create_cpus(struct rd_machine *m)
{
	struct kvm_cpuid2 *supported;
	int status;

	m->cpus = calloc(m->n_cpus, sizeof(*m->cpus));
	if (!m->cpus)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	for (uint32_t i = 0; i < m->n_cpus; i++)
		m->cpus[i].fd = m->cpus[i].stats_fd = -1;
	supported = rd_kvm_supported_cpuid(m->kvm, 0);
	if (!supported)
		return RD_HOST_ERROR;
	status = create_epc(m, supported);
	for (uint32_t i = 0; i < m->n_cpus && !status; i++)
		status = rd_cpu_create(&m->cpus[i], m, i, supported);
	free(supported);
	return status;
}

/* A machine that is restored comes up paused. */
static int load_snapshot(struct rd_machine *m)
{
	rd_states_pause(&m->states);
	m->paused = true;
	return rd_restore_load(m->config->restore, m);
}

static int load_guest(struct rd_machine *m, bool serial)
{
	struct rd_load load = {
		.kernel = m->config->kernel,
		.initrd = m->config->initrd,
		.append = m->config->append,
		.acpi = { .n_cpus = m->n_cpus, .legacy_pic = m->legacy_pic, .serial = serial,
			  .pci = m->has_pci, .epc_base = m->sgx.base, .epc_size = m->sgx.size },
	};
	uint64_t entry;
	int status = rd_load_guest(&load, &m->ram, &entry);

	return status ? status : rd_cpu_set_entry(&m->cpus[0], entry);
}

int rd_machine_create(struct rd_machine *m, const struct rd_config *config,
		      const struct rd_kvm *kvm, struct rd_serial_host host,
		      struct rd_console *hvc)
{
	int status;

	memset(m, 0, sizeof(*m));
	m->config = config;
	m->kvm = kvm;
	m->hvc = hvc;
	m->n_cpus = config->n_cpus;
	m->has_pci = rd_virtio_wanted(config);
	m->vm_fd = m->sink_fd = m->stats_fd = -1;
	m->rtc.timer_fd = m->traces.wake_fd = -1;
	m->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->end_fd < 0)
		return rd_fail(RD_HOST_ERROR, "eventfd: %s", strerror(errno));
	rd_bus_init(&m->bus);
	status = check_cpu_count(m);
	if (!status)
		status = create_vm(m);
	if (!status)
		status = rd_irqchip_create(m);
	if (!status)
		status = enable_wide_ids(m);
	if (!status)
		status = sink_unheard_ports(m);
	if (!status)
		status = create_memory(m);
	if (!status)
		status = rd_traces_init(m);
	if (!status)
		status = create_devices(m, host);
	if (!status)
		status = create_cpus(m);
	if (!status)
		status = config->restore ? load_snapshot(m) :
					   load_guest(m, host.transmit != NULL);
	return status;
}

int rd_machine_start(struct rd_machine *m)
{
	int started = rd_virtio_start_all(m);

	if (started)
		return started;
	for (uint32_t i = 0; i < m->n_cpus; i++) {
		int status = rd_cpu_start(&m->cpus[i]);

		if (status)
			return status;
	}
	return RD_OK;
}

void rd_machine_stop(struct rd_machine *m)
{
	__atomic_store_n(&m->stopping, 1, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; m->cpus && i < m->n_cpus; i++)
		rd_cpu_kick(&m->cpus[i]);
	for (uint32_t i = 0; m->cpus && i < m->n_cpus; i++)
		rd_cpu_join(&m->cpus[i]);
}

int rd_machine_pause(struct rd_machine *m)
{
	int status;

	if (m->paused)
		return RD_OK;
	rd_machine_stop(m);
	if (__atomic_load_n(&m->end, __ATOMIC_RELAXED))
		return RD_OK;
	rd_states_pause(&m->states);
	status = rd_clocks_hold(m);
	m->paused = !status;
	return status;
}

int rd_machine_resume(struct rd_machine *m)
{
	int status;

	if (!m->paused)
		return RD_OK;
	m->paused = false;
	status = rd_clocks_release(m);
	if (status)
		return status;
	rd_states_resume(&m->states);
	__atomic_store_n(&m->stopping, 0, __ATOMIC_SEQ_CST);
	return rd_machine_start(m);
}

void rd_machine_destroy(struct rd_machine *m)
{
	rd_machine_stop(m);
	for (uint32_t i = 0; m->cpus && i < m->n_cpus; i++)
		rd_cpu_destroy(&m->cpus[i]);
	free(m->cpus);
	m->cpus = NULL;
	rd_virtio_destroy_all(m);
	rd_clocks_free(&m->clocks);
	rd_rtc_destroy(&m->rtc);
	rd_routes_destroy(m);
	rd_traces_destroy(m);
	if (m->stats_fd >= 0)
		close(m->stats_fd);
	if (m->vm_fd >= 0)
		close(m->vm_fd);
	rd_ram_unmap(&m->ram);
	if (m->end_fd >= 0)
		close(m->end_fd);
	if (m->sink_fd >= 0)
		close(m->sink_fd);
	m->vm_fd = m->stats_fd = m->end_fd = m->sink_fd = -1;
}
