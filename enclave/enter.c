// SPDX-License-Identifier: GPL-2.0-only
/*
 * Into an enclave and out of it (P): EENTER, ERESUME, EEXIT, the asynchronous exit, EDECCSSA.
 * SDM, "SGX User Leaf Function Reference" and "Enclave Exiting Events".
 * Invariant: as in enclave/enter.h.  The thread is counted in the SECS before the EPCM is asked,
 * for the last time, about the TCS and the SSA, so whoever takes these pages away afterwards has to
 * wait for it to leave.
 */
#include "enclave/enter.h"
#include "enclave/holes.h"
#include "vmm/gwalk.h"

#define F_STATUS 0x8d5ULL /* CF PF AF ZF SF OF */
#define F_TF BIT_ULL(8)
#define F_IF BIT_ULL(9)
#define F_RF BIT_ULL(16)
/* What ERESUME takes from the SSA: the status flags, DF, NT, AC, ID, RF. */
#define F_RESUMED (F_STATUS | BIT_ULL(10) | BIT_ULL(14) | BIT_ULL(18) | BIT_ULL(21) | F_RF)
#define F_IOPL 0x3000ULL
#define TCS_FLAGS (RD_TCS_DBGOPTIN | RD_TCS_AEXNOTIFY)
#define FS_GS_SELECTOR 0x0b
#define XSAVE_HEADER 512
#define GPR_OFFSET (RD_SGX_PAGE - sizeof(struct rd_gprsgx))
#define EXINFO_OFFSET (GPR_OFFSET - sizeof(struct rd_exinfo))

enum { VEC_DE = 0, VEC_DB, VEC_BP = 3, VEC_BR = 5, VEC_UD, VEC_GP = 13, VEC_PF, VEC_MF = 16 };
enum { VEC_AC = 17, VEC_XM = 19 };
/* Exceptions that are always told to the enclave; #PF and #GP by MISCSELECT. */
#define TOLD                                                                                       \
	(BIT(VEC_DE) | BIT(VEC_DB) | BIT(VEC_BP) | BIT(VEC_BR) | BIT(VEC_UD) | BIT(VEC_MF) |       \
	 BIT(VEC_AC) | BIT(VEC_XM))

/* What an entry has found so far. */
struct entry {
	u32 tcs_page, secs_page;
	struct rd_epcm *tcs_e, *secs_e;
	struct rd_tcs *tcs;
	struct rd_secs *secs;
	u32 xsave, gpr; /* pages of the frame that the next asynchronous exit fills */
	u64 target, fsbase, gsbase;
};

static struct rd_gprsgx *gpr_of(const struct rd_epc *epc, u32 page)
{
	return (struct rd_gprsgx *)(epc->page[page] + GPR_OFFSET);
}

/* A page of the SSA, as the enclave itself could read and write it. */
static int ssa_page(struct rd_leaf *l, u32 secs, u64 la, u32 *page)
{
	const unsigned int acc = RD_ACC_READ | RD_ACC_WRITE;
	struct rd_epcm *e;
	u64 rights;
	u32 error;

	if (rd_leaf_page_of(l, la, acc, page))
		return RD_LEAF_FAULT;
	e = &l->epc->map[*page];
	if (!rd_epcm_share(e))
		return rd_leaf_pf(l, la, RD_PF_SGX | RD_PF_P | RD_PF_U);
	error = rd_epcm_check(e, secs, la, acc, &rights);
	rd_epcm_unshare(e);
	return error ? rd_leaf_pf(l, la, error | RD_PF_U) : 0;
}

/* Both pages of a frame that matter: where the XSAVE area begins, and where the registers end. */
static int ssa_frame(struct rd_leaf *l, const struct rd_secs *s, u32 secs, u64 ossa, u32 frame,
		     u32 *xsave, u32 *gpr)
{
	u64 size = (u64)s->ssa_frame_size * RD_SGX_PAGE;
	u64 la = s->base + ossa + size * frame;

	if (ssa_page(l, secs, la, xsave))
		return RD_LEAF_FAULT;
	if (size == RD_SGX_PAGE) {
		*gpr = *xsave;
		return 0;
	}
	return ssa_page(l, secs, la + size - sizeof(struct rd_gprsgx), gpr);
}

static int check_tcs(struct rd_leaf *l, const struct rd_epcm *e, u64 la)
{
	u64 state = READ_ONCE(e->state);

	if ((state & (RD_EPCM_VALID | RD_EPCM_BLOCKED | RD_SI_PENDING | RD_SI_MODIFIED |
		      RD_SI_PT_MASK)) != (RD_EPCM_VALID | RD_SI_PT(RD_PT_TCS)) ||
	    e->addr != la)
		return rd_leaf_pf(l, la, RD_PF_SGX | RD_PF_P | RD_PF_U);
	return 0;
}

/* What is asked of the enclave and of the CPU, whichever way the enclave is entered. */
static int check_enclave(struct rd_leaf *l, const struct entry *n)
{
	const struct rd_attributes *a = &n->secs->attributes;
	const struct rd_tcs *t = n->tcs;
	u64 flags = READ_ONCE(t->flags);
	bool notify = flags & RD_TCS_AEXNOTIFY;

	if ((t->ossa | t->ofsbase | t->ogsbase) & ~RD_PAGE_MASK)
		return rd_leaf_gp(l);
	if (!(a->flags & RD_ATTR_INIT) || flags & ~TCS_FLAGS)
		return rd_leaf_gp(l);
	if (notify != !!(a->flags & RD_ATTR_AEXNOTIFY) && !(flags & RD_TCS_DBGOPTIN))
		return rd_leaf_gp(l);
	if (!l->osfxsr || (l->osxsave ? a->xfrm & ~l->xcr0 : a->xfrm != RD_XFRM_X87_SSE))
		return rd_leaf_gp(l);
	return 0;
}

static void entry_undo(const struct entry *n, u32 epoch)
{
	rd_epcm_end(n->tcs_e, RD_OP_BUSY);
	rd_track_leave(n->secs_e, epoch);
}

/*
 * The TCS that RBX names, shared; and what has to be in order for EENTER and ERESUME.  On success
 * the TCS is busy with us and we are counted, both to be undone by entry_undo().
 */
static int entry_begin(struct rd_leaf *l, struct entry *n)
{
	u64 la = l->gpr[RD_RBX];
	int ret;

	if (!rd_leaf_canonical(l, l->gpr[RD_RCX]))
		return rd_leaf_gp(l);
	if (rd_leaf_page(l, la, RD_ACC_READ | RD_ACC_WRITE, &n->tcs_page))
		return RD_LEAF_FAULT;
	n->tcs_e = &l->epc->map[n->tcs_page];
	if (!rd_epcm_share(n->tcs_e))
		return rd_leaf_gp(l);
	ret = check_tcs(l, n->tcs_e, la);
	if (ret)
		goto unshare;
	n->secs_page = n->tcs_e->secs;
	n->secs_e = &l->epc->map[n->secs_page];
	n->secs = rd_epc_secs(l->epc, n->secs_page);
	n->tcs = rd_epc_tcs(l->epc, n->tcs_page);
	ret = check_enclave(l, n);
	if (ret)
		goto unshare;
	if (!rd_epcm_begin(n->tcs_e, RD_OP_BUSY) && !RD_HOLE(BUSY)) {
		ret = rd_leaf_gp(l);
		goto unshare;
	}
	l->stay->epoch = rd_track_enter(n->secs_e);
	/* Blocked meanwhile, in an epoch before ours? Then nobody would wait for us to leave. */
	ret = check_tcs(l, n->tcs_e, la);
	if (ret)
		entry_undo(n, l->stay->epoch);
unshare:
	/* A thread that is counted keeps the page in place. */
	rd_epcm_unshare(n->tcs_e);
	return ret;
}

/* The enclave's own entry point and segments; the frame to fill is the one behind those in use. */
static int entry_by_tcs(struct rd_leaf *l, struct entry *n)
{
	const struct rd_tcs *t = n->tcs;
	u64 base = n->secs->base;

	if (t->cssa >= t->nssa)
		return rd_leaf_gp(l);
	n->target = base + t->oentry;
	n->fsbase = base + t->ofsbase;
	n->gsbase = base + t->ogsbase;
	if (!rd_leaf_canonical(l, n->target) || !rd_leaf_canonical(l, n->fsbase) ||
	    !rd_leaf_canonical(l, n->gsbase))
		return rd_leaf_gp(l);
	return ssa_frame(l, n->secs, n->secs_page, t->ossa, t->cssa, &n->xsave, &n->gpr);
}

static void set_segment(struct kvm_segment *s, u64 base, u32 limit)
{
	*s = (struct kvm_segment){ .base = base,
				   .limit = limit,
				   .selector = FS_GS_SELECTOR,
				   .type = 3,
				   .present = 1,
				   .dpl = 3,
				   .db = 1,
				   .s = 1,
				   .g = 1 };
}

/* From here on nothing can fail. */
static void entry_commit(struct rd_leaf *l, const struct entry *n)
{
	struct rd_inside *in = l->stay;

	in->secs = n->secs_page;
	in->tcs = n->tcs_page;
	in->xsave = n->xsave;
	in->gpr = n->gpr;
	in->tcs_la = l->gpr[RD_RBX];
	in->aep = l->gpr[RD_RCX];
	in->base = n->secs->base;
	in->size = n->secs->size;
	in->xfrm = n->secs->attributes.xfrm;
	in->debug = n->tcs->flags & RD_TCS_DBGOPTIN;
	in->fs = l->fs;
	in->gs = l->gs;
	in->xcr0 = l->xcr0;
	in->tf = l->rflags & F_TF;
	n->tcs->aep = in->aep;
	set_segment(&l->fs, n->fsbase, n->tcs->fslimit);
	set_segment(&l->gs, n->gsbase, n->tcs->gslimit);
	if (l->osxsave)
		l->xcr0 = in->xfrm;
	if (!in->debug)
		l->rflags &= ~F_TF;
	l->in = in;
}

/* EENTER, and the ERESUME that tells the enclave of an asynchronous exit instead of undoing it. */
static void enter_by_tcs(struct rd_leaf *l, const struct entry *n)
{
	struct rd_gprsgx *g = gpr_of(l->epc, n->gpr);
	u64 next = l->rip;

	g->ursp = l->gpr[RD_RSP];
	g->urbp = l->gpr[RD_RBP];
	entry_commit(l, n);
	l->gpr[RD_RAX] = n->tcs->cssa;
	l->gpr[RD_RCX] = next;
	l->rip = n->target;
}

int rd_eenter(struct rd_leaf *l)
{
	struct entry n = {};
	int ret = entry_begin(l, &n);

	if (ret)
		return ret;
	ret = entry_by_tcs(l, &n);
	if (ret)
		entry_undo(&n, l->stay->epoch);
	else
		enter_by_tcs(l, &n);
	return ret;
}

static void take_gprs(u64 *gpr, const struct rd_gprsgx *g)
{
	gpr[RD_RAX] = g->rax;
	gpr[RD_RCX] = g->rcx;
	gpr[RD_RDX] = g->rdx;
	gpr[RD_RBX] = g->rbx;
	gpr[RD_RSP] = g->rsp;
	gpr[RD_RBP] = g->rbp;
	gpr[RD_RSI] = g->rsi;
	gpr[RD_RDI] = g->rdi;
	memcpy(&gpr[RD_R8], g->r8_15, sizeof(g->r8_15));
}

static void put_gprs(struct rd_gprsgx *g, const u64 *gpr)
{
	g->rax = gpr[RD_RAX];
	g->rcx = gpr[RD_RCX];
	g->rdx = gpr[RD_RDX];
	g->rbx = gpr[RD_RBX];
	g->rsp = gpr[RD_RSP];
	g->rbp = gpr[RD_RBP];
	g->rsi = gpr[RD_RSI];
	g->rdi = gpr[RD_RDI];
	memcpy(g->r8_15, &gpr[RD_R8], sizeof(g->r8_15));
}

/*
 * The XSAVE area as it was: copied first, because other threads of the enclave may write to it
 * while it is looked at.  The copy is not to outlive the enclave.
 */
static bool restore_xstate(struct rd_leaf *l, const struct entry *n)
{
	u64 xfrm = n->secs->attributes.xfrm, header[3];
	u32 size = rd_xsave_size(&l->epc->model, xfrm);
	bool ret;

	memcpy(l->xbuf, l->epc->page[n->xsave], size);
	memcpy(header, l->xbuf + XSAVE_HEADER, sizeof(header));
	ret = !(header[0] & ~xfrm) && !header[1] && !header[2] && l->ops->xrstor(l, l->xbuf, xfrm);
	rd_host_wipe(l->xbuf, size);
	return ret;
}

/* Everything as the asynchronous exit found it. */
static int resume(struct rd_leaf *l, struct entry *n, const struct rd_gprsgx *g)
{
	u64 taken = F_RESUMED | ((l->rflags & F_IOPL) == F_IOPL ? F_IF : 0);

	n->fsbase = g->fsbase;
	n->gsbase = g->gsbase;
	if (!rd_leaf_canonical(l, g->rip) || !rd_leaf_canonical(l, g->fsbase) ||
	    !rd_leaf_canonical(l, g->gsbase) || !restore_xstate(l, n))
		return rd_leaf_gp(l);
	entry_commit(l, n);
	n->tcs->cssa--;
	take_gprs(l->gpr, g);
	l->rip = g->rip;
	l->rflags = (l->rflags & ~taken) | (g->rflags & taken);
	return 0;
}

int rd_eresume(struct rd_leaf *l)
{
	struct entry n = {};
	struct rd_gprsgx g;
	int ret = entry_begin(l, &n);

	if (ret)
		return ret;
	ret = n.tcs->cssa ? ssa_frame(l, n.secs, n.secs_page, n.tcs->ossa, n.tcs->cssa - 1,
				      &n.xsave, &n.gpr)
			  : rd_leaf_gp(l);
	if (ret)
		goto undo;
	memcpy(&g, gpr_of(l->epc, n.gpr), sizeof(g));
	if (n.tcs->flags & RD_TCS_AEXNOTIFY && g.aexnotify & 1) {
		ret = entry_by_tcs(l, &n);
		if (!ret)
			enter_by_tcs(l, &n);
	} else {
		ret = resume(l, &n, &g);
	}
	rd_host_wipe(&g, sizeof(g));
undo:
	if (ret)
		entry_undo(&n, l->stay->epoch);
	return ret;
}

/* Back outside: all but RIP and the registers. The pages of the stay are not touched afterwards. */
static void leave(struct rd_leaf *l)
{
	struct rd_inside *in = l->in;

	l->fs = in->fs;
	l->gs = in->gs;
	if (l->osxsave)
		l->xcr0 = in->xcr0;
	if (!in->debug)
		l->rflags = (l->rflags & ~F_TF) | (in->tf ? F_TF : 0);
	l->in = NULL;
	rd_epcm_end(&l->epc->map[in->tcs], RD_OP_BUSY);
	rd_track_leave(&l->epc->map[in->secs], in->epoch);
}

int rd_eexit(struct rd_leaf *l)
{
	u64 target = l->gpr[RD_RBX];

	if (!rd_leaf_canonical(l, target))
		return rd_leaf_gp(l);
	l->gpr[RD_RCX] = l->in->aep;
	l->rip = target;
	leave(l);
	return 0;
}

/* What the enclave is told of the exit: EXITINFO, and EXINFO where the enclave wants it. */
static void tell(struct rd_leaf *l, struct rd_gprsgx *g, const struct rd_aex *why)
{
	const struct rd_secs *s = rd_epc_secs(l->epc, l->in->secs);
	bool memory = why->vector == VEC_PF || why->vector == VEC_GP;
	struct rd_exinfo info = { .maddr = why->vector == VEC_PF ? why->cr2 : 0,
				  .errcd = why->error };

	g->exitinfo = 0;
	if (!why->exception || why->vector > 31)
		return;
	if (memory && !(s->miscselect & RD_MISC_EXINFO))
		return;
	if (!memory && !(TOLD & BIT(why->vector)))
		return;
	g->exitinfo = why->vector | RD_EXITINFO_VALID |
		      (why->vector == VEC_BP ? RD_EXITINFO_SOFTWARE : RD_EXITINFO_HARDWARE);
	if (memory)
		memcpy(l->epc->page[l->in->gpr] + EXINFO_OFFSET, &info, sizeof(info));
}

void rd_aex(struct rd_leaf *l, struct rd_aex *why)
{
	const struct rd_inside *in = l->in;
	struct rd_gprsgx *g = gpr_of(l->epc, in->gpr);
	u64 ursp = g->ursp, urbp = g->urbp;

	put_gprs(g, l->gpr);
	g->rflags = l->rflags & ~F_TF;
	g->rip = l->rip;
	g->fsbase = l->fs.base;
	g->gsbase = l->gs.base;
	l->ops->xsave(l, l->epc->page[in->xsave], in->xfrm);
	memset(l->epc->page[in->xsave] + XSAVE_HEADER + 8, 0, 16);
	if (!RD_HOLE(REGISTERS))
		l->ops->xinit(l, in->xfrm);
	tell(l, g, why);
	if (why->exception && why->vector == VEC_PF)
		why->cr2 &= RD_PAGE_MASK;
	rd_epc_tcs(l->epc, in->tcs)->cssa++;

	if (!RD_HOLE(REGISTERS))
		memset(l->gpr, 0, sizeof(l->gpr));
	l->gpr[RD_RAX] = RD_ERESUME;
	l->gpr[RD_RBX] = in->tcs_la;
	l->gpr[RD_RCX] = in->aep;
	l->gpr[RD_RSP] = ursp;
	l->gpr[RD_RBP] = urbp;
	l->rip = in->aep;
	l->rflags &= ~(F_STATUS | F_RF);
	leave(l);
}

int rd_edeccssa(struct rd_leaf *l)
{
	struct rd_inside *in = l->in;
	struct rd_tcs *t = rd_epc_tcs(l->epc, in->tcs);
	u32 xsave, gpr;

	if (!t->cssa)
		return rd_leaf_gp(l);
	if (ssa_frame(l, rd_epc_secs(l->epc, in->secs), in->secs, t->ossa, t->cssa - 1, &xsave,
		      &gpr))
		return RD_LEAF_FAULT;
	t->cssa--;
	in->xsave = xsave;
	in->gpr = gpr;
	return 0;
}
