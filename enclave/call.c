// SPDX-License-Identifier: GPL-2.0-only
/*
 * ENCLS and ENCLU of a vCPU (K): from #UD to the leaf and back.
 * Invariant: registers of the vCPU change only when the leaf was carried out.
 */
#include <linux/mm.h>
#include <asm/msr-index.h>
#include "enclave/enclave.h"
#include "vmm/cpuid.h"
#include "vmm/gwalk.h"
#include "vmm/hw.h"
#include "vmm/vm.h"

#define VEC_GP 13
#define CR0_NE BIT_ULL(5)
#define CR4_OSFXSR BIT_ULL(9)
#define CR4_LA57 BIT_ULL(12)
#define CR4_OSXSAVE BIT_ULL(18)
#define FEAT_CTL_SGX (FEAT_CTL_LOCKED | FEAT_CTL_SGX_ENABLED)
#define MODRM_ENCLS 0xcf
#define MODRM_ENCLU 0xd7

static int translate(struct rd_leaf *l, u64 la, unsigned int acc, u64 *gpa)
{
	return rd_gva_to_gpa(l->priv, la, acc, l->user ? 3 : 0, gpa, &l->fault) ? RD_LEAF_FAULT : 0;
}

/*
 * The pieces of a range by page: structures and pages are never longer than a page, so there are at
 * most two.
 */
struct pieces {
	u64 gpa[2];
	unsigned int len[2];
};

static int find(struct rd_leaf *l, u64 la, unsigned int len, unsigned int acc, struct pieces *p)
{
	p->len[0] = min_t(u64, len, RD_SGX_PAGE - (la & ~RD_PAGE_MASK));
	p->len[1] = len - p->len[0];
	if (translate(l, la, acc, &p->gpa[0]))
		return RD_LEAF_FAULT;
	return p->len[1] ? translate(l, la + p->len[0], acc, &p->gpa[1]) : 0;
}

/* What is no memory reads as ones and swallows writes: the EPC's pages, and devices. */
static int read_memory(struct rd_leaf *l, u64 la, void *buf, unsigned int len)
{
	struct pieces p;
	unsigned int i;

	if (find(l, la, len, RD_ACC_READ, &p))
		return RD_LEAF_FAULT;
	for (i = 0; i < 2 && p.len[i]; i++) {
		if (rd_vcpu_read_gpa(l->priv, p.gpa[i], buf, p.len[i]))
			memset(buf, 0xff, p.len[i]);
		buf = (u8 *)buf + p.len[i];
	}
	return 0;
}

static int write_memory(struct rd_leaf *l, u64 la, const void *buf, unsigned int len)
{
	struct pieces p;
	unsigned int i;

	if (find(l, la, len, RD_ACC_WRITE, &p))
		return RD_LEAF_FAULT;
	for (i = 0; i < 2 && p.len[i]; i++) {
		(void)rd_vcpu_write_gpa(l->priv, p.gpa[i], buf, p.len[i]);
		buf = (const u8 *)buf + p.len[i];
	}
	return 0;
}

static const struct rd_leaf_ops ops = {
	.translate = translate,
	.read = read_memory,
	.write = write_memory,
	.xsave = rd_enclave_xsave,
	.xrstor = rd_enclave_xrstor,
	.xinit = rd_enclave_xinit,
};

static void fill(struct rd_vcpu *v, u64 next)
{
	struct rd_enclave_vcpu *e = rd_vcpu_enclave(v);
	struct rd_leaf *l = &e->leaf;
	u64 cr4 = rd_hw->get_cr(v, 4);

	l->epc = &rd_vm_enclave(v->vm)->epc;
	l->ops = &ops;
	l->priv = v;
	memcpy(l->gpr, v->gpr, sizeof(l->gpr));
	l->rip = next;
	l->rflags = v->rflags;
	l->xcr0 = v->xcr0;
	l->osfxsr = cr4 & CR4_OSFXSR;
	l->osxsave = cr4 & CR4_OSXSAVE;
	l->va_bits = cr4 & CR4_LA57 ? 57 : 48;
	memcpy(l->pubkeyhash, v->lepubkeyhash, sizeof(l->pubkeyhash));
	l->xbuf = e->xbuf;
	l->stay = &e->stay;
	l->in = NULL;
}

/* What the leaf said, outside an enclave. */
static int finish(struct rd_vcpu *v, int ret)
{
	struct rd_leaf *l = &rd_vcpu_enclave(v)->leaf;

	if (ret < 0)
		return ret;
	if (ret == RD_LEAF_FAULT) {
		rd_queue_fault(v, &l->fault);
		return 1;
	}
	if (l->in)
		return rd_enclave_run(v);
	memcpy(v->gpr, l->gpr, sizeof(v->gpr));
	v->rflags = l->rflags;
	return rd_finish_insn(v, l->rip);
}

static int encls(struct rd_vcpu *v, u64 next)
{
	fill(v, next);
	return finish(v, rd_encls(&rd_vcpu_enclave(v)->leaf));
}

static int enclu(struct rd_vcpu *v, u64 next)
{
	struct rd_leaf *l = &rd_vcpu_enclave(v)->leaf;
	int ret = rd_enclave_prepare(v);

	if (ret)
		return ret;
	fill(v, next);
	rd_hw->get_segment(v, RD_SEG_FS, &l->fs);
	rd_hw->get_segment(v, RD_SEG_GS, &l->gs);
	return finish(v, rd_enclu(l));
}

static void wait_for_reset(struct rd_enclave_vm *e)
{
	if (likely(!READ_ONCE(e->resetting)))
		return;
	mutex_lock(&e->reset_lock);
	mutex_unlock(&e->reset_lock);
}

int rd_enclave_insn(struct rd_vcpu *v, const u8 *insn, unsigned int n)
{
	unsigned int rex = n && (insn[0] & 0xf0) == 0x40;
	u64 cs_base, next = v->rip + rex + 3;
	u8 modrm;

	if (!rd_vcpu_enclave(v) || n < rex + 3 || insn[rex] != 0x0f || insn[rex + 1] != 0x01)
		return -ENOENT;
	modrm = insn[rex + 2];
	if (modrm != MODRM_ENCLS && modrm != MODRM_ENCLU)
		return -ENOENT;
	if (!rd_cpuid_has(v, RD_F_SGX) || rd_hw->code_mode(v, &cs_base) != RD_MODE_LONG ||
	    rd_hw->get_cpl(v) != (modrm == MODRM_ENCLS ? 0 : 3))
		return -ENOENT;
	if ((v->feat_ctl & FEAT_CTL_SGX) != FEAT_CTL_SGX || !(rd_hw->get_cr(v, 0) & CR0_NE)) {
		rd_queue_exception_err(v, VEC_GP, 0);
		return 1;
	}
	wait_for_reset(rd_vm_enclave(v->vm));
	return modrm == MODRM_ENCLS ? encls(v, next) : enclu(v, next);
}
