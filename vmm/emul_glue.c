// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction emulator on a real vCPU: its callbacks reach guest memory, in-kernel devices,
 * user space, control registers and the vector registers. Invariant: reads from user-space devices
 * are asked for one at a time and answered to the instruction when it runs again; writes are queued
 * and leave after the instruction; an instruction that ran has its writes delivered exactly once.
 */
#include <linux/mm.h>
#include <asm/processor-flags.h>
#include "kmod/trace.h"
#include "vmm/cpuid.h"
#include "vmm/emul_glue.h"
#include "vmm/emul_glue_priv.h"
#include "vmm/gwalk.h"
#include "vmm/hw.h"
#include "vmm/vm.h"

#define MMIO_PIECE 8U

/* Guest-physical address of one piece inside a page. DONE or FAULT. */
static int rd_glue_translate(struct rd_emul *e, u64 linear, unsigned int acc, u64 *gpa)
{
	struct rd_vcpu *v = rd_emul_vcpu(e);

	/* The CPU already walked for the operand that faulted. */
	if (v->fault_gpa_valid && !e->two_mem && !(acc & (RD_ACC_FETCH | RD_ACC_SYSTEM)) &&
	    !((linear ^ v->fault_gpa) & ~PAGE_MASK)) {
		*gpa = v->fault_gpa;
		return RD_EMUL_DONE;
	}
	if (rd_gva_to_gpa(v, linear, acc, acc & RD_ACC_SYSTEM ? 0 : e->cpl, gpa, &e->fault))
		return RD_EMUL_FAULT;
	return RD_EMUL_DONE;
}

/* A page with a slot whose memory cannot be had is the VMM's fault, not MMIO. */
static int rd_glue_no_memory(struct rd_vcpu *v, u64 gpa, bool write)
{
	struct rd_slot *s = rd_vcpu_slot(v, gpa >> PAGE_SHIFT);

	if (!s || (write && (s->flags & KVM_MEM_READONLY)))
		return 0;
	v->emul_error = -EFAULT;
	return -EFAULT;
}

static int rd_mmio_read_piece(struct rd_vcpu *v, u64 gpa, void *buf, unsigned int len)
{
	struct rd_mmio_fragment *f = &v->mmio.frag[v->mmio.cur];

	if (v->mmio.cur < v->mmio.nr_read) {
		if (f->gpa == gpa && f->len == len) {
			memcpy(buf, f->data, len);
			v->mmio.cur++;
			return RD_EMUL_DONE;
		}
		v->mmio.nr_read = v->mmio.cur; /* the guest changed its mind: stale answers */
	}
	if (v->mmio.cur >= RD_MMIO_FRAGMENTS)
		return RD_EMUL_UNHANDLED;
	f->gpa = gpa;
	f->len = len;
	if (rd_bus_read(v, RD_BUS_MMIO, gpa, len, f->data) == 0) {
		rd_count(v, mmio_kernel);
		trace_rd_mmio(v->id, false, gpa, len, f->data[0]);
		memcpy(buf, f->data, len);
		v->mmio.cur++;
		v->mmio.nr_read = v->mmio.cur;
		return RD_EMUL_DONE;
	}
	v->mmio.read_wanted = true;
	return RD_EMUL_RETRY;
}

static int rd_mmio_read(struct rd_vcpu *v, u64 gpa, void *buf, unsigned int len)
{
	u8 *p = buf;
	int r;

	for (; len;
	     gpa += MMIO_PIECE, p += MMIO_PIECE, len -= min_t(unsigned int, len, MMIO_PIECE)) {
		r = rd_mmio_read_piece(v, gpa, p, min_t(unsigned int, len, MMIO_PIECE));
		if (r)
			return r;
	}
	return RD_EMUL_DONE;
}

static int rd_mmio_write(struct rd_vcpu *v, u64 gpa, const void *buf, unsigned int len)
{
	const u8 *p = buf;

	if (v->mmio.nr_write + DIV_ROUND_UP(len, MMIO_PIECE) > RD_MMIO_FRAGMENTS)
		return RD_EMUL_RETRY; /* let those queued go out first */
	for (; len;
	     gpa += MMIO_PIECE, p += MMIO_PIECE, len -= min_t(unsigned int, len, MMIO_PIECE)) {
		unsigned int n = min_t(unsigned int, len, MMIO_PIECE);
		struct rd_mmio_fragment *f;

		if (rd_bus_write(v, RD_BUS_MMIO, gpa, n, p) == 0) {
			rd_count(v, mmio_kernel);
			trace_rd_mmio(v->id, true, gpa, n, p[0]);
			continue;
		}
		f = &v->mmio.wfrag[v->mmio.nr_write++];
		f->gpa = gpa;
		f->len = n;
		memcpy(f->data, p, n);
	}
	return RD_EMUL_DONE;
}

/* Code is never fetched from a device: such an instruction cannot be emulated. */
static int rd_glue_read_piece(struct rd_emul *e, u64 gpa, void *buf, unsigned int len,
			      unsigned int acc)
{
	struct rd_vcpu *v = rd_emul_vcpu(e);

	/* The faulting address has no slot: do not look for memory there. */
	if (!(v->fault_gpa_valid && gpa == v->fault_gpa) || rd_vcpu_slot(v, gpa >> PAGE_SHIFT)) {
		if (!rd_vcpu_read_gpa(v, gpa, buf, len))
			return RD_EMUL_DONE;
		if (rd_glue_no_memory(v, gpa, false))
			return RD_EMUL_UNHANDLED;
	}
	if (unlikely(acc & RD_ACC_FETCH))
		return RD_EMUL_UNHANDLED;
	return rd_mmio_read(v, gpa, buf, len);
}

static int rd_glue_read(struct rd_emul *e, u64 linear, void *buf, unsigned int len,
			unsigned int acc)
{
	unsigned int first = min_t(u64, len, PAGE_SIZE - offset_in_page(linear));
	u64 gpa, gpa2 = 0;
	int r;

	r = rd_glue_translate(e, linear, acc, &gpa);
	if (r)
		return r;
	if (unlikely(first < len)) {
		r = rd_glue_translate(e, linear + first, acc, &gpa2);
		if (r)
			return r;
	}
	r = rd_glue_read_piece(e, gpa, buf, first, acc);
	if (r || likely(first == len))
		return r;
	return rd_glue_read_piece(e, gpa2, (u8 *)buf + first, len - first, acc);
}

/*
 * Is the write to a traced page to be carried out? DONE: *go says so. FAULT: it was refused. RETRY:
 * the VMM has something to do first.
 */
static int rd_glue_ask(struct rd_emul *e, unsigned int piece, u64 gpa, u64 linear, const void *buf,
		       unsigned int len, enum rd_trace_answer *go)
{
	*go = RD_WRITE_PASS;
	if (!rd_prot_traced(&rd_emul_vcpu(e)->vm->mmu.prot, gpa >> PAGE_SHIFT))
		return RD_EMUL_DONE;
	*go = rd_trace_write(rd_emul_vcpu(e), piece, gpa, linear, buf, len);
	if (*go == RD_WRITE_REFUSE)
		e->fault = (struct rd_fault){ .vector = 13, .has_error = true };
	if (*go == RD_WRITE_USER)
		rd_emul_vcpu(e)->trace_exit = true;
	return *go == RD_WRITE_REFUSE ? RD_EMUL_FAULT
	       : *go == RD_WRITE_USER ? RD_EMUL_RETRY
				      : RD_EMUL_DONE;
}

static int rd_glue_write_piece(struct rd_emul *e, u64 gpa, const void *buf, unsigned int len)
{
	struct rd_vcpu *v = rd_emul_vcpu(e);

	if (!(v->fault_gpa_valid && gpa == v->fault_gpa) || rd_vcpu_slot(v, gpa >> PAGE_SHIFT)) {
		if (!rd_vcpu_write_gpa_asked(v, gpa, buf, len))
			return RD_EMUL_DONE;
		if (rd_glue_no_memory(v, gpa, true))
			return RD_EMUL_UNHANDLED;
	}
	return rd_mmio_write(v, gpa, buf, len);
}

/* The piece as the traces answered. */
static int rd_glue_write_asked(struct rd_emul *e, unsigned int piece, u64 gpa, const void *buf,
			       unsigned int len, enum rd_trace_answer go)
{
	int r;

	if (go == RD_WRITE_SKIP)
		return RD_EMUL_DONE;
	r = rd_glue_write_piece(e, gpa, buf, len);
	if (go == RD_WRITE_GO)
		rd_trace_landed(rd_emul_vcpu(e), piece, r == RD_EMUL_DONE);
	return r;
}

/*
 * In a VM with traces. Both pieces are asked about before either is written: an instruction happens
 * or it does not. gpa2: where what goes beyond the first page lies.
 */
static noinline int rd_glue_write_traced(struct rd_emul *e, u64 linear, u64 gpa, u64 gpa2,
					 const u8 *buf, unsigned int first, unsigned int len)
{
	enum rd_trace_answer go, go2 = RD_WRITE_PASS;
	int r = rd_glue_ask(e, 0, gpa, linear, buf, first, &go);

	if (!r && first < len)
		r = rd_glue_ask(e, 1, gpa2, linear + first, buf + first, len - first, &go2);
	if (!r)
		r = rd_glue_write_asked(e, 0, gpa, buf, first, go);
	if (!r && first < len)
		r = rd_glue_write_asked(e, 1, gpa2, buf + first, len - first, go2);
	rd_mode_settle(rd_emul_vcpu(e));
	return r;
}

static int rd_glue_write(struct rd_emul *e, u64 linear, const void *buf, unsigned int len,
			 unsigned int acc)
{
	unsigned int first = min_t(u64, len, PAGE_SIZE - offset_in_page(linear));
	u64 gpa, gpa2 = 0;
	int r;

	r = rd_glue_translate(e, linear, acc, &gpa);
	if (r)
		return r;
	if (unlikely(first < len)) {
		r = rd_glue_translate(e, linear + first, acc, &gpa2);
		if (r)
			return r;
	}
	if (unlikely(rd_emul_vcpu(e)->vm->mmu.prot.nr))
		return rd_glue_write_traced(e, linear, gpa, gpa2, buf, first, len);
	r = rd_glue_write_piece(e, gpa, buf, first);
	if (r || likely(first == len))
		return r;
	return rd_glue_write_piece(e, gpa2, (const u8 *)buf + first, len - first);
}

static int rd_glue_cmpxchg(struct rd_emul *e, u64 linear, void *old, const void *new_val,
			   unsigned int len)
{
	struct rd_vcpu *v = rd_emul_vcpu(e);
	enum rd_trace_answer go = RD_WRITE_PASS;
	u8 found[16];
	u64 gpa;
	int r;

	if (len <= sizeof(found) && offset_in_page(linear) + len <= PAGE_SIZE) {
		r = rd_glue_translate(e, linear, RD_ACC_READ | RD_ACC_WRITE, &gpa);
		if (!r)
			r = rd_glue_ask(e, 0, gpa, linear, new_val, len, &go);
		if (r || unlikely(go == RD_WRITE_SKIP)) {
			rd_mode_settle(v);
			return r;
		}
		r = rd_vcpu_cmpxchg_gpa_asked(v, gpa, old, new_val, len);
		/* What differed was not written: it is asked about again. */
		if (unlikely(go == RD_WRITE_GO) && r <= 0)
			rd_trace_landed(v, 0, !r);
		rd_mode_settle(v);
		if (r >= 0)
			return RD_EMUL_DONE;
	}
	/* Split locks and device memory: not atomic towards other CPUs, as on a bus that ignores
	 * LOCK. */
	r = rd_glue_read(e, linear, found, len, RD_ACC_READ | RD_ACC_WRITE);
	if (r)
		return r;
	if (memcmp(found, old, len)) {
		memcpy(old, found, len);
		return RD_EMUL_DONE;
	}
	return rd_glue_write(e, linear, new_val, len, RD_ACC_WRITE);
}

static int rd_glue_pio_in(struct rd_emul *e, u16 port, unsigned int size, void *data,
			  unsigned int count, unsigned int *done)
{
	struct rd_vcpu *v = rd_emul_vcpu(e);
	u8 *p = data;

	*done = 0;
	if (v->pio.data_ready) {
		v->pio.data_ready = false;
		if (v->pio.port == port && v->pio.size == size) {
			*done = min(count, v->pio.count);
			memcpy(data, (u8 *)v->run + PAGE_SIZE, *done * size);
			return RD_EMUL_DONE;
		}
	}
	while (*done < count && rd_bus_read(v, RD_BUS_PIO, port, size, p) == 0) {
		p += size;
		++*done;
	}
	if (*done)
		return RD_EMUL_DONE;
	count = min_t(unsigned int, count, PAGE_SIZE / size);
	memset((u8 *)v->run + PAGE_SIZE, 0, count * size);
	rd_pio_to_user(v, port, size, true, count);
	v->pio.pending = true;
	return RD_EMUL_RETRY;
}

static int rd_glue_pio_out(struct rd_emul *e, u16 port, unsigned int size, const void *data,
			   unsigned int count, unsigned int *done)
{
	struct rd_vcpu *v = rd_emul_vcpu(e);
	const u8 *p = data;

	*done = 0;
	if (v->pio.pending)
		return RD_EMUL_RETRY; /* one burst an exit */
	while (*done < count && rd_bus_write(v, RD_BUS_PIO, port, size, p) == 0) {
		p += size;
		++*done;
	}
	if (*done)
		return RD_EMUL_DONE;
	*done = min_t(unsigned int, count, PAGE_SIZE / size);
	memcpy((u8 *)v->run + PAGE_SIZE, data, *done * size);
	rd_pio_to_user(v, port, size, false, *done);
	v->pio.pending = true;
	return RD_EMUL_DONE;
}

/* Will a write here succeed? Asked before an instruction has side effects elsewhere. */
static int rd_glue_probe_write(struct rd_emul *e, u64 linear, unsigned int len)
{
	u64 gpa;
	int r = rd_glue_translate(e, linear, RD_ACC_WRITE, &gpa);

	if (r || offset_in_page(linear) + len <= PAGE_SIZE)
		return r;
	return rd_glue_translate(e, linear + len - 1, RD_ACC_WRITE, &gpa);
}

static const struct rd_emul_ops rd_glue_ops = {
	.read = rd_glue_read,
	.write = rd_glue_write,
	.probe_write = rd_glue_probe_write,
	.cas = rd_glue_cmpxchg,
	.pio_in = rd_glue_pio_in,
	.pio_out = rd_glue_pio_out,
	.get_seg = rd_glue_get_seg,
	.set_seg = rd_glue_set_seg,
	.get_dtable = rd_glue_get_dtable,
	.get_cr = rd_glue_get_cr,
	.set_cr = rd_glue_set_cr,
	.get_dr = rd_glue_get_dr,
	.set_dr = rd_glue_set_dr,
	.get_vec = rd_glue_get_vec,
	.set_vec = rd_glue_set_vec,
	.invlpg = rd_glue_invlpg,
};

static void rd_emul_fill(struct rd_vcpu *v, struct rd_emul *e, const u8 *insn,
			 unsigned int insn_len)
{
	u64 cr0 = rd_hw->get_cr(v, 0), cr4 = rd_hw->get_cr(v, 4), base;
	unsigned int n;

	e->ops = &rd_glue_ops;
	e->priv = v;
	memcpy(e->gpr, v->gpr, sizeof(e->gpr));
	e->rip = v->rip;
	e->rflags = v->rflags;
	e->mode = rd_hw->code_mode(v, &base);
	e->cpl = rd_hw->get_cpl(v);
	e->cr0_em = cr0 & X86_CR0_EM;
	e->cr0_ts = cr0 & X86_CR0_TS;
	e->cr4_osfxsr = cr4 & X86_CR4_OSFXSR;
	e->cr4_osxsave = cr4 & X86_CR4_OSXSAVE;
	e->cr4_umip = cr4 & X86_CR4_UMIP;
	e->cr4_la57 = cr4 & X86_CR4_LA57;
	e->xcr0_avx = v->xcr0 & 4;
	e->has_movbe = rd_cpuid_has(v, RD_F_MOVBE);
	e->has_cx16 = rd_cpuid_has(v, RD_F_CX16);
	e->has_popcnt = rd_cpuid_has(v, RD_F_POPCNT);
	e->has_lzcnt = rd_cpuid_has(v, RD_F_ABM);
	e->has_bmi1 = rd_cpuid_has(v, RD_F_BMI1);
	e->flat_segments = e->mode == RD_MODE_LONG;
	if (e->flat_segments) {
		rd_hw->get_msr(v, 0xc0000100, &e->fs_base);
		rd_hw->get_msr(v, 0xc0000101, &e->gs_base);
	}
	if (insn_len) {
		memcpy(e->insn, insn, RD_INSN_MAX);
		e->insn_len = insn_len;
	} else {
		/* What is on this page; the emulator asks for the rest, and for the fault if there
		 * is one. */
		n = rd_fetch_insn(v, base + v->rip, e->insn, RD_INSN_MAX);
		e->insn_len = n;
	}
	v->mmio.cur = 0;
	v->mmio.nr_write = 0;
	v->mmio.cur_write = 0;
	v->mmio.read_wanted = false;
	v->pio.pending = false;
	v->emul_error = 0;
}

static int rd_mmio_exit(struct rd_vcpu *v, const struct rd_mmio_fragment *f, bool write)
{
	struct kvm_run *run = v->run;

	rd_count(v, mmio_user);
	trace_rd_mmio(v->id, write, f->gpa, f->len, write ? f->data[0] : 0);
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = f->gpa;
	run->mmio.len = f->len;
	run->mmio.is_write = write;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	if (write)
		memcpy(run->mmio.data, f->data, f->len);
	return 0;
}

static int rd_complete_mmio_write(struct rd_vcpu *v)
{
	if (v->mmio.cur_write < v->mmio.nr_write) {
		v->complete = rd_complete_mmio_write;
		return rd_mmio_exit(v, &v->mmio.wfrag[v->mmio.cur_write++], true);
	}
	v->mmio.nr_write = 0;
	return 1;
}

static int rd_complete_mmio_read(struct rd_vcpu *v)
{
	struct rd_mmio_fragment *f = &v->mmio.frag[v->mmio.nr_read];

	memcpy(f->data, v->run->mmio.data, f->len);
	v->mmio.nr_read++;
	return rd_emulate(v, NULL, 0);
}

static int rd_complete_string_in(struct rd_vcpu *v)
{
	v->pio.data_ready = true;
	return rd_emulate(v, NULL, 0);
}

static int rd_complete_string_out(struct rd_vcpu *v)
{
	return 1;
}

static int rd_emulation_failed(struct rd_vcpu *v, struct rd_emul *e)
{
	struct kvm_run *run = v->run;

	rd_count(v, insn_emulation_fail);
	if (v->emul_error)
		return v->emul_error;
	if (rd_prot_traced(&v->vm->mmu.prot, v->fault_gpa >> PAGE_SHIFT))
		return rd_trace_blind(v);
	trace_rd_emulate(v->id, e->rip, -1);
	if (e->cpl) {
		/* A program of the guest must not stop the guest. */
		rd_queue_exception(v, 6);
		return 1;
	}
	memset(&run->emulation_failure, 0, sizeof(run->emulation_failure));
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	if (e->insn_len) {
		run->emulation_failure.ndata = 3;
		run->emulation_failure.flags = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
		run->emulation_failure.insn_size = min_t(u8, e->insn_len, RD_INSN_MAX);
		memset(run->emulation_failure.insn_bytes, 0x90,
		       sizeof(run->emulation_failure.insn_bytes));
		memcpy(run->emulation_failure.insn_bytes, e->insn,
		       run->emulation_failure.insn_size);
	}
	return 0;
}

/* State of whole iterations goes back whatever the result; nothing else has changed in e. */
static void rd_emul_write_back(struct rd_vcpu *v, const struct rd_emul *e)
{
	memcpy(v->gpr, e->gpr, sizeof(v->gpr));
	v->rflags = e->rflags;
}

/* What the instruction left for user space: queued writes, then a wanted read, then a port burst.
 * r: what to return if there is none. */
static int rd_emul_leave(struct rd_vcpu *v, int r, bool progress)
{
	if (v->mmio.nr_write) {
		v->mmio.nr_read = 0;
		v->trace_exit = false; /* it will ask again */
		v->complete = rd_complete_mmio_write;
		return rd_mmio_exit(v, &v->mmio.wfrag[v->mmio.cur_write++], true);
	}
	if (v->mmio.read_wanted) {
		if (progress && v->mmio.cur) {
			/* Answers that finished iterations used up are gone. */
			v->mmio.frag[0] = v->mmio.frag[v->mmio.cur];
			v->mmio.nr_read = 0;
		} else {
			v->mmio.nr_read = v->mmio.cur;
		}
		v->complete = rd_complete_mmio_read;
		return rd_mmio_exit(v, &v->mmio.frag[v->mmio.nr_read], false);
	}
	if (unlikely(v->trace_exit)) {
		v->trace_exit = false;
		/* Answers of devices that this iteration has used are not asked for twice. */
		v->mmio.nr_read = progress ? 0 : v->mmio.cur;
		return 0;
	}
	v->mmio.nr_read = 0;
	if (v->pio.pending) {
		v->complete = v->pio.in ? rd_complete_string_in : rd_complete_string_out;
		return 0;
	}
	return r;
}

int rd_emulate(struct rd_vcpu *v, const u8 *insn, unsigned int insn_len)
{
	struct rd_emul *e = &v->emul;
	bool progress;
	int r, done;

	rd_count(v, insn_emulation);
	rd_emul_fill(v, e, insn, insn_len);
	r = rd_emul_run(e);
	trace_rd_emulate(v->id, v->rip, r);
	progress = e->gpr[RD_RCX] != v->gpr[RD_RCX] || e->gpr[RD_RSI] != v->gpr[RD_RSI] ||
		   e->gpr[RD_RDI] != v->gpr[RD_RDI];
	switch (r) {
	case RD_EMUL_DONE:
		rd_emul_write_back(v, e);
		done = rd_finish_insn(v, e->rip);
		if (e->irq_shadow)
			rd_hw->set_shadow(v, KVM_X86_SHADOW_INT_MOV_SS);
		return rd_emul_leave(v, done, progress);
	case RD_EMUL_AGAIN:
	case RD_EMUL_RETRY:
		rd_emul_write_back(v, e);
		return rd_emul_leave(v, 1, progress);
	case RD_EMUL_FAULT:
		v->mmio.nr_read = 0;
		rd_queue_fault(v, &e->fault);
		return 1;
	default:
		v->mmio.nr_read = 0;
		return rd_emulation_failed(v, e);
	}
}
