// SPDX-License-Identifier: GPL-2.0-only
/*
 * A host that does not keep to the kit's rules: enters the example's enclave by hand, with what the
 * loader would never hand over, and looks at what the enclave leaves in registers.
 *
 * usage: hostile ENCLAVE SIGNATURE, in a guest with SGX; TAP, exit status 1 if something was wrong.
 */
#include "tools/enclave-kit/example/vault.h"
#include "tools/enclave-kit/outside/loader_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define EENTER 2
#define ERESUME 3
#define STORM 4000u
#define FLAG_DF 0x400u
#define FLAG_AC 0x40000u

struct hostile_regs {
	uint64_t rdi, rsi, rdx, r8, r9, r10_15[6], rflags, xmm0[2], xmm15[2];
};

void hostile_enter(struct hostile_regs *r, struct sgx_enclave_run *run, const void *vdso);

static struct rd_encl *vault;
static uint8_t area[RD_KIT_ARGS_MAX] __attribute__((aligned(16)));
static int failures;

static void tell(int good, const char *what)
{
	failures += !good;
	printf("%s - hostile: %s\n", good ? "ok" : "not ok", what);
	fflush(stdout);
}

static struct hostile_regs enter(unsigned int thread, uint64_t what, const void *args, size_t size)
{
	struct sgx_enclave_run run = { .tcs = vault->threads[thread].tcs };
	struct hostile_regs r = {
		.rdi = what,
		.rsi = (uintptr_t)args,
		.rdx = size,
		.r8 = (uintptr_t)area,
		.r9 = sizeof(area),
	};

	hostile_enter(&r, &run, vault->enter);
	return r;
}

static int refused(const struct hostile_regs *r, uint64_t reason)
{
	return r->rdi == RD_KIT_OUT_REFUSED && r->rsi == reason;
}

/* Nothing but what the kit's rules say is left. */
static int clean(const struct hostile_regs *r)
{
	uint64_t any = r->r8 | r->r9 | r->xmm0[0] | r->xmm0[1] | r->xmm15[0] | r->xmm15[1];

	for (unsigned int n = 0; n < 6; n++)
		any |= r->r10_15[n];
	return !any && !(r->rflags & (FLAG_DF | FLAG_AC));
}

static void registers(void)
{
	struct vault_cpu_state s;
	struct vault_digest d = { .data = (uintptr_t)area, .len = sizeof(area) };
	struct hostile_regs r = enter(0, VAULT_CPU_STATE, &s, sizeof(s));

	tell(r.rdi == RD_KIT_OUT_RETURN && !(s.rflags & (FLAG_DF | FLAG_AC)) && s.mxcsr == 0x1f80 &&
		     !s.xmm15[0] && !s.xmm15[1],
	     "DF, AC and XMM registers do not come in");
	tell(clean(&r), "no register tells anything after a call");
	r = enter(0, VAULT_MAC, &d, sizeof(d));
	tell(r.rdi == RD_KIT_OUT_RETURN && clean(&r) && !r.rdx, "nor after one that used a key");
	r = enter(0, VAULT_COUNT, NULL, 1);
	tell(refused(&r, RD_KIT_BAD_SIZE) && clean(&r), "nor after a refusal");
}

static void calls(void)
{
	struct vault_count c = { .add = 1 };
	struct hostile_regs r = enter(0, RD_KIT_IN_BACK, NULL, 0);

	tell(refused(&r, RD_KIT_NOT_IN_OCALL) && !(r.rflags & FLAG_DF) && !r.r10_15[0] &&
		     !r.r10_15[5],
	     "the end of an OCALL that there was not");
	r = enter(0, RD_KIT_IN_BACK - 1, &c, sizeof(c));
	tell(refused(&r, RD_KIT_NO_SUCH_CALL), "a call number far beyond the table");
	r = enter(0, VAULT_CRASH + 1, &c, sizeof(c));
	tell(refused(&r, RD_KIT_NO_SUCH_CALL), "a call number right behind the table");
	r = enter(0, VAULT_COUNT, (void *)(vault->base - 8), sizeof(c));
	tell(refused(&r, RD_KIT_BAD_ADDRESS), "an argument that reaches into the enclave");
	r = enter(0, VAULT_COUNT, (void *)0xffff800000000000, sizeof(c));
	tell(refused(&r, RD_KIT_BAD_ADDRESS), "an argument at an address of the kernel's");
}

static void ocalls(void)
{
	struct vault_ask a = { .question = 1 };
	struct vault_count c = { .add = 1 };
	struct hostile_regs r = enter(0, VAULT_ASK, &a, sizeof(a));

	tell(r.rdi == RD_KIT_OUT_OCALL && r.rsi == VAULT_OCALL_ANSWER && r.rdx == 16 && clean(&r),
	     "an OCALL leaves nothing but its number and size");
	r = enter(0, VAULT_COUNT, &c, sizeof(c));
	tell(refused(&r, RD_KIT_IN_OCALL), "a call of a thread that waits for an answer");
	r = enter(1, RD_KIT_IN_BACK, NULL, 0);
	tell(refused(&r, RD_KIT_NOT_IN_OCALL), "an answer to another thread");
	((uint64_t *)area)[1] = 4711;
	r = enter(0, RD_KIT_IN_BACK, (void *)5, 0);
	tell(r.rdi == RD_KIT_OUT_OCALL && r.rsi == VAULT_OCALL_MISSING, "the answer, at last");
	r = enter(0, RD_KIT_IN_BACK, (void *)6, 0);
	tell(r.rdi == RD_KIT_OUT_RETURN && a.answer == 4711 && a.result == 5 &&
		     a.result_of_missing == 6,
	     "and the thread is where it was");
}

static void area_inside(void)
{
	struct sgx_enclave_run run = { .tcs = vault->threads[0].tcs };
	struct vault_ask a = { .question = 1 };
	struct hostile_regs r = {
		.rdi = VAULT_ASK,
		.rsi = (uintptr_t)&a,
		.rdx = sizeof(a),
		.r8 = vault->base + 0x3000,
		.r9 = sizeof(area),
	};

	hostile_enter(&r, &run, vault->enter);
	tell(r.rdi == RD_KIT_OUT_RETURN && a.result == -1 && a.result_of_missing == -1,
	     "an exchange area in the enclave is not written to");
}

/* --- exceptions that are told of twice, and of which there was none --- */

static unsigned int told;

static int tell_twice(long rdi, long rsi, long rdx, long rsp, long r8, long r9,
		      struct sgx_enclave_run *run)
{
	struct hostile_regs *r = (struct hostile_regs *)(uintptr_t)run->user_data;

	(void)rdx, (void)rsp, (void)r8, (void)r9;
	if (run->function == ERESUME)
		return EENTER;
	if (rdi == RD_KIT_OUT_RESUME)
		return ++told < 3 ? EENTER : ERESUME;
	r->rdi = (uint64_t)rdi;
	r->rsi = (uint64_t)rsi;
	return 0;
}

static void exceptions(void)
{
	struct vault_cpuid c = { .leaf = 9 };
	struct hostile_regs out = { 0 };
	struct sgx_enclave_run run = {
		.tcs = vault->threads[0].tcs,
		.user_handler = (uintptr_t)tell_twice,
		.user_data = (uintptr_t)&out,
	};
	struct rd_encl_regs regs = {
		.rdi = VAULT_CPUID,
		.rsi = (uintptr_t)&c,
		.rdx = sizeof(c),
	};

	rd_encl_enter(&regs, &run, vault->enter);
	tell(out.rdi == RD_KIT_OUT_RETURN && told == 3 && c.eax == (9 ^ 0x56415541) &&
		     c.r15 == 0x1122334455667788,
	     "an exception that is told of three times is dealt with once");
}

/* --- anything at all --- */

/* Where an argument may be said to lie: good places, and places that must be refused. */
static uint64_t some_place(uint8_t *good)
{
	uint64_t bad[] = { vault->base,		 vault->base - 8, vault->base + vault->size - 8,
			   vault->base + 0x3000, UINT64_MAX - 8,  1ULL << 47 };

	return rand() % 3 ? (uintptr_t)good : bad[(size_t)rand() % 6];
}

static size_t size_of(unsigned int number)
{
	static const size_t sizes[] = {
		[VAULT_COUNT] = sizeof(struct vault_count),
		[VAULT_HASH] = sizeof(struct vault_digest),
		[VAULT_MAC] = sizeof(struct vault_digest),
		[VAULT_REPORT] = sizeof(struct vault_report),
		[VAULT_KEY] = sizeof(struct vault_key),
		[VAULT_PROBE] = sizeof(struct vault_probe),
		[VAULT_ASK] = sizeof(struct vault_ask),
		[VAULT_HEAP] = sizeof(struct vault_heap),
		[VAULT_CPU_STATE] = sizeof(struct vault_cpu_state),
	};

	return number < sizeof(sizes) / sizeof(sizes[0]) ? sizes[number] : 8;
}

/* Random contents, but for what would be the host's own loss: endless work, or its own bad memory.
 */
static void some_contents(unsigned int number, uint8_t *args, uint8_t *good)
{
	uint64_t *words = (uint64_t *)args;

	for (size_t n = 0; n < RD_KIT_ARGS_MAX; n++)
		args[n] = (uint8_t)rand();
	if (number == VAULT_HASH || number == VAULT_MAC || number == VAULT_PROBE) {
		words[0] = some_place(good);
		words[1] = rand() % 4 ? (uint64_t)rand() % 1024 : UINT64_MAX - (uint64_t)rand();
	}
	if (number == VAULT_HEAP)
		words[0] %= 16;
}

static int expected(const struct hostile_regs *r)
{
	return r->rdi == RD_KIT_OUT_RETURN || r->rdi == RD_KIT_OUT_OCALL ||
	       (r->rdi == RD_KIT_OUT_REFUSED && r->rsi >= RD_KIT_NO_SUCH_CALL &&
		r->rsi <= RD_KIT_NOT_IN_OCALL);
}

static void storm(void)
{
	static uint8_t args[RD_KIT_ARGS_MAX] __attribute__((aligned(16))), good[1024];
	unsigned int good_ends = 0, returned = 0, refusals = 0, asked = 0;
	struct vault_count before = { .add = 0 }, after = before;

	/* Right before the enclave there is memory of ours, or the enclave would be right to die.
	 */
	mmap((void *)(vault->base - 4096), 4096, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	enter(0, VAULT_COUNT, &before, sizeof(before));
	for (unsigned int n = 0; n < STORM; n++) {
		struct sgx_enclave_run run = { .tcs = vault->threads[(size_t)rand() % 3].tcs };
		unsigned int number = (unsigned int)rand() % (VAULT_CRASH + 2);
		struct hostile_regs r = { .r8 = some_place(area), .r9 = (uint64_t)rand() % 2048 };

		if (number == VAULT_CRASH || number == VAULT_CPUID || number == VAULT_COUNT)
			number = VAULT_ASK;
		some_contents(number, args, good);
		r.rdi = rand() % 4 ? number : RD_KIT_IN_BACK;
		r.rsi = some_place(args);
		r.rdx = rand() % 8 ? size_of(number) : (uint64_t)rand();
		hostile_enter(&r, &run, vault->enter);
		good_ends += expected(&r);
		returned += r.rdi == RD_KIT_OUT_RETURN;
		refusals += r.rdi == RD_KIT_OUT_REFUSED;
		asked += r.rdi == RD_KIT_OUT_OCALL;
	}
	printf("# %u entries: %u returned, %u asked, %u refused\n", STORM, returned, asked,
	       refusals);
	tell(good_ends == STORM && returned && asked && refusals,
	     "anything at all: each entry ends as the rules have it");
	for (unsigned int n = 0; n < 3; n++)
		for (unsigned int k = 0; k < 2; k++)
			enter(n, RD_KIT_IN_BACK, NULL, 0);
	enter(0, VAULT_COUNT, &after, sizeof(after));
	tell(after.total == before.total && before.total, "and the enclave has lost nothing");
}

static void death(void)
{
	struct vault_count c = { .add = 1, .total = 77 };
	struct vault_ask a = { .question = 1 };
	struct hostile_regs r = enter(2, VAULT_ASK, &a, sizeof(a));

	tell(r.rdi == RD_KIT_OUT_OCALL, "a thread that waits for an answer");
	enter(0, VAULT_CRASH, &c, sizeof(c));
	r = enter(0, VAULT_COUNT, &c, sizeof(c));
	tell(r.rdi == RD_KIT_OUT_DEAD && r.rsi == 6 && clean(&r),
	     "a thread with an exception that no one deals with is dead");
	r = enter(1, VAULT_COUNT, &c, sizeof(c));
	tell(r.rdi == RD_KIT_OUT_DEAD && r.rsi == 6 && c.total == 77, "and so are the others");
	a.result = 5;
	enter(2, RD_KIT_IN_BACK, NULL, 0);
	r = enter(2, RD_KIT_IN_BACK, NULL, 0);
	tell(r.rdi == RD_KIT_OUT_DEAD && a.result == 5, "even one that gets its answer");
}

int main(int argc, char **argv)
{
	char error[RD_ENCL_ERROR_BYTES];

	vault = argc == 3 ? rd_encl_load(argv[1], argv[2], NULL, error) : NULL;
	tell(vault != NULL, "the enclave is loaded and started");
	if (!vault)
		return 1;
	enter(0, VAULT_COUNT, &(struct vault_count){ .add = 4 }, sizeof(struct vault_count));
	registers();
	calls();
	ocalls();
	area_inside();
	exceptions();
	storm();
	death();
	rd_encl_unload(vault);
	return failures ? 1 : 0;
}
