// SPDX-License-Identifier: GPL-2.0-only
/*
 * Client of the benchmark for enclaves, in the form of bench.c: what it costs to enter and leave
 * one, an asynchronous exit with its ERESUME, computing inside, and each leaf by itself.
 * Invariant: a figure is the time of KVM_RUN alone, per operation; of single instructions the time
 * of the same run without one is taken off.
 */
#include "tests/selftests/sgx/machine.h"

enum { REPS = 3, LOOPS = 1000, VA = 100, FLAG = UNTRUSTED + 1, BLOB, PCMD, ROUNDS = 1000000 };
#define LOOP_AEP (CODE_GPA + 64)
#define HANDLER_GPA (CODE_GPA + 128)

static const char leave[] = LEAVE;
static double figures[REPS];
static uint64_t empty; /* a run of nothing */

static void tell(const char *row, unsigned int count)
{
	printf("row\t%s\t%u\t%.1f\t%.1f\t%.1f\n", row, count, figures[0], figures[1], figures[2]);
}

/* KVM_RUN with regs at CPL 3, to a HLT: its time. */
static uint64_t user_run(void)
{
	regs.rflags = 2;
	regs.rsp = USER_STACK_GPA;
	run(3);
	return ticks;
}

/* --- in and out --- */

/* EENTER, r15 times. */
static void enter_loop(void)
{
	uint8_t *code = rdt_gpa(vm, CODE_GPA);
	uint64_t tcs = in_enclave(TCS);
	uint32_t aep = LOOP_AEP;

	memcpy(code, "\xb8\x02\x00\x00\x00\x48\xbb", 7); /* mov eax, 2; mov rbx, TCS */
	memcpy(code + 7, &tcs, 8);
	code[15] = 0xb9; /* mov ecx, AEP */
	memcpy(code + 16, &aep, 4);
	memcpy(code + 20, "\x0f\x01\xd7\x49\xff\xcf\x75\xe4\xcc", 9); /* enclu; dec r15; jnz */
	memcpy(code + 64, "\x0f\x01\xd7\xcc", 4);
	regs.rip = CODE_GPA;
}

static void enter_exit(void)
{
	enclave(leave, sizeof(leave));
	for (int i = 0; i < REPS; i++) {
		enter_loop();
		regs.r15 = LOOPS;
		figures[i] = (double)user_run() / LOOPS;
		expect(VEC_BP);
		RDT_EQ(regs.r15, 0);
	}
	tell("enclave_enter_exit", LOOPS);
	rdt_vm_free(vm);
}

/* UD2 in the enclave; the kernel counts down to a HLT, and goes back to where ERESUME is. */
static void counting_handler(void)
{
	uint64_t at = HANDLER_GPA, *gate = rdt_gpa(vm, IDT_GPA);
	uint8_t *code = rdt_gpa(vm, HANDLER_GPA);
	uint32_t count = data_la(FLAG);

	gate[2 * VEC_UD] = (at & 0xffff) | RDP_CS64 << 16 | 0xeeULL << 40 | (at >> 16) << 48;
	memcpy(code, "\x48\xff\x0c\x25", 4); /* dec qword [count]; jz to hlt; iretq; hlt */
	memcpy(code + 4, &count, 4);
	memcpy(code + 8, "\x74\x02\x48\xcf\xf4", 5);
	*(uint64_t *)data(FLAG) = LOOPS;
}

static void aex_resume(void)
{
	for (int i = 0; i < REPS; i++) {
		/* The thread that is left behind has used up its SSA frame. */
		enclave("\x0f\x0b", 2);
		counting_handler();
		enter_loop();
		regs.r15 = 1;
		regs.rflags = 2;
		regs.rsp = USER_STACK_GPA;
		privilege(vm->vcpu[0], 3);
		rdt_set_regs(vm->vcpu[0], &regs);
		go(vm->vcpu[0]);
		RDT_EQ(*(uint64_t *)data(FLAG), 0);
		figures[i] = (double)ticks / LOOPS;
		rdt_vm_free(vm);
	}
	tell("enclave_aex_resume", LOOPS);
}

/* The same arithmetic inside and outside: inside, in thousandths of outside. */
static void compute(void)
{
	/* 1: imul rax, rsi; add rax, rdi; ror rax, 7; dec r14; jnz 1b */
	static const char loop[] =
		"\x48\x0f\xaf\xc6\x48\x01\xf8\x48\xc1\xc8\x07\x49\xff\xce\x75\xf0";
	char code[sizeof(loop) + sizeof(leave)];
	uint64_t outside;

	memcpy(code, loop, sizeof(loop) - 1);
	memcpy(code + sizeof(loop) - 1, leave, sizeof(leave));
	for (int i = 0; i < REPS; i++) {
		enclave(code, sizeof(code));
		memcpy(rdt_gpa(vm, CODE_GPA), loop, sizeof(loop));
		memcpy(rdt_gpa(vm, CODE_GPA + sizeof(loop) - 1), "\xcc", 1);
		regs = (struct kvm_regs){ .rip = CODE_GPA, .r14 = ROUNDS, .rdi = 7, .rsi = 5 };
		outside = user_run();
		/* What a CPU needs for its first enclave is not of the computing. */
		enter_loop();
		regs = (struct kvm_regs){ .rip = CODE_GPA, .r14 = 1, .r15 = 1 };
		user_run();
		regs = (struct kvm_regs){ .rip = CODE_GPA, .r14 = ROUNDS, .r15 = 1, .rdi = 7 };
		regs.rsi = 5;
		figures[i] = 1000.0 * user_run() / outside;
		RDT_EQ(regs.r14, 0);
		rdt_vm_free(vm);
	}
	tell("enclave_compute_permille", 1);
}

/* --- leaves of ENCLU --- */

/* Inside, r14 times: the leaf in r12, with rbx, rcx and rdx of r8, r9 and r10. */
static void inside_leaf(const char *row, unsigned int leaf)
{
	static const char code[] =
		"\x49\x89\xcb"                         /* mov r11, rcx */
		"\x4c\x89\xe0\x4c\x89\xc3"             /* 1: mov rax, r12; mov rbx, r8 */
		"\x4c\x89\xc9"                         /* mov rcx, r9 */
		"\x4c\x89\xd2\x0f\x01\xd7"             /* mov rdx, r10; enclu */
		"\x49\xff\xce\x75\xec\x4c\x89\xd9"     /* dec r14; jnz 1b; mov rcx, r11 */
		LEAVE;

	enclave(code, sizeof(code));
	/* A key request for the seal key by measurement; of reports, the target is nobody. */
	encls(RD_EDBGWR, 4 | 1 << 16, epc(DATA2), 0);
	for (unsigned int i = 8; i < 2048; i += 8)
		encls(RD_EDBGWR, 0, epc(DATA2) + i, 0);
	for (int i = 0; i < REPS; i++) {
		enter_loop();
		regs.r15 = 1;
		regs.r14 = 100;
		regs.r12 = leaf;
		regs.r8 = in_enclave(DATA2) + (leaf == RD_EREPORT ? 512 : 0);
		regs.r9 = in_enclave(DATA2) + (leaf == RD_EREPORT ? 1024 : 2048);
		regs.r10 = in_enclave(DATA2) + 2048;
		figures[i] = (double)user_run() / 100;
		expect(VEC_BP);
		RDT_EQ(regs.r14, 0);
	}
	tell(row, 100);
	rdt_vm_free(vm);
}

static void ereport(void)
{
	inside_leaf("leaf_ereport", RD_EREPORT);
}

static void egetkey(void)
{
	inside_leaf("leaf_egetkey", RD_EGETKEY);
}

/* --- leaves of ENCLS --- */

static double one(uint64_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx, uint64_t want)
{
	uint64_t rax = encls(leaf, rbx, rcx, rdx);

	RDT_EQ(rax, want);
	return (double)ticks - empty;
}

static void nothing(void)
{
	memcpy(rdt_gpa(vm, CODE_GPA), "\xcc", 1);
	for (int i = 0; i < 2; i++) {
		regs = (struct kvm_regs){ .rip = CODE_GPA, .rsp = STACK_GPA - 0x800 };
		run(0);
	}
	empty = ticks;
}

/* EADD of an empty page. */
static double eadd(void)
{
	memset(data(SOURCE), 0, PAGE);
	*(struct rd_secinfo *)data(SECINFO) =
		(struct rd_secinfo){ .flags = RD_SI_PT(RD_PT_REG) | RW };
	*(struct rd_pageinfo *)data(PAGEINFO) = (struct rd_pageinfo){
		in_enclave(DATA), data_la(SOURCE), data_la(SECINFO), epc(SECS)
	};
	return one(RD_EADD, data_la(PAGEINFO), epc(DATA), 0, RD_EADD);
}

/* The leaves that build an enclave, and the one of them that is asked for. */
static void build(void)
{
	const char *row = rdt_arg();

	for (int i = 0; i < REPS; i++) {
		double taken[4];

		machine();
		nothing();
		create();
		taken[0] = (double)ticks - empty;
		taken[1] = eadd();
		taken[2] = one(RD_EEXTEND, epc(SECS), epc(DATA), 0, RD_EEXTEND);
		rdt_vm_free(vm);
		enclave(leave, sizeof(leave));
		taken[3] = (double)ticks - empty;
		rdt_vm_free(vm);
		figures[i] = taken[!strcmp(row, "leaf_eadd")     ? 1
				   : !strcmp(row, "leaf_eextend") ? 2
				   : !strcmp(row, "leaf_einit")   ? 3
								  : 0];
	}
	tell(row, 1);
}

/* A page out and in, and away. */
static const char *const paging_rows[] = { "leaf_epa", "leaf_eblock", "leaf_etrack",
					   "leaf_ewb", "leaf_eldu",   "leaf_eremove" };

static void paging(void)
{
	const char *row = rdt_arg();

	enclave(leave, sizeof(leave));
	nothing();
	for (unsigned int i = 0; i < REPS; i++) {
		struct rd_pageinfo *p = data(PAGEINFO);
		uint64_t slot = epc(VA + i);
		double taken[ARRAY_SIZE(paging_rows)];

		taken[0] = one(RD_EPA, RD_PT_VA, slot, 0, RD_EPA);
		taken[1] = one(RD_EBLOCK, 0, epc(DATA), 0, 0);
		taken[2] = one(RD_ETRACK, 0, epc(SECS), 0, 0);
		*p = (struct rd_pageinfo){ 0, data_la(BLOB), data_la(PCMD), 0 };
		taken[3] = one(RD_EWB, data_la(PAGEINFO), epc(DATA), slot, 0);
		*p = (struct rd_pageinfo){ in_enclave(DATA), data_la(BLOB), data_la(PCMD),
					   epc(SECS) };
		taken[4] = one(RD_ELDU, data_la(PAGEINFO), epc(DATA), slot, 0);
		taken[5] = one(RD_EREMOVE, 0, slot, 0, 0);
		for (unsigned int k = 0; k < ARRAY_SIZE(paging_rows); k++)
			if (!strcmp(row, paging_rows[k]))
				figures[i] = taken[k];
	}
	tell(row, 1);
	rdt_vm_free(vm);
}

#define LEAF(name, fn) { "leaf_" #name, fn, 60, "leaf_" #name }
static const struct rdt_test tests[] = {
	{ "enclave_enter_exit", enter_exit, 60 },
	{ "enclave_aex_resume", aex_resume, 60 },
	{ "enclave_compute_permille", compute, 60 },
	LEAF(ereport, ereport),
	LEAF(egetkey, egetkey),
	LEAF(ecreate, build),
	LEAF(eadd, build),
	LEAF(eextend, build),
	LEAF(einit, build),
	LEAF(epa, paging),
	LEAF(eblock, paging),
	LEAF(etrack, paging),
	LEAF(ewb, paging),
	LEAF(eldu, paging),
	LEAF(eremove, paging),
};

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
