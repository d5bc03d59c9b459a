// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the image of the guest's driver may do in integrity mode, and who has it do so (K).
 * Invariant: what ends the mode before the image leaves it is reported; the guest sees -EIO and
 * nothing else of it. A write that the image let through lands, or is given up, before the image is
 * asked about another one.
 */
#include <linux/cpufeature.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "kmod/trace.h"
#include "vmm/hw.h"
#include "vmm/mode.h"
#include "vmm/trace.h"
#include "vmm/vm.h"

#define MODE_LIMIT_NS (10ULL * NSEC_PER_SEC)
/* A stay that goes on. */
#define GO_ON 1

/* --- the image -------------------------------------------------------------------------------- */

static bool said_ok(const struct rd_guest_attach *s)
{
	return s->image < RD_TREE_GFNS && s->image_pages >= 2 &&
	       s->image_pages <= RD_MODE_MAX_PAGES && s->image_code &&
	       s->image_code < s->image_pages && s->entry < s->image_code * (u64)RD_PAGE_SIZE &&
	       !s->pad;
}

/* Make a page of memory the image's: out of everybody's reach before it is looked at. */
static int claim(struct rd_vm *vm, u64 gfn)
{
	if (gfn >= RD_TREE_GFNS || !rd_slot_find(rd_vm_table(vm->slots), gfn))
		return -EFAULT;
	/* One of the tree's, or named twice. */
	if (rd_prot_map_get(&vm->mmu.prot, gfn) & (BIT(RD_PROT_NODE) | BIT(RD_PROT_OWNED)))
		return -EINVAL;
	return rd_mmu_protect(vm, gfn, 1, RD_PROT_NODE);
}

static int claim_image(struct rd_vm *vm, struct rd_mode *mode)
{
	unsigned int i;
	int ret = claim(vm, mode->list);

	if (ret)
		return ret;
	if (rd_vm_read_gpa(vm, mode->list << RD_PAGE_SHIFT, mode->image, sizeof(mode->image)))
		return -EFAULT;
	for (i = 0; i < mode->nr && !ret; i++)
		ret = claim(vm, mode->image[i]);
	for (; i < RD_MODE_MAX_PAGES && !ret; i++)
		ret = mode->image[i] ? -EINVAL : 0;
	return ret;
}

static void mode_free(struct rd_mode *mode)
{
	unsigned int i;

	for (i = 0; i < RD_MODE_TABLES; i++)
		if (mode->table[i])
			__free_page(mode->table[i]);
	kfree(mode);
}

static int make_tables(struct rd_mode *mode)
{
	u64 *table[RD_MODE_TABLES];
	unsigned int i;

	for (i = 0; i < RD_MODE_TABLES; i++) {
		mode->table[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!mode->table[i])
			return -ENOMEM;
		table[i] = page_address(mode->table[i]);
	}
	rd_mode_tables_fill(table, mode->tables_gfn, mode->image, mode->nr, mode->code);
	return 0;
}

static int mode_make(struct rd_vm *vm, struct rd_mode *mode)
{
	int ret = claim_image(vm, mode);

	if (!ret)
		ret = make_tables(mode);
	if (!ret)
		ret = rd_mmu_view_init(vm, RD_VIEW_MODE);
	return ret;
}

int rd_mode_attach(struct rd_trace_guest *g, const struct rd_guest_attach *s)
{
	struct rd_mode *mode;
	int ret;

	if (!s->image_pages)
		return s->image || s->image_code || s->entry || s->pad ? -EINVAL : 0;
	if (!said_ok(s))
		return -EINVAL;
	if (!rd_hw->mode_enter || !boot_cpu_has(X86_FEATURE_GBPAGES))
		return -EOPNOTSUPP;
	mode = kzalloc(sizeof(*mode), GFP_KERNEL_ACCOUNT);
	if (!mode)
		return -ENOMEM;
	mode->nr = s->image_pages;
	mode->code = s->image_code;
	mode->list = s->image;
	mode->entry = RD_MODE_BASE + s->entry;
	/* Above all memory: nobody misses what would be there. */
	mode->tables_gfn = g->vm->mmu.max_gfn - RD_MODE_TABLES;
	ret = mode_make(g->vm, mode);
	if (ret) {
		mode_free(mode);
		return ret;
	}
	mutex_lock(&g->mode_lock);
	g->mode = mode;
	mutex_unlock(&g->mode_lock);
	return 0;
}

void rd_mode_drop(struct rd_trace_guest *g)
{
	struct rd_mode *mode;

	mutex_lock(&g->mode_lock);
	mode = g->mode;
	g->mode = NULL;
	mutex_unlock(&g->mode_lock);
	if (!mode)
		return;
	rd_mmu_view_clear(g->vm, RD_VIEW_MODE);
	mode_free(mode);
}

void rd_mode_destroy(struct rd_trace_guest *g)
{
	if (g->mode)
		mode_free(g->mode);
	g->mode = NULL;
}

/* --- what the view allows --------------------------------------------------------------------- */

static unsigned int allowed(const struct rd_mode *mode, u64 gfn, u8 reasons)
{
	unsigned int i;

	if (!(reasons & BIT(RD_PROT_NODE)))
		return RD_TRACE_NODES_OPEN ? RD_ACC_READ | RD_ACC_WRITE : RD_ACC_READ;
	if (gfn == mode->list)
		return RD_ACC_READ;
	for (i = 0; i < mode->code; i++)
		if (mode->image[i] == gfn)
			return RD_ACC_READ | RD_ACC_FETCH;
	return RD_ACC_READ | RD_ACC_WRITE;
}

/* 0, or why the mode ends. */
static u8 fault(struct rd_vcpu *v, const struct rd_mode *mode, const struct rd_mode_run *m)
{
	u64 gfn = m->gpa >> RD_PAGE_SHIFT;
	u8 reasons;
	int r;

	if (gfn - mode->tables_gfn < RD_MODE_TABLES) {
		r = rd_mmu_view_page(v, RD_VIEW_MODE, gfn, mode->table[gfn - mode->tables_gfn],
				     false);
	} else {
		reasons = gfn < RD_TREE_GFNS ? rd_prot_map_get(&v->vm->mmu.prot, gfn) : 0;
		r = rd_mmu_view_fault(v, m->gpa, m->acc, reasons, allowed(mode, gfn, reasons));
	}
	if (r == RD_PF_FIXED || r == RD_PF_RETRY)
		return 0;
	if (r != RD_PF_EMULATE)
		return RD_MODE_HOST;
	return m->acc & RD_ACC_FETCH   ? RD_MODE_FETCH
	       : m->acc & RD_ACC_WRITE ? RD_MODE_WRITE
				       : RD_MODE_READ;
}

/* --- what it may ask -------------------------------------------------------------------------- */

static bool is_guarded(const struct rd_trace_guest *g, u64 gfn)
{
	return rd_prot_map_get(&g->vm->mmu.prot, gfn) & BIT(RD_PROT_GUARDED);
}

static long call_protect(struct rd_trace_guest *g, u64 gfn, u64 npages)
{
	struct rd_slots *slots = rd_vm_table(g->vm->slots);
	u64 i, more = 0;
	long ret;

	if (!npages || npages > RD_TRACE_GUEST_PAGES || gfn >= RD_TREE_GFNS - npages)
		return -EINVAL;
	for (i = 0; i < npages; i++) {
		if (!rd_slot_find(slots, gfn + i))
			return -EFAULT;
		more += !is_guarded(g, gfn + i);
	}
	if (g->pages + more > RD_TRACE_GUEST_PAGES)
		return -ENOSPC;
	ret = rd_mmu_protect(g->vm, gfn, npages, RD_PROT_GUARDED);
	if (!ret)
		g->pages += more;
	return ret;
}

static long call_unprotect(struct rd_trace_guest *g, u64 gfn, u64 npages)
{
	u64 i;

	if (!npages || npages > RD_TRACE_GUEST_PAGES || gfn >= RD_TREE_GFNS - npages)
		return -EINVAL;
	for (i = 0; i < npages; i++)
		g->pages -= is_guarded(g, gfn + i);
	rd_mmu_unprotect(g->vm, gfn, npages, RD_PROT_GUARDED);
	return 0;
}

static long call_node(struct rd_trace_guest *g, u64 gfn)
{
	u8 reasons;
	int ret = 0;

	if (gfn >= RD_TREE_GFNS)
		return -EINVAL;
	if (!rd_slot_find(rd_vm_table(g->vm->slots), gfn))
		return -EFAULT;
	reasons = rd_prot_map_get(&g->vm->mmu.prot, gfn);
	if (reasons & BIT(RD_PROT_NODE))
		return -EEXIST;
	if (reasons & (BIT(RD_PROT_GUARDED) | BIT(RD_PROT_OWNED)))
		return -EBUSY;
	if (g->tree.nodes >= RD_TRACE_GUEST_NODES)
		return -ENOSPC;
	if (!RD_TRACE_NODES_OPEN)
		ret = rd_mmu_protect(g->vm, gfn, 1, RD_PROT_NODE);
	if (!ret)
		g->tree.nodes++;
	return ret;
}

static bool is_image(const struct rd_mode *mode, u64 gfn)
{
	unsigned int i;

	for (i = 0; i < mode->nr; i++)
		if (mode->image[i] == gfn)
			return true;
	return gfn == mode->list;
}

/* A page of the tree, and not of the image? */
static bool is_tree_node(struct rd_trace_guest *g, u64 gfn)
{
	if (gfn >= RD_TREE_GFNS || is_image(g->mode, gfn))
		return false;
	return RD_TRACE_NODES_OPEN || (rd_prot_map_get(&g->vm->mmu.prot, gfn) & BIT(RD_PROT_NODE));
}

static long call_drop_node(struct rd_trace_guest *g, u64 gfn)
{
	if (!is_tree_node(g, gfn) || gfn == g->tree.root)
		return -ENOENT;
	g->tree.nodes--;
	rd_mmu_unprotect(g->vm, gfn, 1, RD_PROT_NODE);
	return 0;
}

static long call_root(struct rd_trace_guest *g, u64 gfn)
{
	if (gfn != RD_GUEST_NO_TREE && !is_tree_node(g, gfn))
		return -EINVAL;
	smp_store_release(&g->tree.root, gfn == RD_GUEST_NO_TREE ? RD_TREE_NO_NODE : gfn);
	return 0;
}

/* 0: it has left, with *result; GO_ON; negative: an unknown call. */
static int call(struct rd_vcpu *v, struct rd_trace_guest *g, struct rd_mode_run *m, long *result)
{
	u64 a = m->gpr[RD_RBX], b = m->gpr[RD_RCX];
	long r;

	switch (m->gpr[RD_RAX]) {
	case RD_HC_MODE_LEAVE:
		*result = a;
		return 0;
	case RD_HC_TRACE_QUERY:
		r = rd_trace_guest_query(v, a);
		break;
	case RD_HC_TRACE_PROTECT:
		r = call_protect(g, a, b);
		break;
	case RD_HC_TRACE_UNPROTECT:
		r = call_unprotect(g, a, b);
		break;
	case RD_HC_TRACE_NODE:
		r = call_node(g, a);
		break;
	case RD_HC_TRACE_DROP_NODE:
		r = call_drop_node(g, a);
		break;
	case RD_HC_TRACE_ROOT:
		r = call_root(g, a);
		break;
	default:
		return -ENOSYS;
	}
	m->gpr[RD_RAX] = r;
	return GO_ON;
}

/* --- a stay ----------------------------------------------------------------------------------- */

static void begin(const struct rd_mode *mode, struct rd_mode_run *m, u64 what, u64 a, u64 b, u64 c)
{
	memset(m, 0, sizeof(*m));
	m->gpr[RD_RDI] = what;
	m->gpr[RD_RSI] = a;
	m->gpr[RD_RDX] = b;
	m->gpr[RD_RCX] = c;
	m->gpr[RD_RSP] = RD_MODE_BASE + mode->nr * (u64)RD_PAGE_SIZE;
	m->rip = mode->entry;
	m->rflags = 2;
	m->cr3 = mode->tables_gfn << RD_PAGE_SHIFT;
}

/* One entry, and what it led to. 0: it has left; GO_ON; -EIO: m->why. */
static int go(struct rd_vcpu *v, struct rd_trace_guest *g, struct rd_mode_run *m, long *result)
{
	int r = GO_ON;

	m->why = 0;
	m->gpa = 0;
	m->linear = 0;
	if (rd_vcpu_enter_mode(v, m)) {
		m->why = RD_MODE_HOST;
		return -EIO;
	}
	if (m->exit == RD_MODE_X_FAULT) {
		m->why = fault(v, g->mode, m);
	} else if (m->exit == RD_MODE_X_CALL) {
		r = call(v, g, m, result);
		if (r < 0)
			m->why = RD_MODE_CALL;
	}
	return m->why ? -EIO : r;
}

/* mode_lock held, and there is an image. */
static int stay(struct rd_vcpu *v, struct rd_trace_guest *g, struct rd_mode_run *m, long *result)
{
	struct rd_trace *t = v->vm->trace;
	u64 start = current->se.sum_exec_runtime, what = m->gpr[RD_RDI];
	u32 entries = 0;
	int r;

	atomic64_inc(&t->count.modes);
	do {
		r = go(v, g, m, result);
		entries++;
		if (r == GO_ON && current->se.sum_exec_runtime - start > MODE_LIMIT_NS) {
			m->why = RD_MODE_TIME;
			r = -EIO;
		}
	} while (r == GO_ON);
	trace_rd_trace_mode(v->id, what, entries, m->why, *result);
	if (r)
		rd_trace_alert_mode(v, m);
	return r;
}

/* 0, and what the image left with in *result; -ENOENT, -ENOMEM, -EINTR, -EIO. */
static int enter(struct rd_vcpu *v, u64 what, u64 a, u64 b, u64 c, long *result)
{
	struct rd_trace_guest *g = &v->vm->trace->guest;
	struct rd_mode_run m;
	int r = rd_hw->mode_prepare ? rd_hw->mode_prepare(v) : -ENOENT;

	if (r)
		return r;
	if (mutex_lock_killable(&g->mode_lock))
		return -EINTR;
	r = -ENOENT;
	if (g->mode) {
		begin(g->mode, &m, what, a, b, c);
		r = stay(v, g, &m, result);
	}
	mutex_unlock(&g->mode_lock);
	return r;
}

long rd_mode_call(struct rd_vcpu *v)
{
	u64 what = v->gpr[RD_RBX];
	long result = 0;
	int r;

	if (!READ_ONCE(v->vm->trace))
		return -ENOENT;
	if (what >= RD_MODE_JUDGE)
		return -EINVAL;
	r = enter(v, what, v->gpr[RD_RCX], v->gpr[RD_RDX], v->gpr[RD_RSI], &result);
	return r ? r : result;
}

/* --- the judge -------------------------------------------------------------------------------- */

int rd_mode_judge(struct rd_vcpu *v, u64 gpa, const void *bytes, unsigned int len)
{
	struct rd_trace_guest *g = &v->vm->trace->guest;
	long result = 0;
	u64 val = 0;
	int r;

	if (len > sizeof(val) || !READ_ONCE(g->mode))
		return -ENOENT;
	memcpy(&val, bytes, len);
	/* Both pages of one write: it has the lock already. */
	if (!v->judging) {
		if (mutex_lock_killable(&g->judge_lock))
			return -ENOENT;
		v->judging = true;
	}
	r = enter(v, RD_MODE_JUDGE, gpa, len, val, &result);
	return r == -ENOENT ? r : !r && result == 1;
}

void rd_mode_settle_slow(struct rd_vcpu *v)
{
	unsigned int i;

	/* What did not land is judged anew, should it come again. */
	for (i = 0; i < RD_TRACE_PIECES; i++)
		if (v->trace[i].act.let)
			v->trace[i].open = false;
	v->judging = false;
	mutex_unlock(&v->vm->trace->guest.judge_lock);
}
