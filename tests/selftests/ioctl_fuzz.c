// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random calls against the descriptors of the API, from an unprivileged process that may die or be
 * killed at any of them: whatever user space asks, the host answers with an errno, loses nothing
 * and says nothing.
 * Invariant: only the children make calls. The parent counts, restarts them, and compares the host
 * with what it was after a warm-up; all that they share is one page of counters.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "kmod/uapi/redoubt.h"
#include "kmod/uapi/redoubt_guest.h"
#include "kmod/uapi/redoubt_trace.h"
#include "tests/selftests/lib/rdt.h"

#define PAGE 4096ul
#define BUF_PAGES 8
#define RAM_SIZE (2ul << 20)
#define NR_VCPUS 2
#define NR_EXTRA 16
#define NR_EVENTS 4
#define NR_ERRNO 134
#define UNPRIVILEGED 65534
#define CALLS_PER_CHILD 2500
#define WARM_UP_CALLS 10000
#define STALL_SECONDS 5
#define SLAB_SLACK (1024 * 1024) /* bytes: caches of the host itself breathe */
#define MEM_SLACK 2048 /* KiB: the caches' pages, page tables */

struct shared {
	_Atomic uint64_t calls, runs, runs_in_guest;
	_Atomic uint64_t result[NR_ERRNO];
	_Atomic uint64_t odd; /* errno values that no user space should see */
	_Atomic uint32_t last_odd, last_odd_cmd;
	_Atomic uint32_t cmd[2]; /* under way, by thread */
};

static struct shared *shared;
static const char *device = "/dev/redoubt";
static int sys_fd;

/* --- random ------------------------------------------------------------------------------------*/

static __thread uint64_t rng;

static uint64_t rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng * 0x2545f4914f6cdd1dull;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)(rnd() >> 33) % n;
}

static bool one_in(uint32_t n)
{
	return !below(n);
}

/* --- what the threads of a child work on -------------------------------------------------------*/

/* Descriptors of one machine; the other thread may still use what was closed just now. */
static struct {
	_Atomic int vm, vcpu[NR_VCPUS];
	_Atomic int extra[NR_EXTRA]; /* that calls gave */
	_Atomic int event[NR_EVENTS];
	_Atomic uint32_t generation;
	uint8_t *ram, *bogus;
} m;

/* A thread's own: an argument may not change while the other thread prepares its own. */
struct worker {
	uint8_t *buf; /* BUF_PAGES, with nothing mapped behind them */
	uint8_t *run[NR_VCPUS];
	uint8_t *ring[NR_VCPUS]; /* the first page of the dirty ring, if there is one */
	uint32_t generation;
	timer_t timer;
	unsigned int nr;
};

static size_t buf_size(void)
{
	return BUF_PAGES * PAGE;
}

static void *kernel_pointer(void)
{
	static const uint64_t base[] = {
		0xffff888000000000, 0xffffffff81000000, 0xffffc90000000000, 0xffffffffff600000,
		0x8000000000000000, 0xfffffffffffffff8, 0x7ffffffff000,	    0xff11000000000000,
	};

	return (void *)(base[below(ARRAY_SIZE(base))] + (below(1 << 20) & ~7u));
}

static uint64_t boundary(void)
{
	static const uint64_t v[] = {
		0,
		1,
		2,
		3,
		7,
		8,
		15,
		16,
		31,
		32,
		63,
		64,
		255,
		256,
		257,
		1023,
		1024,
		4095,
		4096,
		0x7fff,
		0x8000,
		0xffff,
		0x10000,
		0x7fffffff,
		0x80000000,
		0xfee00000,
		0xfec00000,
		0xfffff000,
		0xffffffff,
		0x100000000,
		0x7fffffffffffffff,
		0x8000000000000000,
		0xfffffffffffff000,
		0xffffffffffffffff,
		0x000ffffffffff000,
		0x10000000000000,
	};

	return v[below(ARRAY_SIZE(v))];
}

static uint64_t pointer(struct worker *w)
{
	switch (below(6)) {
	case 0:
		return (uintptr_t)m.ram + below(RAM_SIZE);
	case 1:
		return (uintptr_t)m.bogus;
	case 2:
		return (uintptr_t)w->buf + buf_size() - below(64);
	case 3:
		return (uintptr_t)kernel_pointer();
	default:
		return (uintptr_t)w->buf + 4 * PAGE;
	}
}

static uint64_t value(struct worker *w)
{
	switch (below(8)) {
	case 0:
		return rnd();
	case 1:
		return pointer(w);
	case 2:
		return m.event[below(NR_EVENTS)];
	case 3:
		return below(1 << 12) * PAGE;
	case 4:
		return boundary();
	case 5:
		return 1ull << below(64);
	default:
		return below(64);
	}
}

static void fill(struct worker *w, void *p, size_t size)
{
	unsigned int style = below(4);
	size_t i;

	for (i = 0; i + 8 <= size; i += 8) {
		uint64_t v = 0;

		if (style == 0)
			v = rnd();
		else if (style == 1)
			v = value(w);
		else if (style == 2)
			v = (uint32_t)value(w) | value(w) << 32;
		memcpy((uint8_t *)p + i, &v, 8);
	}
}

static void mutate(void *p, size_t size)
{
	unsigned int n = below(8);
	uint8_t *b = p;

	while (n--) {
		if (one_in(2))
			b[below(size)] ^= 1u << below(8);
		else
			b[below(size)] = boundary();
	}
}

/* --- numbers -----------------------------------------------------------------------------------*/

static const uint32_t sys_cmds[] = {
	KVM_GET_API_VERSION,	KVM_CREATE_VM,
	KVM_GET_MSR_INDEX_LIST, KVM_CHECK_EXTENSION,
	KVM_GET_VCPU_MMAP_SIZE, KVM_GET_SUPPORTED_CPUID,
	KVM_GET_EMULATED_CPUID, KVM_GET_MSR_FEATURE_INDEX_LIST,
	KVM_GET_MSRS,		KVM_X86_GET_MCE_CAP_SUPPORTED,
	KVM_GET_DEVICE_ATTR,	KVM_HAS_DEVICE_ATTR,
	RD_GET_VERSION,
};

static const uint32_t vm_cmds[] = {
	KVM_CHECK_EXTENSION,
	KVM_ENABLE_CAP,
	KVM_CREATE_VCPU,
	KVM_GET_DIRTY_LOG,
	KVM_CLEAR_DIRTY_LOG,
	KVM_SET_NR_MMU_PAGES,
	KVM_GET_NR_MMU_PAGES,
	KVM_SET_USER_MEMORY_REGION,
	KVM_SET_USER_MEMORY_REGION,
	KVM_SET_USER_MEMORY_REGION,
	KVM_SET_TSS_ADDR,
	KVM_SET_IDENTITY_MAP_ADDR,
	KVM_CREATE_IRQCHIP,
	KVM_IRQ_LINE,
	KVM_IRQ_LINE_STATUS,
	KVM_GET_IRQCHIP,
	KVM_SET_IRQCHIP,
	KVM_CREATE_PIT,
	KVM_CREATE_PIT2,
	KVM_GET_PIT,
	KVM_SET_PIT,
	KVM_GET_PIT2,
	KVM_SET_PIT2,
	KVM_REGISTER_COALESCED_MMIO,
	KVM_UNREGISTER_COALESCED_MMIO,
	KVM_SET_GSI_ROUTING,
	KVM_REINJECT_CONTROL,
	KVM_IRQFD,
	KVM_IRQFD,
	KVM_SET_BOOT_CPU_ID,
	KVM_IOEVENTFD,
	KVM_IOEVENTFD,
	KVM_SET_CLOCK,
	KVM_GET_CLOCK,
	KVM_SET_TSC_KHZ,
	KVM_GET_TSC_KHZ,
	KVM_SIGNAL_MSI,
	KVM_CREATE_DEVICE,
	KVM_SET_DEVICE_ATTR,
	KVM_GET_DEVICE_ATTR,
	KVM_HAS_DEVICE_ATTR,
	KVM_X86_SET_MSR_FILTER,
	KVM_SET_PMU_EVENT_FILTER,
	KVM_GET_STATS_FD,
	KVM_MEMORY_ENCRYPT_OP,
	KVM_MEMORY_ENCRYPT_REG_REGION,
	KVM_MEMORY_ENCRYPT_UNREG_REGION,
	KVM_HYPERV_EVENTFD,
	KVM_RESET_DIRTY_RINGS,
	KVM_SET_MEMORY_ALIAS,
	KVM_XEN_HVM_CONFIG,
	KVM_XEN_HVM_SET_ATTR,
	KVM_XEN_HVM_GET_ATTR,
	RD_VM_SET_NAME,
	RD_VM_GET_STATUS,
	RD_VM_TRACE_ADD,
	RD_VM_TRACE_ADD,
	RD_VM_TRACE_REMOVE,
	RD_VM_TRACE_NEXT,
	RD_VM_TRACE_STATS,
	RD_VM_TRACE_EVENTS,
	RD_VM_TRACE_WRITE,
	RD_VM_TRACE_SERVE,
	RD_VM_TRACE_GET_GUEST,
	RD_VM_TRACE_SET_GUEST,
	RD_VM_TRACE_WANT,
	RD_VM_TRACE_DRIVER,
};

static const uint32_t vcpu_cmds[] = {
	KVM_RUN,
	KVM_RUN,
	KVM_RUN,
	KVM_RUN,
	KVM_RUN,
	KVM_RUN,
	KVM_GET_REGS,
	KVM_SET_REGS,
	KVM_SET_REGS,
	KVM_GET_SREGS,
	KVM_SET_SREGS,
	KVM_SET_SREGS,
	KVM_GET_SREGS2,
	KVM_SET_SREGS2,
	KVM_TRANSLATE,
	KVM_INTERRUPT,
	KVM_GET_MSRS,
	KVM_SET_MSRS,
	KVM_SET_MSRS,
	KVM_SET_CPUID,
	KVM_SET_CPUID2,
	KVM_GET_CPUID2,
	KVM_SET_SIGNAL_MASK,
	KVM_GET_FPU,
	KVM_SET_FPU,
	KVM_GET_LAPIC,
	KVM_SET_LAPIC,
	KVM_TPR_ACCESS_REPORTING,
	KVM_SET_VAPIC_ADDR,
	KVM_GET_MP_STATE,
	KVM_SET_MP_STATE,
	KVM_NMI,
	KVM_SET_GUEST_DEBUG,
	KVM_X86_SETUP_MCE,
	KVM_X86_SET_MCE,
	KVM_GET_VCPU_EVENTS,
	KVM_SET_VCPU_EVENTS,
	KVM_GET_DEBUGREGS,
	KVM_SET_DEBUGREGS,
	KVM_ENABLE_CAP,
	KVM_GET_XSAVE,
	KVM_GET_XSAVE2,
	KVM_SET_XSAVE,
	KVM_GET_XCRS,
	KVM_SET_XCRS,
	KVM_SET_TSC_KHZ,
	KVM_GET_TSC_KHZ,
	KVM_KVMCLOCK_CTRL,
	KVM_SMI,
	KVM_GET_NESTED_STATE,
	KVM_SET_NESTED_STATE,
	KVM_GET_SUPPORTED_HV_CPUID,
	KVM_SET_DEVICE_ATTR,
	KVM_GET_DEVICE_ATTR,
	KVM_HAS_DEVICE_ATTR,
	KVM_GET_STATS_FD,
	KVM_XEN_VCPU_SET_ATTR,
	KVM_XEN_VCPU_GET_ATTR,
};

static const struct {
	const uint32_t *cmd;
	uint32_t nr;
} levels[] = {
	{ sys_cmds, ARRAY_SIZE(sys_cmds) },
	{ vm_cmds, ARRAY_SIZE(vm_cmds) },
	{ vcpu_cmds, ARRAY_SIZE(vcpu_cmds) },
};

static uint32_t pick_cmd(unsigned int level)
{
	uint32_t cmd;

	if (one_in(12))
		level = below(3);
	cmd = levels[level].cmd[below(levels[level].nr)];
	switch (below(16)) {
	case 0:
		return cmd ^ 1u << below(32);
	case 1:
		return one_in(2) ? (uint32_t)rnd()
				 : (uint32_t)_IOC(below(4), KVMIO, below(256), below(4096));
	default:
		return cmd;
	}
}

/* --- arguments that mean something -------------------------------------------------------------*/

static const uint32_t msrs[] = {
	0x10,	    0x1b,	0x3a,	    0x3b,	0x48,	    0x8b,	0xfe,
	0x174,	    0x175,	0x176,	    0x179,	0x17a,	    0x17b,	0x1a0,
	0x1d9,	    0x200,	0x20f,	    0x250,	0x277,	    0x2ff,	0x400,
	0x403,	    0x47f,	0x6e0,	    0x802,	0x808,	    0x80b,	0x80f,
	0x830,	    0x832,	0x838,	    0x83e,	0xda0,	    0x11,	0x12,
	0x4b564d00, 0x4b564d01, 0x4b564d02, 0x4b564d03, 0x4b564d04, 0x4b564d05, 0x4b564d06,
	0x4b564d07, 0x4b564d08, 0x40000000, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000084,
	0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, 0xc0000104, 0xc0010000, 0xc0010015,
	0xc001001f, 0xc0010055, 0xc0010114, 0xc0010117, 0xc0010140, 0xc0010141, 0xc0011029,
	0xc001102a,
};

static size_t make_msrs(struct worker *w, void *p)
{
	struct kvm_msrs *a = p;
	uint32_t i, n = one_in(4) ? below(200) : 1 + below(4);

	memset(a, 0, sizeof(*a));
	a->nmsrs = one_in(32) ? boundary() : n;
	for (i = 0; i < n; i++)
		a->entries[i] = (struct kvm_msr_entry){
			.index = one_in(8) ? rnd() : msrs[below(ARRAY_SIZE(msrs))],
			.data = value(w) | (one_in(2) ? 1 : 0),
		};
	return sizeof(*a) + n * sizeof(a->entries[0]);
}

static size_t make_slot(struct worker *w, void *p)
{
	static const uint64_t gpa[] = {
		0,
		0x1000,
		0xa0000,
		0x200000,
		0xfee00000,
		0xfec00000,
		0xffff0000,
		0x100000000,
		0xffffffffff000,
		0x1fffffffff000,
		0xfffffffffffff000,
	};
	struct kvm_userspace_memory_region *a = p;

	*a = (struct kvm_userspace_memory_region){
		.slot = one_in(16) ? rnd() : below(8),
		.flags = one_in(16) ? rnd() : below(4),
		.guest_phys_addr = one_in(2) ? gpa[below(ARRAY_SIZE(gpa))] : below(1024) * PAGE,
		.userspace_addr = one_in(2) ? (uintptr_t)m.ram + below(256) * PAGE
					    : pointer(w) & -PAGE,
		.memory_size = one_in(4) ? 0 : (1 + below(512)) * PAGE,
	};
	/* Only without a bitmap: one for terabytes would be all of the host's memory. */
	if (one_in(8) && !(a->flags & KVM_MEM_LOG_DIRTY_PAGES))
		a->memory_size = 1ull << (12 + below(52));
	return sizeof(*a);
}

static size_t make_irqfd(struct worker *w, void *p)
{
	struct kvm_irqfd *a = p;

	(void)w;
	*a = (struct kvm_irqfd){
		.fd = one_in(16) ? rnd() : (uint32_t)m.event[below(NR_EVENTS)],
		.gsi = one_in(16) ? boundary() : below(28),
		.flags = one_in(16) ? rnd() : below(4),
		.resamplefd = m.event[below(NR_EVENTS)],
	};
	return sizeof(*a);
}

static size_t make_ioeventfd(struct worker *w, void *p)
{
	struct kvm_ioeventfd *a = p;

	*a = (struct kvm_ioeventfd){
		.datamatch = below(4),
		.addr = one_in(4) ? value(w) : below(4) * 0x10,
		.len = one_in(8) ? boundary() : 1u << below(4),
		.fd = m.event[below(NR_EVENTS)],
		.flags = one_in(16) ? rnd() : below(16),
	};
	return sizeof(*a);
}

static size_t make_zone(struct worker *w, void *p)
{
	struct kvm_coalesced_mmio_zone *a = p;

	a->addr = one_in(2) ? below(64) : value(w);
	a->size = one_in(4) ? boundary() : below(4096);
	a->pio = below(3);
	return sizeof(*a);
}

static size_t make_routing(struct worker *w, void *p)
{
	struct kvm_irq_routing *a = p;
	uint32_t i, n = below(32);

	memset(a, 0, sizeof(*a));
	a->nr = one_in(16) ? boundary() : n;
	for (i = 0; i < n; i++) {
		struct kvm_irq_routing_entry *e = &a->entries[i];

		memset(e, 0, sizeof(*e));
		e->gsi = one_in(16) ? boundary() : below(32);
		e->type = 1 + below(one_in(8) ? 6 : 2);
		e->flags = one_in(16) ? rnd() : 0;
		fill(w, &e->u, sizeof(e->u));
		if (e->type == KVM_IRQ_ROUTING_IRQCHIP) {
			e->u.irqchip.irqchip = below(one_in(8) ? 5 : 3);
			e->u.irqchip.pin = one_in(16) ? boundary() : below(25);
		}
	}
	return sizeof(*a) + n * sizeof(a->entries[0]);
}

static size_t make_cap(struct worker *w, void *p)
{
	static const uint32_t often[] = {
		KVM_CAP_SPLIT_IRQCHIP,
		KVM_CAP_X2APIC_API,
		KVM_CAP_X86_DISABLE_EXITS,
		KVM_CAP_EXCEPTION_PAYLOAD,
		KVM_CAP_X86_USER_SPACE_MSR,
		KVM_CAP_MAX_VCPU_ID,
		KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		KVM_CAP_DISABLE_QUIRKS2,
		KVM_CAP_DIRTY_LOG_RING,
		KVM_CAP_SYNC_REGS,
		KVM_CAP_X86_TRIPLE_FAULT_EVENT,
		KVM_CAP_EXIT_ON_EMULATION_FAILURE,
		KVM_CAP_ENFORCE_PV_FEATURE_CPUID,
		KVM_CAP_HALT_POLL,
	};
	struct kvm_enable_cap *a = p;

	memset(a, 0, sizeof(*a));
	a->cap = one_in(4) ? below(260) : often[below(ARRAY_SIZE(often))];
	a->flags = one_in(16) ? rnd() : 0;
	a->args[0] = one_in(2) ? below(32) : value(w);
	return sizeof(*a);
}

static size_t make_dirty(struct worker *w, void *p)
{
	struct kvm_clear_dirty_log *a = p; /* the other call's structure begins alike */

	a->slot = one_in(8) ? rnd() : below(8);
	a->num_pages = one_in(2) ? below(1024) & -64u : (uint32_t)boundary();
	a->first_page = one_in(2) ? 0 : value(w) & -64ull;
	a->dirty_bitmap = (void *)(uintptr_t)pointer(w);
	return sizeof(*a);
}

static size_t make_filter(struct worker *w, void *p)
{
	struct kvm_msr_filter *a = p;
	unsigned int i;

	memset(a, 0, sizeof(*a));
	a->flags = one_in(8) ? rnd() : below(2);
	for (i = 0; i < below(KVM_MSR_FILTER_MAX_RANGES + 1); i++)
		a->ranges[i] = (struct kvm_msr_filter_range){
			.flags = one_in(16) ? rnd() : 1 + below(3),
			.nmsrs = one_in(8) ? boundary() : below(0x600),
			.base = one_in(8) ? rnd() : msrs[below(ARRAY_SIZE(msrs))],
			.bitmap = (void *)(uintptr_t)pointer(w),
		};
	return sizeof(*a);
}

static size_t make_cpuid(struct worker *w, void *p)
{
	struct kvm_cpuid2 *a = p;

	(void)w;
	a->nent = 128;
	if (ioctl(sys_fd, KVM_GET_SUPPORTED_CPUID, a))
		a->nent = 0;
	if (a->nent && one_in(2))
		mutate(a->entries, a->nent * sizeof(a->entries[0]));
	if (one_in(16))
		a->nent = boundary();
	return sizeof(*a) + 128 * sizeof(a->entries[0]);
}

static size_t make_mask(struct worker *w, void *p)
{
	struct kvm_signal_mask *a = p;

	(void)w;
	a->len = one_in(8) ? boundary() : 8;
	return sizeof(*a) + 8;
}

static size_t make_attr(struct worker *w, void *p)
{
	*(struct kvm_device_attr *)p = (struct kvm_device_attr){
		.group = below(2),
		.attr = below(2),
		.addr = pointer(w),
	};
	return sizeof(struct kvm_device_attr);
}

static size_t make_irq(struct worker *w, void *p)
{
	struct kvm_irq_level *a = p;

	(void)w;
	a->irq = one_in(8) ? boundary() : below(28);
	a->level = below(2);
	return sizeof(*a);
}

static size_t make_msi(struct worker *w, void *p)
{
	*(struct kvm_msi *)p = (struct kvm_msi){
		.address_lo = 0xfee00000 | (uint32_t)rnd() % (1 << 20),
		.address_hi = one_in(4) ? rnd() : 0,
		.data = one_in(2) ? below(256) : value(w),
	};
	return sizeof(struct kvm_msi);
}

static size_t make_trace(struct worker *w, void *p)
{
	struct rd_trace_range *a = p;

	(void)w;
	*a = (struct rd_trace_range){
		.gpa = one_in(8) ? rnd() : below(4 << 20),
		.size = one_in(2) ? 4096 * (1 + below(64)) : below(9000),
		.tag = rnd(),
	};
	if (one_in(2))
		a->gpa &= -4096ull;
	if (one_in(8))
		a->size = boundary();
	/* As many pages as there may be would take so long that it looked like a stall. */
	if (a->size > 64 << 20 && a->size < 1ull << 34)
		a->size %= 64 << 20;
	for (unsigned int i = 0, n = below(RD_TRACE_MAX_ACTIONS + 1); i < n; i++)
		a->action[i] = 1 + below(one_in(64) ? RD_TRACE_NR_ACTIONS : RD_TRACE_KILL - 1);
	return sizeof(*a);
}

static size_t make_want(struct worker *w, void *p)
{
	struct rd_guest_driver_status *a = p;

	(void)w;
	*a = (struct rd_guest_driver_status){
		.driver = { .want = below(one_in(8) ? 3 : 2), .allow = below(RD_ALLOW_ALL + 2) },
	};
	for (unsigned int i = 0, n = below(RD_TRACE_MAX_ACTIONS + 1); i < n; i++)
		a->driver.action[i] = 1 + below(RD_TRACE_NR_ACTIONS);
	if (one_in(8))
		a->driver.version = rnd();
	return sizeof(*a);
}

static const struct {
	uint32_t cmd;
	size_t (*make)(struct worker *w, void *p);
} makers[] = {
	{ KVM_GET_MSRS, make_msrs },
	{ KVM_SET_MSRS, make_msrs },
	{ KVM_SET_USER_MEMORY_REGION, make_slot },
	{ KVM_IRQFD, make_irqfd },
	{ KVM_IOEVENTFD, make_ioeventfd },
	{ KVM_REGISTER_COALESCED_MMIO, make_zone },
	{ KVM_UNREGISTER_COALESCED_MMIO, make_zone },
	{ KVM_SET_GSI_ROUTING, make_routing },
	{ KVM_ENABLE_CAP, make_cap },
	{ KVM_GET_DIRTY_LOG, make_dirty },
	{ KVM_CLEAR_DIRTY_LOG, make_dirty },
	{ KVM_X86_SET_MSR_FILTER, make_filter },
	{ KVM_SET_CPUID2, make_cpuid },
	{ KVM_GET_CPUID2, make_cpuid },
	{ KVM_GET_SUPPORTED_CPUID, make_cpuid },
	{ KVM_SET_SIGNAL_MASK, make_mask },
	{ KVM_GET_DEVICE_ATTR, make_attr },
	{ KVM_SET_DEVICE_ATTR, make_attr },
	{ KVM_HAS_DEVICE_ATTR, make_attr },
	{ KVM_IRQ_LINE, make_irq },
	{ KVM_IRQ_LINE_STATUS, make_irq },
	{ KVM_SIGNAL_MSI, make_msi },
	{ RD_VM_TRACE_ADD, make_trace },
	{ RD_VM_TRACE_REMOVE, make_trace },
	{ RD_VM_TRACE_WRITE, make_trace },
	{ RD_VM_TRACE_WANT, make_want },
};

/* State that is read, changed a little and written back gets further than random bytes. */
static const struct {
	uint32_t set, get;
} pairs[] = {
	{ KVM_SET_REGS, KVM_GET_REGS },
	{ KVM_SET_SREGS, KVM_GET_SREGS },
	{ KVM_SET_SREGS2, KVM_GET_SREGS2 },
	{ KVM_SET_FPU, KVM_GET_FPU },
	{ KVM_SET_LAPIC, KVM_GET_LAPIC },
	{ KVM_SET_MP_STATE, KVM_GET_MP_STATE },
	{ KVM_SET_VCPU_EVENTS, KVM_GET_VCPU_EVENTS },
	{ KVM_SET_DEBUGREGS, KVM_GET_DEBUGREGS },
	{ KVM_SET_XSAVE, KVM_GET_XSAVE },
	{ KVM_SET_XCRS, KVM_GET_XCRS },
	{ KVM_SET_IRQCHIP, KVM_GET_IRQCHIP },
	{ KVM_SET_PIT, KVM_GET_PIT },
	{ KVM_SET_PIT2, KVM_GET_PIT2 },
	{ KVM_SET_CLOCK, KVM_GET_CLOCK },
};

/* Fill p for cmd; how many bytes of it matter. */
static size_t make_argument(struct worker *w, int fd, uint32_t cmd, uint8_t *p)
{
	size_t i, size = _IOC_SIZE(cmd);

	for (i = 0; i < ARRAY_SIZE(makers); i++)
		if (makers[i].cmd == cmd)
			return makers[i].make(w, p);
	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (pairs[i].set != cmd || one_in(8))
			continue;
		memset(p, 0, size);
		if (cmd == KVM_SET_IRQCHIP)
			*(uint32_t *)p = below(4);
		if (!ioctl(fd, pairs[i].get, p)) {
			mutate(p, size);
			return size;
		}
	}
	size = size < buf_size() / 2 ? size : buf_size() / 2;
	fill(w, p, size ? (size + 7) & -8ul : 64);
	return size;
}

static unsigned long pick_argument(struct worker *w, int fd, uint32_t cmd)
{
	size_t size;

	switch (below(16)) {
	case 0:
		return boundary();
	case 1:
		return rnd();
	case 2:
		return (unsigned long)kernel_pointer();
	case 3:
		return pointer(w);
	case 4: /* ends within the structure, where the mapping ends */
		size = make_argument(w, fd, cmd, w->buf);
		size = size ? below(size) : 0;
		memmove(w->buf + buf_size() - size, w->buf, size);
		return (unsigned long)w->buf + buf_size() - size;
	default:
		if (!_IOC_SIZE(cmd) && cmd != KVM_REINJECT_CONTROL)
			return below(4) ? below(4) : 0;
		make_argument(w, fd, cmd, w->buf);
		return (unsigned long)w->buf;
	}
}

/* --- machines ----------------------------------------------------------------------------------*/

static void close_slot(_Atomic int *slot)
{
	int fd = atomic_exchange(slot, -1);

	if (fd >= 0)
		close(fd);
}

static void keep_fd(int fd)
{
	int old = atomic_exchange(&m.extra[below(NR_EXTRA)], fd);

	if (old >= 0)
		close(old);
}

static void guest_code(void)
{
	/* mov al,[0xa000..]; out dx,al; mmio beyond memory; hlt; jmp back */
	static const uint8_t code[] = {
		0xba, 0x10, 0x00, 0xec, 0xee, 0xb8, 0x00, 0xf0, 0x8e, 0xd8, 0xa0,
		0x34, 0x12, 0xa3, 0x00, 0x10, 0x0f, 0xa2, 0xb9, 0x1b, 0x00, 0x0f,
		0x32, 0x0f, 0x30, 0xf3, 0x6c, 0xf3, 0x6e, 0xfb, 0xf4, 0xeb, 0xdf,
	};
	size_t i;

	for (i = 0; i < RAM_SIZE; i += 8)
		if (!(i & 0x3000))
			memcpy(m.ram + i, &(uint64_t){ rnd() }, 8);
	for (i = 0; i < 64; i++)
		memcpy(m.ram + below(RAM_SIZE - 64), code, sizeof(code));
	memcpy(m.ram + 0x1000, code, sizeof(code));
	memcpy(m.ram + 0x1ff0, "\xea\x00\x10\x00\x00", 5); /* from the reset vector to it */
}

static void set_memory(int vm)
{
	struct kvm_userspace_memory_region r = {
		.memory_size = RAM_SIZE,
		.userspace_addr = (uintptr_t)m.ram,
	};

	ioctl(vm, KVM_SET_USER_MEMORY_REGION, &r);
	r = (struct kvm_userspace_memory_region){
		.slot = 1,
		.guest_phys_addr = 0xfffff000,
		.memory_size = PAGE,
		.userspace_addr = (uintptr_t)m.ram + PAGE,
		.flags = one_in(2) ? KVM_MEM_READONLY : 0,
	};
	ioctl(vm, KVM_SET_USER_MEMORY_REGION, &r);
	if (one_in(2))
		return;
	r = (struct kvm_userspace_memory_region){
		.slot = 2,
		.guest_phys_addr = 0x400000,
		.memory_size = 64 * PAGE,
		.userspace_addr = (uintptr_t)m.bogus,
	};
	ioctl(vm, KVM_SET_USER_MEMORY_REGION, &r);
}

static void set_irqchip(int vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };
	struct kvm_pit_config pit = { .flags = below(2) };

	switch (below(4)) {
	case 0:
		break;
	case 1:
		ioctl(vm, KVM_ENABLE_CAP, &cap);
		break;
	default:
		ioctl(vm, KVM_CREATE_IRQCHIP, 0);
		if (one_in(2))
			ioctl(vm, KVM_CREATE_PIT2, &pit);
	}
}

static void set_ring(int vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DIRTY_LOG_RING, .args = { PAGE << below(3) } };

	ioctl(vm, KVM_ENABLE_CAP, &cap);
}

static void start_in_low_memory(int vcpu)
{
	struct kvm_sregs s;

	if (ioctl(vcpu, KVM_GET_SREGS, &s))
		return;
	s.cs.base = 0;
	s.cs.selector = 0;
	ioctl(vcpu, KVM_SET_SREGS, &s);
	ioctl(vcpu, KVM_SET_REGS, &(struct kvm_regs){ .rip = 0x1000, .rsp = 0x8000, .rflags = 2 });
}

/* Close what there is in some order and make a machine of some kind. */
static void new_machine(struct worker *w)
{
	unsigned int i;
	int vm, fd;

	if (one_in(2))
		close_slot(&m.vm);
	for (i = 0; i < NR_VCPUS; i++)
		close_slot(&m.vcpu[i]);
	for (i = 0; i < NR_EXTRA; i++)
		close_slot(&m.extra[i]);
	close_slot(&m.vm);
	for (i = 0; i < NR_EVENTS; i++) {
		close_slot(&m.event[i]);
		m.event[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	guest_code();
	vm = ioctl(sys_fd, KVM_CREATE_VM, 0);
	if (vm < 0)
		return;
	if (!one_in(8))
		set_irqchip(vm);
	if (one_in(4))
		set_ring(vm);
	if (!one_in(8))
		set_memory(vm);
	m.vm = vm;
	for (i = 0; i < NR_VCPUS; i++) {
		fd = ioctl(vm, KVM_CREATE_VCPU, i);
		if (fd < 0)
			continue;
		if (one_in(2)) {
			make_cpuid(w, w->buf);
			ioctl(fd, KVM_SET_CPUID2, w->buf);
		}
		if (!one_in(4))
			start_in_low_memory(fd);
		m.vcpu[i] = fd;
	}
	m.generation++;
}

static void map_runs(struct worker *w)
{
	unsigned int i;

	for (i = 0; i < NR_VCPUS; i++) {
		void *p;

		if (w->run[i])
			munmap(w->run[i], 3 * PAGE);
		p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, m.vcpu[i], 0);
		w->run[i] = p == MAP_FAILED ? NULL : p;
		if (w->ring[i])
			munmap(w->ring[i], PAGE);
		p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, m.vcpu[i],
			 KVM_DIRTY_LOG_PAGE_OFFSET * PAGE);
		w->ring[i] = p == MAP_FAILED ? NULL : p;
	}
	w->generation = m.generation;
}

/* --- one step ----------------------------------------------------------------------------------*/

static void count(uint32_t cmd, int r)
{
	int e = r < 0 ? errno : 0;

	shared->calls++;
	if (e < NR_ERRNO) {
		shared->result[e]++;
	} else {
		shared->odd++;
		shared->last_odd = e;
		shared->last_odd_cmd = cmd;
	}
}

static int call(struct worker *w, int fd, uint32_t cmd, unsigned long arg)
{
	int r;

	shared->cmd[w->nr] = cmd;
	r = ioctl(fd, cmd, arg);
	count(cmd, r);
	return r;
}

/* Enter the guest, with a signal soon if it does not come back by itself. */
static void run(struct worker *w, unsigned int i)
{
	static const struct itimerspec soon = { { 0, 2000000 }, { 0, 2000000 } }, never;
	struct kvm_run *run = (void *)w->run[i];
	unsigned int again = one_in(3) ? 8 : 1;

	if (run)
		run->immediate_exit = one_in(3);
	timer_settime(w->timer, 0, &soon, NULL);
	while (again--) {
		shared->runs++;
		if (!call(w, m.vcpu[i], KVM_RUN, one_in(32) ? 1 : 0))
			shared->runs_in_guest++;
		else
			break;
		if (run && one_in(4))
			mutate(run, below(2) ? 256 : 2 * PAGE);
	}
	timer_settime(w->timer, 0, &never, NULL);
}

static void touch_run(struct worker *w, unsigned int i)
{
	uint8_t *run = w->run[i];

	if (w->ring[i] && one_in(2)) {
		fill(w, w->ring[i] + below(PAGE / 16) * 16, 16);
		return;
	}
	if (!run)
		return;
	if (one_in(4))
		fill(w, run + below(3) * PAGE, PAGE);
	else
		mutate(run, one_in(2) ? 256 : 3 * PAGE);
}

static void odd_mapping(unsigned int i)
{
	size_t len = (1 + below(4)) * PAGE;
	void *p = mmap(NULL, len, PROT_READ | (one_in(2) ? PROT_WRITE : 0),
		       one_in(2) ? MAP_SHARED | MAP_POPULATE : MAP_PRIVATE | MAP_POPULATE,
		       one_in(4) ? m.vm : m.vcpu[i], one_in(2) ? 0 : below(5) * PAGE);

	if (p != MAP_FAILED)
		munmap(p, len);
}

static void other_things(struct worker *w)
{
	unsigned int i = below(NR_VCPUS), e = below(NR_EVENTS);

	switch (below(12)) {
	case 0:
		odd_mapping(i);
		break;
	case 1:
		if (write(m.event[e], &(uint64_t){ 1 }, 8) < 0)
			break;
		break;
	case 2:
		close_slot(&m.event[e]);
		m.event[e] = eventfd(one_in(2), EFD_CLOEXEC | EFD_NONBLOCK);
		break;
	case 3:
		close_slot(&m.extra[below(NR_EXTRA)]);
		break;
	case 4:
		if (pread(m.extra[below(NR_EXTRA)], w->buf, below(4096), below(2048)) < 0)
			break;
		break;
	case 5: /* the host takes the guest's memory away */
		madvise(m.ram + below(256) * PAGE, below(256) * PAGE, MADV_DONTNEED);
		break;
	case 6:		/* the first thread alone writes to it by itself */
		if (w->nr)
			break;
		mprotect(m.ram + below(256) * PAGE, below(8) * PAGE,
			 one_in(2) ? PROT_READ : PROT_READ | PROT_WRITE);
		mprotect(m.ram, RAM_SIZE, PROT_READ | PROT_WRITE);
		break;
	default:
		touch_run(w, i);
	}
}

static bool gives_fd(uint32_t cmd)
{
	return cmd == KVM_CREATE_VM || cmd == KVM_CREATE_VCPU || cmd == KVM_GET_STATS_FD ||
	       cmd == RD_VM_TRACE_EVENTS;
}

static void step(struct worker *w)
{
	unsigned int level = below(10) ? 1 + below(2) : 0, i = below(NR_VCPUS);
	uint32_t cmd = pick_cmd(level);
	int fd = level == 0 ? sys_fd : level == 1 ? m.vm : m.vcpu[i];
	unsigned long arg;
	int r;

	if (w->generation != m.generation)
		map_runs(w);
	if (one_in(4))
		other_things(w);
	if (level == 2 && cmd == KVM_RUN) {
		run(w, i);
		return;
	}
	if (one_in(64))
		fd = m.extra[below(NR_EXTRA)];
	arg = pick_argument(w, fd, cmd);
	/* Else the alarm could not end KVM_RUN, and waiting would be right. */
	if (cmd == KVM_SET_SIGNAL_MASK && arg == (unsigned long)w->buf)
		((struct kvm_signal_mask *)w->buf)->sigset[(SIGALRM - 1) / 8] &=
			~(1u << (SIGALRM - 1) % 8);
	else if (cmd == KVM_SET_SIGNAL_MASK)
		arg = (unsigned long)kernel_pointer();
	r = call(w, fd, cmd, arg);
	if (r >= 0 && gives_fd(cmd))
		keep_fd(r);
}

/* --- the child ---------------------------------------------------------------------------------*/

static void on_alarm(int sig)
{
	(void)sig;
}

static void limit(int what, rlim_t value)
{
	setrlimit(what, &(struct rlimit){ value, value });
}

static void drop_privileges(void)
{
	limit(RLIMIT_AS, 1ul << 30);
	limit(RLIMIT_NOFILE, 48);
	limit(RLIMIT_CPU, 240);
	limit(RLIMIT_CORE, 0);
	if (getuid() == 0 && (setgroups(0, NULL) || setgid(UNPRIVILEGED) || setuid(UNPRIVILEGED)))
		_exit(3);
	/* A change of identity forgets this. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void init_worker(struct worker *w, unsigned int nr, uint64_t seed)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };

	rng = (seed + nr + 1) * 0x9e3779b97f4a7c15ull;
	memset(w, 0, sizeof(*w));
	w->nr = nr;
	w->buf = mmap(NULL, buf_size() + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (w->buf == MAP_FAILED)
		_exit(3);
	munmap(w->buf + buf_size(), PAGE);
	ev._sigev_un._tid = syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &ev, &w->timer))
		_exit(3);
}

static struct {
	uint64_t seed;
	_Atomic bool on, stop;
} second;

static void *second_thread(void *arg)
{
	struct worker w;

	(void)arg;
	init_worker(&w, 1, second.seed);
	while (!second.stop) {
		/* Between two machines nearly all it could get is EBADF. */
		if (second.on && (m.vm >= 0 || one_in(16)))
			step(&w);
		else
			usleep(second.on ? 50 : 1000);
	}
	return NULL;
}

static void child(uint64_t seed, uint64_t target)
{
	uint64_t end = shared->calls + CALLS_PER_CHILD;
	struct worker w;
	pthread_t t;
	unsigned int i;

	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = on_alarm }, NULL);
	drop_privileges();
	init_worker(&w, 0, seed);
	for (i = 0; i < NR_EXTRA; i++)
		m.extra[i] = -1;
	for (i = 0; i < NR_EVENTS; i++)
		m.event[i] = -1;
	m.vm = m.vcpu[0] = m.vcpu[1] = -1;
	m.ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	m.bogus = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m.ram == MAP_FAILED || m.bogus == MAP_FAILED)
		_exit(3);
	second.seed = seed;
	if (pthread_create(&t, NULL, second_thread, NULL))
		_exit(3);
	while (shared->calls < target && shared->calls < end) {
		uint64_t until = shared->calls + 50 + below(400);

		new_machine(&w);
		second.on = one_in(2);
		while (shared->calls < until)
			step(&w);
	}
	/* Half of the children leave it all to the end of the process. */
	if (one_in(2)) {
		second.stop = true;
		pthread_join(t, NULL);
	}
	_exit(0);
}

/* --- the parent --------------------------------------------------------------------------------*/

static struct {
	unsigned int children, died, stalled, unkillable;
} tally;

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

/* Wait for the child; kill it when it gets nowhere. False: not even that ended it. */
static bool watch(pid_t pid)
{
	uint64_t calls = shared->calls, since = now_ms();
	bool killed = false;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		usleep(20000);
		if (shared->calls != calls) {
			calls = shared->calls;
			since = now_ms();
		} else if (!killed && now_ms() - since > STALL_SECONDS * 1000) {
			rdt_note("no progress, calls under way: %08x %08x", shared->cmd[0],
				 shared->cmd[1]);
			kill(pid, SIGKILL);
			killed = true;
			tally.stalled++;
			since = now_ms();
		} else if (killed && now_ms() - since > 3 * STALL_SECONDS * 1000) {
			tally.unkillable++;
			return false;
		}
	}
	if (!killed && !(WIFEXITED(status) && !WEXITSTATUS(status))) {
		rdt_note("a child ended by itself: status 0x%x", status);
		tally.died++;
	}
	return true;
}

static bool fuzz(uint64_t seed, uint64_t calls)
{
	uint64_t target = shared->calls + calls;
	unsigned int failures = 0;

	while (shared->calls < target && failures < 20) {
		uint64_t before = shared->calls;
		pid_t pid = fork();

		if (pid == 0)
			child(seed * 1000003 + tally.children, target);
		if (pid < 0)
			return false;
		tally.children++;
		if (!watch(pid))
			return false;
		failures = shared->calls == before ? failures + 1 : 0;
	}
	return failures == 0;
}

/* --- what the host has -------------------------------------------------------------------------*/

struct host {
	long slab_bytes, mem_kb, refs;
};

static long read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	long n = -1;

	if (f && fscanf(f, "%ld", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

static long slab_bytes(void)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	long total = 0, objects, all, size;
	char line[512];

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %ld %ld %ld", &objects, &all, &size) == 3)
			total += objects * size;
	fclose(f);
	return total;
}

/*
 * Free pages of all zones in KiB, with those that CPUs keep in lists of their own: without these
 * the figure goes up and down by 20 MiB, with them it stands still.
 */
static long mem_free(void)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	char line[256];
	long pages = 0, n;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " pages free %ld", &n) == 1 ||
		    sscanf(line, " count: %ld", &n) == 1)
			pages += n;
	fclose(f);
	return pages * (long)(PAGE / 1024);
}

static struct host look(void)
{
	struct host h;
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (write(fd, "3", 1) != 1)
			rdt_note("drop_caches: %s", strerror(errno));
		close(fd);
	}
	h.slab_bytes = slab_bytes();
	h.mem_kb = mem_free();
	h.refs = read_number(strcmp(device, "/dev/kvm") ? "/sys/module/redoubt/refcnt"
							: "/sys/module/kvm/refcnt");
	return h;
}

static bool memory_is_back(const struct host *was, const struct host *is)
{
	return is->slab_bytes <= was->slab_bytes + SLAB_SLACK + rdt_quarantine_kb() * 1024 &&
	       is->mem_kb >= was->mem_kb - MEM_SLACK - rdt_quarantine_kb();
}

/* What is freed after a grace period or by a worker takes a moment. */
static struct host look_again(const struct host *was)
{
	struct host h = look();

	for (int i = 0; i < 20 && !memory_is_back(was, &h); i++) {
		usleep(250000);
		h = look();
	}
	return h;
}

/* --- the kernel's log --------------------------------------------------------------------------*/

static int open_log(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* Complaints since open_log(); what the module says of its VMs is shown. */
static unsigned int read_log(int fd)
{
	static const char *const bad[] = {
		"BUG",
		"WARNING",
		"Oops",
		"Call Trace",
		"general protection",
		"KASAN",
		"UBSAN",
		"refcount_t",
		"corruption",
		"lockup",
		"blocked for more",
		"rcu: INFO",
		"Bad page",
		"Bad rss",
		"unable to handle",
		"page allocation failure",
		"Out of memory",
		"possible recursive",
		"circular locking",
		"scheduling while",
		"vmalloc error",
	};
	unsigned int complaints = 0, shown = 0;
	char line[8192];
	ssize_t n;

	while ((n = read(fd, line, sizeof(line) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		const char *text = line;
		bool hit = false;

		if (n < 0)
			continue;
		line[n] = 0;
		line[strcspn(line, "\n")] = 0;
		if (strchr(line, ';'))
			text = strchr(line, ';') + 1;
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
			hit = hit || strstr(text, bad[i]);
		complaints += hit;
		if ((hit || strstr(text, "redoubt")) && shown++ < 40)
			rdt_note("kernel: %s", text);
	}
	return complaints;
}

/* --- report ------------------------------------------------------------------------------------*/

static void say_results(void)
{
	char text[900];
	int n = 0;

	for (int e = 0; e < NR_ERRNO && n < 800; e++)
		if (shared->result[e])
			n += snprintf(text + n, sizeof(text) - n, " %s %llu",
				      e ? strerrorname_np(e) : "ok",
				      (unsigned long long)shared->result[e]);
	rdt_note("results:%s", text);
	rdt_note("KVM_RUN %llu, of these %llu with an exit to user space",
		 (unsigned long long)shared->runs, (unsigned long long)shared->runs_in_guest);
	rdt_note("children %u, died %u, stalled %u, unkillable %u", tally.children, tally.died,
		 tally.stalled, tally.unkillable);
	if (shared->odd)
		rdt_note("errno %u from call %08x", shared->last_odd, shared->last_odd_cmd);
}

static bool ok(int nr, bool good, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", nr, name);
	fflush(stdout);
	return good;
}

static const char *option(int argc, char **argv, const char *key, const char *otherwise)
{
	for (int i = 1; i + 1 < argc; i += 2)
		if (!strcmp(argv[i], key))
			return argv[i + 1];
	return otherwise;
}

static bool known_options(int argc, char **argv)
{
	for (int i = 1; i < argc; i += 2)
		if (i + 1 == argc || (strcmp(argv[i], "--count") && strcmp(argv[i], "--seed") &&
				      strcmp(argv[i], "--device")))
			return false;
	return true;
}

/* The four verdicts; how many were bad. */
static int verdicts(uint64_t seed, uint64_t count, const struct host *before, int log)
{
	uint64_t start = now_ms(), made;
	struct host was, is;
	bool alive, good = true;
	unsigned int complaints;

	alive = fuzz(seed, WARM_UP_CALLS);
	was = look();
	usleep(500000);
	was = look();
	memset(shared, 0, sizeof(*shared));
	alive = alive && fuzz(seed + 1, count);
	made = shared->calls;
	say_results();
	rdt_note("%llu calls, %.1f s with the warm-up", (unsigned long long)made,
		 (now_ms() - start) / 1000.0);
	is = look_again(&was);
	close(sys_fd);
	is.refs = look().refs;
	good &= ok(1, alive && made >= count && !tally.stalled && !shared->odd, "calls");
	rdt_note("references %ld, before %ld", is.refs, before->refs);
	good &= ok(2, is.refs == before->refs, "descriptors_released");
	rdt_note("slab %ld bytes, after the warm-up %ld (at most %ld more)", is.slab_bytes,
		 was.slab_bytes, SLAB_SLACK + rdt_quarantine_kb() * 1024);
	rdt_note("free %ld KiB, after the warm-up %ld (at most %ld less)", is.mem_kb,
		 was.mem_kb, MEM_SLACK + rdt_quarantine_kb());
	good &= ok(3, memory_is_back(&was, &is), "memory_back");
	if (log < 0) {
		printf("ok 4 - kernel_silent # SKIP /dev/kmsg cannot be read\n");
		return !good;
	}
	complaints = read_log(log);
	good &= ok(4, !complaints, "kernel_silent");
	return !good;
}

int main(int argc, char **argv)
{
	const char *env = getenv("RD_DEVICE");
	struct host before;
	uint64_t seed, n;
	int log;

	if (!known_options(argc, argv)) {
		fprintf(stderr, "usage: ioctl_fuzz [--count N] [--seed S] [--device NODE]\n");
		return 2;
	}
	device = option(argc, argv, "--device", env && *env ? env : device);
	n = strtoull(option(argc, argv, "--count", "100000"), NULL, 0);
	seed = strtoull(option(argc, argv, "--seed", "0"), NULL, 0);
	if (!seed)
		seed = time(NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	before = look();
	sys_fd = open(device, O_RDWR | O_CLOEXEC);
	if (sys_fd < 0) {
		printf("1..0 # SKIP %s: %s\n", device, strerror(errno));
		return 0;
	}
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	printf("1..4\n# seed %llu, %llu calls, %s\n", (unsigned long long)seed,
	       (unsigned long long)n, device);
	log = open_log();
	return verdicts(seed, n, &before, log);
}
