// SPDX-License-Identifier: GPL-2.0-only
/*
 * ENCLS on a vCPU, one instruction at a time: the test sets the registers, the guest executes ENCLS
 * and halts, or takes an exception to a handler that halts.
 */
#include <pthread.h>
#include "tests/selftests/sgx/machine.h"

enum { EPC_PAGES = 256, NO_VECTOR = -1, PCMD = UNTRUSTED + 1, BACK };

static const char insn_encls[] = "\x0f\x01\xcf", load[] = "\x48\x8b\x01"; /* mov rax, [rcx] */
static const char store[] = "\x48\x89\x01"; /* mov [rcx], rax */

struct outcome {
	int vector;
	uint64_t error, rax, rflags, cr2;
};

static struct rd_vm_epc epc_arg(uint64_t base, uint64_t size)
{
	return (struct rd_vm_epc){ .base = base, .size = size };
}

static int set_epc(uint64_t base, uint64_t size)
{
	struct rd_vm_epc arg = epc_arg(base, size);

	return ioctl(vm->fd, RD_VM_SET_EPC, &arg);
}

static struct rd_vm_sgx_info info(void)
{
	struct rd_vm_sgx_info i;

	RDT_OK(ioctl(vm->fd, RD_VM_GET_SGX_INFO, &i));
	return i;
}

/* One instruction of three bytes at CPL 0. */
static struct outcome one(const char *insn, uint64_t rax, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	uint8_t *code = rdt_gpa(vm, CODE_GPA);

	memcpy(code, insn, 3);
	code[3] = 0xcc;
	regs = (struct kvm_regs){ .rax = rax, .rbx = rbx, .rcx = rcx, .rdx = rdx };
	regs.rip = CODE_GPA;
	regs.rsp = STACK_GPA;
	run(0);
	if (trap.vector == VEC_BP)
		RDT_EQ(trap.rip, CODE_GPA + 4);
	return (struct outcome){ .vector = trap.vector == VEC_BP ? NO_VECTOR : trap.vector,
				 .error = trap.error,
				 .rax = regs.rax,
				 .rflags = regs.rflags,
				 .cr2 = trap.cr2 };
}

static struct outcome leaf(unsigned int n, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	return one(insn_encls, n, rbx, rcx, rdx);
}

/* The leaf returned this in RAX, without an exception. */
static void gives(struct outcome o, uint64_t rax)
{
	if (o.vector != NO_VECTOR)
		rdt_fail("exception %d, error 0x%llx, cr2 0x%llx", o.vector,
			 (unsigned long long)o.error, (unsigned long long)o.cr2);
	RDT_EQ(o.rax, rax);
}

static void faults(struct outcome o, int vector, uint64_t error)
{
	if (o.vector != vector)
		rdt_fail("exception %d (RAX 0x%llx), want %d", o.vector, (unsigned long long)o.rax,
			 vector);
	RDT_EQ(o.error, error);
}

static uint64_t pageinfo(uint64_t la, uint64_t secs)
{
	struct rd_pageinfo *p = data(PAGEINFO);

	*p = (struct rd_pageinfo){ la, data_la(SOURCE), data_la(SECINFO), secs };
	return data_la(PAGEINFO);
}

static void secinfo(uint64_t flags)
{
	struct rd_secinfo *si = data(SECINFO);

	*si = (struct rd_secinfo){ .flags = flags };
}

/* ECREATE at EPC page n, a debug enclave of 16 pages. */
static void make_secs(unsigned int n)
{
	struct rd_secs *s = data(SOURCE);

	memset(s, 0, sizeof(*s));
	s->size = 16 * PAGE;
	s->base = BASE;
	s->ssa_frame_size = 1;
	s->attributes.flags = RD_ATTR_MODE64 | RD_ATTR_DEBUG;
	s->attributes.xfrm = RD_XFRM_X87_SSE;
	secinfo(RD_SI_PT(RD_PT_SECS));
	gives(leaf(RD_ECREATE, pageinfo(0, 0), epc(n), 0), RD_ECREATE);
}

/* EADD of a page full of a byte. */
static void make_page(unsigned int n, unsigned int secs, unsigned int page, uint8_t byte)
{
	memset(data(SOURCE), byte, PAGE);
	secinfo(RD_SI_PT(RD_PT_REG) | RD_SI_R | RD_SI_W);
	gives(leaf(RD_EADD, pageinfo(BASE + page * PAGE, epc(secs)), epc(n), 0), RD_EADD);
}

static void ranges(void)
{
	struct rd_vm_epc arg = epc_arg(EPC_GPA, EPC_SIZE);
	struct rd_vm_sgx_info i;

	need_enclaves();
	vm = rdt_vm_new(RAM_SIZE, 0);
	RDT_EQ(info().size, 0);
	RDT_ERRNO(set_epc(EPC_GPA, 0), EINVAL);
	RDT_ERRNO(set_epc(EPC_GPA + 1, EPC_SIZE), EINVAL);
	RDT_ERRNO(set_epc(EPC_GPA, EPC_SIZE + 8), EINVAL);
	RDT_ERRNO(set_epc(EPC_GPA, 1ULL << 45), EINVAL);
	RDT_ERRNO(set_epc(~0xfffULL, 2 * PAGE), EINVAL);
	RDT_ERRNO(set_epc(RAM_SIZE - PAGE, EPC_SIZE), EEXIST);
	RDT_ERRNO(ioctl(vm->fd, RD_VM_SET_EPC, RDT_BAD_PTR), EFAULT);
	arg.reserved[1] = 1;
	RDT_ERRNO(ioctl(vm->fd, RD_VM_SET_EPC, &arg), EINVAL);
	RDT_OK(set_epc(EPC_GPA, EPC_SIZE));
	RDT_ERRNO(set_epc(EPC_GPA, EPC_SIZE), EEXIST);
	i = info();
	RDT_EQ(i.base, EPC_GPA);
	RDT_EQ(i.size, EPC_SIZE);
	RDT_EQ(i.used_pages, 0);
	/* No slot may come to lie there, nor be moved there. */
	RDT_ERRNO(rdt_slot_set(vm, 9, EPC_GPA + EPC_SIZE - PAGE, PAGE, vm->ram, 0), EEXIST);
	RDT_ERRNO(rdt_slot_set(vm, 0, EPC_GPA, RAM_SIZE, vm->ram, 0), EEXIST);
	RDT_EQ(rdt_slot_set(vm, 9, EPC_GPA + EPC_SIZE, PAGE, vm->ram, 0), 0);
	rdt_vm_free(vm);
	vm = rdt_vm_new(RAM_SIZE, 0);
	rdt_vcpu_new(vm, 0);
	RDT_ERRNO(set_epc(EPC_GPA, EPC_SIZE), EBUSY);
	rdt_vm_free(vm);
}

/* From outside an enclave the EPC reads as ones and forgets what is written. */
static void abort_page(void)
{
	machine();
	make_secs(0);
	make_page(1, 0, 0, 0x5a);
	for (unsigned int n = 0; n < EPC_PAGES; n += 51) {
		struct outcome o;

		one(store, 0x1122334455667788, 0, epc(n) + 8, 0);
		o = one(load, 0, 0, epc(n) + 8, 0);
		gives(o, ~0ULL);
	}
	RDT_EQ(info().used_pages, 2);
	rdt_vm_free(vm);
}

static void life(void)
{
	machine();
	make_secs(3);
	RDT_EQ(info().used_pages, 1);
	/* In use already: #PF by the EPCM at the page. */
	secinfo(RD_SI_PT(RD_PT_SECS));
	faults(leaf(RD_ECREATE, pageinfo(0, 0), epc(3), 0), 14, 0x8001);
	for (unsigned int i = 0; i < 10; i++)
		make_page(10 + i, 3, i, i);
	for (unsigned int i = 0; i < PAGE / RD_SGX_CHUNK; i++)
		gives(leaf(RD_EEXTEND, epc(3), epc(10) + i * RD_SGX_CHUNK, 0), RD_EEXTEND);
	RDT_EQ(info().used_pages, 11);
	gives(leaf(RD_EREMOVE, 0, epc(3), 0), RD_SGX_CHILD_PRESENT);
	for (unsigned int i = 0; i < 10; i++)
		gives(leaf(RD_EREMOVE, 0, epc(10 + i), 0), 0);
	gives(leaf(RD_EREMOVE, 0, epc(3), 0), 0);
	gives(leaf(RD_EREMOVE, 0, epc(3), 0), 0);
	RDT_EQ(info().used_pages, 0);
	/* Not aligned; not in the EPC. */
	faults(leaf(RD_EREMOVE, 0, epc(3) + 8, 0), 13, 0);
	faults(leaf(RD_EREMOVE, 0, data_la(SOURCE), 0), 14, 3);
	faults(leaf(16, 0, epc(3), 0), 13, 0);
	rdt_vm_free(vm);
}

/* A VM that ends with pages in use gives them back (the module's leak check sees it). */
static void left_behind(void)
{
	machine();
	make_secs(0);
	for (unsigned int i = 1; i < 16; i++)
		make_page(i, 0, i, i);
	RDT_EQ(info().used_pages, 16);
	rdt_vm_free(vm);
}

/* A reset of the machine: no page is in use, and each can be used. */
static void reset(void)
{
	need_enclaves();
	vm = rdt_vm_new(RAM_SIZE, 0);
	RDT_ERRNO(ioctl(vm->fd, RD_VM_RESET_EPC), ENOENT);
	rdt_vm_free(vm);

	machine();
	for (int i = 0; i < 2; i++) {
		make_secs(3);
		make_page(5, 3, 1, 0x55);
		secinfo(0);
		gives(leaf(RD_EPA, RD_PT_VA, epc(6), 0), RD_EPA);
		RDT_EQ(info().used_pages, 3);
		gives(leaf(RD_EREMOVE, 0, epc(3), 0), RD_SGX_CHILD_PRESENT);
		RDT_OK(ioctl(vm->fd, RD_VM_RESET_EPC));
		RDT_EQ(info().used_pages, 0);
		gives(leaf(RD_EREMOVE, 0, epc(3), 0), 0);
	}
	rdt_vm_free(vm);
}

static void *runs(void *arg)
{
	return (void *)(long)ioctl(((struct rdt_vcpu *)arg)->fd, KVM_RUN, 0);
}

/* While a CPU runs there is none. */
static void reset_when_busy(void)
{
	/* cmp byte [rcx], 0; jz back to it; hlt */
	static const uint8_t code[] = { 0x80, 0x39, 0x00, 0x74, 0xfb, 0xf4 };
	struct kvm_regs start = { .rip = CODE_GPA, .rcx = data_la(BACK), .rflags = 2 };
	volatile uint8_t *go;
	pthread_t t;
	void *ret;

	machine();
	make_secs(3);
	go = data(BACK);
	*go = 0;
	memcpy(rdt_gpa(vm, CODE_GPA), code, sizeof(code));
	rdt_set_regs(vm->vcpu[0], &start);
	pthread_create(&t, NULL, runs, vm->vcpu[0]);
	usleep(100000 * rdt_time_scale());
	RDT_ERRNO(ioctl(vm->fd, RD_VM_RESET_EPC), EBUSY);
	RDT_EQ(info().used_pages, 1);
	*go = 1;
	pthread_join(t, &ret);
	RDT_CHECK(!ret);
	RDT_OK(ioctl(vm->fd, RD_VM_RESET_EPC));
	RDT_EQ(info().used_pages, 0);
	rdt_vm_free(vm);
}

/* EBLOCK, ETRACK, EWB, ELDU, and what of it the guest's kernel sees. */
static void out_and_in(void)
{
	struct rd_pcmd *pcmd;
	struct outcome o;

	machine();
	make_secs(0);
	make_page(1, 0, 4, 0xa7);
	secinfo(0);
	gives(leaf(RD_EPA, RD_PT_VA, epc(2), 0), RD_EPA);
	*(struct rd_pageinfo *)data(PAGEINFO) =
		(struct rd_pageinfo){ 0, data_la(BACK), data_la(PCMD), 0 };
	gives(leaf(RD_EWB, data_la(PAGEINFO), epc(1), epc(2)), RD_SGX_PAGE_NOT_BLOCKED);
	gives(leaf(RD_EBLOCK, 0, epc(1), 0), 0);
	gives(leaf(RD_EWB, data_la(PAGEINFO), epc(1), epc(2)), RD_SGX_NOT_TRACKED);
	gives(leaf(RD_ETRACK, 0, epc(0), 0), 0);
	gives(leaf(RD_EWB, data_la(PAGEINFO), epc(1), epc(2)), 0);
	RDT_EQ(info().used_pages, 2);
	RDT_EQ(((struct rd_pageinfo *)data(PAGEINFO))->linaddr, BASE + 4 * PAGE);

	RDT_CHECK(!memmem(data(BACK), PAGE, "\xa7\xa7\xa7\xa7", 4));

	/* A flipped bit is noticed, and leaves all as it was. */
	((struct rd_pageinfo *)data(PAGEINFO))->secs = epc(0);
	((uint8_t *)data(BACK))[77] ^= 4;
	gives(leaf(RD_ELDU, data_la(PAGEINFO), epc(1), epc(2)), RD_SGX_MAC_COMPARE_FAIL);
	((uint8_t *)data(BACK))[77] ^= 4;
	pcmd = data(PCMD);
	pcmd->secinfo.flags |= RD_SI_X;
	gives(leaf(RD_ELDU, data_la(PAGEINFO), epc(1), epc(2)), RD_SGX_MAC_COMPARE_FAIL);
	pcmd->secinfo.flags &= ~RD_SI_X;
	gives(leaf(RD_ELDU, data_la(PAGEINFO), epc(1), epc(2)), 0);
	/* Once only. */
	o = leaf(RD_ELDU, data_la(PAGEINFO), epc(5), epc(2));
	RDT_CHECK(o.vector != NO_VECTOR || o.rax != 0);

	o = leaf(RD_EDBGRD, 0, epc(1) + 64, 0);
	RDT_EQ(o.vector, NO_VECTOR);
	rdt_vm_free(vm);
}

/* Who gets no ENCLS: no EPC, no CPUID bit, no permission by the firmware. */
static void refused(void)
{
	need_enclaves();
	vm = rdt_vm_new(RAM_SIZE, 0);
	processor(true);
	RDT_EQ(leaf(RD_EREMOVE, 0, EPC_GPA, 0).vector, 6);
	rdt_vm_free(vm);

	vm = rdt_vm_new(RAM_SIZE, 0);
	RDT_OK(set_epc(EPC_GPA, EPC_SIZE));
	processor(false);
	RDT_EQ(leaf(RD_EREMOVE, 0, EPC_GPA, 0).vector, 6);
	rdt_vm_free(vm);

	vm = rdt_vm_new(RAM_SIZE, 0);
	RDT_OK(set_epc(EPC_GPA, EPC_SIZE));
	processor(true);
	RDT_EQ(rdt_set_msr(vm->vcpu[0], MSR_FEAT_CTL, 1), 1);
	faults(leaf(RD_EREMOVE, 0, EPC_GPA, 0), 13, 0);
	rdt_vm_free(vm);
}

static const struct rdt_test tests[] = {
	{ "ranges", ranges },		{ "abort_page", abort_page }, { "life", life },
	{ "left_behind", left_behind }, { "out_and_in", out_and_in }, { "refused", refused },
	{ "reset", reset },		{ "reset_when_busy", reset_when_busy },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
