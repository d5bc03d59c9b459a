/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One ENCLS or ENCLU (P): what the leaf is given, and how it ends.
 * Invariant: a leaf decodes without effect and then carries out without failure; when it faults,
 * or fails for want of memory, neither registers nor pages have changed.  Only 64-bit mode has
 * leaves here, so an effective address is a linear one.
 */
#ifndef RD_ENCLAVE_LEAF_H
#define RD_ENCLAVE_LEAF_H

#include "enclave/epc.h"
#include "vmm/emul.h"

struct rd_inside;
struct rd_leaf;

/* The guest's memory outside the EPC, at the current privilege level. 0, or 1: l->fault is filled.
 */
struct rd_leaf_ops {
	/* acc: RD_ACC_ bits. */
	int (*translate)(struct rd_leaf *l, u64 la, unsigned int acc, u64 *gpa);
	/* All of it or nothing. EPC pages read as ones, and writes there are dropped. */
	int (*read)(struct rd_leaf *l, u64 la, void *buf, unsigned int len);
	int (*write)(struct rd_leaf *l, u64 la, const void *buf, unsigned int len);
	/*
	 * The state that XFRM names, to and from an area of the standard format. restore has been
	 * given a header that is in order. false: the CPU would not take it (MXCSR).
	 */
	void (*xsave)(struct rd_leaf *l, u8 *area, u64 xfrm);
	bool (*xrstor)(struct rd_leaf *l, const u8 *area, u64 xfrm);
	void (*xinit)(struct rd_leaf *l, u64 xfrm);
};

enum rd_leaf_result {
	RD_LEAF_DONE = 0, /* RIP goes on */
	RD_LEAF_FAULT = 1, /* l->fault is to be raised */
	/* -ENOMEM, -EIO: the host could not; nothing has changed */
};

struct rd_leaf {
	struct rd_epc *epc;
	const struct rd_leaf_ops *ops;
	void *priv;
	u64 gpr[RD_NR_GPR];
	u64 rip; /* of the instruction that follows; what EENTER, ERESUME and EEXIT change is RIP
		    itself */
	u64 rflags;
	u64 xcr0;
	bool osfxsr, osxsave; /* CR4 */
	struct kvm_segment fs, gs;
	u64 pubkeyhash[4]; /* IA32_SGXLEPUBKEYHASH */
	u8 va_bits; /* 48 or 57 */
	bool user; /* at CPL 3: rd_encls() and rd_enclu() say */
	u8 *xbuf; /* a page of the vCPU's own, for XSAVE areas */
	struct rd_inside *stay; /* the vCPU's, for EENTER and ERESUME to fill */
	struct rd_inside *in; /* stay, while the CPU is in an enclave; NULL outside */
	struct rd_fault fault;
};

/*
 * Carry out the leaf in EAX.  ENCLS at CPL 0, outside an enclave; ENCLU at CPL 3. enum
 * rd_leaf_result. Process context, may sleep.
 */
int rd_encls(struct rd_leaf *l);
int rd_enclu(struct rd_leaf *l);

/* The leaves, by file. Same results. */
int rd_ecreate(struct rd_leaf *l); /* encls_create.c */
int rd_eadd(struct rd_leaf *l);
int rd_eextend(struct rd_leaf *l);
int rd_einit(struct rd_leaf *l); /* encls_init.c */
int rd_eremove(struct rd_leaf *l); /* encls_page.c */
int rd_epa(struct rd_leaf *l);
int rd_eblock(struct rd_leaf *l);
int rd_etrack(struct rd_leaf *l);
int rd_ewb(struct rd_leaf *l); /* encls_evict.c */
int rd_eldb(struct rd_leaf *l);
int rd_eldu(struct rd_leaf *l);
int rd_edbgrd(struct rd_leaf *l); /* encls_debug.c */
int rd_edbgwr(struct rd_leaf *l);
int rd_eaug(struct rd_leaf *l); /* encls_dyn.c */
int rd_emodpr(struct rd_leaf *l);
int rd_emodt(struct rd_leaf *l);
int rd_eaccept(struct rd_leaf *l); /* enclu_dyn.c */
int rd_emodpe(struct rd_leaf *l);
int rd_eacceptcopy(struct rd_leaf *l);
int rd_ereport(struct rd_leaf *l); /* enclu_keys.c */
int rd_egetkey(struct rd_leaf *l);
int rd_eenter(struct rd_leaf *l); /* enter.c */
int rd_eresume(struct rd_leaf *l);
int rd_eexit(struct rd_leaf *l);
int rd_edeccssa(struct rd_leaf *l);

/* How leaves end (leaf.c). Each returns what the leaf is to return. */
int rd_leaf_gp(struct rd_leaf *l); /* #GP(0) */
int rd_leaf_pf(struct rd_leaf *l, u64 la, u32 error); /* #PF */
/* RAX and ZF say how it went; CF, PF, AF, SF and OF become 0. code: enum rd_sgx_error */
int rd_leaf_end(struct rd_leaf *l, u32 code);
/* The same, but CF says it: nothing was there to be done, or it was done and code is a remark. */
int rd_leaf_end_carry(struct rd_leaf *l, u32 code);
/* What a transition of the EPCM said of the page named by la, as a fault or as rd_leaf_end(). */
int rd_leaf_epcm(struct rd_leaf *l, u64 la, int result);

/* Operands (leaf.c). 0, or RD_LEAF_FAULT. */
/* An EPC page by its address, which must be aligned to it. Nothing is said of its state. */
int rd_leaf_page(struct rd_leaf *l, u64 la, unsigned int acc, u32 *page);
/* The EPC page in which la lies, and that only. */
int rd_leaf_page_of(struct rd_leaf *l, u64 la, unsigned int acc, u32 *page);
/* A structure outside the EPC, aligned to align. Copied once. */
int rd_leaf_get(struct rd_leaf *l, u64 la, void *to, unsigned int len, unsigned int align);
int rd_leaf_put(struct rd_leaf *l, u64 la, const void *from, unsigned int len, unsigned int align);
/*
 * From inside: len bytes within one page of the enclave that the CPU is in, aligned to align,
 * accessed as the enclave's code would (ELRANGE, guest's tables, EPCM).  *at: the bytes, which stay
 * where they are as long as the page is shared: page is, on success, and is the caller's to
 * unshare.
 */
int rd_leaf_inside(struct rd_leaf *l, u64 la, unsigned int len, unsigned int align,
		   unsigned int acc, u8 **at, u32 *page);
/* The same with a page that the tables have led to. */
int rd_leaf_held(struct rd_leaf *l, u64 la, u32 page, unsigned int acc, u8 **at);
bool rd_leaf_canonical(const struct rd_leaf *l, u64 la);

static inline bool rd_all_zero(const void *p, unsigned int len)
{
	const u8 *b = p;

	while (len && !*b) {
		b++;
		len--;
	}
	return !len;
}

/* Has software set a bit of SECINFO that nobody has defined? */
static inline bool rd_secinfo_reserved(const struct rd_secinfo *si)
{
	return si->flags & ~RD_SI_DEFINED || !rd_all_zero(si->reserved, sizeof(si->reserved));
}

/* Does [la, la + len) lie in the enclave's range? */
static inline bool rd_secs_has(const struct rd_secs *s, u64 la, u64 len)
{
	return la >= s->base && la - s->base <= s->size - len;
}

#endif
