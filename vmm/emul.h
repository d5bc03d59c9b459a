/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instruction emulator: decodes one guest instruction at CS:RIP and carries it out through
 * callbacks.
 * Invariant: either the instruction is carried out as a whole and RIP, flags and registers in
 * struct rd_emul advance, or nothing in it changes and the result says why (a REP string
 * instruction is whole after each iteration).
 */
#ifndef RD_VMM_EMUL_H
#define RD_VMM_EMUL_H

#include "kmod/base.h"

enum rd_emul_result {
	RD_EMUL_DONE, /* carried out; write gpr, rip, rflags back */
	RD_EMUL_FAULT, /* e->fault describes the exception to inject; no state changed */
	/*
	 * A callback needs something from outside (user-space MMIO/PIO read): run again afterwards.
	 * REP: gpr holds the whole iterations before it, write it back; otherwise nothing changed.
	 */
	RD_EMUL_RETRY,
	/*
	 * A REP instruction stopped after whole iterations (state valid, RIP not advanced):
	 * re-enter the guest. Also LOCK that lost too many races: nothing changed.
	 */
	RD_EMUL_AGAIN,
	RD_EMUL_UNHANDLED, /* not an instruction that the emulator knows */
};

enum rd_emul_mode { RD_MODE_REAL, RD_MODE_VM86, RD_MODE_PROT16, RD_MODE_PROT32, RD_MODE_LONG };

/*
 * Register numbers are the encoding's: RAX RCX RDX RBX RSP RBP RSI RDI R8..R15; segments ES CS SS
 * DS FS GS.
 */
enum {
	RD_RAX,
	RD_RCX,
	RD_RDX,
	RD_RBX,
	RD_RSP,
	RD_RBP,
	RD_RSI,
	RD_RDI,
	RD_R8,
	RD_R15 = 15,
	RD_NR_GPR,
};
enum {
	RD_SEG_ES,
	RD_SEG_CS,
	RD_SEG_SS,
	RD_SEG_DS,
	RD_SEG_FS,
	RD_SEG_GS,
	RD_SEG_TR,
	RD_SEG_LDTR,
	RD_NR_SEG,
};

/* What to inject: vector; error code where has_error; cr2 for #PF. */
struct rd_fault {
	u8 vector;
	bool has_error;
	u32 error;
	u64 cr2;
};

enum {
	RD_ACC_READ = 1,
	RD_ACC_WRITE = 2,
	RD_ACC_FETCH = 4,
	RD_ACC_SYSTEM = 8, /* descriptor tables: CPL 0 whatever CPL is */
};

struct rd_emul;

/*
 * Callbacks. Those on memory take linear addresses, may be asked for ranges that cross a page, and
 * must check the whole range before they change anything. acc is a set of RD_ACC_ bits; a read with
 * RD_ACC_READ | RD_ACC_WRITE is the first half of a read-modify-write and faults as a write does.
 * They return RD_EMUL_DONE, RD_EMUL_FAULT (after filling e->fault), RD_EMUL_RETRY or
 * RD_EMUL_UNHANDLED.
 */
struct rd_emul_ops {
	int (*read)(struct rd_emul *e, u64 linear, void *buf, unsigned int len, unsigned int acc);
	int (*write)(struct rd_emul *e, u64 linear, const void *buf, unsigned int len,
		     unsigned int acc);
	/* Atomic compare and exchange; *old is replaced by what was found; DONE either way. */
	int (*cas)(struct rd_emul *e, u64 linear, void *old, const void *new_val, unsigned int len);
	/*
	 * size 1, 2, 4; count > 1 only for INS/OUTS bursts: *done says how many were carried out
	 * (0 with RETRY).
	 */
	int (*pio_in)(struct rd_emul *e, u16 port, unsigned int size, void *data,
		      unsigned int count, unsigned int *done);
	int (*pio_out)(struct rd_emul *e, u16 port, unsigned int size, const void *data,
		       unsigned int count, unsigned int *done);
	void (*get_seg)(struct rd_emul *e, unsigned int seg, struct kvm_segment *s);
	void (*set_seg)(struct rd_emul *e, unsigned int seg, const struct kvm_segment *s);
	void (*get_dtable)(struct rd_emul *e, bool idt, struct kvm_dtable *d);
	int (*get_cr)(struct rd_emul *e, unsigned int n, u64 *val);
	int (*set_cr)(struct rd_emul *e, unsigned int n, u64 val);
	int (*get_dr)(struct rd_emul *e, unsigned int n, u64 *val);
	int (*set_dr)(struct rd_emul *e, unsigned int n, u64 val);
	/* Vector registers: len 16 or 32; reading never fails. */
	void (*get_vec)(struct rd_emul *e, unsigned int n, void *buf, unsigned int len);
	void (*set_vec)(struct rd_emul *e, unsigned int n, const void *buf, unsigned int len,
			bool zero_upper);
	void (*invlpg)(struct rd_emul *e, u64 linear);
	/*
	 * May be NULL: would a write to the range fault? INS asks before it takes data from the
	 * port.
	 */
	int (*probe_write)(struct rd_emul *e, u64 linear, unsigned int len);
};

#define RD_INSN_MAX 15

/* Filled by the caller before rd_emul_run(): ops .. insn_len; the rest is the emulator's. */
struct rd_emul {
	const struct rd_emul_ops *ops;
	void *priv;
	u64 gpr[RD_NR_GPR];
	u64 rip;
	u64 rflags;
	enum rd_emul_mode mode;
	u8 cpl;
	/* From control registers and the guest's CPUID: what the instruction set allows. */
	bool cr0_em, cr0_ts, cr4_osfxsr, cr4_osxsave, xcr0_avx, has_movbe, has_cx16, cr4_umip;
	bool flat_segments;
	bool cr4_la57, has_popcnt, has_lzcnt, has_bmi1;
	/*
	 * Segment bases cached by the caller when flat_segments: long mode uses only fs_base and
	 * gs_base; in protected mode it says that CS, DS, ES and SS have base 0, limit 4 GiB and
	 * the same width, and FS and GS come from get_seg().
	 */
	u64 fs_base, gs_base;
	/*
	 * Instruction bytes already at hand (decode assists), insn_len 0 if none: the emulator
	 * fetches the rest itself. The decoder may look past insn_len before it fetches, hence the
	 * room; what it sees there has no effect.
	 */
	u8 insn[RD_INSN_MAX + 17];
	u8 insn_len;

	struct rd_fault fault;
	/* After rd_emul_decode(): */
	u8 len; /* length of the instruction in bytes */
	/*
	 * Two memory operands (string move, PUSH m, later iterations of REP, ...): the address of
	 * the fault that led here says nothing about the other.
	 */
	bool two_mem;
	/* After DONE: the instruction blocks interrupts for one more (MOV SS, POP SS, STI). */
	bool irq_shadow;
	u64 private_state[24]; /* the emulator's decoded form, opaque to the caller */
};

/* Fetch (through ops->read with RD_ACC_FETCH) and decode. DONE, FAULT, RETRY or UNHANDLED. */
int rd_emul_decode(struct rd_emul *e);

/* Carry out what rd_emul_decode() decoded. */
int rd_emul_exec(struct rd_emul *e);

/* Both in turn. */
int rd_emul_run(struct rd_emul *e);

/*
 * Length of the instruction at hand, for exits whose opcode is known (CPUID, HLT, RDMSR, ...) on
 * CPUs that do not report the next RIP: skips legacy and REX prefixes in bytes[0..n) and checks
 * that the opcode op[0..op_len) follows. Returns the length, 0 when it does not match or n is too
 * short.
 */
unsigned int rd_emul_known_len(const u8 *bytes, unsigned int n, enum rd_emul_mode mode,
			       const u8 *op, unsigned int op_len);

#endif
