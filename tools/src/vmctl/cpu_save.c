// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saving and loading of vCPU state. The order of loading matters to the API: CPUID decides what
 * the rest may contain, setting registers drops pending exceptions, so events come last.
 */
#include "tools/src/vmctl/cpu_save.h"

#include "tools/src/vmctl/cpuid_fit.h"
#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define CPUID_MAX 256u
#define MSRS_MAX 1024u
#define XSAVE_MAX 65536u

/* MSRs that clocks.h takes care of. */
#define MSR_TSC 0x10u
#define MSR_TSC_DEADLINE 0x6e0u

struct cpu_state {
	uint32_t tsc_khz;
	struct kvm_mp_state mp_state;
	struct kvm_regs regs;
	struct kvm_sregs2 sregs;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_lapic_state lapic;
	struct kvm_vcpu_events events;
	uint32_t n_cpuid, n_msrs, xsave_len;
	union {
		struct kvm_cpuid2 cpuid;
		uint8_t cpuid_room[sizeof(struct kvm_cpuid2) +
				   CPUID_MAX * sizeof(struct kvm_cpuid_entry2)];
	};
	union {
		struct kvm_msrs msrs;
		uint8_t msr_room[sizeof(struct kvm_msrs) +
				 MSRS_MAX * sizeof(struct kvm_msr_entry)];
	};
	uint8_t xsave[XSAVE_MAX];
};

/* One fixed structure each; read and written by ioctls of the same shape. */
#define PART(get_, set_, member_)                                                                  \
	{ get_, set_, #get_, #set_, offsetof(struct cpu_state, member_) }

static const struct part {
	unsigned long get, set;
	const char *get_name, *set_name;
	size_t offset;
} parts[] = {
	PART(KVM_GET_MP_STATE, KVM_SET_MP_STATE, mp_state),
	PART(KVM_GET_REGS, KVM_SET_REGS, regs),
	PART(KVM_GET_SREGS2, KVM_SET_SREGS2, sregs),
	PART(KVM_GET_XCRS, KVM_SET_XCRS, xcrs),
	PART(KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, debugregs),
	PART(KVM_GET_LAPIC, KVM_SET_LAPIC, lapic),
};

/* Both directions. Caller looks at the pack afterwards. */
static void transfer(struct cpu_state *s, struct rd_pack *p)
{
	rd_pack_u32(p, &s->tsc_khz);
	rd_pack_sized(p, &s->mp_state, sizeof(s->mp_state));
	rd_pack_sized(p, &s->regs, sizeof(s->regs));
	rd_pack_sized(p, &s->sregs, sizeof(s->sregs));
	rd_pack_sized(p, &s->xcrs, sizeof(s->xcrs));
	rd_pack_sized(p, &s->debugregs, sizeof(s->debugregs));
	rd_pack_sized(p, &s->lapic, sizeof(s->lapic));
	rd_pack_sized(p, &s->events, sizeof(s->events));
	rd_pack_u32(p, &s->n_cpuid);
	rd_pack_u32(p, &s->n_msrs);
	rd_pack_u32(p, &s->xsave_len);
	if (s->n_cpuid > CPUID_MAX || s->n_msrs > MSRS_MAX || s->xsave_len > XSAVE_MAX) {
		p->bad = true;
		return;
	}
	rd_pack_bytes(p, s->cpuid.entries, s->n_cpuid * sizeof(s->cpuid.entries[0]));
	rd_pack_bytes(p, s->msrs.entries, s->n_msrs * sizeof(s->msrs.entries[0]));
	rd_pack_bytes(p, s->xsave, s->xsave_len);
}

/* --- saving --- */

static int get_cpuid(const struct rd_cpu *cpu, struct cpu_state *s)
{
	s->cpuid.nent = CPUID_MAX;
	if (ioctl(cpu->fd, KVM_GET_CPUID2, &s->cpuid) < 0)
		return rd_kvm_fail("KVM_GET_CPUID2");
	s->n_cpuid = s->cpuid.nent;
	return RD_OK;
}

/* Those that the hypervisor lists; one that this vCPU does not have is left out. */
static int get_msrs(const struct rd_cpu *cpu, struct cpu_state *s)
{
	struct kvm_msr_list *list = calloc(1, sizeof(*list) + MSRS_MAX * sizeof(uint32_t));
	uint32_t n = 0;
	int status = RD_OK;

	if (!list)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	list->nmsrs = MSRS_MAX;
	if (ioctl(cpu->machine->kvm->fd, KVM_GET_MSR_INDEX_LIST, list) < 0)
		status = rd_kvm_fail("KVM_GET_MSR_INDEX_LIST");
	for (uint32_t i = 0; i < list->nmsrs && !status; i++) {
		struct {
			struct kvm_msrs head;
			struct kvm_msr_entry entry;
		} one = { .head.nmsrs = 1, .entry.index = list->indices[i] };

		if (list->indices[i] == MSR_TSC || list->indices[i] == MSR_TSC_DEADLINE)
			continue;
		if (ioctl(cpu->fd, KVM_GET_MSRS, &one) == 1)
			s->msrs.entries[n++] = one.entry;
	}
	s->n_msrs = n;
	free(list);
	return status;
}

static int get_xsave(const struct rd_cpu *cpu, struct cpu_state *s)
{
	int size = rd_kvm_cap(cpu->machine->vm_fd, KVM_CAP_XSAVE2);

	if (size > (int)XSAVE_MAX)
		return rd_fail(RD_HOST_ERROR, "the FPU state of %d bytes is too large to save",
			       size);
	s->xsave_len = size > (int)sizeof(struct kvm_xsave) ? (uint32_t)size :
							      sizeof(struct kvm_xsave);
	if (ioctl(cpu->fd, size > 0 ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, s->xsave) < 0)
		return rd_kvm_fail("KVM_GET_XSAVE");
	return RD_OK;
}

static int get_all(const struct rd_cpu *cpu, struct cpu_state *s)
{
	int khz = ioctl(cpu->fd, KVM_GET_TSC_KHZ, 0);
	int status;

	s->tsc_khz = khz > 0 ? (uint32_t)khz : 0;
	for (size_t i = 0; i < RD_ARRAY_SIZE(parts); i++)
		if (ioctl(cpu->fd, parts[i].get, (char *)s + parts[i].offset) < 0)
			return rd_kvm_fail(parts[i].get_name);
	if (ioctl(cpu->fd, KVM_GET_VCPU_EVENTS, &s->events) < 0)
		return rd_kvm_fail("KVM_GET_VCPU_EVENTS");
	status = get_cpuid(cpu, s);
	if (!status)
		status = get_msrs(cpu, s);
	return status ? status : get_xsave(cpu, s);
}

int rd_cpu_save(const struct rd_cpu *cpu, struct rd_pack *p)
{
	struct cpu_state *s = calloc(1, sizeof(*s));
	int status;

	if (!s)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	status = get_all(cpu, s);
	if (!status)
		transfer(s, p);
	free(s);
	if (!status && !rd_pack_ok(p))
		status = rd_fail(RD_HOST_ERROR, "out of memory");
	return status;
}

/* --- loading --- */

static int refused(const struct rd_cpu *cpu, const char *name, const char *what)
{
	return rd_fail(RD_USAGE, "%s: %s refuses the state of vCPU %u: %s: %s", name,
		       cpu->machine->kvm->node, cpu->index, what, strerror(errno));
}

static int set_cpuid(const struct rd_cpu *cpu, struct cpu_state *s, const char *name)
{
	struct kvm_cpuid2 *supported = rd_kvm_supported_cpuid(cpu->machine->kvm, 0);
	char text[96];
	bool fits;

	if (!supported)
		return RD_HOST_ERROR;
	s->cpuid.nent = s->n_cpuid;
	fits = rd_cpuid_fits(&s->cpuid, supported, text, sizeof(text));
	free(supported);
	if (!fits)
		return rd_fail(RD_USAGE, "%s: the guest's CPU does not exist on %s: %s", name,
			       cpu->machine->kvm->node, text);
	if (ioctl(cpu->fd, KVM_SET_CPUID2, &s->cpuid) < 0)
		return refused(cpu, name, "KVM_SET_CPUID2");
	return RD_OK;
}

static int set_tsc_khz(const struct rd_cpu *cpu, const struct cpu_state *s, const char *name)
{
	int khz = ioctl(cpu->fd, KVM_GET_TSC_KHZ, 0);

	if (!s->tsc_khz || khz == (int)s->tsc_khz ||
	    !ioctl(cpu->fd, KVM_SET_TSC_KHZ, (unsigned long)s->tsc_khz))
		return RD_OK;
	return rd_fail(RD_USAGE, "%s: the guest's TSC runs at %u kHz, this host's at %d kHz and "
		       "cannot be scaled", name, s->tsc_khz, khz);
}

/* A value is good when it is taken, or when it is what the register holds anyway. */
static int set_msr(const struct rd_cpu *cpu, struct kvm_msr_entry entry, const char *name)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} one = { .head.nmsrs = 1, .entry = entry };

	one.entry.reserved = 0;
	if (ioctl(cpu->fd, KVM_SET_MSRS, &one) == 1)
		return RD_OK;
	if (ioctl(cpu->fd, KVM_GET_MSRS, &one) == 1 ? one.entry.data == entry.data : !entry.data)
		return RD_OK;
	return rd_fail(RD_USAGE, "%s: %s refuses the state of vCPU %u: MSR 0x%x cannot be 0x%llx",
		       name, cpu->machine->kvm->node, cpu->index, entry.index,
		       (unsigned long long)entry.data);
}

static int set_msrs(const struct rd_cpu *cpu, const struct cpu_state *s, const char *name)
{
	int status = RD_OK;

	for (uint32_t i = 0; i < s->n_msrs && !status; i++)
		if (s->msrs.entries[i].index != MSR_TSC &&
		    s->msrs.entries[i].index != MSR_TSC_DEADLINE)
			status = set_msr(cpu, s->msrs.entries[i], name);
	return status;
}

/* The call reads as many bytes as the hypervisor's own state has, which may be more. */
static int set_xsave(const struct rd_cpu *cpu, const struct cpu_state *s, const char *name)
{
	int size = rd_kvm_cap(cpu->machine->vm_fd, KVM_CAP_XSAVE2);

	if (size < (int)sizeof(struct kvm_xsave))
		size = (int)sizeof(struct kvm_xsave);
	if (s->xsave_len > (uint32_t)size || size > (int)XSAVE_MAX)
		return rd_fail(RD_USAGE, "%s: FPU state of %u bytes, this host has %d", name,
			       s->xsave_len, size);
	if (ioctl(cpu->fd, KVM_SET_XSAVE, s->xsave) < 0)
		return refused(cpu, name, "KVM_SET_XSAVE");
	return RD_OK;
}

static int set_all(const struct rd_cpu *cpu, struct cpu_state *s, const char *name)
{
	int status = set_cpuid(cpu, s, name);

	if (!status)
		status = set_tsc_khz(cpu, s, name);
	for (size_t i = 0; i < RD_ARRAY_SIZE(parts) && !status; i++)
		if (ioctl(cpu->fd, parts[i].set, (char *)s + parts[i].offset) < 0)
			status = refused(cpu, name, parts[i].set_name);
	if (!status)
		status = set_xsave(cpu, s, name);
	if (!status)
		status = set_msrs(cpu, s, name);
	if (!status && ioctl(cpu->fd, KVM_SET_VCPU_EVENTS, &s->events) < 0)
		status = refused(cpu, name, "KVM_SET_VCPU_EVENTS");
	return status;
}

int rd_cpu_load(const struct rd_cpu *cpu, struct rd_pack *p, const char *name)
{
	struct cpu_state *s = calloc(1, sizeof(*s));
	int status;

	if (!s)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	transfer(s, p);
	if (rd_pack_ok(p))
		status = set_all(cpu, s, name);
	else
		status = rd_fail(RD_USAGE, "%s: the state of vCPU %u is damaged", name,
				 cpu->index);
	free(s);
	return status;
}
