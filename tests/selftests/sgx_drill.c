// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attacks on an enclave by the guest's kernel and by the VMM.  Each must fail.  With --holes 1 the
 * module is one that can be told to go without a check (tests/rig/module --open-enclaves): then
 * each must fail with all checks, and succeed without the one that stops it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include "tests/selftests/sgx/machine.h"

/* As enum rd_hole of enclave/holes.h. */
enum { ADDRESS, OWNER, RANGE, REGISTERS, VERSION, MAC, BUSY, ABORT };
/* EPC pages besides the enclave's. */
enum { OTHER_SECS = 20, OTHER_PAGE, VA, FREE_PAGE };
enum { FLAG = UNTRUSTED + 1, RAM, BLOB, PCMD, OLD_BLOB, OLD_PCMD };

#define HOLES "/sys/module/redoubt/parameters/enclave_holes"
#define SECRET "sixteen "
#define ANOTHER "another "
/* mov rdx, [rdi]; mov [rsi], rdx: from the enclave's memory to where its caller can read it. */
static const char reader[] = "\x48\x8b\x17\x48\x89\x16" LEAVE;

static uint64_t word(const char *text)
{
	uint64_t w;

	memcpy(&w, text, sizeof(w));
	return w;
}

/* What the enclave finds at la: false, if it does not get that far. */
static bool finds(uint64_t la, uint64_t *value)
{
	uint64_t *out = data(UNTRUSTED);

	*out = 0;
	regs.rdi = la;
	regs.rsi = data_la(UNTRUSTED);
	enclu(RD_EENTER);
	*value = *out;
	return trap.vector == VEC_BP;
}

static bool finds_text(unsigned int page, const char *text)
{
	uint64_t value;

	return finds(in_enclave(page), &value) && value == word(text);
}

/* --- the EPC from outside --- */

static void ring0(const char *code, size_t len)
{
	memcpy(rdt_gpa(vm, CODE_GPA), code, len);
	regs = (struct kvm_regs){ .rcx = epc(DATA), .rdx = 0x5ec7e7, .rip = CODE_GPA };
	regs.rsp = STACK_GPA - 0x800;
	run(0);
	expect(VEC_BP);
}

static bool attack_read(void)
{
	enclave(reader, sizeof(reader));
	ring0("\x48\x8b\x01\xcc", 4); /* mov rax, [rcx] */
	return regs.rax == word(SECRET);
}

static bool attack_write(void)
{
	enclave(reader, sizeof(reader));
	ring0("\x48\x89\x11\xcc", 4); /* mov [rcx], rdx */
	return peek(DATA, 0) == 0x5ec7e7;
}

/* --- page tables that lie --- */

static bool attack_alias(void)
{
	enclave(reader, sizeof(reader));
	*pte(DATA2) = epc(DATA) | 7;
	return finds_text(DATA2, SECRET);
}

static bool attack_swap(void)
{
	enclave(reader, sizeof(reader));
	*pte(DATA) = epc(DATA2) | 7;
	*pte(DATA2) = epc(DATA) | 7;
	return finds_text(DATA, ANOTHER) && finds_text(DATA2, SECRET);
}

/* A page of the kernel's own enclave, for the same address. */
static bool attack_other_enclave(void)
{
	struct rd_pageinfo *p;
	struct rd_secs *s;

	enclave(reader, sizeof(reader));
	p = data(PAGEINFO);
	s = data(SOURCE);
	memset(s, 0, PAGE);
	*s = (struct rd_secs){ .size = SIZE,
			       .base = BASE,
			       .ssa_frame_size = 1,
			       .attributes = { ATTRIBUTES, RD_XFRM_X87_SSE } };
	*(struct rd_secinfo *)data(SECINFO) =
		(struct rd_secinfo){ .flags = RD_SI_PT(RD_PT_SECS) };
	*p = (struct rd_pageinfo){ 0, data_la(SOURCE), data_la(SECINFO), 0 };
	RDT_EQ(encls(RD_ECREATE, data_la(PAGEINFO), epc(OTHER_SECS), 0), RD_ECREATE);
	memset(s, 0, PAGE);
	memcpy(s, "attacker", 8);
	*(struct rd_secinfo *)data(SECINFO) =
		(struct rd_secinfo){ .flags = RD_SI_PT(RD_PT_REG) | RW };
	*p = (struct rd_pageinfo){ in_enclave(DATA), data_la(SOURCE), data_la(SECINFO),
				   epc(OTHER_SECS) };
	RDT_EQ(encls(RD_EADD, data_la(PAGEINFO), epc(OTHER_PAGE), 0), RD_EADD);
	*pte(DATA) = epc(OTHER_PAGE) | 7;
	return finds_text(DATA, "attacker");
}

/* Ordinary memory where the enclave thinks that its own is. */
static bool attack_ordinary_memory(void)
{
	enclave(reader, sizeof(reader));
	memcpy(data(RAM), "attacker", 8);
	*pte(DATA) = data_la(RAM) | 7;
	return finds_text(DATA, "attacker");
}

static void on_signal(int sig)
{
	(void)sig;
}

/* KVM_RUN until the guest halts, however often it is interrupted. */
static void *runs(void *arg)
{
	struct rdt_vcpu *vcpu = arg;
	int ret;

	do {
		ret = ioctl(vcpu->fd, KVM_RUN, 0);
	} while (ret && errno == EINTR);
	return (void *)(long)ret;
}

/* 1: mov rdx, [rdi]; mov [rsi], rdx; cmp byte [r8], 0; je 1b: until its caller wants it out. */
static const char looper[] = "\x48\x8b\x17\x48\x89\x16\x41\x80\x38\x00\x74\xf4" LEAVE;

static struct kvm_sregs outside; /* of the CPU that loops */

static pthread_t start_looping(void)
{
	pthread_t t;

	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_signal }, NULL);
	enclave(looper, sizeof(looper));
	regs.rdi = in_enclave(DATA);
	regs.rsi = data_la(UNTRUSTED);
	regs.r8 = data_la(FLAG);
	*(volatile uint64_t *)data(FLAG) = 0;
	*(volatile uint64_t *)data(UNTRUSTED) = 0;
	ready(RD_EENTER);
	privilege(vm->vcpu[0], 3);
	RDT_OK(ioctl(vm->vcpu[0]->fd, KVM_GET_SREGS, &outside));
	rdt_set_regs(vm->vcpu[0], &regs);
	pthread_create(&t, NULL, runs, vm->vcpu[0]);
	for (int i = 0; i < 1000 && !*(volatile uint64_t *)data(UNTRUSTED); i++)
		usleep(10000);
	RDT_EQ(*(volatile uint64_t *)data(UNTRUSTED), word(SECRET));
	return t;
}

static void end_looping(pthread_t t)
{
	void *ret;

	*(volatile uint64_t *)data(FLAG) = 1;
	pthread_join(t, &ret);
	RDT_CHECK(!ret);
	RDT_EQ(vm->vcpu[0]->run->exit_reason, KVM_EXIT_HLT);
}

/* The tables change while a thread is inside, which is then sent out and comes back. */
static bool attack_change_inside(void)
{
	pthread_t t = start_looping();

	*pte(DATA) = epc(DATA2) | 7;
	for (int i = 0; i < 20; i++) {
		usleep(2000 * rdt_time_scale());
		pthread_kill(t, SIGUSR1);
	}
	usleep(50000 * rdt_time_scale());
	end_looping(t);
	return *(volatile uint64_t *)data(UNTRUSTED) == word(ANOTHER);
}

/* --- threads --- */

static void *lets_go(void *arg)
{
	(void)arg;
	usleep(100000 * rdt_time_scale());
	*(volatile uint64_t *)data(FLAG) = 1;
	return NULL;
}

/* A second CPU enters by a TCS whose thread is inside. */
static bool attack_busy_thread(void)
{
	pthread_t t = start_looping(), later;
	struct rdt_vcpu *second = further_cpu(1, &outside);
	bool entered;

	pthread_create(&later, NULL, lets_go, NULL);
	regs.rip = CODE_GPA;
	run_on(second, 3);
	entered = trap.vector == VEC_BP;
	if (!entered)
		expect(VEC_GP);
	pthread_join(later, NULL);
	end_looping(t);
	return entered;
}

/* What an asynchronous exit leaves in the registers. */
static bool attack_registers(void)
{
	/* mov rdx, 0x5ec7e7; movq xmm5, rdx; ud2 */
	static const char code[] = "\x48\xc7\xc2\xe7\xc7\x5e\x00\x66\x48\x0f\x6e\xea\x0f\x0b" LEAVE;
	struct kvm_fpu fpu;
	uint64_t low;

	enclave(code, sizeof(code));
	enclu(RD_EENTER);
	expect(VEC_UD);
	RDT_OK(ioctl(vm->vcpu[0]->fd, KVM_GET_FPU, &fpu));
	memcpy(&low, fpu.xmm[5], 8);
	return regs.rdx == 0x5ec7e7 && low == 0x5ec7e7;
}

/* --- evicted pages --- */

static void evict(unsigned int blob, unsigned int pcmd, unsigned int slot)
{
	RDT_EQ(encls(RD_EBLOCK, 0, epc(DATA), 0), 0);
	RDT_EQ(encls(RD_ETRACK, 0, epc(SECS), 0), 0);
	*(struct rd_pageinfo *)data(PAGEINFO) =
		(struct rd_pageinfo){ 0, data_la(blob), data_la(pcmd), 0 };
	RDT_EQ(encls(RD_EWB, data_la(PAGEINFO), epc(DATA), epc(VA) + 8 * slot), 0);
}

/* RAX of ELDU; anything but 0 when it faulted. */
static uint64_t load(unsigned int blob, unsigned int pcmd, unsigned int slot, unsigned int to)
{
	*(struct rd_pageinfo *)data(PAGEINFO) =
		(struct rd_pageinfo){ in_enclave(DATA), data_la(blob), data_la(pcmd), epc(SECS) };
	memcpy(rdt_gpa(vm, CODE_GPA), "\x0f\x01\xcf\xcc", 4);
	regs = (struct kvm_regs){ .rax = RD_ELDU,
				  .rbx = data_la(PAGEINFO),
				  .rcx = epc(to),
				  .rdx = epc(VA) + 8 * slot,
				  .rip = CODE_GPA };
	regs.rsp = STACK_GPA - 0x800;
	run(0);
	return trap.vector == VEC_BP ? regs.rax : ~0ULL;
}

static void with_version_array(void)
{
	enclave(reader, sizeof(reader));
	RDT_EQ(encls(RD_EPA, RD_PT_VA, epc(VA), 0), RD_EPA);
}

/* One evicted page is loaded twice, so that the enclave has it twice. */
static bool attack_replay(void)
{
	with_version_array();
	evict(BLOB, PCMD, 0);
	RDT_EQ(load(BLOB, PCMD, 0, DATA), 0);
	return load(BLOB, PCMD, 0, FREE_PAGE) == 0;
}

/* What the page held before the enclave changed it. */
static bool attack_rollback(void)
{
	with_version_array();
	evict(OLD_BLOB, OLD_PCMD, 0);
	RDT_EQ(load(OLD_BLOB, OLD_PCMD, 0, DATA), 0);
	encls(RD_EDBGWR, 77, epc(DATA), 0);
	RDT_EQ(peek(DATA, 0), 77);
	evict(BLOB, PCMD, 1);
	return load(OLD_BLOB, OLD_PCMD, 0, DATA) == 0 && finds_text(DATA, SECRET);
}

static bool attack_tamper(void)
{
	with_version_array();
	evict(BLOB, PCMD, 0);
	((uint8_t *)data(BLOB))[0] ^= 1;
	return load(BLOB, PCMD, 0, DATA) == 0 && peek(DATA, 0) != word(SECRET);
}

/* --- memory of the VMM and of the guest --- */

#define HALF1 0x13579bdf02468aceULL
#define HALF2 0xfdb97531eca86420ULL
static const uint64_t keys[2] = { 0x1122334455667788ULL, 0x99aabbccddeeff00ULL };

/* Is the canary here? It is compared in two steps, so that it is in no register of this program. */
static bool has_canary(const uint8_t *from, const uint8_t *to)
{
	uint64_t w[2];

	for (; from + 16 <= to; from++) {
		memcpy(w, from, sizeof(w));
		if ((w[0] ^ HALF1) == keys[0] && (w[1] ^ HALF2) == keys[1])
			return true;
	}
	return false;
}

static bool process_has_canary(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	char line[512], mode[8];
	bool found = false;

	RDT_CHECK(maps != NULL);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || mode[0] != 'r' ||
		    strstr(line, "[v"))
			continue;
		found |= has_canary((const uint8_t *)from, (const uint8_t *)to);
	}
	fclose(maps);
	return found;
}

/*
 * The enclave makes 16 bytes that are nowhere else, has them in its memory and in registers, and is
 * interrupted.
 */
static void make_canary(void)
{
	static const char code[] =
		"\x48\xba\xce\x8a\x46\x02\xdf\x9b\x57\x13" /* mov rdx, HALF1 */
		"\x48\x31\xfa"                             /* xor rdx, rdi */
		"\x48\xbb\x20\x64\xa8\xec\x31\x75\xb9\xfd" /* mov rbx, HALF2 */
		"\x48\x31\xf3"                             /* xor rbx, rsi */
		"\x49\x89\x10"                             /* mov [r8], rdx */
		"\x49\x89\x58\x08"                         /* mov [r8 + 8], rbx */
		"\x66\x41\x0f\x10\x20"                     /* movupd xmm4, [r8] */
		"\x0f\x0b";                                /* ud2 */

	enclave(code, sizeof(code));
	regs.rdi = keys[0];
	regs.rsi = keys[1];
	regs.r8 = in_enclave(DATA);
}

static bool attack_search(void)
{
	make_canary();
	*pte(DATA) = data_la(RAM) | 7;
	enclu(RD_EENTER);
	return process_has_canary();
}

/* The same with the enclave's own page: it is there, and nowhere else. */
static void canary_stays(void)
{
	struct kvm_regs r;
	struct kvm_fpu fpu;

	make_canary();
	enclu(RD_EENTER);
	expect(VEC_UD);
	RDT_EQ(peek(DATA, 0) ^ HALF1, keys[0]);
	rdt_vm_free(vm);
	make_canary();
	enclu(RD_EENTER);
	expect(VEC_UD);
	RDT_OK(ioctl(vm->vcpu[0]->fd, KVM_GET_REGS, &r));
	RDT_OK(ioctl(vm->vcpu[0]->fd, KVM_GET_FPU, &fpu));
	RDT_CHECK(!process_has_canary());
	/* It would be found. */
	((uint64_t *)data(RAM))[0] = HALF1 ^ keys[0];
	((uint64_t *)data(RAM))[1] = HALF2 ^ keys[1];
	RDT_CHECK(process_has_canary());
	rdt_vm_free(vm);
}

/* --- what has no check to go without --- */

/* ERESUME where no asynchronous exit was; by a page that is no TCS; EDBGRD of a page of nobody. */
static void nothing_to_resume(void)
{
	enclave(reader, sizeof(reader));
	enclu(RD_ERESUME);
	expect(VEC_GP);
	ready(RD_EENTER);
	regs.rbx = in_enclave(DATA);
	run(3);
	expect(VEC_PF);
	RDT_EQ(trap.error & 0x8001, 0x8001);
	rdt_vm_free(vm);
}

/* The VMM puts memory of its own over the EPC. */
static void slot_over_epc(void)
{
	struct kvm_userspace_memory_region r = { .slot = 7,
						 .guest_phys_addr = epc(DATA),
						 .memory_size = PAGE };

	enclave(reader, sizeof(reader));
	r.userspace_addr = (uintptr_t)data(RAM);
	RDT_ERRNO(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r), EEXIST);
	RDT_CHECK(finds_text(DATA, SECRET));
	rdt_vm_free(vm);
}

/* --- the drills --- */

static bool succeeds(bool (*attack)(void), unsigned int holes)
{
	bool ret;

	if (rdt_option("holes")) {
		FILE *f = fopen(HOLES, "w");

		if (!f)
			rdt_fail("this module has no holes: tests/rig/module --open-enclaves");
		fprintf(f, "%u\n", holes);
		RDT_CHECK(!fclose(f));
	}
	ret = attack();
	rdt_vm_free(vm);
	return ret;
}

static void drill(bool (*attack)(void), unsigned int hole)
{
	/* A thread that was sent out just then is not busy, and another may come in. */
	int chances = attack == attack_busy_thread ? 4 : 1;

	while (succeeds(attack, 0))
		if (!--chances)
			rdt_fail("the attack succeeds");
	if (!rdt_option("holes"))
		return;
	/* Two threads by one TCS spoil each other's frames, too, when they are interrupted. */
	for (int i = 0; i < 10; i++)
		if (succeeds(attack, 1U << hole))
			return;
	rdt_fail("the attack fails without the check, too");
}

#define DRILLS(X)                                                                                  \
	X(read, ABORT)                                                                             \
	X(write, ABORT)                                                                            \
	X(alias, ADDRESS)                                                                          \
	X(swap, ADDRESS)                                                                           \
	X(other_enclave, OWNER)                                                                    \
	X(ordinary_memory, RANGE)                                                                  \
	X(change_inside, ADDRESS)                                                                  \
	X(busy_thread, BUSY)                                                                       \
	X(registers, REGISTERS)                                                                    \
	X(replay, VERSION)                                                                         \
	X(rollback, VERSION)                                                                       \
	X(tamper, MAC)                                                                             \
	X(search, RANGE)
#define DRILL(name, hole)                                                                          \
	static void name##_drill(void)                                                             \
	{                                                                                          \
		drill(attack_##name, hole);                                                        \
	}
DRILLS(DRILL)

#define ENTRY(name, hole) { #name, name##_drill, 60 },
static const struct rdt_test tests[] = {
	DRILLS(ENTRY){ "canary_stays", canary_stays, 60 },
	{ "nothing_to_resume", nothing_to_resume },
	{ "slot_over_epc", slot_over_epc },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
