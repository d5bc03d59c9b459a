// SPDX-License-Identifier: GPL-2.0-only
/* The machine of machine.h, and what it has in the place of a hypervisor. */
#include "tests/fuzz/snapshot/machine.h"

#include "tools/src/vmctl/layout.h"
#include "tools/src/vmctl/net_report.h"
#include "tools/src/vmctl/progress.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/virtio_save.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define RAM_LEN 0x10000u
#define GUARD 0x1000u

struct machine box;

/* Two write traces, the last bytes of a page and the page behind them. */
static int next_trace(struct rd_trace_range *r)
{
	uint64_t from = r->gpa;

	if (from >= 0x3000)
		return -1;
	*r = (struct rd_trace_range){ .gpa = from < 0x2000 ? 0x1ff0 : 0x2000, .tag = 7,
				      .size = from < 0x2000 ? 0x10 : 0x1000,
				      .action = { RD_TRACE_LOG, RD_TRACE_REFUSE } };
	return 0;
}

/* The guest's kernel is to be guarded. */
static int driver(struct rd_guest_driver_status *s)
{
	*s = (struct rd_guest_driver_status){
		.driver = { .want = 1, .allow = RD_ALLOW_ALL, .action = { RD_TRACE_LOG } },
	};
	return 0;
}

/* The hypervisor: it takes everything, has two entries in each list, and one MSR at a time. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	(void)fd;
	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request == RD_VM_TRACE_NEXT)
		return next_trace(arg);
	if (request == RD_VM_TRACE_DRIVER)
		return driver(arg);
	if (request == KVM_GET_CPUID2)
		((struct kvm_cpuid2 *)arg)->nent = 2;
	if (request == KVM_GET_MSR_INDEX_LIST)
		((struct kvm_msr_list *)arg)->nmsrs = 2;
	return request == KVM_SET_MSRS || request == KVM_GET_MSRS;
}

int rd_kvm_cap(int fd, int cap)
{
	(void)fd;
	return cap == KVM_CAP_XSAVE2 ? (int)sizeof(struct kvm_xsave) : 1;
}

int rd_kvm_fail(const char *ioctl_name)
{
	return rd_fail(RD_HOST_ERROR, "%s", ioctl_name);
}

/* Supports what no guest has: entries of a snapshot are compared with an empty list. */
struct kvm_cpuid2 *rd_kvm_supported_cpuid(const struct rd_kvm *kvm, uint32_t extra)
{
	(void)kvm;
	return calloc(1, sizeof(struct kvm_cpuid2) + extra * sizeof(struct kvm_cpuid_entry2));
}

bool rd_net_isolate(const struct rd_machine *m, bool cut)
{
	(void)m;
	(void)cut;
	return true;
}

void rd_progress_start(struct rd_progress *p, const char *what)
{
	(void)p;
	(void)what;
}

void rd_progress_show(struct rd_progress *p, uint64_t done, uint64_t total)
{
	(void)p;
	(void)done;
	(void)total;
}

void rd_progress_end(struct rd_progress *p)
{
	(void)p;
}

static void on_byte(void *ctx, uint8_t byte)
{
	(void)ctx;
	(void)byte;
}

static void on_room(void *ctx)
{
	(void)ctx;
}

static void on_end(void *ctx, enum rd_end why)
{
	(void)ctx;
	(void)why;
}

static void on_send(void *ctx, const struct rd_msi *msi)
{
	(void)ctx;
	(void)msi;
}

static void on_route(void *ctx, const struct rd_msi msi[RD_IOAPIC_PINS])
{
	(void)ctx;
	(void)msi;
}

static void msi_set(void *ctx, unsigned int v, const struct rd_msi *msi)
{
	(void)ctx;
	(void)v;
	(void)msi;
}

static bool msi_pending(void *ctx, unsigned int v)
{
	(void)ctx;
	(void)v;
	return false;
}

static void msi_signal(void *ctx, unsigned int v)
{
	(void)ctx;
	(void)v;
}

static struct rd_irq line(unsigned int gsi)
{
	return (struct rd_irq){ .set = rd_ioapic_set, .ctx = &box.m.ioapic, .gsi = gsi };
}

static bool make_devices(struct rd_machine *m)
{
	struct rd_serial_host sh = { .transmit = on_byte, .rx_room = on_room };
	struct rd_ioapic_host ih = { .send = on_send, .route = on_route };

	return rd_ioapic_init(&m->ioapic, &m->bus, ih) &&
	       rd_serial_init(&m->serial, &m->bus, RD_PORT_COM1, line(RD_GSI_COM1), sh) &&
	       !rd_rtc_init(&m->rtc, &m->bus, line(RD_GSI_RTC)) &&
	       rd_pm_init(&m->pm, &m->bus, line(RD_GSI_SCI), m->ender) &&
	       rd_pci_init(&m->pci, &m->bus) && !rd_rng_new(&m->ram, &box.slots[0]) &&
	       !rd_balloon_new(&m->ram, &box.slots[1]);
}

static bool make_states(struct rd_machine *m)
{
	struct rd_msix_host msi = { .set = msi_set, .pending = msi_pending, .signal = msi_signal };
	bool ok = rd_states_add(&m->states, "serial", &rd_serial_state, &m->serial) &&
		  rd_states_add(&m->states, "rtc", &rd_rtc_state, &m->rtc) &&
		  rd_states_add(&m->states, "pm", &rd_pm_state, &m->pm) &&
		  rd_states_add(&m->states, "ioapic", &rd_ioapic_state, &m->ioapic) &&
		  rd_states_add(&m->states, "pci", &rd_pci_state, &m->pci);

	for (unsigned int i = 0; i < VIRTIO_DEVICES; i++)
		ok = ok && rd_virtio_pci_init(&box.slots[i]->pci, &box.slots[i]->v, &m->pci, msi) &&
		     rd_virtio_register(&m->states, box.slots[i]);
	return ok;
}

void machine_make(void)
{
	static const struct rd_kvm kvm = { .node = "/dev/null", .fd = -1 };
	static struct rd_config config;
	struct rd_ram ram = box.m.ram;
	struct rd_machine *m = &box.m;

	memset(&box, 0, sizeof(box));
	if (!ram.host) {
		uint8_t *map = mmap(NULL, RAM_LEN + 2 * GUARD, PROT_NONE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		mprotect(map + GUARD, RAM_LEN, PROT_READ | PROT_WRITE);
		ram = (struct rd_ram){ .host = map + GUARD, .size = RAM_LEN, .low_size = RAM_LEN };
	}
	config = (struct rd_config){ .name = "vm", .kernel = "/k", .append = "", .n_cpus = 2,
				     .memory = 64 * RD_MIB, .rng = true, .balloon = true };
	m->config = &config;
	m->kvm = &kvm;
	m->ram = ram;
	m->kernel_irqchip = m->has_pit = true;
	if (rd_traces_init(m))
		abort();
	m->ender.end = on_end;
	m->cpus = box.cpus;
	m->n_cpus = 2;
	for (uint32_t i = 0; i < m->n_cpus; i++)
		box.cpus[i] = (struct rd_cpu){ .machine = m, .index = i, .fd = -1 };
	rd_bus_init(&m->bus);
	if (!make_devices(m) || !make_states(m) || rd_clocks_hold(m))
		abort();
}

void machine_drop(void)
{
	for (unsigned int i = 0; i < VIRTIO_DEVICES; i++)
		rd_virtio_free(&box.slots[i]->v);
	rd_rtc_destroy(&box.m.rtc);
	rd_clocks_free(&box.m.clocks);
	rd_traces_destroy(&box.m);
}
