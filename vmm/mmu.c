// SPDX-License-Identifier: GPL-2.0-only
/*
 * The nested page table and the fault path that fills it (K).
 * Invariant: faults hold mmu.lock for read and change an entry only by cmpxchg, only towards more:
 * from empty to mapped, from read-only to writable, from a large page to a table that maps the
 * same. So no fault ever needs a TLB flush, and any number run at once.
 */
#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include "vmm/hw.h"
#include "vmm/mmu_priv.h"
#include "vmm/prot.h"
#include "vmm/unit.h"

/* What one fault wants. */
struct fault {
	u64 *root;           /* the table to map in: the VM's, or its view's */
	struct rd_slot *slot;
	struct rd_prot_verdict verdict;
	u8 page_reasons;     /* those of the page itself that went into the verdict */
	struct rd_host_page host;
	u64 gfn;
	unsigned long hva;
	unsigned long seq;   /* mmu.inval_seq before the host's table was read */
	u8 level;            /* to map at, at most */
	bool write, fetch;
};

/* --- table pages ------------------------------------------------------------------------------ */

static void *table_page_alloc(void)
{
	return (void *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
}

static int cache_fill(struct rd_mmu_cache *c, unsigned int want)
{
	while (c->nr < want) {
		void *page = table_page_alloc();

		if (!page)
			return -ENOMEM;
		c->page[c->nr++] = page;
	}
	return 0;
}

/* vCPUs that are gone, or about to go, need no table pages any more. */
void rd_mmu_drop_cache(struct rd_vcpu *v)
{
	struct rd_mmu_cache *c = &v->mmu_cache;

	while (c->nr)
		free_page((unsigned long)c->page[--c->nr]);
}

/*
 * Put a table below an entry that holds old: false if somebody was faster (then the page, emptied,
 * is at hand again).
 */
static bool link_table(struct rd_vcpu *v, u64 *e, u64 old, u64 *table)
{
	struct rd_mmu *mmu = &v->vm->mmu;

	if (cmpxchg(e, old, rd_pt_table(mmu->fmt, __pa(table) | mmu->me_mask)) == old) {
		v->vm->stats.mmu_pages = atomic_long_inc_return(&mmu->nr_pages);
		return true;
	}
	if (old)
		clear_page(table);
	v->mmu_cache.page[v->mmu_cache.nr++] = table;
	return false;
}

static u64 *cache_take(struct rd_vcpu *v)
{
	return v->mmu_cache.page[--v->mmu_cache.nr];
}

/* Replace a large leaf by a table of smaller ones that map the same. */
static bool split_leaf(struct rd_vcpu *v, u64 *e, u64 old, unsigned int level)
{
	const struct rd_pt_format *fmt = v->vm->mmu.fmt;
	u64 *table = cache_take(v);
	unsigned int i;

	for (i = 0; i < RD_PT_ENTRIES; i++)
		table[i] = rd_pt_split(fmt, old, level, i);
	return link_table(v, e, old, table);
}

/* --- the walk --------------------------------------------------------------------------------- */

u64 *rd_mmu_leaf(const struct rd_mmu *mmu, u64 *table, u64 gfn, unsigned int *level, u64 *value)
{
	const struct rd_pt_format *fmt = mmu->fmt;
	unsigned int l;

	for (l = fmt->levels;; l--) {
		u64 *e = &table[rd_pt_index(gfn, l)];
		u64 entry = READ_ONCE(*e);

		if (!rd_pt_present(fmt, entry))
			return NULL;
		if (rd_pt_is_leaf(fmt, entry, l)) {
			*level = l;
			*value = entry;
			return e;
		}
		table = rd_mmu_child(mmu, entry);
	}
}

static u64 leaf_for(const struct rd_mmu *mmu, const struct fault *f, unsigned int level)
{
	/*
	 * Dirtiness of a page that is only read stays the host's business, so a write must come
	 * back then.
	 */
	bool host_write = f->host.write && (f->write || f->host.dirty);
	struct rd_pt_perm perm = {
		.write = host_write && (f->verdict.allow & RD_ACC_WRITE),
		.exec = f->verdict.allow & RD_ACC_FETCH,
		.host_write = host_write,
		.uncached = f->host.uncached,
	};
	u64 pa = (f->host.pfn & ~(rd_pt_span(level) - 1)) << RD_PAGE_SHIFT;

	return rd_pt_leaf(mmu->fmt, f->host.uncached ? pa : pa | mmu->me_mask, level, perm);
}

static void count_mapped(struct rd_vcpu *v, unsigned int level)
{
	if (level == 1)
		rd_count(v, pf_map_4k);
	else if (level == 2)
		rd_count(v, pf_map_2m);
	else
		rd_count(v, pf_map_1g);
}

/*
 * The entry at which the walk for f ends is a leaf or empty: fill it. -ESTALE: it maps another
 * page, which should be gone.
 */
static int fill(struct rd_vcpu *v, const struct fault *f, u64 *e, u64 old, unsigned int level)
{
	const struct rd_mmu *mmu = &v->vm->mmu;
	const struct rd_pt_format *fmt = mmu->fmt;
	u64 leaf = leaf_for(mmu, f, level);

	if (rd_pt_present(fmt, old)) {
		if (rd_pt_leaf_pa(fmt, old, level) != rd_pt_leaf_pa(fmt, leaf, level))
			return -ESTALE;
		if (rd_pt_permits(fmt, old, f->write, f->fetch)) {
			rd_count(v, pf_spurious);
			return RD_PF_FIXED;
		}
	}
	if (cmpxchg(e, old, leaf) != old)
		return RD_PF_RETRY;
	rd_host_note_use(&f->host, f->write);
	count_mapped(v, level);
	return RD_PF_FIXED;
}

/* lock held for read, and the host page known to be good. */
static int install(struct rd_vcpu *v, const struct fault *f)
{
	struct rd_mmu *mmu = &v->vm->mmu;
	const struct rd_pt_format *fmt = mmu->fmt;
	u64 *table = f->root;
	unsigned int l = fmt->levels;

	for (;;) {
		u64 *e = &table[rd_pt_index(f->gfn, l)];
		u64 old = READ_ONCE(*e);
		bool present = rd_pt_present(fmt, old);
		bool leaf = present && rd_pt_is_leaf(fmt, old, l);

		if (l <= f->level && (leaf || !present))
			return fill(v, f, e, old, l);
		if (leaf && rd_pt_permits(fmt, old, f->write, f->fetch)) {
			rd_count(v, pf_spurious);
			return RD_PF_FIXED;
		}
		if (leaf && !split_leaf(v, e, old, l))
			continue;
		if (!present && !link_table(v, e, 0, cache_take(v)))
			continue;
		table = rd_mmu_child(mmu, READ_ONCE(*e));
		l--;
	}
}

/* --- the fault -------------------------------------------------------------------------------- */

/*
 * Has the host announced a change of what f read, over the whole page that would be mapped? 0 no;
 * -EBUSY it is under way; RD_PF_RETRY it may be over. lock held.
 */
static int overtaken(const struct rd_mmu *mmu, const struct fault *f)
{
	unsigned long size = rd_pt_span(f->level) << RD_PAGE_SHIFT;
	unsigned long start = f->hva & ~(size - 1);

	if (unlikely(mmu->inval_count) && start < mmu->inval_end && start + size > mmu->inval_start)
		return -EBUSY;
	return unlikely(mmu->inval_seq != f->seq) ? RD_PF_RETRY : 0;
}

/* Of the page itself, as they are for v. */
static u8 page_reasons(const struct rd_vcpu *v, u64 gfn)
{
	u8 reasons = rd_prot_map_get(&v->vm->mmu.prot, gfn);

	if (unlikely(v->stepping) && rd_trace_step_opens(v, gfn))
		reasons &= ~RD_PROT_TRACES;
	return reasons;
}

/*
 * Reasons of single pages that came since the verdict, and what those of the neighbours leave of
 * the size. Whoever adds one does so under the lock and then narrows what is mapped. lock held.
 */
static int reprotected(struct rd_vcpu *v, struct fault *f)
{
	struct rd_mmu *mmu = &v->vm->mmu;

	/* In integrity mode, reasons are what opens a page: none may have gone either. */
	if (unlikely(f->root == mmu->view[RD_VIEW_MODE]))
		return rd_prot_map_get(&mmu->prot, f->gfn) != f->page_reasons ? RD_PF_RETRY : 0;
	if (likely(!mmu->prot.nr))
		return 0;
	if (page_reasons(v, f->gfn) & ~f->page_reasons)
		return RD_PF_RETRY;
	f->level = rd_prot_map_level(&mmu->prot, f->gfn, f->level);
	return 0;
}

/* A change may take long (a fork copies tables for milliseconds): do not keep it from the CPU. */
static void wait_for_host(struct rd_mmu *mmu, const struct fault *f)
{
	wait_event_interruptible(mmu->inval_wait, READ_ONCE(mmu->inval_seq) != f->seq);
}

static void note_seq(const struct rd_mmu *mmu, struct fault *f)
{
	f->seq = READ_ONCE(mmu->inval_seq);
	/* The host's table is read after the sequence, or a change in between would go unseen. */
	smp_rmb();
}

/* Find the host's page. 0 found; 1 try again later; -errno. */
static int find_host_page(const struct rd_mmu *mmu, struct fault *f)
{
	unsigned int tries;
	int ret;

	for (tries = 0; tries < 4; tries++) {
		note_seq(mmu, f);
		if (likely(rd_host_walk(current->mm, f->hva, &f->host)) &&
		    (!f->write || f->host.write))
			return 0;
		ret = rd_host_fault_in(f->hva, f->write);
		if (ret)
			return ret == -EINTR ? 1 : ret;
	}
	return 1;
}

static int map(struct rd_vcpu *v, struct fault *f)
{
	struct rd_mmu *mmu = &v->vm->mmu;
	int ret;

	if (unlikely(v->mmu_cache.nr < mmu->fmt->levels - 1) &&
	    cache_fill(&v->mmu_cache, mmu->fmt->levels - 1))
		return -ENOMEM;
	ret = find_host_page(mmu, f);
	if (ret)
		return ret < 0 ? ret : RD_PF_RETRY;
	f->level = 1;
	if (f->host.level > 1 && !f->verdict.small)
		f->level = rd_pt_fit(f->gfn, f->slot->base_gfn, f->slot->npages, f->slot->hva,
				     min(f->host.level, mmu->fmt->max_leaf_level));

	read_lock(&mmu->lock);
	ret = overtaken(mmu, f);
	if (likely(!ret))
		ret = reprotected(v, f);
	if (likely(!ret)) {
		if (f->verdict.action == RD_PROT_LOG)
			rd_mark_dirty(v, f->slot, f->gfn);
		ret = install(v, f);
	}
	read_unlock(&mmu->lock);
	return ret;
}

/*
 * An entry maps a page that the host has replaced without a word: take it away, the next fault
 * maps the right one.
 */
static void zap_stale(struct rd_vm *vm, u64 gfn)
{
	struct rd_zapper z;

	pr_warn_once("redoubt: a page of the VMM was replaced without notice\n");
	rd_zap_begin(&z, vm, false);
	rd_zap_range(&z, gfn, gfn + 1);
	rd_zap_end(&z);
}

/* Writes to a page that is only protected for the log: no need to look at the host at all. */
static bool restore_write(struct rd_vcpu *v, const struct fault *f)
{
	struct rd_mmu *mmu = &v->vm->mmu;
	const struct rd_pt_format *fmt = mmu->fmt;
	unsigned int level = 0;
	bool done = false;
	u64 *e, old = 0;

	read_lock(&mmu->lock);
	e = rd_mmu_leaf(mmu, f->root, f->gfn, &level, &old);
	if (level == 1 && (old & fmt->soft_write) &&
	    !(page_reasons(v, f->gfn) & ~f->page_reasons)) {
		rd_mark_dirty(v, f->slot, f->gfn);
		done = cmpxchg(e, old, rd_pt_with_write(fmt, old)) == old;
	}
	read_unlock(&mmu->lock);
	if (done)
		rd_count(v, pf_write_protect);
	return done;
}

static int ask_units(struct rd_vcpu *v, u64 gpa, unsigned int acc)
{
	unsigned int i;

	for (i = 0; i < rd_units.nr_mem_fault; i++) {
		int ret = rd_units.mem_fault[i](v, gpa, acc);

		if (ret != -ENOENT)
			return ret;
	}
	return RD_PF_EMULATE;
}

/*
 * A fault in a view.  In integrity mode the reasons of a page open it instead of stopping what it
 * is there for, but those of the slot hold, and what another subsystem owns is nobody's.  A
 * subsystem's own tables show what the VM's table shows.
 */
static noinline void view_verdict(struct rd_vcpu *v, const struct rd_slot *s, u64 gfn,
				  unsigned int acc, struct fault *f)
{
	bool mode = v->view.which == RD_VIEW_MODE;

	f->root = v->vm->mmu.view[v->view.which];
	f->page_reasons = mode ? v->view.reasons : page_reasons(v, gfn);
	f->verdict = rd_prot_decide(s->reasons | (mode ? 0 : f->page_reasons), acc);
	f->verdict.small = true;
	if (!mode)
		return;
	f->verdict.allow &= v->view.allow;
	if ((acc & ~v->view.allow) || (f->page_reasons & BIT(RD_PROT_OWNED)))
		f->verdict.action = RD_PROT_EMULATE;
}

/* The one way of mapping, for the view, too: a second one would cost both. */
static int fault_in_slot(struct rd_vcpu *v, struct rd_slot *s, u64 gpa, unsigned int acc)
{
	struct fault f;
	int ret;

	if (unlikely(v->view.allow)) {
		view_verdict(v, s, gpa >> RD_PAGE_SHIFT, acc, &f);
	} else {
		f.root = v->vm->mmu.root;
		f.page_reasons = page_reasons(v, gpa >> RD_PAGE_SHIFT);
		f.verdict = rd_prot_decide(s->reasons | f.page_reasons, acc);
	}
	if (unlikely(f.verdict.action == RD_PROT_ASK))
		return f.page_reasons & BIT(RD_PROT_OWNED) ? ask_units(v, gpa, acc)
							   : RD_PF_TRACED;
	if (unlikely(f.verdict.action == RD_PROT_EMULATE))
		return RD_PF_EMULATE;
	f.slot = s;
	f.gfn = gpa >> RD_PAGE_SHIFT;
	f.hva = rd_slot_hva(s, f.gfn);
	f.write = acc & RD_ACC_WRITE;
	f.fetch = acc & RD_ACC_FETCH;
	if (f.verdict.action == RD_PROT_LOG && restore_write(v, &f))
		return RD_PF_FIXED;
	ret = map(v, &f);
	if (likely(ret == RD_PF_FIXED)) {
		rd_count(v, pf_fixed);
		return ret;
	}
	if (ret == -ESTALE)
		zap_stale(v->vm, f.gfn);
	else if (ret == -EBUSY)
		wait_for_host(&v->vm->mmu, &f);
	else if (ret < 0)
		return ret;
	rd_count(v, pf_retry);
	return RD_PF_RETRY;
}

int rd_mmu_fault(struct rd_vcpu *v, u64 gpa, unsigned int acc)
{
	struct rd_slot *s = rd_vcpu_slot(v, gpa >> RD_PAGE_SHIFT);

	/* Most faults of a guest that has warmed up are accesses to devices. */
	return s ? fault_in_slot(v, s, gpa, acc) : RD_PF_EMULATE;
}

/* --- life ------------------------------------------------------------------------------------- */

int rd_mmu_init(struct rd_vm *vm)
{
	struct rd_mmu *mmu = &vm->mmu;
	int ret;

	rwlock_init(&mmu->lock);
	mutex_init(&mmu->prot_lock);
	init_waitqueue_head(&mmu->inval_wait);
	mmu->fmt = rd_hw->pt;
	mmu->me_mask = __sme_set(0ULL);
	mmu->max_gfn = min(rd_pt_max_gfn(mmu->fmt),
			   1ULL << (boot_cpu_data.x86_phys_bits - RD_PAGE_SHIFT));
	mmu->root = table_page_alloc();
	if (!mmu->root)
		return -ENOMEM;
	mmu->root_pa = __pa(mmu->root) | mmu->me_mask;
	atomic_long_set(&mmu->nr_pages, 1);
	ret = rd_mmu_notifier_init(vm);
	if (ret) {
		free_page((unsigned long)mmu->root);
		mmu->root = NULL;
	}
	return ret;
}

void rd_mmu_destroy(struct rd_vm *vm)
{
	if (vm->mmu.root)
		rd_mmu_free_tables(vm);
	vm->mmu.root = NULL;
	rd_prot_map_destroy(&vm->mmu.prot);
}
