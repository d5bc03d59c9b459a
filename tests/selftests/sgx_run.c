// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU inside an enclave: what goes in, what comes out, and what does not.
 */
#include <pthread.h>
#include <signal.h>
#include "tests/selftests/sgx/machine.h"

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

/* An enclave's code ends where the enclave ends. */
static void code_outside(void)
{
	/* mov eax, DATA_GPA; jmp rax */
	static const char code[] = "\xb8\x00\x00\x10\x00\xff\xe0";

	enclave(code, sizeof(code));
	memcpy(data(0), "\xcc", 1);
	enclu(RD_EENTER);
	expect(VEC_GP);
	RDT_EQ(trap.error, 0);
	RDT_EQ(trap.rip, AEP);
	RDT_EQ(peek(SSA0, GPR(rip)), DATA_GPA);
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

	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_signal }, NULL);
	enclave(code, sizeof(code));
	vcpu = vm->vcpu[0];
	ready(RD_EENTER);
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
	{ "code_outside", code_outside },
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
