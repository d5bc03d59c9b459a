// SPDX-License-Identifier: GPL-2.0-only
/* A machine with an enclave. Invariant: as in machine.h. */
#include "tests/selftests/sgx/machine.h"

struct rdt_vm *vm;
struct kvm_regs regs;
struct trap trap;
uint64_t ticks;

uint64_t epc(unsigned int n)
{
	return EPC_GPA + (uint64_t)n * PAGE;
}

uint64_t in_enclave(unsigned int n)
{
	return BASE + (uint64_t)(n - 1) * PAGE;
}

void *data(unsigned int n)
{
	return rdt_gpa(vm, DATA_GPA + n * PAGE);
}

uint64_t data_la(unsigned int n)
{
	return DATA_GPA + n * PAGE;
}

uint64_t *pte(unsigned int n)
{
	return (uint64_t *)rdt_gpa(vm, PT_GPA) + (n - 1);
}

/* --- the machine --- */

static void build_idt(void)
{
	uint64_t *gate = rdt_gpa(vm, IDT_GPA);
	uint8_t *stub = rdt_gpa(vm, STUBS_GPA);

	for (uint64_t i = 0; i < NR_VECTORS; i++) {
		uint64_t at = STUBS_GPA + i * STUB;

		gate[2 * i] = (at & 0xffff) | RDP_CS64 << 16 | 0xeeULL << 40 | (at >> 16) << 48;
		gate[2 * i + 1] = 0;
		memcpy(stub + i * STUB, (uint8_t[]){ 0x6a, i, 0xf4 }, 3);
	}
	/* RSP0 of the task-state segment at 0. */
	memcpy(rdt_gpa(vm, 4), &(uint64_t){ STACK_GPA }, 8);
}

static void build_tables(void)
{
	uint64_t *pdpt = rdt_gpa(vm, RDP_PDPT_GPA), *pd = rdt_gpa(vm, RDP_PD_GPA);
	uint64_t *pd5 = rdt_gpa(vm, PD5_GPA), *pd6 = rdt_gpa(vm, PD6_GPA);

	for (unsigned int i = 0; i < 2048; i++)
		pd[i] |= 4;
	pdpt[4] = PD5_GPA | 7;
	for (uint64_t i = 0; i < 512; i++)
		pd5[i] = (EPC_GPA + (i << 21)) | 0x83;
	pdpt[BASE >> 30 & 511] = PD6_GPA | 7;
	pd6[0] = PT_GPA | 7;
}

static void tell_sgx(struct rdt_vcpu *vcpu)
{
	struct kvm_cpuid2 *c = rdt_supported_cpuid(vm->sys);
	struct kvm_cpuid_entry2 *e = rdt_cpuid_find(c, 7, 0);

	RDT_CHECK(e != NULL);
	e->ebx |= 1 << 2;
	e->ecx |= 1 << 30;
	RDT_OK(ioctl(vcpu->fd, KVM_SET_CPUID2, c));
	free(c);
}

void privilege(struct rdt_vcpu *vcpu, unsigned int cpl)
{
	struct kvm_sregs s;

	RDT_OK(ioctl(vcpu->fd, KVM_GET_SREGS, &s));
	s.cs.selector = cpl ? RDP_USER_CS | 3 : RDP_CS64;
	s.ss.selector = cpl ? RDP_USER_DS | 3 : RDP_DS;
	s.cs.dpl = s.ss.dpl = cpl;
	s.cs.type = 0xb;
	s.cs.l = s.cs.s = s.cs.present = s.ss.s = s.ss.present = 1;
	s.cs.db = 0;
	s.ss.type = 3;
	s.idt = (struct kvm_dtable){ .base = IDT_GPA, .limit = NR_VECTORS * 16 - 1 };
	RDT_OK(ioctl(vcpu->fd, KVM_SET_SREGS, &s));
}

void need_enclaves(void)
{
	if (rdt_is_stock())
		rdt_skip("stock KVM has no enclaves for guests");
}

void processor(bool sgx)
{
	struct rdt_vcpu *vcpu = rdt_vcpu_new(vm, 0);

	if (sgx) {
		tell_sgx(vcpu);
		RDT_EQ(rdt_set_msr(vcpu, MSR_FEAT_CTL, FEAT_CTL_VALUE), 1);
	}
	rdt_long_mode(vcpu, CODE_GPA, STACK_GPA, 0);
	build_tables();
	build_idt();
	memset(&regs, 0, sizeof(regs));
}

struct rdt_vcpu *further_cpu(unsigned int id, const struct kvm_sregs *like)
{
	struct rdt_vcpu *vcpu = rdt_vcpu_new(vm, id);
	struct kvm_sregs s, own;

	tell_sgx(vcpu);
	RDT_EQ(rdt_set_msr(vcpu, MSR_FEAT_CTL, FEAT_CTL_VALUE), 1);
	RDT_OK(ioctl(vcpu->fd, KVM_GET_SREGS, &own));
	s = *like;
	s.apic_base = own.apic_base;
	RDT_OK(ioctl(vcpu->fd, KVM_SET_SREGS, &s));
	return vcpu;
}

void machine(void)
{
	struct rd_vm_epc arg = { .base = EPC_GPA, .size = EPC_SIZE };

	need_enclaves();
	vm = rdt_vm_new(RAM_SIZE, 0);
	RDT_OK(ioctl(vm->fd, RD_VM_SET_EPC, &arg));
	processor(true);
}

/* Run from RIP on, at a privilege level, up to the first exception. */
void run(unsigned int cpl)
{
	run_on(vm->vcpu[0], cpl);
}

static uint64_t now(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

void go(struct rdt_vcpu *vcpu)
{
	ticks = now();
	RDT_OK(ioctl(vcpu->fd, KVM_RUN, 0));
	ticks = now() - ticks;
	RDT_EQ(vcpu->run->exit_reason, KVM_EXIT_HLT);
}

void run_on(struct rdt_vcpu *vcpu, unsigned int cpl)
{
	struct kvm_sregs s;
	uint64_t *stack;
	int i;

	privilege(vcpu, cpl);
	regs.rflags |= 2;
	rdt_set_regs(vcpu, &regs);
	go(vcpu);
	rdt_get_regs(vcpu, &regs);
	RDT_CHECK(regs.rip - STUBS_GPA < NR_VECTORS * STUB);
	stack = rdt_gpa(vm, regs.rsp);
	trap.vector = stack[0];
	i = trap.vector == 8 || (trap.vector >= 10 && trap.vector <= 14) || trap.vector == 17;
	trap.error = i ? stack[1] : 0;
	trap.rip = stack[1 + i];
	regs.rflags = stack[3 + i];
	regs.rsp = stack[4 + i];
	regs.rip = trap.rip;
	RDT_OK(ioctl(vcpu->fd, KVM_GET_SREGS, &s));
	trap.cr2 = s.cr2;
}

void expect(int vector)
{
	if (trap.vector != vector)
		rdt_fail("exception %d at 0x%llx, error 0x%llx, cr2 0x%llx; want %d", trap.vector,
			 (unsigned long long)trap.rip, (unsigned long long)trap.error,
			 (unsigned long long)trap.cr2, vector);
}

/* ENCLS with these operands: RAX. */
uint64_t encls(uint64_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct kvm_regs keep = regs;
	uint64_t rax;

	memcpy(rdt_gpa(vm, CODE_GPA), "\x0f\x01\xcf\xcc", 4);
	regs = (struct kvm_regs){ .rax = leaf, .rbx = rbx, .rcx = rcx, .rdx = rdx };
	regs.rip = CODE_GPA;
	regs.rsp = STACK_GPA - 0x800;
	run(0);
	expect(VEC_BP);
	rax = regs.rax;
	regs = keep;
	return rax;
}

/* --- the enclave --- */

void add(unsigned int n, uint64_t flags, const void *contents, size_t len)
{
	struct rd_pageinfo *p = data(PAGEINFO);
	struct rd_secinfo *si = data(SECINFO);
	uint64_t offset = in_enclave(n) - BASE;
	uint8_t *source = data(SOURCE);

	memset(source, 0, PAGE);
	memcpy(source, contents, len);
	*si = (struct rd_secinfo){ .flags = flags };
	*p = (struct rd_pageinfo){ in_enclave(n), data_la(SOURCE), data_la(SECINFO), epc(SECS) };
	RDT_EQ(encls(RD_EADD, data_la(PAGEINFO), epc(n), 0), RD_EADD);
	signer_add(offset, flags);
	for (unsigned int i = 0; i < PAGE; i += RD_SGX_CHUNK) {
		RDT_EQ(encls(RD_EEXTEND, epc(SECS), epc(n) + i, 0), RD_EEXTEND);
		signer_extend(offset + i, source + i);
	}
	*pte(n) = epc(n) | 7;
}

void create(void)
{
	struct rd_pageinfo *p = data(PAGEINFO);
	struct rd_secs *s = data(SOURCE);

	memset(s, 0, PAGE);
	s->size = SIZE;
	s->base = BASE;
	s->ssa_frame_size = 1;
	s->miscselect = RD_MISC_EXINFO;
	s->attributes = (struct rd_attributes){ ATTRIBUTES, RD_XFRM_X87_SSE };
	*(struct rd_secinfo *)data(SECINFO) =
		(struct rd_secinfo){ .flags = RD_SI_PT(RD_PT_SECS) };
	*p = (struct rd_pageinfo){ 0, data_la(SOURCE), data_la(SECINFO), 0 };
	RDT_EQ(encls(RD_ECREATE, data_la(PAGEINFO), epc(SECS), 0), RD_ECREATE);
	signer_create(SIZE, 1);
}

uint64_t initialise(void)
{
	struct rd_sigstruct *g = data(SIGSTRUCT);
	uint8_t key[32];
	uint64_t word;

	signer_sign(g, ATTRIBUTES, RD_XFRM_X87_SSE, key);
	g->miscselect = 0;
	for (int i = 0; i < 4; i++) {
		memcpy(&word, key + 8 * i, 8);
		RDT_EQ(rdt_set_msr(vm->vcpu[0], MSR_PUBKEYHASH + i, word), 1);
	}
	memset(data(TOKEN), 0, PAGE);
	return encls(RD_EINIT, data_la(SIGSTRUCT), epc(SECS), data_la(TOKEN));
}

/* An enclave whose entry is this code. */
void enclave(const void *code, size_t len)
{
	static const struct rd_tcs tcs = { .ossa = (SSA0 - 1) * PAGE,
					   .nssa = SSA_FRAMES,
					   .oentry = (CODE - 1) * PAGE,
					   .fslimit = 0xffffffff,
					   .gslimit = 0xffffffff };
	uint64_t r;

	machine();
	create();
	add(TCS, RD_SI_PT(RD_PT_TCS), &tcs, sizeof(tcs));
	add(SSA0, RD_SI_PT(RD_PT_REG) | RW, "", 0);
	add(SSA1, RD_SI_PT(RD_PT_REG) | RW, "", 0);
	add(CODE, RD_SI_PT(RD_PT_REG) | RX, code, len);
	add(DATA, RD_SI_PT(RD_PT_REG) | RW, "sixteen secret b", 16);
	add(DATA2, RD_SI_PT(RD_PT_REG) | RW, "another page....", 16);
	r = initialise();
	if (r)
		rdt_fail("EINIT: %llu", (unsigned long long)r);
}

void ready(uint64_t leaf)
{
	uint8_t *code = rdt_gpa(vm, CODE_GPA);

	memcpy(code, "\x0f\x01\xd7\xcc", 4);
	memcpy(code + 16, "\x0f\x01\xd7\xcc", 4);
	regs.rax = leaf;
	regs.rbx = in_enclave(TCS);
	regs.rcx = AEP;
	regs.rip = CODE_GPA;
	regs.rsp = USER_STACK_GPA;
	regs.rflags |= 2;
}

void enclu(uint64_t leaf)
{
	ready(leaf);
	run(3);
}

/* What EDBGRD reads. */
uint64_t peek(unsigned int n, unsigned int offset)
{
	struct kvm_regs keep = regs;
	uint64_t rbx;

	memcpy(rdt_gpa(vm, CODE_GPA), "\x0f\x01\xcf\xcc", 4);
	regs = (struct kvm_regs){ .rax = RD_EDBGRD, .rcx = epc(n) + offset };
	regs.rip = CODE_GPA;
	regs.rsp = STACK_GPA - 0x800;
	run(0);
	expect(VEC_BP);
	rbx = regs.rbx;
	regs = keep;
	return rbx;
}
