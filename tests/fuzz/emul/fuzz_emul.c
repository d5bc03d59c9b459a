// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random bytes as instructions, on random state, with callbacks that answer at random.
 * Invariant checked: no crash; a length of at most 15; FAULT, RETRY and UNHANDLED leave registers,
 * RIP and flags alone and have caused nothing outside (RETRY of a REP instruction: but for whole
 * iterations before it); the fast path does what the general one does.
 */
#include "vmm/emul_internal.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static struct {
	const u8 *data;
	size_t size, at;
	unsigned int effects; /* writes, port accesses, register and segment changes outside struct
				 rd_emul */
} in;

static void die(const char *what)
{
	fprintf(stderr, "fuzz emul: %s\n", what);
	abort();
}

static u8 take(void)
{
	return in.at < in.size ? in.data[in.at++] : 0;
}

static u64 take64(void)
{
	u64 v = 0;
	unsigned int n;

	for (n = 0; n < 8; n++)
		v = v << 8 | take();
	return v;
}

/* An address-like value often, so that operands and jumps work out. */
static u64 take_value(void)
{
	u8 kind = take();

	if (kind < 64)
		return kind;
	if (kind < 160)
		return 0x10000 + kind * 64;
	if (kind < 176)
		return 0xffff800000000000ULL + kind;
	return take64();
}

/* What a callback answers: mostly DONE. */
static int answer(struct rd_emul *e)
{
	u8 a = take();

	if (a == 0xff) {
		e->fault = (struct rd_fault){ .vector = 14, .has_error = true };
		return RD_EMUL_FAULT;
	}
	if (a == 0xfe)
		return RD_EMUL_RETRY;
	return a == 0xfd ? RD_EMUL_UNHANDLED : RD_EMUL_DONE;
}

static void check_range(u64 linear, unsigned int len)
{
	if (!len || len > 256)
		die("operand of a size that no instruction has");
	if (linear + len - 1 < linear)
		die("operand wraps around the end of memory");
}

static int do_read(struct rd_emul *e, u64 linear, void *buf, unsigned int len, unsigned int acc)
{
	unsigned int n;
	int r;

	check_range(linear, len);
	if ((acc & RD_ACC_FETCH) && (len > RD_INSN_MAX || (linear & 4095) + len > 4096))
		die("fetch beyond a page");
	r = answer(e);
	if (r == RD_EMUL_DONE)
		for (n = 0; n < len; n++)
			((u8 *)buf)[n] = take();
	return r;
}

static int do_write(struct rd_emul *e, u64 linear, const void *buf, unsigned int len,
		    unsigned int acc)
{
	static volatile u8 sink;
	unsigned int n;
	int r = answer(e);

	(void)acc;
	check_range(linear, len);
	for (n = 0; n < len; n++)
		sink = ((const u8 *)buf)[n];
	(void)sink;
	in.effects += r == RD_EMUL_DONE;
	return r;
}

static int do_cas(struct rd_emul *e, u64 linear, void *old, const void *new_val, unsigned int len)
{
	int r = answer(e);

	(void)new_val;
	check_range(linear, len);
	if (r == RD_EMUL_DONE && (take() & 1))
		*(u8 *)old ^= 1;
	else
		in.effects += r == RD_EMUL_DONE;
	return r;
}

static int do_pio_in(struct rd_emul *e, u16 port, unsigned int size, void *data, unsigned int count,
		     unsigned int *done)
{
	int r = answer(e);

	(void)port;
	if ((size != 1 && size != 2 && size != 4) || !count)
		die("port access of a size that does not exist");
	*done = r == RD_EMUL_DONE ? take() % (count + 1) : 0;
	memset(data, 0x5a, *done * size);
	return r; /* taking input is an effect only when there was some, and a write may still fail
		     then */
}

static int do_pio_out(struct rd_emul *e, u16 port, unsigned int size, const void *data,
		      unsigned int count, unsigned int *done)
{
	int r = answer(e);

	(void)port;
	(void)data;
	if ((size != 1 && size != 2 && size != 4) || !count)
		die("port access of a size that does not exist");
	*done = r == RD_EMUL_DONE ? take() % (count + 1) : 0;
	in.effects += *done != 0;
	return r;
}

static void do_get_seg(struct rd_emul *e, unsigned int seg, struct kvm_segment *s)
{
	u8 bits = take();

	(void)e;
	if (seg >= RD_NR_SEG)
		die("segment that does not exist");
	*s = (struct kvm_segment){ .base = take_value(),
				   .limit = bits & 1 ? 0xffff : 0xffffffff,
				   .type = bits >> 4,
				   .s = 1,
				   .present = (bits >> 1 & 7) != 7,
				   .db = bits >> 2 & 1,
				   .selector = bits * 8 };
}

static void do_set_seg(struct rd_emul *e, unsigned int seg, const struct kvm_segment *s)
{
	(void)e;
	(void)s;
	if (seg >= RD_SEG_TR || seg == RD_SEG_CS)
		die("load of a segment register that no emulated instruction loads");
	in.effects++;
}

static void do_get_dtable(struct rd_emul *e, bool idt, struct kvm_dtable *d)
{
	(void)e;
	(void)idt;
	*d = (struct kvm_dtable){ .base = take_value(), .limit = take() << 8 | 0xff };
}

static int do_get_reg(struct rd_emul *e, unsigned int n, u64 *val)
{
	if (n > 15)
		die("control or debug register that does not exist");
	*val = take_value();
	return answer(e);
}

static int do_set_reg(struct rd_emul *e, unsigned int n, u64 val)
{
	int r = answer(e);

	(void)val;
	if (n > 15)
		die("control or debug register that does not exist");
	in.effects += r == RD_EMUL_DONE;
	return r;
}

static void do_get_vec(struct rd_emul *e, unsigned int n, void *buf, unsigned int len)
{
	(void)e;
	if (n > 15 || (len != 16 && len != 32))
		die("vector register that does not exist");
	memset(buf, take(), len);
}

static void do_set_vec(struct rd_emul *e, unsigned int n, const void *buf, unsigned int len,
		       bool zero_upper)
{
	(void)e;
	(void)buf;
	(void)zero_upper;
	if (n > 15 || (len != 16 && len != 32))
		die("vector register that does not exist");
	in.effects++;
}

static void do_invlpg(struct rd_emul *e, u64 linear)
{
	(void)e;
	(void)linear;
	in.effects++;
}

static int do_probe_write(struct rd_emul *e, u64 linear, unsigned int len)
{
	check_range(linear, len);
	return answer(e);
}

static const struct rd_emul_ops ops = {
	.read = do_read,
	.write = do_write,
	.cas = do_cas,
	.pio_in = do_pio_in,
	.pio_out = do_pio_out,
	.get_seg = do_get_seg,
	.set_seg = do_set_seg,
	.get_dtable = do_get_dtable,
	.get_cr = do_get_reg,
	.set_cr = do_set_reg,
	.get_dr = do_get_reg,
	.set_dr = do_set_reg,
	.get_vec = do_get_vec,
	.set_vec = do_set_vec,
	.invlpg = do_invlpg,
	.probe_write = do_probe_write,
};

static void fill(struct rd_emul *e)
{
	u8 bits = take(), more = take();
	unsigned int n;

	memset(e, 0xa5, sizeof(*e)); /* nothing that the caller does not fill may matter */
	e->ops = &ops;
	e->mode = take() % (RD_MODE_LONG + 1);
	e->cpl = e->mode == RD_MODE_REAL ? 0 : e->mode == RD_MODE_VM86 ? 3 : bits & 3;
	e->cr0_em = more & 1 && more & 0x80;
	e->cr0_ts = more & 2 && more & 0x80;
	e->cr4_osfxsr = !(more & 4);
	e->cr4_osxsave = !(more & 8);
	e->xcr0_avx = !(more & 16);
	e->has_movbe = e->has_popcnt = e->has_lzcnt = e->has_bmi1 = bits & 4;
	e->has_cx16 = bits & 8;
	e->cr4_umip = bits & 16;
	e->flat_segments = bits & 32;
	e->cr4_la57 = more & 32;
	e->fs_base = take_value();
	e->gs_base = take_value();
	e->rflags = ((u64)take() << 8 | take() | 2) & 0xfed7;
	e->rip = take_value();
	if (e->mode != RD_MODE_LONG)
		e->rip = (u32)e->rip;
	for (n = 0; n < RD_NR_GPR; n++)
		e->gpr[n] = take_value();
	e->insn_len = bits & 64 ? 0 : take() % (RD_INSN_MAX + 1);
	for (n = 0; n < e->insn_len; n++)
		e->insn[n] = take();
}

static bool is_rep_string(const struct rd_emul *e)
{
	unsigned int n;

	for (n = 0; n < e->len; n++)
		if (e->insn[n] == 0xf2 || e->insn[n] == 0xf3)
			return true;
	return false;
}

static void check_unchanged(const struct rd_emul *e, const struct rd_emul *was)
{
	if (memcmp(e->gpr, was->gpr, sizeof(e->gpr)))
		die("registers changed without the instruction being carried out");
	if (e->rflags != was->rflags)
		die("flags changed without the instruction being carried out");
	if (in.effects)
		die("an effect outside without the instruction being carried out");
}

static void check_result(const struct rd_emul *e, const struct rd_emul *was, int r)
{
	if (e->len > RD_INSN_MAX)
		die("length above 15");
	if (r != RD_EMUL_DONE && e->rip != was->rip)
		die("RIP changed without the instruction being carried out");
	if ((e->rflags ^ was->rflags) & ~0x3f7fd7ULL)
		die("a reserved flag changed");
	switch (r) {
	case RD_EMUL_DONE:
		if (!e->len)
			die("an instruction without bytes");
		break;
	case RD_EMUL_FAULT:
		if (e->fault.vector > 31 ||
		    (e->fault.has_error && e->mode == RD_MODE_REAL && e->fault.vector != 14))
			die("not an exception that exists");
		check_unchanged(e, was);
		break;
	case RD_EMUL_RETRY:
		if (!is_rep_string(e))
			check_unchanged(e, was);
		break;
	case RD_EMUL_AGAIN:
		break;
	case RD_EMUL_UNHANDLED:
		check_unchanged(e, was);
		break;
	default:
		die("a result that does not exist");
	}
}

/* The same input once more through the fast path and through the general one. */
static void check_fast(const struct rd_emul *was, size_t at)
{
	struct rd_emul fast = *was, general = *was;
	int r, r2;

	if (was->mode != RD_MODE_LONG)
		return;
	in.at = at;
	r = rd_emul_fast(&fast);
	if (r == RD_EMUL_NOT_FAST)
		return;
	in.at = at;
	r2 = rd_emul_decode(&general);
	if (r2 == RD_EMUL_DONE)
		r2 = rd_emul_exec(&general);
	if (r != r2 || fast.len != general.len || fast.rip != general.rip ||
	    fast.rflags != general.rflags || fast.two_mem != general.two_mem ||
	    fast.irq_shadow != general.irq_shadow ||
	    memcmp(fast.gpr, general.gpr, sizeof(fast.gpr)))
		die("the fast path differs from the general one");
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct rd_emul e, was;
	size_t at;
	int r;

	in.data = data;
	in.size = size;
	in.at = 0;
	in.effects = 0;
	fill(&e);
	was = e;
	at = in.at;
	r = rd_emul_run(&e);
	check_result(&e, &was, r);
	check_fast(&was, at);
	rd_emul_known_len(was.insn, was.insn_len, was.mode, (const u8 *)"\x0f\xa2", 2);
	return 0;
}
