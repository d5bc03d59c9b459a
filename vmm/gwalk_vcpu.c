// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walk through the guest's page tables, on a vCPU and its memory slots (K).
 * Invariant: as in vmm/gwalk.h. Hot: an exit on a CPU that does not report the next RIP fetches the
 * instruction through here, so the walk is melted into its callers and keeps the slot at hand.
 */
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include "vmm/gwalk_walk.h"
#include "vmm/hw.h"
#include "vmm/memslot.h"
#include "vmm/vm.h"

#define RFLAGS_AC BIT(18)

struct walk_ctx {
	struct rd_vcpu *v;
	struct rd_slot *slot;   /* the last one used; NULL none yet */
};

/* Take up the vCPU's cached slot, if it is still of the current table. */
static __always_inline struct walk_ctx ctx_of(struct rd_vcpu *v)
{
	struct rd_slots *slots = srcu_dereference(v->vm->slots, &v->vm->srcu);

	return (struct walk_ctx){ v, v->slot_gen == slots->generation ? v->slot_cache : NULL };
}

static __always_inline const void __user *ctx_ptr(struct walk_ctx *c, u64 gpa)
{
	u64 gfn = gpa >> RD_PAGE_SHIFT;

	if (unlikely(!c->slot || !rd_slot_has(c->slot, gfn))) {
		c->slot = rd_vcpu_slot(c->v, gfn);
		if (!c->slot)
			return NULL;
	}
	return (const void __user *)(rd_slot_hva(c->slot, gfn) + (gpa & ~RD_PAGE_MASK));
}

static __always_inline bool read_entry(void *ctx, u64 gpa, unsigned int size, u64 *val)
{
	const void __user *p = ctx_ptr(ctx, gpa);

	if (unlikely(!p || !user_access_begin(p, size)))
		return false;
	if (size == 8) {
		unsafe_get_user(*val, (const u64 __user *)p, fault);
	} else {
		u32 val32;

		unsafe_get_user(val32, (const u32 __user *)p, fault);
		*val = val32;
	}
	user_access_end();
	return true;
fault:
	user_access_end();
	return false;
}

static int update_entry(void *ctx, u64 gpa, unsigned int size, u64 old, u64 new_val)
{
	struct walk_ctx *c = ctx;
	int ret = rd_vcpu_cmpxchg_gpa(c->v, gpa, &old, &new_val, size);

	/* Tables in read-only memory keep their bits as they are. */
	return ret > 0;
}

static const struct rd_gwalk_io vcpu_io = { .read = read_entry, .exchange = update_entry };

/* Rare: set the accessed and dirty bits that the walk found missing. */
static noinline int walk_update(struct rd_vcpu *v, const struct rd_gwalk_acc *a, u64 gva, u64 *gpa,
				u32 *error)
{
	struct walk_ctx c = ctx_of(v);

	return rd_gwalk(&v->paging, a, &vcpu_io, &c, gva, gpa, error, true);
}

static __always_inline int walk(struct walk_ctx *c, const struct rd_gwalk_acc *a, u64 gva, u64 *gpa,
				u32 *error)
{
	int ret = rd_gwalk(&c->v->paging, a, &vcpu_io, c, gva, gpa, error, false);

	return likely(ret >= 0) ? ret : walk_update(c->v, a, gva, gpa, error);
}

static noinline void paging_changed(struct rd_vcpu *v, const struct rd_paging_regs *r)
{
	rd_paging_set(&v->paging, r, v->maxphyaddr, boot_cpu_has(X86_FEATURE_GBPAGES));
}

void rd_paging_refresh(struct rd_vcpu *v)
{
	struct rd_paging *p = &v->paging;
	struct rd_paging_regs r = {
		.cr0 = rd_hw->get_cr(v, 0),
		.cr3 = rd_hw->get_cr(v, 3),
		.cr4 = rd_hw->get_cr(v, 4),
		.efer = rd_hw->get_efer(v),
	};

	if (unlikely(p->cr0 != r.cr0 || p->cr4 != r.cr4 || p->efer != r.efer ||
		     p->maxphyaddr != v->maxphyaddr || !p->valid))
		paging_changed(v, &r);
	p->cr3 = r.cr3;
}

int rd_gva_to_gpa(struct rd_vcpu *v, u64 gva, unsigned int acc, unsigned int cpl, u64 *gpa,
		  struct rd_fault *f)
{
	struct rd_gwalk_acc a = {
		.write = acc & RD_ACC_WRITE,
		.fetch = acc & RD_ACC_FETCH,
		.user = cpl == 3 && !(acc & RD_ACC_SYSTEM),
		.smap_off = (v->rflags & RFLAGS_AC) && !(acc & RD_ACC_SYSTEM),
	};
	struct walk_ctx c = ctx_of(v);
	u32 error;

	rd_paging_refresh(v);
	if (likely(!walk(&c, &a, gva, gpa, &error)))
		return 0;
	*f = (struct rd_fault){ .vector = 14, .has_error = true, .error = error, .cr2 = gva };
	return 1;
}

/* At most 16 bytes that lie in one page: two overlapping loads cover every length from 8 on. */
static __always_inline bool copy_insn(u8 *buf, const u8 __user *p, unsigned int n)
{
	if (!user_access_begin(p, n))
		return false;
	if (likely(n >= 8)) {
		unsafe_get_user(*(u64 *)buf, (const u64 __user *)p, fault);
		unsafe_get_user(*(u64 *)(buf + n - 8), (const u64 __user *)(p + n - 8), fault);
	} else {
		while (n--)
			unsafe_get_user(buf[n], p + n, fault);
	}
	user_access_end();
	return true;
fault:
	user_access_end();
	return false;
}

int rd_fetch_insn(struct rd_vcpu *v, u64 linear_rip, u8 *buf, unsigned int n)
{
	const struct rd_gwalk_acc a = { .fetch = true, .user = rd_hw->get_cpl(v) == 3 };
	struct walk_ctx c = ctx_of(v);
	const u8 __user *p;
	u64 gpa;
	u32 error;

	rd_paging_refresh(v);
	if (unlikely(walk(&c, &a, linear_rip, &gpa, &error)))
		return 0;
	p = ctx_ptr(&c, gpa);
	n = min3(n, 16U, (unsigned int)(RD_PAGE_SIZE - (gpa & ~RD_PAGE_MASK)));
	return p && copy_insn(buf, p, n) ? n : 0;
}
