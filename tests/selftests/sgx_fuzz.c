// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random leaves of ENCLS and ENCLU on two CPUs of one EPC, from ring 0 and ring 3: random registers
 * and structures, most of them half right, on pages that an enclave and earlier leaves have left in
 * all states.  Whatever comes of it, each run ends as a guest's may end, the module keeps nothing,
 * and the host's memory comes back.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include "tests/selftests/sgx/machine.h"

enum { CPUS = 2, CALLS = 400, WARM_UP = 5, SLOT = 512, PAGES = 24 };
enum { BLOB = UNTRUSTED + 1, PCMD, SCRATCH, NR_DATA };
/* Less than the pages of one carried-out leaf in two. */
#define LEAKED_KIB 16384

static const char code[] = LEAVE;
static bool over; /* of the round: a guest that is beyond repair */
static uint64_t calls, kinds[NR_VECTORS], stopped, shut_down;

struct cpu {
	unsigned int nr;
	uint64_t rng;
	pthread_t thread;
	struct rdt_vcpu *vcpu;
};

static uint64_t rnd(struct cpu *c)
{
	uint64_t x = c->rng;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return c->rng = x;
}

static uint64_t below(struct cpu *c, uint64_t n)
{
	return rnd(c) % n;
}

/* --- what a leaf is given --- */

static uint64_t address(struct cpu *c)
{
	static const unsigned int steps[] = { 1, 8, 16, 64, 128, 256, 512 };
	uint64_t page;

	switch (below(c, 8)) {
	case 0:
	case 1:
		page = epc(below(c, PAGES));
		break;
	case 2:
		page = in_enclave(1 + below(c, 15));
		break;
	case 3:
	case 4:
	case 5:
		page = data_la(below(c, NR_DATA));
		break;
	case 6:
		return rnd(c) >> below(c, 64);
	default:
		return below(c, 8);
	}
	if (below(c, 4))
		return page;
	return page + below(c, PAGE) / steps[below(c, ARRAY_SIZE(steps))] *
			      steps[below(c, ARRAY_SIZE(steps))];
}

static uint64_t secinfo_flags(struct cpu *c)
{
	static const uint64_t good[] = { RD_SI_PT(RD_PT_SECS),     RD_SI_PT(RD_PT_TCS),
					 RD_SI_PT(RD_PT_REG) | RW, RD_SI_PT(RD_PT_REG) | RX,
					 RD_SI_PT(RD_PT_TRIM),     RD_SI_PT(RD_PT_VA),
					 RD_SI_R,                  RW };
	uint64_t flags = good[below(c, ARRAY_SIZE(good))];

	if (!below(c, 4))
		flags |= below(c, 64);
	return below(c, 8) ? flags : flags ^ 1ULL << below(c, 64);
}

static void flip(struct cpu *c, unsigned int page, unsigned int len)
{
	((uint8_t *)data(page))[below(c, len)] ^= 1 << below(c, 8);
}

static void structures(struct cpu *c)
{
	struct rd_pageinfo *p = data(PAGEINFO);
	struct rd_secs *s = data(SOURCE);

	switch (below(c, 8)) {
	case 0:
		*p = (struct rd_pageinfo){ address(c), address(c), address(c), address(c) };
		break;
	case 1: /* for EADD, EAUG, ECREATE */
		*p = (struct rd_pageinfo){ below(c, 3) ? in_enclave(1 + below(c, 15)) : 0,
					   below(c, 4) ? data_la(SOURCE) : 0, data_la(SECINFO),
					   below(c, 3) ? epc(SECS) : 0 };
		break;
	case 2: /* for EWB, ELDU */
		*p = (struct rd_pageinfo){ below(c, 2) ? in_enclave(1 + below(c, 15)) : 0,
					   data_la(BLOB), data_la(PCMD),
					   below(c, 2) ? epc(SECS) : 0 };
		break;
	case 3:
		*(struct rd_secinfo *)data(SECINFO) =
			(struct rd_secinfo){ .flags = secinfo_flags(c) };
		break;
	case 4:
		memset(s, 0, PAGE);
		*s = (struct rd_secs){ .size = SIZE,
				       .base = BASE,
				       .ssa_frame_size = 1 + below(c, 2),
				       .attributes = { ATTRIBUTES, RD_XFRM_X87_SSE } };
		if (!below(c, 2))
			flip(c, SOURCE, 128);
		break;
	case 5:
		flip(c, below(c, NR_DATA), PAGE);
		break;
	case 6:
		*pte(1 + below(c, 15)) = epc(below(c, PAGES)) | (below(c, 8) ? 7 : below(c, 8));
		break;
	default:
		break;
	}
}

static struct kvm_regs operands(struct cpu *c, bool user)
{
	struct kvm_regs r = { .rax = below(c, user ? 11 : 18),
			      .rbx = address(c),
			      .rcx = address(c),
			      .rdx = address(c),
			      .rdi = rnd(c),
			      .rip = CODE_GPA + c->nr * SLOT,
			      .rflags = 2 };

	if (user && below(c, 2)) { /* EENTER and ERESUME as they should be, or nearly so */
		r.rax = below(c, 2) ? RD_EENTER : RD_ERESUME;
		r.rbx = in_enclave(TCS);
		r.rcx = r.rip + 16;
	} else if (!user && below(c, 3)) { /* of pages that exist */
		r.rcx = epc(below(c, 8));
		r.rdx = epc(8 + below(c, 4)) + 8 * below(c, 4);
		r.rbx = below(c, 4) ? data_la(PAGEINFO) : epc(SECS);
	}
	if (!user && r.rax == RD_EPA)
		r.rbx = RD_PT_VA;
	r.rsp = user ? USER_STACK_GPA : STACK_GPA - 0x800;
	return r;
}

/* --- running --- */

static void one_call(struct cpu *c)
{
	bool user = below(c, 2);
	struct kvm_regs r = operands(c, user);
	uint8_t *at = rdt_gpa(vm, r.rip);
	uint64_t vector;

	structures(c);
	memcpy(at, user ? "\x0f\x01\xd7\xcc" : "\x0f\x01\xcf\xcc", 4);
	memcpy(at + 16, "\x0f\x01\xd7\xcc", 4);
	privilege(c->vcpu, user ? 3 : 0);
	rdt_set_regs(c->vcpu, &r);
	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
	if (ioctl(c->vcpu->fd, KVM_RUN, 0)) {
		if (errno != EINTR)
			rdt_fail("KVM_RUN: %s", strerror(errno));
		__atomic_fetch_add(&stopped, 1, __ATOMIC_RELAXED);
		return;
	}
	if (c->vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN) {
		/* What ran at CPL 3 could write to all memory but the EPC. */
		__atomic_fetch_add(&shut_down, 1, __ATOMIC_RELAXED);
		over = true;
		return;
	}
	rdt_get_regs(c->vcpu, &r);
	vector = (r.rip - STUBS_GPA) / STUB;
	if (c->vcpu->run->exit_reason != KVM_EXIT_HLT || vector >= NR_VECTORS)
		over = true; /* a HLT or a device of the guest's own making */
	else
		__atomic_fetch_add(&kinds[vector], 1, __ATOMIC_RELAXED);
	if (c->vcpu->run->exit_reason == KVM_EXIT_INTERNAL_ERROR ||
	    c->vcpu->run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		rdt_fail("exit %u at 0x%llx", c->vcpu->run->exit_reason,
			 (unsigned long long)r.rip);
}

static void *cpu_thread(void *arg)
{
	struct cpu *c = arg;

	for (unsigned int i = 0; i < CALLS && !over; i++)
		one_call(c);
	return NULL;
}

static void on_signal(int sig)
{
	(void)sig;
}

static void one_round(uint64_t seed)
{
	struct cpu cpu[CPUS] = {};
	struct kvm_sregs first;
	struct rd_vm_sgx_info info;

	over = false;
	enclave(code, sizeof(code));
	RDT_OK(ioctl(vm->vcpu[0]->fd, KVM_GET_SREGS, &first));
	for (unsigned int i = 0; i < CPUS; i++) {
		cpu[i] = (struct cpu){ .nr = i, .rng = (seed * CPUS + i + 1) * 0x9e3779b97f4a7c15 };
		cpu[i].vcpu = i ? further_cpu(i, &first) : vm->vcpu[0];
	}
	for (unsigned int i = 0; i < CPUS; i++)
		pthread_create(&cpu[i].thread, NULL, cpu_thread, &cpu[i]);
	/* Whoever computes for ever is stopped. */
	for (unsigned int i = 0; i < CPUS; i++) {
		struct timespec t;

		do {
			clock_gettime(CLOCK_REALTIME, &t);
			t.tv_nsec += 100000000;
			t.tv_sec += t.tv_nsec / 1000000000;
			t.tv_nsec %= 1000000000;
			for (unsigned int k = i; k < CPUS; k++)
				pthread_kill(cpu[k].thread, SIGUSR1);
		} while (pthread_timedjoin_np(cpu[i].thread, NULL, &t));
	}
	RDT_OK(ioctl(vm->fd, RD_VM_GET_SGX_INFO, &info));
	RDT_CHECK(info.used_pages <= EPC_SIZE / PAGE);
	rdt_vm_free(vm);
}

/*
 * What is free, and what this process has taken itself; without what the kernel keeps of files and
 * names, which other programs fill and empty.
 */
static uint64_t free_kib(void)
{
	FILE *f = fopen("/proc/sys/vm/drop_caches", "w");
	unsigned long long kib = 0, own = 0;
	char line[128];

	if (f) {
		fputs("3", f);
		fclose(f);
	}
	f = fopen("/proc/meminfo", "r");
	RDT_CHECK(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "MemFree: %llu", &kib) == 1)
			break;
	fclose(f);
	f = fopen("/proc/self/statm", "r");
	RDT_CHECK(f != NULL);
	RDT_EQ(fscanf(f, "%*u %llu", &own), 1);
	fclose(f);
	return kib + own * (PAGE / 1024);
}

static void random_leaves(void)
{
	const char *count = rdt_option("count"), *start = rdt_option("seed");
	uint64_t want = count ? strtoull(count, NULL, 0) : 100000;
	uint64_t seed = start ? strtoull(start, NULL, 0) : (uint64_t)time(NULL), before = 0, after;

	rdt_note("seed %llu", (unsigned long long)seed);
	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_signal }, NULL);
	for (unsigned int i = 0; calls < want; i++) {
		if (i == WARM_UP)
			before = free_kib();
		one_round(seed + i);
	}
	after = free_kib();
	rdt_note("%llu calls: %llu carried out, %llu #UD, %llu #GP, %llu #PF, %llu stopped, "
		 "%llu machines shut down; %lld KiB less than before",
		 (unsigned long long)calls, (unsigned long long)kinds[VEC_BP],
		 (unsigned long long)kinds[VEC_UD], (unsigned long long)kinds[VEC_GP],
		 (unsigned long long)kinds[VEC_PF], (unsigned long long)stopped,
		 (unsigned long long)shut_down, (long long)(before - after));
	RDT_CHECK(kinds[VEC_BP] > calls / 100 && kinds[VEC_GP] && kinds[VEC_PF]);
	RDT_CHECK(!before || before < after + LEAKED_KIB + rdt_quarantine_kb());
}

static const struct rdt_test tests[] = {
	{ "random_leaves", random_leaves, 400 },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
