// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holding and releasing time. The TSC of vCPU 0 is set to where it stood; the others get the
 * offsets that they had to it. Without offsets the values themselves are written, which the
 * hypervisor then takes for one common time because they are close together.
 */
#include "tools/src/vmctl/clocks.h"

#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define MSR_TSC 0x10u
#define MSR_TSC_DEADLINE 0x6e0u

/* Longer than any machine lives: beyond it a snapshot's clock is damage. */
#define CLOCK_MAX_NS (1ull << 62)

static int get_msr(const struct rd_cpu *cpu, uint32_t index, uint64_t *value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1, .entry.index = index };

	if (ioctl(cpu->fd, KVM_GET_MSRS, &msr) != 1)
		return rd_fail(RD_HOST_ERROR, "KVM_GET_MSRS: MSR 0x%x cannot be read", index);
	*value = msr.entry.data;
	return RD_OK;
}

static int set_msr(const struct rd_cpu *cpu, uint32_t index, uint64_t value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1, .entry = { .index = index, .data = value } };

	if (ioctl(cpu->fd, KVM_SET_MSRS, &msr) != 1)
		return rd_fail(RD_HOST_ERROR, "KVM_SET_MSRS: MSR 0x%x is refused", index);
	return RD_OK;
}

static bool offset_attr(const struct rd_cpu *cpu, unsigned long request, uint64_t *value)
{
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET, .addr = (uintptr_t)value,
	};

	return !ioctl(cpu->fd, request, &attr);
}

static int make_room(struct rd_clocks *c, uint32_t n_cpus)
{
	if (c->cpus)
		return RD_OK;
	c->cpus = calloc(n_cpus, sizeof(*c->cpus));
	c->n_cpus = n_cpus;
	return c->cpus ? RD_OK : rd_fail(RD_HOST_ERROR, "out of memory");
}

static int hold_cpu(struct rd_clocks *c, const struct rd_cpu *cpu)
{
	struct rd_cpu_clock *k = &c->cpus[cpu->index];
	int status = get_msr(cpu, MSR_TSC_DEADLINE, &k->deadline);

	if (!offset_attr(cpu, KVM_GET_DEVICE_ATTR, &k->offset))
		c->has_offsets = false;
	return status ? status : get_msr(cpu, MSR_TSC, &k->tsc);
}

int rd_clocks_hold(struct rd_machine *m)
{
	struct rd_clocks *c = &m->clocks;
	struct kvm_clock_data clock;
	int status = make_room(c, m->n_cpus);

	if (status || c->held)
		return status;
	c->has_offsets = true;
	/* The clock and the first TSC after each other, so that they belong together. */
	if (ioctl(m->vm_fd, KVM_GET_CLOCK, &clock) < 0)
		return rd_kvm_fail("KVM_GET_CLOCK");
	c->clock_ns = clock.clock;
	for (uint32_t i = 0; i < m->n_cpus && !status; i++)
		status = hold_cpu(c, &m->cpus[i]);
	c->has_pit = m->has_pit;
	if (!status && c->has_pit && ioctl(m->vm_fd, KVM_GET_PIT2, &c->pit) < 0)
		status = rd_kvm_fail("KVM_GET_PIT2");
	c->held = !status;
	return status;
}

/* The same instant for all: what vCPU 0's counter lost or gained, the others do too. */
static int release_by_offset(const struct rd_machine *m)
{
	const struct rd_clocks *c = &m->clocks;
	uint64_t now = 0, base;
	int status;

	if (!offset_attr(&m->cpus[0], KVM_GET_DEVICE_ATTR, &base))
		return rd_kvm_fail("KVM_GET_DEVICE_ATTR(KVM_VCPU_TSC_OFFSET)");
	status = get_msr(&m->cpus[0], MSR_TSC, &now);
	if (status)
		return status;
	base += c->cpus[0].tsc - now;
	for (uint32_t i = 0; i < m->n_cpus; i++) {
		uint64_t offset = base + (c->cpus[i].offset - c->cpus[0].offset);

		if (!offset_attr(&m->cpus[i], KVM_SET_DEVICE_ATTR, &offset))
			return rd_kvm_fail("KVM_SET_DEVICE_ATTR(KVM_VCPU_TSC_OFFSET)");
	}
	return RD_OK;
}

static int release_by_value(const struct rd_machine *m)
{
	int status = RD_OK;

	for (uint32_t i = 0; i < m->n_cpus && !status; i++)
		status = set_msr(&m->cpus[i], MSR_TSC, m->clocks.cpus[i].tsc);
	return status;
}

/* A guest that uses the clock is told that it stood still, so that no watchdog barks. */
static int release_clock(const struct rd_machine *m)
{
	struct kvm_clock_data clock = { .clock = m->clocks.clock_ns };

	if (ioctl(m->vm_fd, KVM_SET_CLOCK, &clock) < 0)
		return rd_kvm_fail("KVM_SET_CLOCK");
	for (uint32_t i = 0; i < m->n_cpus; i++)
		if (ioctl(m->cpus[i].fd, KVM_KVMCLOCK_CTRL, 0) < 0 && errno != EINVAL)
			return rd_kvm_fail("KVM_KVMCLOCK_CTRL");
	return RD_OK;
}

static bool can_offset(const struct rd_machine *m)
{
	uint64_t offset;

	return m->clocks.has_offsets && offset_attr(&m->cpus[0], KVM_GET_DEVICE_ATTR, &offset);
}

int rd_clocks_release(struct rd_machine *m)
{
	struct rd_clocks *c = &m->clocks;
	int status;

	if (!c->held)
		return RD_OK;
	status = can_offset(m) ? release_by_offset(m) : release_by_value(m);
	if (!status)
		status = release_clock(m);
	/* A deadline is a TSC value: only now does it mean the right moment. */
	for (uint32_t i = 0; i < m->n_cpus && !status; i++)
		if (c->cpus[i].deadline)
			status = set_msr(&m->cpus[i], MSR_TSC_DEADLINE, c->cpus[i].deadline);
	if (!status && c->has_pit && ioctl(m->vm_fd, KVM_SET_PIT2, &c->pit) < 0)
		status = rd_kvm_fail("KVM_SET_PIT2");
	c->held = false;
	return status;
}

void rd_clocks_transfer(struct rd_machine *m, struct rd_pack *p)
{
	struct rd_clocks *c = &m->clocks;
	uint32_t n = c->n_cpus;

	if (make_room(c, m->n_cpus))
		p->bad = true;
	rd_pack_u32(p, &n);
	rd_pack_u64(p, &c->clock_ns);
	rd_pack_bool(p, &c->has_offsets);
	rd_pack_bool(p, &c->has_pit);
	rd_pack_sized(p, &c->pit, sizeof(c->pit));
	if (n != m->n_cpus || c->has_pit != m->has_pit || c->clock_ns > CLOCK_MAX_NS)
		p->bad = true;
	for (uint32_t i = 0; i < m->n_cpus && !p->bad; i++) {
		rd_pack_u64(p, &c->cpus[i].tsc);
		rd_pack_u64(p, &c->cpus[i].offset);
		rd_pack_u64(p, &c->cpus[i].deadline);
	}
	if (p->loading)
		c->held = rd_pack_ok(p);
}

void rd_clocks_free(struct rd_clocks *c)
{
	free(c->cpus);
	memset(c, 0, sizeof(*c));
}
