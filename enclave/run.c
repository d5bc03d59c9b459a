// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU inside an enclave (K): entered and left as often as the host and its tables need, until it
 * leaves the enclave.
 * Invariant: while it is inside, its registers are in the leaf's context, which nobody outside the
 * module sees; every way back to the vCPU's loop is EEXIT or an asynchronous exit.
 */
#include <linux/mm.h>
#include "enclave/enclave.h"
#include "enclave/holes.h"
#include "enclave/insn.h"
#include "vmm/gwalk.h"
#include "vmm/hw.h"

#define VEC_DB 1
#define VEC_BP 3
#define VEC_UD 6
#define VEC_GP 13
#define VEC_PF 14
#define RFLAGS_TF BIT_ULL(8)
#define CR4_LA57 BIT_ULL(12)
#define MODRM_ENCLU 0xd7
#define ENCLU_LEN 3
#define INSN_MAX 15
#define OP_INT3 0xcc

int rd_enclave_prepare(struct rd_vcpu *v)
{
	struct rd_enclave_vcpu *e = rd_vcpu_enclave(v);
	u64 first = rd_vm_enclave(v->vm)->tables_gfn + v->idx * RD_FILL_TABLES;
	int ret;

	if (e->prepared)
		return 0;
	ret = rd_hw->apart_prepare(v);
	if (!ret)
		ret = rd_fills_init(&e->fills, first << RD_PAGE_SHIFT);
	e->prepared = !ret;
	return ret;
}

/* Registers from the leaf to the guest's CPU and back. */
static void to_cpu(struct rd_enclave_vcpu *e)
{
	struct rd_apart *a = &e->apart;
	const struct rd_leaf *l = &e->leaf;

	memcpy(a->gpr, l->gpr, sizeof(a->gpr));
	a->rip = l->rip;
	a->rflags = l->rflags;
	a->fs = l->fs;
	a->gs = l->gs;
}

static void from_cpu(struct rd_enclave_vcpu *e)
{
	const struct rd_apart *a = &e->apart;
	struct rd_leaf *l = &e->leaf;

	memcpy(l->gpr, a->gpr, sizeof(l->gpr));
	l->rip = a->rip;
	l->rflags = a->rflags;
	l->fs.base = a->fs.base;
	l->gs.base = a->gs.base;
}

/* Outside again: what the outside may see becomes the vCPU's. */
static void outside(struct rd_vcpu *v)
{
	const struct rd_leaf *l = &rd_vcpu_enclave(v)->leaf;

	memcpy(v->gpr, l->gpr, sizeof(v->gpr));
	v->rip = l->rip;
	v->rflags = l->rflags;
	v->xcr0 = l->xcr0;
}

/* An asynchronous exit for something that is none of the enclave's doing. */
static void interrupted(struct rd_vcpu *v)
{
	struct rd_aex why = {};

	rd_aex(&rd_vcpu_enclave(v)->leaf, &why);
	outside(v);
}

/* An exception of the enclave's: to the guest's handler, at the AEP. */
static int exception(struct rd_vcpu *v, const struct rd_fault *f)
{
	struct rd_aex why = { .exception = true,
			      .vector = f->vector,
			      .has_error = f->has_error,
			      .error = f->error,
			      .cr2 = f->cr2 };
	struct rd_fault told = *f;

	rd_aex(&rd_vcpu_enclave(v)->leaf, &why);
	outside(v);
	told.cr2 = why.cr2;
	rd_queue_fault(v, &told);
	return 1;
}

static int simple_exception(struct rd_vcpu *v, u8 vector)
{
	struct rd_fault f = { .vector = vector, .has_error = vector == VEC_GP };

	return exception(v, &f);
}

/* --- #PF: translations are proven and put in -------------------------------------------------- */

static unsigned int access_of(u32 error)
{
	return error & RD_PF_I ? RD_ACC_FETCH : error & RD_PF_W ? RD_ACC_WRITE : RD_ACC_READ;
}

static void forget(struct rd_enclave_vcpu *e)
{
	rd_fills_clear(&e->fills);
	e->nr_notes = 0;
}

/* The page of the note that is next. */
static void put(struct rd_enclave_vcpu *e, u64 gpa)
{
	const struct rd_fill_note *n = &e->next;
	bool write = n->acc & RD_ACC_WRITE, exec = n->acc & RD_ACC_FETCH;

	if (!rd_fills_put(&e->fills, n->la, gpa, write, exec)) {
		forget(e);
		rd_fills_put(&e->fills, n->la, gpa, write, exec);
	}
	if (e->nr_notes < RD_FILL_NOTES && n->walk.tag)
		e->note[e->nr_notes++] = *n;
	else
		e->nr_notes = RD_FILL_NOTES + 1;
}

/* Would the page be put in now as it was? */
static bool note_holds(struct rd_vcpu *v, const struct rd_fill_note *n)
{
	struct rd_enclave_vcpu *e = rd_vcpu_enclave(v);
	const struct rd_inside *in = &e->stay;
	struct rd_epcm *m;
	u64 rights;
	bool ret;

	if (!rd_walk_holds(v, &n->walk))
		return false;
	if (n->page == RD_NO_PAGE)
		return n->la - in->base >= in->size;
	m = &e->leaf.epc->map[n->page];
	if (!rd_epcm_share(m))
		return false;
	ret = !rd_epcm_check(m, in->secs, n->la, n->acc, &rights);
	rd_epcm_unshare(m);
	return ret;
}

/*
 * As a CPU that has flushed its TLB may make translations before they are needed: those of earlier
 * stays that it would make now stay, the others go.  The thread is counted in the enclave already,
 * so whoever takes rights from a page from here on takes it out of the view, too.
 */
static void keep_what_holds(struct rd_vcpu *v)
{
	struct rd_enclave_vcpu *e = rd_vcpu_enclave(v);
	u32 i, kept = 0;

	rd_paging_refresh(v);
	if (e->nr_notes > RD_FILL_NOTES || e->paging_changes != v->paging_changes ||
	    e->pkru != v->pkru)
		forget(e);
	e->paging_changes = v->paging_changes;
	e->pkru = v->pkru;
	for (i = 0; i < e->nr_notes; i++) {
		if (!note_holds(v, &e->note[i]))
			break;
	}
	if (i == e->nr_notes)
		return;
	kept = i;
	rd_fills_drop(&e->fills, e->note[i].la);
	while (++i < e->nr_notes) {
		if (note_holds(v, &e->note[i]))
			e->note[kept++] = e->note[i];
		else
			rd_fills_drop(&e->fills, e->note[i].la);
	}
	e->nr_notes = kept;
}

/*
 * A page of the enclave.  Shared, so that nobody takes it away meanwhile; who takes rights from it
 * (EBLOCK, EMODPR) does not need it alone, but changes the EPCM first and then the view, so the
 * EPCM is asked again when the page is in the view.  0, or the error code of the #PF; -ENOMEM.
 */
static int fill_epc(struct rd_vcpu *v, u64 la, unsigned int acc, u32 page)
{
	struct rd_enclave_vcpu *e = rd_vcpu_enclave(v);
	struct rd_epc *epc = e->leaf.epc;
	struct rd_epcm *m = &epc->map[page];
	u64 gpa = epc->base + (u64)page * RD_SGX_PAGE, rights;
	int ret;

	if (!rd_epcm_share(m))
		return RD_PF_SGX | RD_PF_P;
	ret = rd_epcm_check(m, e->stay.secs, la, acc, &rights);
	if (ret)
		goto unshare;
	ret = rd_mmu_view_page(v, RD_VIEW_APART, gpa >> RD_PAGE_SHIFT,
			       virt_to_page(epc->page[page]), true);
	if (ret < 0)
		goto unshare;
	ret = rd_epcm_check(m, e->stay.secs, la, acc, &rights);
	if (ret)
		rd_mmu_view_unmap(v->vm, RD_VIEW_APART, gpa >> RD_PAGE_SHIFT);
	else
		put(e, gpa);
unshare:
	rd_epcm_unshare(m);
	return ret;
}

/* 1 go on inside or outside, -errno outside. */
static int page_fault(struct rd_vcpu *v, u64 la, u32 error)
{
	struct rd_enclave_vcpu *e = rd_vcpu_enclave(v);
	const struct rd_inside *in = &e->stay;
	unsigned int acc = access_of(error);
	struct rd_fault f;
	u64 gpa;
	u32 page;
	int ret;

	/* SDM, "Access-control Requirements": an enclave's code does not go on outside of it. */
	if (acc == RD_ACC_FETCH && la - in->base >= in->size)
		return simple_exception(v, VEC_GP);
	if (rd_gva_to_gpa_noted(v, la, acc, 3, &gpa, &f, &e->next.walk))
		return exception(v, &f);
	page = rd_epc_index(e->leaf.epc, gpa);
	e->next.la = la;
	e->next.acc = acc;
	e->next.page = page;
	if (la - in->base < in->size && !(page == RD_NO_PAGE && RD_HOLE(RANGE))) {
		ret = page == RD_NO_PAGE ? RD_PF_SGX | RD_PF_P : fill_epc(v, la, acc, page);
		if (ret < 0) {
			interrupted(v);
			return ret;
		}
		if (!ret)
			return 1;
		f = (struct rd_fault){ .vector = VEC_PF,
				       .has_error = true,
				       .error = ret | RD_PF_U | (error & (RD_PF_W | RD_PF_I)),
				       .cr2 = la };
		return exception(v, &f);
	}
	/* What is no memory of the guest's cannot be reached from inside. */
	if (page != RD_NO_PAGE || gpa >> RD_PAGE_SHIFT >= rd_vm_enclave(v->vm)->tables_gfn)
		return simple_exception(v, VEC_GP);
	put(e, gpa);
	return 1;
}

/* --- nested faults ---------------------------------------------------------------------------- */

static int nested_fault(struct rd_vcpu *v, u64 gpa, unsigned int acc)
{
	struct rd_enclave_vcpu *e = rd_vcpu_enclave(v);
	u64 table = (gpa - e->fills.base) / RD_PAGE_SIZE;
	int ret;

	if (gpa >= e->fills.base && table < RD_FILL_TABLES) {
		ret = rd_mmu_view_page(v, RD_VIEW_APART, gpa >> RD_PAGE_SHIFT,
				       virt_to_page(e->fills.table[table]), false);
	} else if (rd_epc_index(e->leaf.epc, gpa) != RD_NO_PAGE) {
		/* The page has lost rights since it was put in: prove it again. */
		forget(e);
		return 1;
	} else {
		ret = rd_mmu_apart_fault(v, gpa, acc);
	}
	if (ret == RD_PF_FIXED || ret == RD_PF_RETRY)
		return 1;
	if (ret >= 0)
		return simple_exception(v, VEC_GP); /* no memory, or not for this */
	interrupted(v);
	return ret;
}

/* --- instructions ----------------------------------------------------------------------------- */

static bool is_note_of_code(const struct rd_fill_note *n, u64 la)
{
	return !((n->la ^ la) & RD_PAGE_MASK) && n->acc == RD_ACC_FETCH && n->page != RD_NO_PAGE;
}

/* The note of the page that the CPU fetches from, or NULL. As a rule it is the one of last time. */
static const struct rd_fill_note *note_of_code(struct rd_enclave_vcpu *e, u64 la)
{
	u32 i, nr = min(e->nr_notes, RD_FILL_NOTES);

	if (likely(e->code_note < nr && is_note_of_code(&e->note[e->code_note], la)))
		return &e->note[e->code_note];
	for (i = 0; i < nr; i++) {
		if (is_note_of_code(&e->note[i], la)) {
			e->code_note = i;
			return &e->note[i];
		}
	}
	return NULL;
}

/* Bytes of the enclave's code at RIP, within the page: how many. */
static unsigned int fetch(struct rd_enclave_vcpu *e, u8 *to, unsigned int n)
{
	const struct rd_fill_note *note = note_of_code(e, e->leaf.rip);
	struct rd_leaf *l = &e->leaf;
	u32 page;
	u8 *at;

	n = min_t(u64, n, RD_SGX_PAGE - (l->rip & ~RD_PAGE_MASK));
	l->user = true;
	if (note) {
		/* No walk: this is the translation that the CPU had. */
		if (rd_leaf_held(l, l->rip, note->page, RD_ACC_FETCH, &at))
			return 0;
		page = note->page;
	} else if (rd_leaf_inside(l, l->rip, n, 1, RD_ACC_FETCH, &at, &page)) {
		return 0;
	}
	memcpy(to, at, n);
	rd_epcm_unshare(&l->epc->map[page]);
	return n;
}

/* Up to n bytes of code at RIP: how many are there. */
static unsigned int fetch_insn(struct rd_enclave_vcpu *e, u8 *code, unsigned int n)
{
	unsigned int here = fetch(e, code, n);
	u64 rip = e->leaf.rip;

	if (!here || here == n)
		return here;
	e->leaf.rip += here;
	here += fetch(e, code + here, n - here);
	e->leaf.rip = rip;
	return here;
}

/* The CPU checks rights and selectors before it tells of the instruction. */
static bool not_inside(struct rd_enclave_vcpu *e)
{
	u8 code[INSN_MAX];

	return rd_insn_not_inside(code, fetch_insn(e, code, sizeof(code)));
}

static int undefined(struct rd_vcpu *v)
{
	static const u8 enclu[ENCLU_LEN] = { 0x0f, 0x01, MODRM_ENCLU };
	struct rd_enclave_vcpu *e = rd_vcpu_enclave(v);
	struct rd_leaf *l = &e->leaf;
	u8 code[ENCLU_LEN];
	struct rd_fault f;
	int ret;

	if (fetch_insn(e, code, ENCLU_LEN) < ENCLU_LEN || memcmp(code, enclu, ENCLU_LEN))
		return simple_exception(v, VEC_UD);
	l->rip += ENCLU_LEN;
	ret = rd_enclu(l);
	if (ret) {
		l->rip -= ENCLU_LEN;
		f = l->fault;
		if (ret == RD_LEAF_FAULT)
			return exception(v, &f);
		interrupted(v);
		return ret;
	}
	if (!l->in)
		outside(v);
	return 1;
}

static bool is_int3(struct rd_enclave_vcpu *e)
{
	u8 byte;

	return fetch(e, &byte, 1) && byte == OP_INT3;
}

static int breakpoint(struct rd_vcpu *v)
{
	struct rd_enclave_vcpu *e = rd_vcpu_enclave(v);

	/* A trap: the enclave goes on behind it. */
	if (is_int3(e))
		e->leaf.rip++;
	return simple_exception(v, VEC_BP);
}

/* What an enclave does not have; but QEMU's TCG takes INT3 for an INT n. */
static int instruction(struct rd_vcpu *v)
{
	return is_int3(rd_vcpu_enclave(v)) ? breakpoint(v) : simple_exception(v, VEC_UD);
}

static int an_exception(struct rd_vcpu *v)
{
	struct rd_enclave_vcpu *e = rd_vcpu_enclave(v);
	const struct rd_apart *a = &e->apart;
	struct rd_fault f = { .vector = a->vector, .error = a->error };

	switch (a->vector) {
	case VEC_PF:
		return page_fault(v, a->linear, a->error);
	case VEC_UD:
		return undefined(v);
	case VEC_BP:
		return breakpoint(v);
	case VEC_DB:
		/* An enclave that was not opted in has no single steps: TF does not stay set. */
		if (!e->stay.debug) {
			e->leaf.rflags &= ~RFLAGS_TF;
			return 1;
		}
		return simple_exception(v, VEC_DB);
	case 10 ... VEC_GP: /* a descriptor was to be loaded, or what #GP is for */
		/* Segments cannot be loaded inside; the tables are not there. */
		if (a->error || not_inside(e))
			return simple_exception(v, VEC_UD);
		f.has_error = true;
		return exception(v, &f);
	default:
		f.has_error = a->vector == 8 || a->vector == 17;
		return exception(v, &f);
	}
}

static int handle(struct rd_vcpu *v)
{
	const struct rd_apart *a = &rd_vcpu_enclave(v)->apart;

	switch (a->exit) {
	case RD_APART_HOST:
		return 1;
	case RD_APART_NESTED:
		return nested_fault(v, a->gpa, a->acc);
	case RD_APART_EXCEPTION:
		return an_exception(v);
	default:
		return instruction(v);
	}
}

int rd_enclave_run(struct rd_vcpu *v)
{
	struct rd_enclave_vcpu *e = rd_vcpu_enclave(v);
	int ret = 1;

	v->xcr0 = e->leaf.xcr0;
	rd_fills_levels(&e->fills, rd_hw->get_cr(v, 4) & CR4_LA57 ? 5 : 4);
	keep_what_holds(v);
	e->apart.begun = false;
	e->apart.cr3 = e->fills.base;
	while (ret > 0 && e->leaf.in) {
		to_cpu(e);
		if (!rd_vcpu_enter_apart(v, &e->apart)) {
			interrupted(v);
			break;
		}
		from_cpu(e);
		ret = handle(v);
	}
	return ret;
}
