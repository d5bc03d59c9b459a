// SPDX-License-Identifier: GPL-2.0-only
/*
 * All leaves of ENCLS and ENCLU, by two CPUs on one EPC: operands that are often nearly right,
 * mappings that change, asynchronous exits, other CPUs that hold pages or come in at any step, with
 * other contents of the guest's memory, a host without memory.
 * Invariant checked: see sgx_check.c.
 */
#include "enclave/measure.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/sgx/sgx.h"
#include "vmm/gwalk.h"

/* Where structures lie in the guest's memory. */
#define AT_PAGEINFO W_RAM
#define AT_SECINFO (W_RAM + 0x40)
#define AT_TOKEN (W_RAM + 0x400)
#define AT_SOURCE (W_RAM + 0x1000)
#define AT_SIGSTRUCT (W_RAM + 0x2000)
#define AT_PCMD(n) (W_RAM + 0x3000 + (n)*128U)
#define AT_EVICTED(n) (W_RAM + 0x8000 + (n)*0x1000U)
#define NR_EVICTED 8U
#define MAX_CALLS 40U

#define SIZE 0x10000U
#define BASE(n) (W_ENCL + (n)*0x100000ULL)

/* Which page of the EPC is meant. */
enum kind { ANY, FREE, SECS, CHILD, REG, NEW, TCS, VA };

static struct {
	bool used;
	u64 linaddr, slot;
	u32 secs;
} evicted[NR_EVICTED];

static struct hold hold; /* during the next call */
static unsigned int fail_alloc; /* in the next call */
static unsigned int calls;

static bool is_kind(u32 page, enum kind k)
{
	const struct rd_epcm *e = &w.epc.map[page];
	u8 type = rd_epcm_type(e);

	if (k == ANY)
		return true;
	if (!rd_epcm_valid(e))
		return k == FREE;
	switch (k) {
	case SECS:
		return type == RD_PT_SECS;
	case CHILD:
		return e->secs != RD_NO_PAGE;
	case REG:
		return type == RD_PT_REG;
	case NEW:
		return type == RD_PT_REG && e->state & RD_SI_PENDING;
	case TCS:
		return type == RD_PT_TCS;
	case VA:
		return type == RD_PT_VA;
	default:
		return false;
	}
}

/* One of the kind, if there is any. */
static u32 page_of(enum kind k)
{
	u32 first = take() % 32, i;

	for (i = 0; i < W_EPC_NR; i++)
		if (is_kind((first + i) % W_EPC_NR, k))
			return (first + i) % W_EPC_NR;
	return first;
}

/* One of the kind that belongs to this enclave. */
static u32 page_of_enclave(u32 secs, enum kind k)
{
	u32 first = take() % 32, i;

	for (i = 0; i < W_EPC_NR; i++) {
		u32 page = (first + i) % W_EPC_NR;

		if (w.epc.map[page].secs == secs && is_kind(page, k))
			return page;
	}
	return first;
}

static u64 any_address(void)
{
	switch (take() % 6) {
	case 0:
		return w_epc(take() % (W_EPC_NR + 1));
	case 1:
		return W_RAM + take() % (W_RAM_NR + 1) * 4096;
	case 2:
		return BASE(take() & 1) + take() % 20 * 4096;
	case 3:
		return W_RAM + take_n(3);
	case 4:
		return W_EPC + take_n(3);
	default:
		return take_n(8);
	}
}

/* Mostly as it is meant. */
static u64 nearly(u64 good)
{
	switch (take() & 31) {
	case 0:
		return any_address();
	case 1:
		return good + take();
	case 2:
		return good ^ BIT_ULL(take() & 63);
	default:
		return good;
	}
}

static u64 kernel(enum kind k)
{
	return nearly(w_epc(page_of(k)));
}

static void damage(void *p, size_t n)
{
	if (!(take() & 7))
		take_damage(p, n);
}

static u64 put_pageinfo(u64 linaddr, u64 srcpge, u64 secinfo, u64 secs)
{
	struct rd_pageinfo *pi = w_ram(AT_PAGEINFO);

	*pi = (struct rd_pageinfo){ nearly(linaddr), nearly(srcpge), nearly(secinfo),
				    nearly(secs) };
	return nearly(AT_PAGEINFO);
}

static u64 put_secinfo(u64 flags)
{
	struct rd_secinfo *si = w_ram(AT_SECINFO);

	*si = (struct rd_secinfo){ .flags = flags };
	damage(si, sizeof(*si));
	return nearly(AT_SECINFO);
}

static void set_regs(struct cpu *c, unsigned int leaf, u64 rbx, u64 rcx, u64 rdx)
{
	c->l.gpr[RD_RAX] = leaf;
	c->l.gpr[RD_RBX] = rbx;
	c->l.gpr[RD_RCX] = rcx;
	c->l.gpr[RD_RDX] = rdx;
}

static int call(struct cpu *c, bool encls)
{
	int ret;

	calls++;
	if (fail_alloc)
		rd_shim_fail_alloc(fail_alloc);
	ret = sgx_call(c, encls, &hold);
	rd_shim_fail_alloc(0);
	fail_alloc = 0;
	hold.page = RD_NO_PAGE;
	return ret;
}

static bool done(const struct cpu *c, int ret)
{
	return !ret && !(c->l.rflags & BIT_ULL(6));
}

static void map_page(u64 la, u64 gpa, unsigned int acc)
{
	unsigned int i;

	for (i = 0; i < w.maps && w.map[i].la != la; i++)
		;
	if (i < W_MAPS)
		world_map(la, gpa, acc);
}

/* As a kernel does with each page that it gives to an enclave. */
static void map_child(u32 page)
{
	if (rd_epcm_valid(&w.epc.map[page]) && is_kind(page, CHILD))
		map_page(w.epc.map[page].addr, w_gpa(page),
			 RD_ACC_READ | RD_ACC_WRITE | RD_ACC_FETCH);
}

static u32 page_at(u64 la)
{
	return rd_epc_index(&w.epc, la - W_EPC + W_EPC_BASE);
}

/* What came of RCX. */
static void new_child(struct cpu *c, int ret)
{
	u32 page = page_at(c->l.gpr[RD_RCX]);

	if (ret || page == RD_NO_PAGE || !is_kind(page, CHILD))
		return;
	map_child(page);
	sgx_plant(page);
}

static void put_secs(u64 base, u64 size, u64 flags, u64 xfrm)
{
	struct rd_secs *s = w_ram(AT_SOURCE);

	*s = (struct rd_secs){
		.size = size,
		.base = base,
		.ssa_frame_size = 1,
		.attributes = { flags, xfrm },
	};
}

static void put_tcs(u64 ossa, u32 nssa, u64 oentry)
{
	*(struct rd_tcs *)w_ram(AT_SOURCE) =
		(struct rd_tcs){ .ossa = ossa, .nssa = nssa, .oentry = oentry };
}

static int ecreate(struct cpu *c)
{
	u64 flags = RD_ATTR_MODE64 | (u64)(take() & 0xb2);
	u8 how = take();

	put_secs(BASE(how & 1), (u64)SIZE >> (how >> 1 & 3), flags, how & 8 ? 7 : 3);
	((struct rd_secs *)w_ram(AT_SOURCE))->miscselect = how >> 4 & 1;
	((struct rd_secs *)w_ram(AT_SOURCE))->ssa_frame_size = 1 + (how >> 5 & 1);
	damage(w_ram(AT_SOURCE), 320);
	set_regs(c, RD_ECREATE, put_pageinfo(0, AT_SOURCE, put_secinfo(RD_SI_PT(RD_PT_SECS)), 0),
		 kernel(FREE), 0);
	return call(c, true);
}

static u64 somewhere_in(u32 secs)
{
	return w.epc.page[secs] ? rd_epc_secs(&w.epc, secs)->base + take() % 17 * 4096 : BASE(0);
}

static int eadd(struct cpu *c)
{
	u32 secs = page_of(SECS);
	u64 flags = RD_SI_PT(RD_PT_REG) | (take() & RD_SI_RWX);
	int ret;

	if (take() & 1) {
		flags = RD_SI_PT(RD_PT_TCS);
		put_tcs(take() % 17 * 4096, take() & 3, take() * 64);
		damage(w_ram(AT_SOURCE), 80);
	}
	set_regs(c, RD_EADD,
		 put_pageinfo(somewhere_in(secs), AT_SOURCE, put_secinfo(flags), w_epc(secs)),
		 kernel(FREE), 0);
	ret = call(c, true);
	new_child(c, ret);
	return ret;
}

/*
 * A modulus under which 2^1023 is the signature of what SIGSTRUCT says: its cube less the message.
 * hash: what the CPU would have as the hash of its launch signer.
 */
static void sign(struct rd_sigstruct *g, u64 hash[4])
{
	static const u8 info[19] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
				     0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
	struct rd_sha256 h;
	unsigned int i;
	u8 digest[32], message;
	int borrow = 0, byte;

	rd_host_sha256_init(&h);
	rd_host_sha256_update(&h, g, RD_SIG_HEAD);
	rd_host_sha256_update(&h, (u8 *)g + RD_SIG_BODY, RD_SIG_BODY_LEN);
	rd_host_sha256_final(&h, digest);
	for (i = 0; i < RD_RSA_BYTES; i++) {
		message = i < 32		? digest[31 - i]
			  : i < 51		? info[50 - i]
			  : i == 51 || i == 383 ? 0
			  : i == 382		? 1
						: 0xff;
		byte = (i == 383 ? 0x20 : 0) - message - borrow;
		g->modulus[i] = (u8)byte;
		borrow = byte < 0;
	}
	g->signature[127] = 0x80;
	g->q2[0] = 1;
	rd_host_sha256_init(&h);
	rd_host_sha256_update(&h, g->modulus, RD_RSA_BYTES);
	rd_host_sha256_final(&h, (u8 *)hash);
}

/* SIGSTRUCT that fits the enclave, if it is one. */
static void describe(struct rd_sigstruct *g, u32 page)
{
	struct rd_secs *s = rd_epc_secs(&w.epc, page);
	u8 how = take();

	if (!is_kind(page, SECS))
		return;
	rd_measure_final(s, g->enclavehash);
	if (how & 1)
		g->attributemask = (struct rd_attributes){ ~0ULL, ~0ULL };
	g->attributes = s->attributes;
	g->miscselect = s->miscselect;
	g->isvprodid = how;
}

static int einit_of(struct cpu *c, u32 page)
{
	static const u8 header[16] = { 6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1 };
	static const u8 header2[16] = { 1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1 };
	struct rd_sigstruct *g = w_ram(AT_SIGSTRUCT);

	memset(g, 0, sizeof(*g));
	memcpy(g->header, header, 16);
	memcpy(g->header2, header2, 16);
	g->exponent = 3;
	describe(g, page);
	damage(g, sizeof(*g));
	sign(g, c->l.pubkeyhash);
	damage(g, sizeof(*g));
	damage(c->l.pubkeyhash, 32);
	damage(w_ram(AT_TOKEN), sizeof(struct rd_einittoken));
	set_regs(c, RD_EINIT, nearly(AT_SIGSTRUCT), nearly(w_epc(page)), nearly(AT_TOKEN));
	return call(c, true);
}

static int einit(struct cpu *c)
{
	return einit_of(c, page_of(SECS));
}

static int eremove(struct cpu *c)
{
	set_regs(c, RD_EREMOVE, 0, kernel(take() & 3 ? CHILD : ANY), 0);
	return call(c, true);
}

static int edbg(struct cpu *c)
{
	u64 at = nearly(w_epc(page_of(take() & 3 ? CHILD : ANY)) + (take_n(2) & 0xff8));

	set_regs(c, take() & 1 ? RD_EDBGRD : RD_EDBGWR, take(), at, 0);
	return call(c, true);
}

static int eextend(struct cpu *c)
{
	u32 page = page_of(CHILD);

	set_regs(c, RD_EEXTEND, nearly(w_epc(w.epc.map[page].secs)),
		 nearly(w_epc(page) + (take() & 15) * 256), 0);
	return call(c, true);
}

static int eblock(struct cpu *c)
{
	set_regs(c, RD_EBLOCK, 0, kernel(CHILD), 0);
	return call(c, true);
}

static int epa(struct cpu *c)
{
	set_regs(c, RD_EPA, nearly(RD_PT_VA), kernel(FREE), 0);
	return call(c, true);
}

static int etrack(struct cpu *c)
{
	set_regs(c, RD_ETRACK, 0, kernel(SECS), 0);
	return call(c, true);
}

static int ewb_of(struct cpu *c, u32 page)
{
	unsigned int n = take() % NR_EVICTED;
	u64 slot = w_epc(page_of(VA)) + (take() & 7) * 8;
	struct rd_epcm e = w.epc.map[page];
	int ret;

	set_regs(c, RD_EWB, put_pageinfo(0, AT_EVICTED(n), AT_PCMD(n), 0), nearly(w_epc(page)),
		 nearly(slot));
	ret = call(c, true);
	if (done(c, ret)) {
		evicted[n].used = true;
		evicted[n].linaddr = e.addr;
		evicted[n].secs = e.secs;
		evicted[n].slot = slot;
	}
	return ret;
}

static int ewb(struct cpu *c)
{
	return ewb_of(c, page_of(take() & 3 ? CHILD : ANY));
}

static int eld(struct cpu *c)
{
	unsigned int n = take() % NR_EVICTED, i;
	u32 secs;
	u64 at;
	int ret;

	for (i = 0; i < NR_EVICTED && !evicted[n].used; i++)
		n = (n + 1) % NR_EVICTED;
	secs = evicted[n].secs;
	damage(w_ram(AT_PCMD(n)), sizeof(struct rd_pcmd));
	at = put_pageinfo(evicted[n].linaddr, AT_EVICTED(n), AT_PCMD(n),
			  secs == RD_NO_PAGE ? 0 : w_epc(secs));
	set_regs(c, take() & 1 ? RD_ELDU : RD_ELDB, at, kernel(FREE), nearly(evicted[n].slot));
	ret = call(c, true);
	if (done(c, ret) && page_at(c->l.gpr[RD_RCX]) != RD_NO_PAGE)
		map_child(page_at(c->l.gpr[RD_RCX]));
	return ret;
}

static int eaug_at(struct cpu *c, u32 secs, u64 la)
{
	int ret;

	set_regs(c, RD_EAUG, put_pageinfo(la, 0, 0, w_epc(secs)), kernel(FREE), 0);
	ret = call(c, true);
	new_child(c, ret);
	return ret;
}

static int eaug(struct cpu *c)
{
	u32 secs = page_of(SECS);

	return eaug_at(c, secs, somewhere_in(secs));
}

static int emodpr(struct cpu *c)
{
	set_regs(c, RD_EMODPR, put_secinfo(take() & RD_SI_RWX), kernel(CHILD), 0);
	return call(c, true);
}

static int emodt(struct cpu *c)
{
	set_regs(c, RD_EMODT, put_secinfo(RD_SI_PT(take() & 1 ? RD_PT_TRIM : RD_PT_TCS)),
		 kernel(CHILD), 0);
	return call(c, true);
}

static int enter(struct cpu *c)
{
	u32 page = page_of(TCS);

	set_regs(c, take() & 1 ? RD_EENTER : RD_ERESUME, nearly(w.epc.map[page].addr),
		 nearly(0x402000), take());
	c->l.gpr[RD_RSP] = take();
	return call(c, false);
}

/* The enclave writes into a page of its own that it may write to: its linear address, or some. */
static u64 poke(struct cpu *c, u32 page, unsigned int at, const void *from, unsigned int len)
{
	struct rd_epcm *e = &w.epc.map[page];
	u64 rights;

	if (!rd_epcm_check(e, c->l.in->secs, e->addr, RD_ACC_WRITE, &rights))
		memcpy(w.epc.page[page] + at, from, len);
	return e->addr + at;
}

static u64 poke_secinfo(struct cpu *c, u64 flags)
{
	struct rd_secinfo si = { .flags = flags };

	damage(&si, sizeof(si));
	return nearly(
		poke(c, page_of_enclave(c->l.in->secs, REG), (take() & 7) * 64, &si, sizeof(si)));
}

static int eaccept_page(struct cpu *c, u32 page)
{
	const u64 told = RD_SI_RWX | RD_SI_STATE | RD_SI_PT_MASK;
	u64 flags = w.epc.map[page].state & told;

	set_regs(c, RD_EACCEPT, poke_secinfo(c, flags), nearly(w.epc.map[page].addr), 0);
	return call(c, false);
}

static int eaccept(struct cpu *c)
{
	return eaccept_page(c, page_of_enclave(c->l.in->secs, CHILD));
}

static int emodpe(struct cpu *c)
{
	u32 page = page_of_enclave(c->l.in->secs, REG);

	set_regs(c, RD_EMODPE, poke_secinfo(c, RD_SI_PT(RD_PT_REG) | (take() & RD_SI_RWX)),
		 nearly(w.epc.map[page].addr), 0);
	return call(c, false);
}

static int eacceptcopy_to(struct cpu *c, u32 to)
{
	u32 from = page_of_enclave(c->l.in->secs, REG);

	set_regs(c, RD_EACCEPTCOPY, poke_secinfo(c, RD_SI_PT(RD_PT_REG) | (take() & RD_SI_RWX)),
		 nearly(w.epc.map[to].addr), nearly(w.epc.map[from].addr));
	return call(c, false);
}

static int eacceptcopy(struct cpu *c)
{
	return eacceptcopy_to(c, page_of_enclave(c->l.in->secs, take() & 3 ? NEW : REG));
}

static int ereport(struct cpu *c)
{
	struct rd_targetinfo t = { .attributes = { take(), 3 } };
	u64 a, b;

	damage(&t, sizeof(t));
	a = poke(c, page_of_enclave(c->l.in->secs, REG), (take() & 1) * 512, &t, sizeof(t));
	b = w.epc.map[page_of_enclave(c->l.in->secs, REG)].addr;
	set_regs(c, RD_EREPORT, nearly(a), nearly(b + (take() & 3) * 128),
		 nearly(b + (take() & 7) * 512));
	return call(c, false);
}

static int egetkey(struct cpu *c)
{
	struct rd_keyrequest r = { .keyname = take() % 6, .keypolicy = take() & 3 };
	u64 a, b;

	damage(&r, sizeof(r));
	a = poke(c, page_of_enclave(c->l.in->secs, REG), (take() & 1) * 512, &r, sizeof(r));
	b = w.epc.map[page_of_enclave(c->l.in->secs, REG)].addr;
	set_regs(c, RD_EGETKEY, nearly(a), nearly(b + take() * 16), 0);
	return call(c, false);
}

static int eexit(struct cpu *c)
{
	set_regs(c, RD_EEXIT, nearly(0x401000), 0, 0);
	return call(c, false);
}

static int edeccssa(struct cpu *c)
{
	set_regs(c, RD_EDECCSSA, take(), take(), take());
	return call(c, false);
}

static int (*const outside[])(struct cpu *c) = {
	ecreate, eadd, einit, eremove, edbg,  eextend, eblock, epa,   etrack,
	ewb,	 eld,  eaug,  emodpr,  emodt, enter,   enter,  enter,
};

static int (*const inside[])(struct cpu *c) = {
	eaccept, emodpe, eacceptcopy, ereport, egetkey, eexit, edeccssa,
};

static void aex(struct cpu *c)
{
	u8 how = take();
	struct rd_aex why = { .exception = how & 0x80, .soft = how & 0x40, .vector = how & 31 };

	if (!c->l.in)
		return;
	why.has_error = how & 1;
	why.error = take();
	why.cr2 = BASE(0) + take() * 64;
	sgx_aex(c, &why);
}

static void shaped_leaf(struct cpu *c)
{
	u8 n = take();

	if (c->l.in)
		inside[n % ARRAY_SIZE(inside)](c);
	else
		outside[n % ARRAY_SIZE(outside)](c);
}

static void wild_leaf(struct cpu *c)
{
	u8 leaf = take();
	bool encls = leaf & 0x80 && !c->l.in;

	if (!(take() & 15))
		leaf = 0xff;
	set_regs(c, leaf & 0x1f, any_address(), any_address(), any_address());
	call(c, encls);
}

/* The guest's kernel maps something else, or nothing. */
static void remap(void)
{
	u8 how = take();
	u64 la = BASE(how & 1) + take() % 17 * 4096;
	u64 gpa = how & 2 ? w_gpa(take() % 32) : W_RAM + take() % 32 * 4096;

	map_page(la, gpa, how >> 2 & 7);
}

/* What a SIGSTRUCT in order would do. */
static void initialize(u32 page)
{
	if (is_kind(page, SECS))
		rd_epc_secs(&w.epc, page)->attributes.flags |= RD_ATTR_INIT;
}

static bool somebody_inside(u32 secs)
{
	return rd_track_any(&w.epc.map[secs]);
}

/* The enclave writes to where an asynchronous exit has put its state. */
static void scribble(struct cpu *c)
{
	const struct rd_inside *stay = c->l.in;
	u8 bytes[24], how = take();

	memset(bytes, 0, sizeof(bytes));
	take_damage(bytes, sizeof(bytes));
	switch (how & 3) {
	case 0:
		poke(c, stay->xsave, 512, bytes, sizeof(bytes)); /* header of the XSAVE area */
		break;
	case 1:
		poke(c, stay->gpr, 4096 - 184 + (how >> 2) % 23 * 8, bytes, 8);
		break;
	default:
		bytes[0] |= 1;
		poke(c, stay->gpr, 4096 - 184 + offsetof(struct rd_gprsgx, aexnotify), bytes, 1);
		break;
	}
}

/* A state that a page could have come to otherwise. */
static void twist(void)
{
	u32 page = page_of(REG);
	struct rd_epcm *e = &w.epc.map[page];
	u8 how = take();

	if (!is_kind(page, REG) || somebody_inside(e->secs))
		return;
	if (!(e->state & RD_SI_PENDING)) {
		e->state &= ~(RD_SI_RWX | RD_SI_PR);
		e->state |= how & (RD_SI_R | RD_SI_X | RD_SI_PR);
		if (how & RD_SI_R)
			e->state |= how & RD_SI_W;
	}
	if (how & 0x80)
		e->state |= RD_EPCM_BLOCKED;
	e->stamp = rd_track_epoch(&w.epc.map[e->secs]) - (how >> 6 & 1);
}

static void leave_all(void)
{
	unsigned int i;

	for (i = 0; i < CPUS; i++)
		if (cpus[i].l.in)
			aex(&cpus[i]);
}

/* What a guest's kernel does to get a page out. */
static void swap_out(struct cpu *c)
{
	u32 page = page_of(CHILD), secs = w.epc.map[page].secs;

	if (c->l.in || secs == RD_NO_PAGE)
		return;
	set_regs(c, RD_EBLOCK, 0, w_epc(page), 0);
	call(c, true);
	set_regs(c, RD_ETRACK, 0, w_epc(secs), 0);
	call(c, true);
	leave_all();
	if (done(c, ewb_of(c, page)) && take() & 1)
		eld(c);
}

/* A kernel and an enclave together change a page. */
static void change(struct cpu *kernel_cpu, struct cpu *c)
{
	u8 how = take() % 5;
	u32 page, secs;

	if (kernel_cpu->l.in || !c->l.in)
		return;
	secs = c->l.in->secs;
	page = page_of_enclave(secs, REG);
	if (how == 0 || how == 4) {
		eaug_at(kernel_cpu, secs, somewhere_in(secs));
		page = page_at(kernel_cpu->l.gpr[RD_RCX]);
	} else if (how == 1) {
		set_regs(kernel_cpu, RD_EMODPR, put_secinfo(take() & RD_SI_RWX), w_epc(page), 0);
		call(kernel_cpu, true);
	} else {
		set_regs(kernel_cpu, RD_EMODT,
			 put_secinfo(RD_SI_PT(how == 2 ? RD_PT_TRIM : RD_PT_TCS)), w_epc(page), 0);
		call(kernel_cpu, true);
	}
	set_regs(kernel_cpu, RD_ETRACK, 0, w_epc(secs), 0);
	call(kernel_cpu, true);
	aex(c);
	call(c, false); /* ERESUME, as the registers say */
	if (!c->l.in || page >= W_EPC_NR)
		return;
	if (how == 4)
		eacceptcopy_to(c, page);
	else
		eaccept_page(c, page);
}

static void add_page(struct cpu *c, u32 page, u32 secs, u64 at, u64 flags)
{
	*(struct rd_secinfo *)w_ram(AT_SECINFO) = (struct rd_secinfo){ .flags = flags };
	*(struct rd_pageinfo *)w_ram(AT_PAGEINFO) =
		(struct rd_pageinfo){ rd_epc_secs(&w.epc, secs)->base + at, AT_SOURCE, AT_SECINFO,
				      w_epc(secs) };
	set_regs(c, RD_EADD, AT_PAGEINFO, w_epc(page), 0);
	new_child(c, call(c, true));
}

/* An enclave that is in order: two threads, their SSA, data, code; and a version array. */
static void make_enclave(struct cpu *c, unsigned int n)
{
	const u64 reg = RD_SI_PT(RD_PT_REG), rw = reg | RD_SI_R | RD_SI_W;
	u8 how = take();
	u32 secs = 10 * n, i;

	put_secs(BASE(n), SIZE,
		 RD_ATTR_MODE64 | (how & RD_ATTR_DEBUG) | (how & 4 ? RD_ATTR_AEXNOTIFY : 0) |
			 (how & (RD_ATTR_PROVISIONKEY | RD_ATTR_EINITTOKENKEY)),
		 how & 1 ? 7 : 3);
	((struct rd_secs *)w_ram(AT_SOURCE))->miscselect = how >> 6 & 1;
	*(struct rd_secinfo *)w_ram(AT_SECINFO) = (struct rd_secinfo){ .flags = 0 };
	*(struct rd_pageinfo *)w_ram(AT_PAGEINFO) =
		(struct rd_pageinfo){ 0, AT_SOURCE, AT_SECINFO, 0 };
	set_regs(c, RD_ECREATE, AT_PAGEINFO, w_epc(secs), 0);
	if (call(c, true))
		sgx_die("the first enclave cannot be created");
	for (i = 0; i < 2; i++) {
		put_tcs(0x2000 + i * 0x2000, 2, 0x6000);
		((struct rd_tcs *)w_ram(AT_SOURCE))->flags = how & 4 ? RD_TCS_AEXNOTIFY : 0;
		add_page(c, secs + 1 + i, secs, i * 0x1000, RD_SI_PT(RD_PT_TCS));
	}
	memset(w_ram(AT_SOURCE), 0, 4096);
	for (i = 2; i < 7; i++)
		add_page(c, secs + 1 + i, secs, i * 0x1000, i == 6 ? reg | RD_SI_R | RD_SI_X : rw);
	set_regs(c, RD_EPA, RD_PT_VA, w_epc(secs + 8), 0);
	call(c, true);
	if (how & 8)
		einit_of(c, secs);
	else
		initialize(secs);
}

/* What the other CPU does in the middle of a call. */
static void come_in(struct cpu *c)
{
	u8 how = take();

	if (c->l.in && how & 1)
		aex(c);
	else if (!c->l.in && how & 1)
		enter(c);
	else if (how & 2)
		remap();
	shaped_leaf(c);
	if (how & 4)
		shaped_leaf(c);
	if (how & 8)
		shaped_leaf(c);
}

static void one_thing(void)
{
	u8 op = take();
	struct cpu *c = &cpus[op >> 7];

	if (op & 16)
		sgx_meanwhile(1 + take() % 64, come_in);
	switch (op & 15) {
	case 7:
		wild_leaf(c);
		break;
	case 8:
		remap();
		break;
	case 9:
		initialize(page_of(SECS));
		break;
	case 10:
		if (c->l.in)
			scribble(c);
		else
			twist();
		break;
	case 11:
		swap_out(c);
		break;
	case 12:
		change(&cpus[!(op >> 7)], c);
		break;
	case 13:
		hold.page = page_of(ANY);
		hold.what = take() % NR_HOLDS;
		break;
	case 14:
		fail_alloc = take() % 5;
		break;
	case 15:
		if (c->l.in)
			aex(c);
		else
			enter(c);
		break;
	default:
		shaped_leaf(c);
		break;
	}
}

static u64 hash(const uint8_t *data, size_t size)
{
	u64 h = 0xcbf29ce484222325ULL;

	while (size--)
		h = (h ^ *data++) * 0x100000001b3ULL;
	return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int i, enclaves;

	fuzz_begin(data, size);
	sgx_begin(hash(data, size));
	memset(evicted, 0, sizeof(evicted));
	hold.page = RD_NO_PAGE;
	fail_alloc = 0;
	calls = 0;
	enclaves = take() % 4; /* none, one, two, two */
	for (i = 0; i < min(enclaves, 2U); i++)
		make_enclave(&cpus[0], i);
	calls = 0;
	while (fuzz_more() && calls < MAX_CALLS)
		one_thing();
	sgx_meanwhile(0, NULL);
	leave_all();
	sgx_end();
	return 0;
}
