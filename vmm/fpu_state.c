// SPDX-License-Identifier: GPL-2.0-only
/*
 * FPU, SSE, AVX state in the layouts of the ioctls, by the kernel's guest FPU container.
 * Invariant: the container, not the CPU, holds the guest's registers here: KVM_RUN puts them back
 * before it ends.
 */
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include "vmm/cpuid.h"
#include "vmm/regs.h"
#include "vmm/state.h"
#include "vmm/vm.h"

#define MXCSR_DEFINED 0xffffU

static u64 saved_features(struct rd_vcpu *v)
{
	return v->cpuid->xcr0_allowed | RD_XCR0_FP | RD_XCR0_SSE;
}

int rd_vcpu_get_xsave(struct rd_vcpu *v, void *buf, u32 size)
{
	memset(buf, 0, size);
	fpu_copy_guest_fpstate_to_uabi(&v->fpu, buf, size, saved_features(v), v->pkru);
	return 0;
}

int rd_vcpu_set_xsave(struct rd_vcpu *v, const void *buf)
{
	return fpu_copy_uabi_to_guest_fpstate(&v->fpu, buf, rd_host_xstate()->supported, &v->pkru);
}

int rd_vcpu_get_xcrs(struct rd_vcpu *v, struct kvm_xcrs *x)
{
	memset(x, 0, sizeof(*x));
	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return 0;
	x->nr_xcrs = 1;
	x->xcrs[0].xcr = 0;
	x->xcrs[0].value = v->xcr0;
	return 0;
}

int rd_vcpu_set_xcrs(struct rd_vcpu *v, const struct kvm_xcrs *x)
{
	unsigned int i;

	if (!boot_cpu_has(X86_FEATURE_XSAVE) || x->flags || x->nr_xcrs > KVM_MAX_XCRS)
		return -EINVAL;
	for (i = 0; i < x->nr_xcrs; i++)
		if (x->xcrs[i].xcr == 0)
			return rd_set_xcr(v, 0, x->xcrs[i].value) ? -EINVAL : 0;
	return 0;
}

void rd_vcpu_get_fpu(struct rd_vcpu *v, struct kvm_fpu *f)
{
	const struct fxregs_state *s = &v->fpu.fpstate->regs.fxsave;

	memset(f, 0, sizeof(*f));
	memcpy(f->fpr, s->st_space, sizeof(f->fpr));
	memcpy(f->xmm, s->xmm_space, sizeof(f->xmm));
	f->fcw = s->cwd;
	f->fsw = s->swd;
	f->ftwx = s->twd;
	f->last_opcode = s->fop;
	f->last_ip = s->rip;
	f->last_dp = s->rdp;
	f->mxcsr = s->mxcsr;
}

int rd_vcpu_set_fpu(struct rd_vcpu *v, const struct kvm_fpu *f)
{
	struct fxregs_state *s = &v->fpu.fpstate->regs.fxsave;

	if (f->mxcsr & ~MXCSR_DEFINED)
		return -EINVAL;
	memcpy(s->st_space, f->fpr, sizeof(f->fpr));
	memcpy(s->xmm_space, f->xmm, sizeof(f->xmm));
	s->cwd = f->fcw;
	s->swd = f->fsw;
	s->twd = f->ftwx;
	s->fop = f->last_opcode;
	s->rip = f->last_ip;
	s->rdp = f->last_dp;
	s->mxcsr = f->mxcsr;
	/* Without these bits XRSTOR would take the initial state instead. */
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		v->fpu.fpstate->regs.xsave.header.xfeatures |= RD_XCR0_FP | RD_XCR0_SSE;
	return 0;
}
