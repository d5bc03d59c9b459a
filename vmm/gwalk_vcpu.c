// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walk through the guest's page tables, on a vCPU and its memory slots (K).
 * Invariant: as in vmm/gwalk.h; a remembered walk is used only while each entry it read still has
 * the value it had, so the answer is the one that a new walk would give.
 * Hot: on a CPU that does not report the next RIP each exit fetches its instruction through here.
 */
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include "vmm/gwalk_walk.h"
#include "vmm/hw.h"
#include "vmm/memslot.h"
#include "vmm/vm.h"

#define RFLAGS_AC BIT(18)

/* What kind of access a walk was made for, in the low bits of rd_walk_hit.tag. */
enum { RD_HIT_VALID = 1, RD_HIT_WRITE = 2, RD_HIT_FETCH = 4, RD_HIT_USER = 8, RD_HIT_AC = 16 };

struct walk_ctx {
	struct rd_vcpu *v;
	struct rd_slot *slot;    /* the last one used; NULL none yet */
	struct rd_walk_hit *hit; /* records what is read */
};

static __always_inline const struct rd_slots *slots_of(struct rd_vcpu *v)
{
	return rd_vm_table(v->vm->slots);
}

static unsigned long host_addr(struct walk_ctx *c, u64 gpa)
{
	u64 gfn = gpa >> RD_PAGE_SHIFT;

	if (unlikely(!c->slot || !rd_slot_has(c->slot, gfn))) {
		c->slot = rd_vcpu_slot(c->v, gfn);
		if (!c->slot)
			return 0;
	}
	return rd_slot_hva(c->slot, gfn) + (gpa & ~RD_PAGE_MASK);
}

static __always_inline bool read_entry(void *ctx, u64 gpa, unsigned int size, u64 *val)
{
	struct walk_ctx *c = ctx;
	unsigned long p = host_addr(c, gpa);
	u32 val32;

	if (unlikely(!p || !user_access_begin((void __user *)p, size)))
		return false;
	if (size == 8) {
		unsafe_get_user(*val, (const u64 __user *)p, fault);
	} else {
		unsafe_get_user(val32, (const u32 __user *)p, fault);
		*val = val32;
	}
	user_access_end();
	if (c->hit) {
		c->hit->entry[c->hit->n] = p;
		c->hit->value[c->hit->n++] = *val;
	}
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
	struct walk_ctx c = { .v = v };

	return rd_gwalk(&v->paging, a, &vcpu_io, &c, gva, gpa, error, true);
}

/* Walk, and remember the walk under tag. */
static noinline int walk(struct rd_vcpu *v, const struct rd_gwalk_acc *a, u64 gva, u64 tag,
			 struct rd_walk_hit *h, u64 *gpa, u32 *error)
{
	struct walk_ctx c = { .v = v, .hit = h };
	u64 gen = slots_of(v)->generation;
	int ret;

	h->tag = 0;
	h->n = 0;
	ret = rd_gwalk(&v->paging, a, &vcpu_io, &c, gva, gpa, error, false);
	if (unlikely(ret < 0))
		return walk_update(v, a, gva, gpa, error);
	/* Entries of 4 bytes are not remembered: the comparison is on 8. */
	if (ret || v->paging.mode < RD_PAGING_PAE)
		return ret;
	h->gpa = *gpa & RD_PAGE_MASK;
	h->host = host_addr(&c, h->gpa);
	h->cr3 = v->paging.cr3;
	h->slot_gen = gen;
	h->tag = tag;
	return 0;
}

static __always_inline struct rd_walk_hit *hit_slot(struct rd_vcpu *v, u64 tag)
{
	BUILD_BUG_ON(RD_HIT_FETCH * 2 != RD_NR_WALK_HITS);
	return &v->walks[(((tag >> RD_PAGE_SHIFT) ^ (tag >> 1)) & (RD_HIT_FETCH - 1)) |
			 (tag & RD_HIT_FETCH)];
}

static __always_inline u64 hit_tag(u64 gva, const struct rd_gwalk_acc *a)
{
	return (gva & RD_PAGE_MASK) | RD_HIT_VALID | (a->write ? RD_HIT_WRITE : 0) |
	       (a->fetch ? RD_HIT_FETCH : 0) | (a->user ? RD_HIT_USER : 0) |
	       (a->smap_off ? RD_HIT_AC : 0);
}

static __always_inline bool hit_holds(struct rd_vcpu *v, const struct rd_walk_hit *h, u64 tag)
{
	/* By pointer: a check of an array's bounds would call out with access to user memory on. */
	const unsigned long *entry = h->entry;
	const u64 *value = h->value;
	unsigned int i;
	u64 e;

	if (h->tag != tag || h->cr3 != v->paging.cr3 || h->slot_gen != slots_of(v)->generation)
		return false;
	/* The slots vouch for the addresses, see vmm/memslot.c. */
	__uaccess_begin_nospec();
	for (i = 0; i < h->n; i++) {
		unsafe_get_user(e, (const u64 __user *)entry[i], differs);
		if (e != value[i])
			goto differs;
	}
	user_access_end();
	return true;
differs:
	user_access_end();
	return false;
}

static noinline void paging_changed(struct rd_vcpu *v, const struct rd_paging_regs *r)
{
	unsigned int i;

	rd_paging_set(&v->paging, r, v->maxphyaddr, boot_cpu_has(X86_FEATURE_GBPAGES));
	v->paging_changes++;
	for (i = 0; i < RD_NR_WALK_HITS; i++)
		v->walks[i].tag = 0;
}

static __always_inline void read_regs(struct rd_vcpu *v, struct rd_paging_regs *r)
{
	if (likely(rd_hw->paging_regs)) {
		rd_hw->paging_regs(v, r);
		return;
	}
	r->cr0 = rd_hw->get_cr(v, 0);
	r->cr3 = rd_hw->get_cr(v, 3);
	r->cr4 = rd_hw->get_cr(v, 4);
	r->efer = rd_hw->get_efer(v);
	r->cpl = rd_hw->get_cpl(v);
}

static __always_inline unsigned int refresh(struct rd_vcpu *v)
{
	struct rd_paging *p = &v->paging;
	struct rd_paging_regs r;

	read_regs(v, &r);
	if (unlikely(p->cr0 != r.cr0 || p->cr4 != r.cr4 || p->efer != r.efer ||
		     p->maxphyaddr != v->maxphyaddr || !p->valid))
		paging_changed(v, &r);
	p->cr3 = r.cr3;
	return r.cpl;
}

unsigned int rd_paging_refresh(struct rd_vcpu *v)
{
	return refresh(v);
}

static struct rd_gwalk_acc access_for(const struct rd_vcpu *v, unsigned int acc, unsigned int cpl)
{
	return (struct rd_gwalk_acc){
		.write = acc & RD_ACC_WRITE,
		.fetch = acc & RD_ACC_FETCH,
		.user = cpl == 3 && !(acc & RD_ACC_SYSTEM),
		.smap_off = (v->rflags & RFLAGS_AC) && !(acc & RD_ACC_SYSTEM),
	};
}

int rd_gva_to_gpa_noted(struct rd_vcpu *v, u64 gva, unsigned int acc, unsigned int cpl, u64 *gpa,
			struct rd_fault *f, struct rd_walk_hit *h)
{
	struct rd_gwalk_acc a = access_for(v, acc, cpl);
	u32 error;

	refresh(v);
	if (!walk(v, &a, gva, hit_tag(gva, &a), h, gpa, &error))
		return 0;
	*f = (struct rd_fault){ .vector = 14, .has_error = true, .error = error, .cr2 = gva };
	return 1;
}

bool rd_walk_holds(struct rd_vcpu *v, const struct rd_walk_hit *h)
{
	return h->tag && hit_holds(v, h, h->tag);
}

int rd_gva_to_gpa(struct rd_vcpu *v, u64 gva, unsigned int acc, unsigned int cpl, u64 *gpa,
		  struct rd_fault *f)
{
	struct rd_gwalk_acc a = access_for(v, acc, cpl);
	u64 tag = hit_tag(gva, &a);
	struct rd_walk_hit *h = hit_slot(v, tag);
	u32 error;

	refresh(v);
	if (likely(hit_holds(v, h, tag))) {
		*gpa = h->gpa | (gva & ~RD_PAGE_MASK);
		return 0;
	}
	if (likely(!walk(v, &a, gva, tag, h, gpa, &error)))
		return 0;
	*f = (struct rd_fault){ .vector = 14, .has_error = true, .error = error, .cr2 = gva };
	return 1;
}

/* At most 16 bytes that lie in one page: two overlapping loads cover every length from 8 on. */
static __always_inline bool copy_insn(u8 *buf, unsigned long p, unsigned int n)
{
	__uaccess_begin_nospec();
	if (likely(n >= 8)) {
		unsafe_get_user(*(u64 *)buf, (const u64 __user *)p, fault);
		unsafe_get_user(*(u64 *)(buf + n - 8), (const u64 __user *)(p + n - 8), fault);
	} else {
		while (n--)
			unsafe_get_user(buf[n], (const u8 __user *)p + n, fault);
	}
	user_access_end();
	return true;
fault:
	user_access_end();
	return false;
}

int rd_fetch_insn(struct rd_vcpu *v, u64 linear_rip, u8 *buf, unsigned int n)
{
	struct rd_gwalk_acc a = { .fetch = true };
	unsigned int offset = linear_rip & ~RD_PAGE_MASK;
	struct rd_walk_hit *h;
	unsigned long host;
	u64 tag, gpa;
	u32 error;

	a.user = refresh(v) == 3;
	tag = hit_tag(linear_rip, &a);
	h = hit_slot(v, tag);
	if (likely(hit_holds(v, h, tag))) {
		host = h->host + offset;
	} else {
		struct walk_ctx c = { .v = v };

		if (walk(v, &a, linear_rip, tag, h, &gpa, &error))
			return 0;
		host = host_addr(&c, gpa);
	}
	n = min3(n, 16U, (unsigned int)RD_PAGE_SIZE - offset);
	/* Below a page's address: no memory there. */
	return host >= RD_PAGE_SIZE && copy_insn(buf, host, n) ? n : 0;
}
