// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID of a vCPU: the ioctls, and the hot path of the CPUID instruction.
 * Invariant: v->cpuid is never NULL after rd_cpuid_init_vcpu() and points to an immutable table.
 */
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/cpufeature.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/tsc.h>
#include "kmod/host.h"
#include "vmm/cpuid.h"
#include "vmm/hw.h"
#include "vmm/regs.h"
#include "vmm/vm.h"

/* Components that guests may have: without those that need XFD. */
#define GUEST_XCR0 (RD_XCR0_FP | RD_XCR0_SSE | RD_XCR0_AVX | RD_XCR0_AVX512 | RD_XCR0_PKRU)

static struct rd_cpuid_host host;
static u32 supported_words[RD_NR_CPUID_WORDS];
/* Before the first SET_CPUID2: nothing. */
static struct rd_cpuid *no_cpuid;

static void host_cpuid(u32 function, u32 index, u32 r[4])
{
	cpuid_count(function, index, &r[RD_EAX], &r[RD_EBX], &r[RD_ECX], &r[RD_EDX]);
}

/* Where the host kernel keeps its idea of a word; -1: it keeps none, the CPU's own word counts. */
static const s8 kernel_word[RD_NR_CPUID_WORDS] = {
	[RD_W_1_ECX] = CPUID_1_ECX,
	[RD_W_1_EDX] = CPUID_1_EDX,
	[RD_W_7_EBX] = CPUID_7_0_EBX,
	[RD_W_7_ECX] = CPUID_7_ECX,
	[RD_W_7_EDX] = CPUID_7_EDX,
	[RD_W_7_1_EAX] = CPUID_7_1_EAX,
	[RD_W_7_1_EDX] = -1,
	[RD_W_D_1_EAX] = CPUID_D_1_EAX,
	[RD_W_EXT1_ECX] = CPUID_8000_0001_ECX,
	[RD_W_EXT1_EDX] = -1, /* the kernel folds the bits shared with leaf 1 away */
	[RD_W_EXT7_EDX] = -1,
	[RD_W_EXT8_EBX] = CPUID_8000_0008_EBX,
	[RD_W_EXT21_EAX] = -1,
	[RD_W_PV_EAX] = -1,
};

/*
 * Features that work in a guest although the host kernel does not use them (or hides them from its
 * own user space).
 */
static const u32 kernel_word_extra[RD_NR_CPUID_WORDS] = {
	[RD_W_7_ECX] = BIT(16),    /* LA57 */
	[RD_W_1_ECX] = BIT(17),    /* PCID */
	[RD_W_7_EBX] = BIT(10),    /* INVPCID */
};

static void probe_host(struct rd_cpuid_host *h)
{
	u64 xss = 0;
	unsigned int i;

	h->cpuid = host_cpuid;
	for (i = 0; i < RD_NR_CPUID_WORDS; i++)
		h->words[i] = kernel_word[i] < 0 ? ~0U :
			      boot_cpu_data.x86_capability[kernel_word[i]] | kernel_word_extra[i];
	if (!boot_cpu_has(X86_FEATURE_GBPAGES))
		h->words[RD_W_EXT1_EDX] &= ~BIT(26);
	if (!boot_cpu_has(X86_FEATURE_NX))
		h->words[RD_W_EXT1_EDX] &= ~BIT(20);
	if (boot_cpu_has(X86_FEATURE_XSAVE)) {
		h->xstate.supported = xgetbv(XCR_XFEATURE_ENABLED_MASK) & GUEST_XCR0;
		if (!boot_cpu_has(X86_FEATURE_OSPKE))
			h->xstate.supported &= ~RD_XCR0_PKRU;
		rd_xstate_probe(&h->xstate, host_cpuid);
	}
	h->xss_clean = boot_cpu_has(X86_FEATURE_XSAVES) && !rdmsrl_safe(MSR_IA32_XSS, &xss) && !xss;
	h->tsc_khz = rd_host_tsc_khz();
	h->tsc_stable = !check_tsc_unstable();
	h->spec_ctrl = boot_cpu_has(X86_FEATURE_V_SPEC_CTRL);
	h->steal_time = sched_info_on();
}

int rd_cpuid_setup(void)
{
	probe_host(&host);
	rd_cpuid_supported_words(&host, supported_words);
	no_cpuid = kzalloc(rd_cpuid_size(0), GFP_KERNEL);
	if (!no_cpuid)
		return -ENOMEM;
	rd_cpuid_index(no_cpuid, NULL, 0, &host.xstate, supported_words);
	/* Until the VMM says what the guest has, it may restore any state that would be legal. */
	no_cpuid->cr4_allowed = rd_cr4_host_allowed(supported_words);
	no_cpuid->efer_allowed = rd_efer_host_allowed(supported_words);
	return 0;
}

void rd_cpuid_unsetup(void)
{
	kfree(no_cpuid);
	no_cpuid = NULL;
}

const u32 *rd_cpuid_host_words(void)
{
	return supported_words;
}

const struct rd_xstate *rd_host_xstate(void)
{
	return &host.xstate;
}

bool rd_cpuid_supports(unsigned int f)
{
	return (supported_words[f / 32] >> (f % 32)) & 1;
}

bool rd_host_tsc_stable(void)
{
	return !check_tsc_unstable();
}

int rd_cpuid_supported(struct kvm_cpuid_entry2 *e, u32 *nr, u32 max)
{
	int n = rd_cpuid_build_supported(&host, e, max);

	if (n < 0)
		return n;
	*nr = n;
	return 0;
}

/* Leaves that say what the emulator knows beyond the CPU: MOVBE everywhere. */
int rd_cpuid_emulated(struct kvm_cpuid_entry2 *e, u32 *nr, u32 max)
{
	if (max < 1)
		return -E2BIG;
	memset(e, 0, sizeof(*e));
	e->function = 1;
	e->ecx = BIT(22);
	*nr = 1;
	return 0;
}

void rd_cpuid_init_vcpu(struct rd_vcpu *v)
{
	v->cpuid = no_cpuid;
}

void rd_cpuid_free(struct rd_vcpu *v)
{
	if (v->cpuid != no_cpuid)
		kvfree(v->cpuid);
	v->cpuid = no_cpuid;
}

static void live_of(struct rd_vcpu *v, struct rd_cpuid_live *l)
{
	l->cr4 = rd_hw->get_cr(v, 4);
	l->xcr0 = v->xcr0;
	l->xss = v->xss;
	l->apic_enabled = !v->has_lapic || rd_lapic_enabled(&v->lapic);
	l->mwait_valid = v->vm->disabled_quirks & KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT;
	l->mwait = v->misc_enable & MSR_IA32_MISC_ENABLE_MWAIT;
}

static void apply_live(struct rd_vcpu *v, const struct rd_cpuid *c,
		       const struct kvm_cpuid_entry2 *e, u32 r[4])
{
	struct rd_cpuid_live l;

	live_of(v, &l);
	rd_cpuid_apply_live(c, &host.xstate, &l, e, r);
}

/* An entry as KVM_GET_CPUID2 shows it: with the live bits of this moment. */
static void entry_shown(struct rd_vcpu *v, const struct rd_cpuid *c, u32 i,
			struct kvm_cpuid_entry2 *out)
{
	u32 r[4];

	*out = c->e[i];
	if (!rd_cpuid_is_live(out->function))
		return;
	r[RD_EAX] = out->eax;
	r[RD_EBX] = out->ebx;
	r[RD_ECX] = out->ecx;
	r[RD_EDX] = out->edx;
	apply_live(v, c, out, r);
	out->eax = r[RD_EAX];
	out->ebx = r[RD_EBX];
	out->ecx = r[RD_ECX];
	out->edx = r[RD_EDX];
}

/* After the first run the guest has made up its mind: only the same table again is accepted. */
static int check_same(struct rd_vcpu *v, const struct rd_cpuid *c)
{
	struct kvm_cpuid_entry2 a, b;
	u32 i;

	if (c->nr != v->cpuid->nr)
		return -EINVAL;
	for (i = 0; i < c->nr; i++) {
		entry_shown(v, v->cpuid, i, &a);
		entry_shown(v, c, i, &b);
		if (memcmp(&a, &b, sizeof(a)))
			return -EINVAL;
	}
	return 0;
}

int rd_vcpu_set_cpuid(struct rd_vcpu *v, struct kvm_cpuid_entry2 *e, u32 nr)
{
	struct rd_cpuid *c;
	int ret;

	if (nr > RD_CPUID_MAX_ENTRIES)
		return -E2BIG;
	c = kvzalloc(rd_cpuid_size(nr), GFP_KERNEL_ACCOUNT);
	if (!c)
		return -ENOMEM;
	ret = rd_cpuid_index(c, e, nr, &host.xstate, supported_words);
	if (!ret && v->first_run_done) {
		ret = check_same(v, c);
		kvfree(c);
		return ret;
	}
	if (ret) {
		kvfree(c);
		return ret;
	}
	rd_cpuid_free(v);
	v->cpuid = c;
	v->maxphyaddr = c->maxphyaddr;
	v->cr3_lm_rsvd = c->gpa_reserved;
	v->uses_pkru = rd_cpuid_has(v, RD_F_PKU) && rd_cpuid_supports(RD_F_PKU);
	rd_hw->update_cpuid(v);
	return 0;
}

int rd_vcpu_get_cpuid(struct rd_vcpu *v, struct kvm_cpuid_entry2 *e, u32 *nr)
{
	u32 i, room = *nr;

	*nr = v->cpuid->nr;
	if (room < v->cpuid->nr)
		return -E2BIG;
	for (i = 0; i < v->cpuid->nr; i++)
		entry_shown(v, v->cpuid, i, &e[i]);
	return 0;
}

/*
 * Nothing answers: zeros, but leaves 0xb and 0x1f echo the subleaf and the APIC id for any subleaf
 * beyond the last.
 */
static void read_absent(struct rd_vcpu *v, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	const struct kvm_cpuid_entry2 *e = NULL;
	u32 function = *eax, index = *ecx;

	*eax = 0;
	*ebx = 0;
	*ecx = 0;
	*edx = 0;
	if (function == 0xb || function == 0x1f)
		e = rd_cpuid_find(v->cpuid, function, 1);
	if (e) {
		*ecx = index & 0xff;
		*edx = e->edx;
	}
}

static noinline void read_slow(struct rd_vcpu *v, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	const struct kvm_cpuid_entry2 *e = rd_cpuid_answer(v->cpuid, *eax, *ecx);
	u32 r[4];

	if (!e) {
		read_absent(v, eax, ebx, ecx, edx);
		return;
	}
	r[RD_EAX] = e->eax;
	r[RD_EBX] = e->ebx;
	r[RD_ECX] = e->ecx;
	r[RD_EDX] = e->edx;
	if (rd_cpuid_is_live(e->function))
		apply_live(v, v->cpuid, e, r);
	*eax = r[RD_EAX];
	*ebx = r[RD_EBX];
	*ecx = r[RD_ECX];
	*edx = r[RD_EDX];
}

void rd_cpuid_read(struct rd_vcpu *v, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	const struct kvm_cpuid_entry2 *e = rd_cpuid_plain(v->cpuid, *eax);

	if (unlikely(!e)) {
		read_slow(v, eax, ebx, ecx, edx);
		return;
	}
	*eax = e->eax;
	*ebx = e->ebx;
	*ecx = e->ecx;
	*edx = e->edx;
}
