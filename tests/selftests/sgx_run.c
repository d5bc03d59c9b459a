// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU inside an enclave: what goes in, what comes out, and what does not.  The guest is a CPU in
 * 64-bit mode at CPL 3 whose page tables are the test's; every exception goes to a stub that halts.
 */
#include <pthread.h>
#include <signal.h>
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

static struct rdt_vm *vm;
static struct kvm_regs regs; /* before and after */
static struct {
	int vector;
	uint64_t error, rip, cr2;
} trap;

static uint64_t epc(unsigned int n)
{
	return EPC_GPA + (uint64_t)n * PAGE;
}

static uint64_t in_enclave(unsigned int n)
{
	return BASE + (uint64_t)(n - 1) * PAGE;
}

static void *data(unsigned int n)
{
	return rdt_gpa(vm, DATA_GPA + n * PAGE);
}

static uint64_t data_la(unsigned int n)
{
	return DATA_GPA + n * PAGE;
}

static uint64_t *pte(unsigned int n)
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

static void privilege(struct rdt_vcpu *vcpu, unsigned int cpl)
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

static void machine(void)
{
	struct rd_vm_epc arg = { .base = EPC_GPA, .size = EPC_SIZE };
	struct rdt_vcpu *vcpu;

	if (rdt_is_stock())
		rdt_skip("stock KVM has no enclaves for guests");
	vm = rdt_vm_new(RAM_SIZE, 0);
	RDT_OK(ioctl(vm->fd, RD_VM_SET_EPC, &arg));
	vcpu = rdt_vcpu_new(vm, 0);
	tell_sgx(vcpu);
	RDT_EQ(rdt_set_msr(vcpu, MSR_FEAT_CTL, FEAT_CTL_VALUE), 1);
	rdt_long_mode(vcpu, CODE_GPA, STACK_GPA, 0);
	build_tables();
	build_idt();
	memset(&regs, 0, sizeof(regs));
}

/* Run from RIP on, at a privilege level, up to the first exception. */
static void run(unsigned int cpl)
{
	struct rdt_vcpu *vcpu = vm->vcpu[0];
	struct kvm_sregs s;
	uint64_t *stack;
	int i;

	privilege(vcpu, cpl);
	regs.rflags |= 2;
	rdt_set_regs(vcpu, &regs);
	RDT_OK(ioctl(vcpu->fd, KVM_RUN, 0));
	RDT_EQ(vcpu->run->exit_reason, KVM_EXIT_HLT);
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

static void expect(int vector)
{
	if (trap.vector != vector)
		rdt_fail("exception %d at 0x%llx, error 0x%llx, cr2 0x%llx; want %d", trap.vector,
			 (unsigned long long)trap.rip, (unsigned long long)trap.error,
			 (unsigned long long)trap.cr2, vector);
}

/* ENCLS with these operands: RAX. */
static uint64_t encls(uint64_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx)
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

static void add(unsigned int n, uint64_t flags, const void *contents, size_t len)
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

static void create(void)
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

static uint64_t initialise(void)
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
static void enclave(const void *code, size_t len)
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

/*
 * ENCLU, then INT3: at CPL 3. At the AEP there is an ENCLU, too, which is an ERESUME after what is
 * nobody's business but the host's. Other registers are in regs.
 */
#define AEP (CODE_GPA + 16)

static void enclu(uint64_t leaf)
{
	uint8_t *code = rdt_gpa(vm, CODE_GPA);

	memcpy(code, "\x0f\x01\xd7\xcc", 4);
	memcpy(code + 16, "\x0f\x01\xd7\xcc", 4);
	regs.rax = leaf;
	regs.rbx = in_enclave(TCS);
	regs.rcx = AEP;
	regs.rip = CODE_GPA;
	regs.rsp = USER_STACK_GPA;
	run(3);
}

/* What EDBGRD reads. */
static uint64_t peek(unsigned int n, unsigned int offset)
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

#define GPR(field) (PAGE - sizeof(struct rd_gprsgx) + offsetof(struct rd_gprsgx, field))
/* mov eax, 4; mov rbx, rcx; enclu: back to behind EENTER */
#define LEAVE "\xb8\x04\x00\x00\x00\x48\x89\xcb\x0f\x01\xd7"

/* --- tests --- */

static void in_and_out(void)
{
	static const char code[] = "\x48\x01\xf7" LEAVE; /* add rdi, rsi */

	enclave(code, sizeof(code));
	for (uint64_t i = 0; i < 5; i++) {
		regs.rdi = 1000 * i;
		regs.rsi = i;
		regs.rbp = 0x1234;
		enclu(RD_EENTER);
		expect(VEC_BP);
		RDT_EQ(trap.rip, CODE_GPA + 4);
		RDT_EQ(regs.rdi, 1001 * i);
		RDT_EQ(regs.rcx, AEP);
		RDT_EQ(regs.rsp, USER_STACK_GPA);
	}
	RDT_EQ(peek(SSA0, GPR(ursp)), USER_STACK_GPA);
	RDT_EQ(peek(SSA0, GPR(urbp)), 0x1234);
	rdt_vm_free(vm);
}

/* The enclave's own pages, and the memory of the program around it. */
static void memory(void)
{
	/* mov rdx, [rdi]; mov [rsi], rdx; inc qword [rdi] */
	static const char code[] = "\x48\x8b\x17\x48\x89\x16\x48\xff\x07" LEAVE;
	uint64_t *out = NULL, want;

	enclave(code, sizeof(code));
	out = data(UNTRUSTED);
	memcpy(&want, "sixteen ", 8);
	for (int i = 0; i < 5; i++) {
		regs.rdi = in_enclave(DATA);
		regs.rsi = data_la(UNTRUSTED) + 8 * i;
		enclu(RD_EENTER);
		expect(VEC_BP);
		RDT_EQ(out[i], want + i);
	}
	RDT_EQ(peek(DATA, 0), want + 5);
	rdt_vm_free(vm);
}

/* An exception inside: nothing of the enclave shows, and ERESUME goes on where it was. */
static void page_fault_and_resume(void)
{
	/* mov rax, 0x5ec7e7; mov rdx, [rdi]; mov [rsi], rdx */
	static const char code[] = "\x48\xc7\xc0\xe7\xc7\x5e\x00\x48\x8b\x17\x48\x89\x16" LEAVE;
	uint64_t *out, want;

	enclave(code, sizeof(code));
	out = data(UNTRUSTED);
	memcpy(&want, "sixteen ", 8);
	*pte(DATA) = 0;
	regs.rdi = in_enclave(DATA) + 0;
	regs.rsi = data_la(UNTRUSTED);
	regs.r15 = 0x1515151515;
	enclu(RD_EENTER);
	expect(VEC_PF);
	RDT_EQ(trap.error, 4);
	RDT_EQ(trap.cr2, in_enclave(DATA));
	RDT_EQ(trap.rip, AEP);
	RDT_EQ(regs.rax, RD_ERESUME);
	RDT_EQ(regs.rbx, in_enclave(TCS));
	RDT_EQ(regs.rcx, AEP);
	RDT_EQ(regs.rdi, 0);
	RDT_EQ(regs.rsi, 0);
	RDT_EQ(regs.r15, 0);
	RDT_EQ(regs.rdx, 0);
	RDT_EQ(regs.rsp, USER_STACK_GPA);
	RDT_EQ(peek(SSA0, GPR(rax)), 0x5ec7e7);
	RDT_EQ(peek(SSA0, GPR(rip)), in_enclave(CODE) + 7);
	RDT_EQ((uint32_t)peek(SSA0, GPR(exitinfo)), RD_EXITINFO_VALID | 3 << 8 | VEC_PF);
	RDT_EQ(out[0], 0);
	*pte(DATA) = epc(DATA) | 7;
	enclu(RD_ERESUME);
	expect(VEC_BP);
	RDT_EQ(out[0], want);
	rdt_vm_free(vm);
}

/* A kernel that lies with its page tables denies pages, and that is all. */
static void lying_tables(void)
{
	static const char code[] = "\x48\x8b\x17\x48\x89\x16" LEAVE;
	static const struct {
		const char *what;
		uint64_t entry;
		uint64_t error;
	} lies[] = {
		{ "another page of the enclave", EPC_GPA + DATA2 * PAGE + 7, 0x8005 },
		{ "the SECS", EPC_GPA + SECS * PAGE + 7, 0x8005 },
		{ "the TCS", EPC_GPA + TCS * PAGE + 7, 0x8005 },
		{ "a free page", EPC_GPA + SPARE * PAGE + 7, 0x8005 },
		{ "ordinary memory", DATA_GPA + UNTRUSTED * PAGE + 7, 0x8005 },
		{ "a kernel's page", EPC_GPA + DATA * PAGE + 3, 5 },
		{ "no page", 0, 4 },
	};

	enclave(code, sizeof(code));
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		uint64_t *out = data(UNTRUSTED);

		rdt_note("%s", lies[i].what);
		*pte(DATA) = lies[i].entry;
		out[0] = 77;
		regs.rdi = in_enclave(DATA);
		regs.rsi = data_la(UNTRUSTED);
		enclu(RD_EENTER);
		expect(VEC_PF);
		RDT_EQ(trap.error, lies[i].error);
		RDT_EQ(trap.rip, AEP);
		RDT_EQ(out[0], 77);
		*pte(DATA) = epc(DATA) | 7;
		enclu(RD_ERESUME);
		expect(VEC_BP);
		RDT_CHECK(out[0] != 77);
	}
	rdt_vm_free(vm);
}

/* Instructions that an enclave has not. */
static void illegal(void)
{
	static const struct {
		const char *what, *code;
		size_t len;
		int vector;
	} insns[] = {
		{ "UD2", "\x0f\x0b", 2, VEC_UD },
		{ "CPUID", "\x0f\xa2", 2, VEC_UD },
		{ "SYSCALL", "\x0f\x05", 2, VEC_UD },
		{ "INT 0x80", "\xcd\x80", 2, VEC_UD },
		{ "IN", "\xec", 1, VEC_UD },
		{ "OUT", "\xee", 1, VEC_UD },
		{ "VMMCALL", "\x0f\x01\xd9", 3, VEC_UD },
		{ "VMCALL", "\x0f\x01\xc1", 3, VEC_UD },
		{ "SGDT", "\x0f\x01\x04\x24", 4, VEC_UD },
		{ "IRETQ", "\x48\xcf", 2, VEC_UD },
		{ "MOV DS", "\x66\xb8\x2b\x00\x8e\xd8", 6, VEC_UD },
		{ "HLT", "\xf4", 1, VEC_GP },
		{ "ENCLS", "\x0f\x01\xcf", 3, VEC_UD },
		{ "INT3", "\xcc", 1, VEC_BP },
		{ "DIV", "\x31\xc9\xf7\xf1", 4, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(insns); i++) {
		char code[64] = {};

		rdt_note("%s", insns[i].what);
		memcpy(code, insns[i].code, insns[i].len);
		enclave(code, sizeof(code));
		enclu(RD_EENTER);
		expect(insns[i].vector);
		RDT_EQ(trap.rip, AEP);
		rdt_vm_free(vm);
	}
}

/* EPCM: a page that is blocked, or whose rights were taken, is refused at once. */
static void rights_go(void)
{
	static const char code[] = "\x48\x8b\x17\x48\x89\x17" LEAVE; /* read, write [rdi] */

	enclave(code, sizeof(code));
	regs.rdi = in_enclave(DATA);
	enclu(RD_EENTER);
	expect(VEC_BP);
	RDT_EQ(encls(RD_EBLOCK, 0, epc(DATA), 0), 0);
	regs.rdi = in_enclave(DATA);
	enclu(RD_EENTER);
	expect(VEC_PF);
	RDT_EQ(trap.error, 0x8005);
	rdt_vm_free(vm);
}

/* A loop that only the world outside can end: the VMM sees what the guest's kernel would. */
static void *kick(void *arg)
{
	usleep(200000 * rdt_time_scale());
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

static void on_signal(int sig)
{
	(void)sig;
}

static void kicked(void)
{
	/* mov rdx, 0x5ec7e7; jmp $ */
	static const char code[] = "\x48\xc7\xc2\xe7\xc7\x5e\x00\xeb\xfe";
	struct rdt_vcpu *vcpu;
	pthread_t self = pthread_self(), t;
	uint8_t *at;

	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_signal }, NULL);
	enclave(code, sizeof(code));
	vcpu = vm->vcpu[0];
	at = rdt_gpa(vm, CODE_GPA);
	memcpy(at, "\x0f\x01\xd7\xcc", 4);
	memcpy(at + 16, "\x0f\x01\xd7\xcc", 4);
	regs = (struct kvm_regs){ .rax = RD_EENTER, .rbx = in_enclave(TCS), .rcx = AEP };
	regs.rflags = 2;
	regs.rip = CODE_GPA;
	regs.rsp = USER_STACK_GPA;
	privilege(vcpu, 3);
	rdt_set_regs(vcpu, &regs);
	pthread_create(&t, NULL, kick, &self);
	RDT_ERRNO(ioctl(vcpu->fd, KVM_RUN, 0), EINTR);
	pthread_join(t, NULL);
	rdt_get_regs(vcpu, &regs);
	RDT_EQ(regs.rip, AEP);
	RDT_EQ(regs.rax, RD_ERESUME);
	RDT_EQ(regs.rdx, 0);
	RDT_EQ(peek(SSA0, GPR(rdx)), 0x5ec7e7);
	RDT_EQ(peek(SSA0, GPR(rip)), in_enclave(CODE) + 7);
	rdt_vm_free(vm);
}

/* Vector registers: the enclave's do not show outside, and come back. */
static void vectors(void)
{
	/* movq xmm5, rdi; ud2; movq rdi, xmm5 */
	static const char code[] = "\x66\x48\x0f\x6e\xef\x0f\x0b\x66\x48\x0f\x7e\xef" LEAVE;
	struct kvm_fpu fpu;
	uint64_t low;

	enclave(code, sizeof(code));
	regs.rdi = 0x1122334455667788;
	enclu(RD_EENTER);
	expect(VEC_UD);
	RDT_OK(ioctl(vm->vcpu[0]->fd, KVM_GET_FPU, &fpu));
	memcpy(&low, fpu.xmm[5], 8);
	RDT_EQ(low, 0);
	RDT_EQ(fpu.mxcsr, 0x1f80);
	RDT_EQ(peek(SSA0, 160 + 5 * 16), 0x1122334455667788);
	/* Its handler in the guest might step over UD2 in the SSA; here the debugger does. */
	{
		struct kvm_regs keep = regs;

		memcpy(rdt_gpa(vm, CODE_GPA), "\x0f\x01\xcf\xcc", 4);
		regs = (struct kvm_regs){ .rax = RD_EDBGWR,
					  .rbx = in_enclave(CODE) + 7,
					  .rcx = epc(SSA0) + GPR(rip) };
		regs.rip = CODE_GPA;
		regs.rsp = STACK_GPA - 0x800;
		run(0);
		expect(VEC_BP);
		regs = keep;
	}
	enclu(RD_ERESUME);
	expect(VEC_BP);
	RDT_EQ(regs.rdi, 0x1122334455667788);
	rdt_vm_free(vm);
}

/* EINIT: a flipped bit, another measurement, another key. */
static void launch(void)
{
	static const char code[] = LEAVE;
	struct rd_sigstruct *g;
	uint64_t word;

	enclave(code, sizeof(code));
	rdt_vm_free(vm);
	machine();
	create();
	add(CODE, RD_SI_PT(RD_PT_REG) | RX, code, sizeof(code));
	*(struct rd_secinfo *)data(SECINFO) = (struct rd_secinfo){};
	RDT_EQ(initialise(), 0);
	g = data(SIGSTRUCT);
	machine();
	create();
	add(CODE, RD_SI_PT(RD_PT_REG) | RX, code, sizeof(code));
	add(DATA, RD_SI_PT(RD_PT_REG) | RW, code, sizeof(code));
	signer_extend(0, data(SOURCE)); /* what is signed is not what is there */
	RDT_EQ(initialise(), RD_SGX_INVALID_MEASUREMENT);
	g = data(SIGSTRUCT);
	g->signature[5] ^= 1;
	RDT_EQ(encls(RD_EINIT, data_la(SIGSTRUCT), epc(SECS), data_la(TOKEN)),
	       RD_SGX_INVALID_SIGNATURE);
	g->signature[5] ^= 1;
	word = rdt_get_msr(vm->vcpu[0], MSR_PUBKEYHASH);
	RDT_EQ(rdt_set_msr(vm->vcpu[0], MSR_PUBKEYHASH, word ^ 1), 1);
	RDT_EQ(encls(RD_EINIT, data_la(SIGSTRUCT), epc(SECS), data_la(TOKEN)),
	       RD_SGX_INVALID_MEASUREMENT);
	rdt_vm_free(vm);
}

static const struct rdt_test tests[] = {
	{ "in_and_out", in_and_out },
	{ "memory", memory },
	{ "page_fault_and_resume", page_fault_and_resume },
	{ "lying_tables", lying_tables },
	{ "illegal", illegal, 60 },
	{ "rights_go", rights_go },
	{ "kicked", kicked },
	{ "vectors", vectors },
	{ "launch", launch },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
