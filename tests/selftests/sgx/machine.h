/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine of one CPU in 64-bit mode with an enclave, for selftests: page tables, handlers of
 * exceptions and the enclave's pages are the test's.
 * Invariant: one machine at a time; every exception goes to a stub that halts.
 */
#ifndef RDT_SGX_MACHINE_H
#define RDT_SGX_MACHINE_H

#include "kmod/uapi/redoubt_sgx.h"
#include "tests/selftests/sgx/signer.h"
#include "tests/selftests/lib/rdt.h"

enum { PAGE = 4096, NR_VECTORS = 32, STUB = 8, SSA_FRAMES = 2 };
enum { VEC_BP = 3, VEC_UD = 6, VEC_GP = 13, VEC_PF = 14 };

#define EPC_GPA 0x100000000ULL
#define EPC_SIZE (256ULL * PAGE)
#define RAM_SIZE (8 << 20)
#define BASE 0x7000000000ULL /* of the enclave, linear */
#define SIZE (16 * PAGE)
#define PD5_GPA 0x20000   /* the EPC, as the kernel maps it */
#define PD6_GPA 0x26000   /* the enclave */
#define PT_GPA 0x27000
#define IDT_GPA 0x21000
#define STUBS_GPA 0x22000
#define CODE_GPA 0x23000
#define STACK_GPA 0x25000
#define USER_STACK_GPA 0x29000
#define DATA_GPA 0x100000
#define MSR_FEAT_CTL 0x3a
#define MSR_PUBKEYHASH 0x8c
#define FEAT_CTL_VALUE (1 | 1 << 17 | 1 << 18)
#define ATTRIBUTES (RD_ATTR_MODE64 | RD_ATTR_DEBUG)
#define RW (RD_SI_R | RD_SI_W)
#define RX (RD_SI_R | RD_SI_X)

/* EPC pages, and by the same numbers (less one) the enclave's pages. */
enum { SECS, TCS, SSA0, SSA1, CODE, DATA, DATA2, SPARE };
enum { PAGEINFO, SECINFO, SOURCE, SIGSTRUCT, TOKEN, UNTRUSTED };

#define AEP (CODE_GPA + 16)
#define GPR(field) (PAGE - sizeof(struct rd_gprsgx) + offsetof(struct rd_gprsgx, field))
/* mov eax, 4; mov rbx, rcx; enclu: back to behind EENTER */
#define LEAVE "\xb8\x04\x00\x00\x00\x48\x89\xcb\x0f\x01\xd7"

struct trap {
	int vector;
	uint64_t error, rip, cr2;
};

extern struct rdt_vm *vm;
extern struct kvm_regs regs; /* before and after */
extern struct trap trap;     /* how it ended */
extern uint64_t ticks;       /* of the time stamp counter that the last KVM_RUN took */

/* Address of an EPC page: guest-physical, and where the kernel has it mapped. */
uint64_t epc(unsigned int n);
/* Linear address in the enclave of the page that has this number. */
uint64_t in_enclave(unsigned int n);
/* Pages of ordinary memory: here, and in the guest. */
void *data(unsigned int n);
uint64_t data_la(unsigned int n);
/* The kernel's entry for a page of the enclave. */
uint64_t *pte(unsigned int n);
/* A machine without an enclave. */
void machine(void);
/* Its parts: the test is of no use on stock KVM; the first CPU of vm, and its tables. */
void need_enclaves(void);
void processor(bool sgx);
/* One more CPU of a machine, in the state that another has. */
struct rdt_vcpu *further_cpu(unsigned int id, const struct kvm_sregs *like);
/* A CPU goes to this privilege level. */
void privilege(struct rdt_vcpu *vcpu, unsigned int cpl);
/* KVM_RUN up to a HLT. */
void go(struct rdt_vcpu *vcpu);
/* From RIP on, at a privilege level, up to the first exception. */
void run(unsigned int cpl);
void run_on(struct rdt_vcpu *vcpu, unsigned int cpl);
/* This exception it was. */
void expect(int vector);
/* ENCLS with these operands, at CPL 0: RAX. */
uint64_t encls(uint64_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx);
/* ECREATE; EADD with EEXTEND; EINIT: RAX. */
void create(void);
void add(unsigned int n, uint64_t flags, const void *contents, size_t len);
uint64_t initialise(void);
/* A machine with an enclave, whose entry is this code. */
void enclave(const void *code, size_t len);
/*
 * ENCLU, then INT3, at CPL 3: in code and regs; and run.  At the AEP there is an ENCLU, too, which
 * is an ERESUME after what is nobody's business but the host's. Other registers are in regs.
 */
void ready(uint64_t leaf);
void enclu(uint64_t leaf);
/* What EDBGRD reads of an EPC page. */
uint64_t peek(unsigned int n, unsigned int offset);

#endif
