// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must hold of the EPC, of the CPUs and of the guest's memory.
 * Invariant: as in sgx.h.
 */
#include "tests/unit/enclave_race/step.h"
#include "tests/fuzz/sgx/sgx.h"
#include "vmm/gwalk.h"

#define STATUS_FLAGS 0x8d5ULL
#define ZF BIT_ULL(6)
#define SECRET_AT 1536U /* no part of an SSA frame that goes to registers */

struct cpu cpus[CPUS];

static u64 secret[2];
static struct rd_sgx_keys keys; /* made once: that is what takes long */
static unsigned int allocations; /* of theirs */
static bool revoked[W_EPC_NR];

/* As it was before the call. */
static struct {
	struct rd_epcm map[W_EPC_NR];
	u8 *page[W_EPC_NR];
	u8 bytes[W_EPC_NR][4096];
	struct cpu cpu;
} was;

void sgx_die(const char *what)
{
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

/* The CPU in the middle of a call, and after how many steps what happens in between. */
static struct cpu *in_call;
static unsigned int steps_left;
static void (*come_in)(struct cpu *c);
static bool overtaken; /* it has happened */

void sgx_meanwhile(unsigned int steps, void (*fn)(struct cpu *c))
{
	steps_left = steps;
	come_in = fn;
}

void step(void)
{
	if (!in_call || overtaken || !steps_left || --steps_left)
		return;
	overtaken = true;
	come_in(in_call == &cpus[0] ? &cpus[1] : &cpus[0]);
}

static void must(bool holds, const char *what)
{
	if (!holds)
		sgx_die(what);
}

/* What a translation for the enclave at the page's own address could grant. */
static u64 rights_of(const struct rd_epcm *e)
{
	u64 rights = 0;

	if (e->secs == RD_NO_PAGE || rd_epcm_check(e, e->secs, e->addr, 0, &rights))
		return 0;
	return rights;
}

static void on_revoke(struct rd_epc *epc, u32 page)
{
	must(page < epc->nr, "revoke: no such page");
	must(epc->page[page] || !rd_epcm_valid(&epc->map[page]), "revoke: contents gone before");
	if (overtaken)
		return;
	must(!rights_of(&was.map[page]) || rights_of(&epc->map[page]) != rights_of(&was.map[page]),
	     "revoke: the page still says what it said");
	revoked[page] = true;
}

void sgx_begin(u64 seed)
{
	static const u8 root[RD_ROOT_KEY_BYTES] = { 1 };
	unsigned int i;

	if (!keys.paging) {
		must(!rd_keys_init(&keys, root), "no keys");
		allocations = rd_shim_allocations();
	}
	world_reset(false);
	w.epc.keys = keys;
	w.epc.revoke = on_revoke;
	for (i = 0; i < CPUS; i++) {
		struct cpu *c = &cpus[i];

		memset(c, 0, sizeof(*c));
		c->l = w.l;
		c->l.stay = &c->stay;
		c->l.xbuf = c->xbuf;
	}
	secret[0] = seed * 0x9e3779b97f4a7c15ULL + 0xd1b54a32d192ed03ULL;
	secret[1] = ~secret[0] * 0x94d049bb133111ebULL;
}

void sgx_plant(u32 page)
{
	const struct rd_epcm *e = &w.epc.map[page];

	if (!rd_epcm_valid(e) || rd_epcm_type(e) != RD_PT_REG ||
	    rd_epc_secs(&w.epc, e->secs)->attributes.flags & RD_ATTR_DEBUG)
		return;
	memcpy(w.epc.page[page] + SECRET_AT, secret, sizeof(secret));
}

/* One comparison of many thousand is nothing for a fuzzer to learn from. */
#ifdef __clang__
__attribute__((no_sanitize("coverage", "address")))
#endif
static void
check_no_secret_outside(void)
{
	const u64 *word = (const u64 *)w.ram;
	unsigned int i;

	for (i = 0; i < sizeof(w.ram) / sizeof(*word); i += 2)
		if (word[i] == secret[0] && word[i + 1] == secret[1])
			sgx_die("what an enclave kept is in the guest's memory");
}

static void check_registers_tell_nothing(const struct rd_leaf *l)
{
	unsigned int i;

	for (i = 0; i < RD_NR_GPR && !l->in; i++)
		must(l->gpr[i] != secret[0] && l->gpr[i] != secret[1],
		     "what an enclave kept is in a register");
}

void sgx_end(void)
{
	check_no_secret_outside();
	memset(&was, 0, sizeof(was.map));
	rd_epc_destroy(&w.epc);
	must(rd_shim_allocations() == allocations, "memory has leaked");
}

static unsigned long expected_ops(u32 page, const struct hold *h)
{
	unsigned long ops = 0;
	unsigned int i;

	for (i = 0; i < CPUS; i++)
		if (cpus[i].l.in && cpus[i].l.in->tcs == page)
			ops |= BIT(RD_OP_BUSY);
	if (h->page == page && h->what >= HOLD_MEASURE)
		ops |= BIT(h->what - HOLD_MEASURE + RD_OP_MEASURE);
	return ops;
}

static void check_locks(u32 page, const struct hold *h)
{
	const struct rd_epcm *e = &w.epc.map[page];
	u32 lock = 0;

	if (h->page == page && h->what == HOLD_SHARED)
		lock = 1;
	if (h->page == page && h->what == HOLD_OWNED)
		lock = RD_EPCM_EXCLUSIVE;
	must(e->lock == lock, "a lock that nobody holds, or one given back that is another's");
	must(e->ops == expected_ops(page, h), "something goes on with a page that nobody does");
}

static bool is_secs(u32 page)
{
	return page < W_EPC_NR && rd_epcm_valid(&w.epc.map[page]) &&
	       rd_epcm_type(&w.epc.map[page]) == RD_PT_SECS;
}

static void check_child(const struct rd_epcm *e)
{
	u64 s = e->state;
	u8 type = rd_epcm_type(e);

	must(is_secs(e->secs), "a page of no enclave");
	must(!(e->addr & ~RD_PAGE_MASK) &&
		     rd_secs_has(rd_epc_secs(&w.epc, e->secs), e->addr, RD_SGX_PAGE),
	     "a page outside its enclave");
	must(type == RD_PT_REG || !(s & (RD_SI_RWX | RD_SI_PENDING | RD_SI_PR)),
	     "rights of a page that has none");
	must(type != RD_PT_REG || !(s & RD_SI_MODIFIED), "a modified regular page");
	must(!(s & RD_SI_PENDING) || (s & RD_SI_RWX) == (RD_SI_R | RD_SI_W),
	     "a new page with other rights");
	must(!(s & RD_SI_W) || s & RD_SI_R, "a page to be written but not read");
}

static void check_page(u32 page)
{
	const struct rd_epcm *e = &w.epc.map[page];

	must(rd_epcm_valid(e) == !!w.epc.page[page], "contents and validity differ");
	if (!rd_epcm_valid(e)) {
		must(!e->state && e->secs == RD_NO_PAGE, "a free page with a state");
		return;
	}
	switch (rd_epcm_type(e)) {
	case RD_PT_SECS:
	case RD_PT_VA:
		must(e->secs == RD_NO_PAGE && !e->addr, "a page that belongs to nobody belongs");
		must((e->state & ~RD_SI_PT_MASK) == RD_EPCM_VALID, "a state that it cannot have");
		break;
	case RD_PT_REG:
	case RD_PT_TCS:
	case RD_PT_TRIM:
		check_child(e);
		break;
	default:
		sgx_die("a page of no type");
	}
}

static void check_enclave(u32 secs)
{
	const struct rd_epcm *e = &w.epc.map[secs];
	u32 children = 0, before = 0, ours = 0, i;
	u64 rights;

	for (i = 0; i < W_EPC_NR; i++) {
		const struct rd_epcm *p = &w.epc.map[i];
		bool own = rd_epcm_valid(p) && p->secs == secs;

		children += own;
		must(own || rd_epcm_check(p, secs, p->addr, 0, &rights),
		     "a page of another enclave can be reached");
	}
	must(e->children == children, "an enclave's pages are counted wrongly");
	for (i = 0; i < CPUS; i++) {
		const struct rd_inside *in = cpus[i].l.in;

		if (!in || in->secs != secs)
			continue;
		ours += in->epoch == rd_track_epoch(e);
		before += in->epoch == rd_track_epoch(e) - 1;
		must(rd_track_epoch(e) - in->epoch <= 1, "a thread that tracking has forgotten");
	}
	must((u16)e->track == ours && (u16)(e->track >> 16) == before,
	     "threads are counted wrongly");
}

static void check_frame(const struct rd_inside *in, u32 page)
{
	must(page < W_EPC_NR && w.epc.page[page] && w.epc.map[page].secs == in->secs,
	     "an SSA frame is gone while a thread is inside");
}

static void check_stay(const struct cpu *c)
{
	const struct rd_inside *in = c->l.in;
	const struct rd_secs *s;

	if (!in)
		return;
	must(in == &c->stay, "another CPU's stay");
	must(is_secs(in->secs), "inside of no enclave");
	s = rd_epc_secs(&w.epc, in->secs);
	must(in->base == s->base && in->size == s->size, "the enclave lies elsewhere");
	must(s->attributes.flags & RD_ATTR_INIT, "inside of an enclave without EINIT");
	check_frame(in, in->tcs);
	check_frame(in, in->xsave);
	check_frame(in, in->gpr);
}

static void check_state(const struct hold *h)
{
	u32 used = 0, i;

	for (i = 0; i < W_EPC_NR; i++) {
		check_locks(i, h);
		check_page(i);
		used += !!w.epc.page[i];
	}
	must(w.epc.used == used, "pages in use are counted wrongly");
	for (i = 0; i < W_EPC_NR; i++)
		if (is_secs(i))
			check_enclave(i);
	for (i = 0; i < CPUS; i++) {
		check_stay(&cpus[i]);
		check_registers_tell_nothing(&cpus[i].l);
	}
}

/* What was lost has been revoked: a translation may have been made from it. */
static void check_revoked(void)
{
	u32 i;

	for (i = 0; i < W_EPC_NR; i++) {
		const struct rd_epcm *now = &w.epc.map[i], *then = &was.map[i];
		u64 left = rights_of(now);

		if (now->secs != then->secs || now->addr != then->addr)
			left = 0;
		must(revoked[i] || !(rights_of(then) & ~left), "rights went, and were not revoked");
	}
}

static void remember(const struct cpu *c)
{
	u32 i;

	memcpy(was.map, w.epc.map, sizeof(was.map));
	memcpy(was.page, w.epc.page, sizeof(was.page));
	for (i = 0; i < W_EPC_NR; i++)
		if (w.epc.page[i])
			memcpy(was.bytes[i], w.epc.page[i], 4096);
	was.cpu = *c;
	memset(revoked, 0, sizeof(revoked));
}

static void check_nothing_happened(void)
{
	u32 i;

	must(!memcmp(was.map, w.epc.map, sizeof(was.map)), "it failed, and a page's state changed");
	must(!memcmp(was.page, w.epc.page, sizeof(was.page)), "it failed, and contents moved");
	for (i = 0; i < W_EPC_NR; i++)
		must(!w.epc.page[i] || !memcmp(was.bytes[i], w.epc.page[i], 4096),
		     "it failed, and contents changed");
}

/* All registers but RAX, one other of the leaf's, and the status flags. */
static void check_registers(const struct rd_leaf *now, const struct rd_leaf *then, int other)
{
	int i;

	for (i = 0; i < RD_NR_GPR; i++)
		must(i == RD_RAX || i == other || now->gpr[i] == then->gpr[i],
		     "a register changed that the leaf has nothing to do with");
	must(!((now->rflags ^ then->rflags) & ~STATUS_FLAGS), "a flag changed that is none of it");
	must(now->rip == then->rip && now->xcr0 == then->xcr0 && now->in == then->in &&
		     !memcmp(&now->fs, &then->fs, sizeof(now->fs)) &&
		     !memcmp(&now->gs, &then->gs, sizeof(now->gs)),
	     "the CPU's state changed");
}

static void check_fault(const struct rd_leaf *l, bool encls)
{
	const struct rd_fault *f = &l->fault;

	must(f->vector == 13 || f->vector == 14, "another exception than #GP and #PF");
	must(f->has_error && (f->vector == 14 || !f->error), "an error code that does not fit");
	if (f->vector == 14)
		must(!(f->error & RD_PF_U) == encls, "whose page fault is it?");
}

static bool moves(bool encls, u32 leaf)
{
	return !encls && (leaf == RD_EENTER || leaf == RD_ERESUME || leaf == RD_EEXIT);
}

static void judge(const struct cpu *c, bool encls, int ret)
{
	const struct rd_leaf *now = &c->l, *then = &was.cpu.l;
	u32 leaf = then->gpr[RD_RAX];
	bool failed = ret || now->rflags & ZF;

	must(ret == RD_LEAF_DONE || ret == RD_LEAF_FAULT || ret == -ENOMEM, "a result of no kind");
	if (ret == RD_LEAF_FAULT)
		check_fault(now, encls);
	if (ret) {
		check_registers(now, then, -1);
		must(now->gpr[RD_RAX] == then->gpr[RD_RAX] && now->rflags == then->rflags,
		     "it faulted, and left a result");
	} else if (!moves(encls, leaf)) {
		check_registers(now, then, encls && leaf == RD_EDBGRD ? RD_RBX : -1);
	}
	if (failed && (ret || !moves(encls, leaf)))
		check_nothing_happened();
	check_revoked();
}

static void take(const struct hold *h)
{
	struct rd_epcm *e = &w.epc.map[h->page];

	if (h->what == HOLD_SHARED)
		rd_epcm_share(e);
	else if (h->what == HOLD_OWNED)
		rd_epcm_own(e);
	else
		rd_epcm_begin(e, h->what - HOLD_MEASURE + RD_OP_MEASURE);
}

static void give_back(const struct hold *h)
{
	struct rd_epcm *e = &w.epc.map[h->page];

	if (h->what == HOLD_SHARED)
		rd_epcm_unshare(e);
	else if (h->what == HOLD_OWNED)
		rd_epcm_disown(e);
	else
		rd_epcm_end(e, h->what - HOLD_MEASURE + RD_OP_MEASURE);
}

/*
 * A call that another CPU came into may do anything that the two do one after the other, so only
 * the state that they leave is judged.  That CPU's call itself is in the middle of the first one's.
 */
int sgx_call(struct cpu *c, bool encls, const struct hold *during)
{
	const struct hold h = *during;
	int ret;

	c->l.rflags &= ~ZF;
	if (overtaken)
		return encls ? rd_encls(&c->l) : rd_enclu(&c->l);
	if (h.page != RD_NO_PAGE)
		take(&h);
	remember(c);
	in_call = c;
	ret = encls ? rd_encls(&c->l) : rd_enclu(&c->l);
	in_call = NULL;
	if (!overtaken)
		judge(c, encls, ret);
	overtaken = false;
	steps_left = 0;
	check_state(&h);
	if (h.page != RD_NO_PAGE)
		give_back(&h);
	return ret;
}

void sgx_aex(struct cpu *c, struct rd_aex *why)
{
	static const struct hold none = { .page = RD_NO_PAGE };
	struct rd_leaf *l = &c->l;
	u64 tcs_la = l->in->tcs_la, aep = l->in->aep;
	unsigned int i;

	if (overtaken) {
		rd_aex(l, why);
		return;
	}
	remember(c);
	rd_aex(l, why);
	must(!l->in, "the enclave was not left");
	must(l->gpr[RD_RAX] == RD_ERESUME && l->gpr[RD_RBX] == tcs_la && l->gpr[RD_RCX] == aep &&
		     l->rip == aep,
	     "registers that do not lead back");
	for (i = 0; i < RD_NR_GPR; i++)
		must(i == RD_RAX || i == RD_RBX || i == RD_RCX || i == RD_RSP || i == RD_RBP ||
			     !l->gpr[i],
		     "a register of the enclave got out");
	check_state(&none);
}
