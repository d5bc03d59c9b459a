// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaves of several CPUs at the same time.  One CPU carries out a leaf; at one of its steps, each
 * in turn, other CPUs carry out a whole sequence of leaves, and then it goes on.
 * Invariant checked: whatever came in between, what a thread inside an enclave stands on is still
 * there, no matter how a kernel tries to get it out; locks are given back, and children counted.
 */
#include "tests/unit/enclave_world.h"
#include "tests/unit/unit.h"
#include "vmm/gwalk.h"

/* Pages of the enclave lie at their numbers; the second thread's frame is the first's second. */
enum { SECS, TCS, TCS2, SSA, SSA2, DATA, NEW, ENCLAVE_PAGES, VA = ENCLAVE_PAGES, FREE };

#define CPUS 3U
#define MAX_ACTS 8U
#define LA(page) (W_ENCL + (page)*4096ULL)
#define RW (RD_SI_R | RD_SI_W)

struct cpu {
	struct rd_leaf l;
	struct rd_inside stay;
	u8 xbuf[4096] __aligned(64);
};

static struct cpu cpus[CPUS];

typedef void (*act_fn)(struct cpu *c, u32 page);

/* CPU 0 is in the middle of something, CPU 1 is the enclave's, CPU 2 the kernel's. */
struct act {
	act_fn fn;
	u32 page;
};

/* Before which step of CPU 0 the others come in; 0: not now. */
static unsigned int steps, when;
static const struct act *meanwhile;

static int leaf(struct cpu *c, unsigned int number, u64 rbx, u64 rcx, u64 rdx)
{
	c->l.gpr[RD_RAX] = number & 0xff;
	c->l.gpr[RD_RBX] = rbx;
	c->l.gpr[RD_RCX] = rcx;
	c->l.gpr[RD_RDX] = rdx;
	return number & 0x100 ? rd_enclu(&c->l) : rd_encls(&c->l);
}

#define ENCLU(number) ((number) | 0x100)

/* --- what CPUs do, and who does it ------------------------------------------------------------ */

static void eblock(struct cpu *c, u32 page)
{
	leaf(c, RD_EBLOCK, 0, w_epc(page), 0);
}

static void etrack(struct cpu *c, u32 page)
{
	leaf(c, RD_ETRACK, 0, w_epc(page), 0);
}

/* Structures of each page and CPU lie by themselves. */
static u64 ram_of(const struct cpu *c, u32 page)
{
	return W_RAM + (u64)(c - cpus) * 0x8000 + page * 0x200;
}

static u64 pageinfo(const struct cpu *c, u32 page, struct rd_pageinfo pi)
{
	*(struct rd_pageinfo *)w_ram(ram_of(c, page)) = pi;
	return ram_of(c, page);
}

static u64 evicted(u32 page)
{
	return W_RAM + 0x20000 + page * 0x1000;
}

static void ewb(struct cpu *c, u32 page)
{
	struct rd_pageinfo pi = { .srcpge = evicted(page), .secinfo = evicted(page + 16) };

	leaf(c, RD_EWB, pageinfo(c, page, pi), w_epc(page), w_epc(VA) + page * 8);
}

static void eldu_to(struct cpu *c, u32 page, u32 to)
{
	struct rd_pageinfo pi = { .linaddr = LA(page),
				  .srcpge = evicted(page),
				  .secinfo = evicted(page + 16),
				  .secs = w_epc(SECS) };

	leaf(c, RD_ELDU, pageinfo(c, page, pi), w_epc(to), w_epc(VA) + page * 8);
}

static void eldu(struct cpu *c, u32 page)
{
	eldu_to(c, page, page);
}

/* The same page once more. */
static void eldu_twin(struct cpu *c, u32 page)
{
	eldu_to(c, page, FREE);
}

static void eremove(struct cpu *c, u32 page)
{
	leaf(c, RD_EREMOVE, 0, w_epc(page), 0);
}

static u64 secinfo(const struct cpu *c, u64 flags)
{
	*(struct rd_secinfo *)w_ram(ram_of(c, 32)) = (struct rd_secinfo){ .flags = flags };
	return ram_of(c, 32);
}

static void emodpr(struct cpu *c, u32 page)
{
	leaf(c, RD_EMODPR, secinfo(c, RD_SI_R), w_epc(page), 0);
}

/* Takes nothing that the page has, so a frame stays a frame. */
static void emodpr_rw(struct cpu *c, u32 page)
{
	leaf(c, RD_EMODPR, secinfo(c, RW), w_epc(page), 0);
}

static void trim(struct cpu *c, u32 page)
{
	leaf(c, RD_EMODT, secinfo(c, RD_SI_PT(RD_PT_TRIM)), w_epc(page), 0);
}

static void eaug(struct cpu *c, u32 page)
{
	struct rd_pageinfo pi = { .linaddr = LA(page), .secs = w_epc(SECS) };

	leaf(c, RD_EAUG, pageinfo(c, page, pi), w_epc(page), 0);
}

static void eenter(struct cpu *c, u32 page)
{
	if (!c->l.in)
		leaf(c, ENCLU(RD_EENTER), LA(page), 0x402000, 0);
}

static void eresume(struct cpu *c, u32 page)
{
	if (!c->l.in)
		leaf(c, ENCLU(RD_ERESUME), LA(page), 0x402000, 0);
}

static void aex(struct cpu *c, u32 page)
{
	struct rd_aex why = {};

	(void)page;
	if (c->l.in)
		rd_aex(&c->l, &why);
}

static void edeccssa(struct cpu *c, u32 page)
{
	if (c->l.in)
		leaf(c, ENCLU(RD_EDECCSSA), 0, page, 0);
}

/* SECINFO in the enclave's data, which may be gone or written to by nobody any more. */
static u64 secinfo_inside(const struct cpu *c, u64 flags)
{
	unsigned int at = (unsigned int)(c - cpus) * 64;

	if (w.epc.page[DATA])
		*(struct rd_secinfo *)(w.epc.page[DATA] + at) =
			(struct rd_secinfo){ .flags = flags };
	return LA(DATA) + at;
}

static void eaccept(struct cpu *c, u32 page)
{
	const u64 told = RD_SI_RWX | RD_SI_STATE | RD_SI_PT_MASK;
	u64 flags = w.epc.map[page].state & told;

	if (c->l.in)
		leaf(c, ENCLU(RD_EACCEPT), secinfo_inside(c, flags), LA(page), 0);
}

static void emodpe(struct cpu *c, u32 page)
{
	if (c->l.in)
		leaf(c, ENCLU(RD_EMODPE), secinfo_inside(c, RD_SI_PT(RD_PT_REG) | RW), LA(page), 0);
}

static void eacceptcopy(struct cpu *c, u32 page)
{
	if (c->l.in)
		leaf(c, ENCLU(RD_EACCEPTCOPY), secinfo_inside(c, RD_SI_PT(RD_PT_REG) | RW),
		     LA(page), LA(DATA));
}

static bool of_enclave(act_fn fn)
{
	return fn == eenter || fn == eresume || fn == aex || fn == edeccssa || fn == eaccept ||
	       fn == emodpe || fn == eacceptcopy;
}

static void run_all(const struct act *a)
{
	unsigned int i;

	for (i = 0; i < MAX_ACTS && a[i].fn; i++)
		a[i].fn(&cpus[of_enclave(a[i].fn) ? 1 : 2], a[i].page);
}

void step(void);
void step(void)
{
	const struct act *a = meanwhile;

	if (!a || ++steps != when)
		return;
	meanwhile = NULL;
	run_all(a);
}

/* --- the enclave ------------------------------------------------------------------------------ */

static void put_page(u32 page, u8 type, u64 more)
{
	struct rd_epcm *e = &w.epc.map[page];

	ck_assert(!rd_epc_fill(&w.epc, page));
	e->state = RD_EPCM_VALID | RD_SI_PT(type) | more;
	if (type == RD_PT_SECS || type == RD_PT_VA)
		return;
	e->secs = SECS;
	e->addr = LA(page);
	w.epc.map[SECS].children++;
	world_map(LA(page), w_gpa(page), RD_ACC_READ | RD_ACC_WRITE | RD_ACC_FETCH);
}

static void put_tcs(u32 page, u32 ssa, u32 nssa, u32 cssa)
{
	struct rd_tcs *t;

	put_page(page, RD_PT_TCS, 0);
	t = rd_epc_tcs(&w.epc, page);
	t->ossa = ssa * 4096ULL;
	t->nssa = nssa;
	t->cssa = cssa;
}

static void begin(void)
{
	unsigned int i;

	world_reset(true);
	put_page(SECS, RD_PT_SECS, 0);
	*rd_epc_secs(&w.epc, SECS) = (struct rd_secs){
		.base = W_ENCL,
		.size = 16 * 4096,
		.ssa_frame_size = 1,
		.attributes = { RD_ATTR_INIT | RD_ATTR_MODE64, RD_XFRM_X87_SSE },
	};
	put_tcs(TCS, SSA, 2, 1);
	put_tcs(TCS2, SSA2, 1, 0);
	put_page(SSA, RD_PT_REG, RW);
	put_page(SSA2, RD_PT_REG, RW);
	put_page(DATA, RD_PT_REG, RW);
	put_page(NEW, RD_PT_REG, RW | RD_SI_PENDING);
	put_page(VA, RD_PT_VA, 0);
	for (i = 0; i < CPUS; i++) {
		cpus[i].l = w.l;
		cpus[i].l.stay = &cpus[i].stay;
		cpus[i].l.xbuf = cpus[i].xbuf;
	}
}

/* Whatever a kernel can do to get pages out while threads are inside. */
static void besiege(void)
{
	static const act_fn ways[] = {
		ewb, etrack, ewb, eremove, etrack, ewb, eblock, etrack, ewb
	};
	unsigned int i;
	u32 page;

	for (i = 0; i < ARRAY_SIZE(ways); i++)
		for (page = 0; page < ENCLAVE_PAGES; page++)
			if (ways[i] != etrack || page == SECS)
				ways[i](&cpus[2], page);
}

static const char *what_is_wrong(const struct cpu *c)
{
	const struct rd_inside *in = c->l.in;
	const u32 on[] = { in->tcs, in->xsave, in->gpr };
	unsigned int i;

	if (!w.epc.page[in->secs] || rd_epcm_type(&w.epc.map[in->secs]) != RD_PT_SECS)
		return "the SECS is gone";
	for (i = 0; i < ARRAY_SIZE(on); i++)
		if (!w.epc.page[on[i]] || w.epc.map[on[i]].secs != in->secs)
			return i ? "an SSA frame is gone" : "the TCS is gone";
	return NULL;
}

/* Of one enclave, at its place in it, and nowhere twice. */
static const char *whose_it_is(u32 page)
{
	const struct rd_epcm *e = &w.epc.map[page];
	u32 i;

	if (rd_epcm_valid(e) != !!w.epc.page[page])
		return "contents and validity differ";
	if (!rd_epcm_valid(e) || e->secs == RD_NO_PAGE)
		return NULL;
	if (!rd_epcm_valid(&w.epc.map[SECS]))
		return "a page has lost its enclave";
	for (i = 0; i < page; i++)
		if (rd_epcm_valid(&w.epc.map[i]) && w.epc.map[i].secs == e->secs &&
		    w.epc.map[i].addr == e->addr)
			return "a page is there twice";
	return NULL;
}

static const char *what_is_held(u32 page)
{
	const struct rd_epcm *e = &w.epc.map[page];
	unsigned long busy = 0;
	unsigned int i;

	for (i = 0; i < CPUS; i++)
		if (cpus[i].l.in && cpus[i].l.in->tcs == page)
			busy = BIT(RD_OP_BUSY);
	if (e->lock)
		return "a lock was not given back";
	return e->ops != busy ? "something goes on that nobody does" : NULL;
}

static const char *judge(void)
{
	u32 children = 0, inside = 0, page, i;
	const char *wrong;

	for (page = 0; page < W_EPC_NR; page++) {
		wrong = what_is_held(page);
		if (!wrong)
			wrong = whose_it_is(page);
		if (wrong)
			return wrong;
		children += rd_epcm_valid(&w.epc.map[page]) && w.epc.map[page].secs == SECS;
	}
	for (i = 0; i < CPUS; i++) {
		wrong = cpus[i].l.in ? what_is_wrong(&cpus[i]) : NULL;
		if (wrong)
			return wrong;
		inside += !!cpus[i].l.in;
	}
	if (!w.epc.page[SECS])
		return NULL;
	if (w.epc.map[SECS].children != children)
		return "children are counted wrongly";
	i = (u16)w.epc.map[SECS].track + (u16)(w.epc.map[SECS].track >> 16);
	return i != inside ? "threads are counted wrongly" : NULL;
}

/* --- everything against everything ------------------------------------------------------------ */

struct one {
	const char *name;
	struct act before[MAX_ACTS]; /* to bring about where it begins */
	struct act act;
	bool inside; /* CPU 0 is in the enclave by TCS */
};

#define ALL_BUT_ONE                                                                                \
	{ eremove, TCS }, { eremove, TCS2 }, { eremove, SSA }, { eremove, SSA2 },                  \
	{                                                                                          \
		eremove, NEW                                                                       \
	}

static const struct one ones[] = {
	{ "EENTER", { { 0 } }, { eenter, TCS }, false },
	{ "ERESUME", { { 0 } }, { eresume, TCS }, false },
	{ "EDECCSSA", { { 0 } }, { edeccssa, 0 }, true },
	{ "AEX", { { 0 } }, { aex, 0 }, true },
	{ "EBLOCK of SSA", { { 0 } }, { eblock, SSA2 }, false },
	{ "EBLOCK of TCS", { { 0 } }, { eblock, TCS2 }, false },
	{ "EMODPR of SSA", { { 0 } }, { emodpr, SSA2 }, false },
	{ "EMODPR of SSA to RW", { { 0 } }, { emodpr_rw, SSA2 }, false },
	{ "EMODT of SSA", { { 0 } }, { trim, SSA2 }, false },
	{ "EMODT of TCS", { { 0 } }, { trim, TCS2 }, false },
	{ "EREMOVE of SSA", { { 0 } }, { eremove, SSA2 }, false },
	{ "EREMOVE of TCS", { { 0 } }, { eremove, TCS2 }, false },
	{ "EWB of SSA", { { eblock, SSA2 }, { etrack, SECS } }, { ewb, SSA2 }, false },
	{ "EWB of TCS", { { eblock, TCS2 }, { etrack, SECS } }, { ewb, TCS2 }, false },
	{ "ELDU of SSA",
	  { { eblock, SSA2 }, { etrack, SECS }, { ewb, SSA2 } },
	  { eldu, SSA2 },
	  false },
	{ "ELDU of rights",
	  { { emodpr_rw, SSA2 }, { eblock, SSA2 }, { etrack, SECS }, { ewb, SSA2 } },
	  { eldu, SSA2 },
	  false },
	{ "EREMOVE of SECS", { ALL_BUT_ONE, { eremove, DATA } }, { eremove, SECS }, false },
	{ "EREMOVE of the last page", { ALL_BUT_ONE }, { eremove, DATA }, false },
	{ "EAUG of the first page", { ALL_BUT_ONE, { eremove, DATA } }, { eaug, NEW }, false },
	{ "EAUG", { { eremove, NEW } }, { eaug, NEW }, false },
	{ "ETRACK", { { 0 } }, { etrack, SECS }, false },
	{ "EACCEPT of rights", { { emodpr, SSA }, { etrack, SECS } }, { eaccept, SSA }, true },
	{ "EACCEPT of trimming", { { trim, SSA }, { etrack, SECS } }, { eaccept, SSA }, true },
	{ "EACCEPT of new", { { 0 } }, { eaccept, NEW }, true },
	{ "EMODPE", { { emodpr, SSA } }, { emodpe, SSA }, true },
	{ "EACCEPTCOPY", { { 0 } }, { eacceptcopy, NEW }, true },
};

static const struct act others[][MAX_ACTS] = {
	{ { eblock, TCS }, { etrack, SECS }, { ewb, TCS } },
	{ { eblock, SSA }, { etrack, SECS }, { ewb, SSA } },
	{ { eblock, SSA2 }, { etrack, SECS }, { ewb, SSA2 } },
	{ { eblock, TCS2 }, { etrack, SECS }, { ewb, TCS2 }, { eldu, TCS2 } },
	{ { etrack, SECS }, { eenter, TCS2 }, { eblock, SSA2 } },
	{ { etrack, SECS }, { eenter, TCS2 }, { eblock, TCS2 } },
	{ { etrack, SECS }, { eenter, TCS2 }, { emodpr_rw, SSA2 } },
	{ { etrack, SECS }, { eenter, TCS2 }, { trim, SSA2 } },
	{ { eenter, TCS2 }, { eblock, SSA2 }, { etrack, SECS }, { ewb, SSA2 } },
	{ { eenter, TCS2 }, { trim, SSA }, { etrack, SECS }, { eaccept, SSA }, { eremove, SSA } },
	{ { trim, SSA }, { etrack, SECS }, { eenter, TCS2 }, { eaccept, SSA }, { eremove, SSA } },
	{ { trim, TCS }, { etrack, SECS }, { eenter, TCS2 }, { eaccept, TCS }, { eremove, TCS } },
	{ { eenter, TCS2 }, { aex, 0 }, { eresume, TCS2 } },
	{ { eenter, TCS }, { aex, 0 } },
	{ { eresume, TCS } },
	{ { eremove, TCS }, { eremove, SSA }, { eremove, SSA2 } },
	{ { eremove, TCS2 }, { eremove, SSA2 }, { eaug, SSA2 } },
	{ { eldu, SSA2 }, { eenter, TCS2 } },
	{ { emodpr, SSA2 }, { etrack, SECS }, { eblock, SSA2 }, { ewb, SSA2 } },
	{ { etrack, SECS }, { etrack, SECS }, { etrack, SECS } },
	{ { eldu_twin, SSA2 } },
	{ { eremove, SECS } },
	{ { eaug, NEW } },
	{ { eremove, DATA }, { eremove, SECS } },
};

/* false: the leaf has fewer steps. */
static bool race(const struct one *one, const struct act *other, unsigned int at)
{
	bool reached;
	const char *wrong;
	unsigned int i;

	begin();
	run_all(one->before);
	if (one->inside)
		eenter(&cpus[0], TCS);
	steps = 0;
	when = at;
	meanwhile = other;
	one->act.fn(&cpus[0], one->act.page);
	reached = !meanwhile;
	meanwhile = NULL;
	wrong = judge();
	if (!wrong) {
		besiege();
		wrong = judge();
	}
	ck_assert_msg(!wrong, "%s, others %u at step %u: %s", one->name,
		      (unsigned int)((const struct act(*)[MAX_ACTS])other - others), at, wrong);
	for (i = 0; i < CPUS; i++)
		aex(&cpus[i], 0);
	world_end();
	return reached;
}

START_TEST(test_one_step)
{
	unsigned int i, at, total = 0;

	for (i = 0; i < ARRAY_SIZE(others); i++)
		for (at = 1; race(&ones[_i], others[i], at); at++)
			total++;
	/* At each step of the leaf, and there are some. */
	ck_assert_uint_ge(total, 3 * ARRAY_SIZE(others));
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("enclave_race");
	TCase *t = tcase_create("one step");

	tcase_add_loop_test(t, test_one_step, 0, ARRAY_SIZE(ones));
	tcase_set_timeout(t, 120);
	suite_add_tcase(s, t);
	return s;
}
