// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host of the example, and the test of the kit: calls the vault in every way that it has, and
 * in some that it must refuse. TAP on standard output; exit status 1 if something was wrong.
 *
 * usage: vault_host ENCLAVE SIGNATURE
 */
#include "tools/enclave-kit/example/vault.h"

#include "tools/enclave-kit/inside/sha256.h"
#include "tools/enclave-kit/outside/enclave_loader.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define ROUNDS 2000u
#define CPUID_ANSWER 0x56415541u

static struct rd_encl *vault;
static char error[RD_ENCL_ERROR_BYTES]; /* of the calls since the last result */
static int failures;

static void tell(bool good, const char *what)
{
	failures += !good;
	printf("%s - %s\n", good ? "ok" : "not ok", what);
	if (error[0])
		printf("# %s\n", error);
	error[0] = '\0';
	fflush(stdout);
}

/* Result of a call that has to come through; INT64_MIN if it does not. */
static int64_t call(unsigned int number, void *args, size_t size)
{
	int64_t result = INT64_MIN;

	return rd_encl_call(vault, number, args, size, &result, error) ? INT64_MIN : result;
}

#define CALL(number, args) call(number, &(args), sizeof(args))

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- calls --- */

static void counts(void)
{
	struct vault_count c = { .add = 5 };
	uint64_t start;

	tell(CALL(VAULT_COUNT, c) == 0 && c.total == 5, "a call changes its argument");
	start = now_ns();
	c.add = 1;
	for (unsigned int n = 0; n < ROUNDS; n++)
		CALL(VAULT_COUNT, c);
	printf("# a call takes %lu ns\n", (unsigned long)((now_ns() - start) / ROUNDS));
	tell(c.total == 5 + ROUNDS, "the enclave keeps what it knows between calls");
}

static void *count_many(void *unused)
{
	struct vault_count c = { .add = 1 };

	(void)unused;
	for (unsigned int n = 0; n < ROUNDS; n++)
		rd_encl_call(vault, VAULT_COUNT, &c, sizeof(c), NULL, NULL);
	return NULL;
}

static void counts_together(void)
{
	struct vault_count c = { 0 };
	uint64_t before;
	pthread_t t[3];

	CALL(VAULT_COUNT, c);
	before = c.total;
	for (unsigned int n = 0; n < 3; n++)
		if (pthread_create(&t[n], NULL, count_many, NULL))
			abort();
	for (unsigned int n = 0; n < 3; n++)
		pthread_join(t[n], NULL);
	CALL(VAULT_COUNT, c);
	tell(c.total == before + 3 * ROUNDS, "three threads at once lose no count");
}

static void digests(void)
{
	static uint8_t data[100000];
	struct vault_digest d = { .data = (uintptr_t)data, .len = sizeof(data) }, other;
	struct rd_sha256 s;
	uint8_t expected[32];

	for (size_t n = 0; n < sizeof(data); n++)
		data[n] = (uint8_t)(n * 7 + (n >> 8));
	rd_sha256_init(&s);
	rd_sha256_add(&s, data, sizeof(data));
	rd_sha256_end(&s, expected);
	tell(!CALL(VAULT_HASH, d) && !memcmp(d.digest, expected, 32),
	     "a hash of this program's memory is the right one");
	other = d;
	CALL(VAULT_MAC, d);
	CALL(VAULT_MAC, other);
	tell(memcmp(d.digest, expected, 32) && !memcmp(d.digest, other.digest, 32),
	     "two codes of the same are equal");
	data[500]++;
	CALL(VAULT_MAC, other);
	tell(memcmp(d.digest, other.digest, 32), "codes of others differ");
}

static void refusals(void)
{
	uint64_t base = rd_encl_base(vault), size = rd_encl_size(vault);
	struct vault_digest d = { .data = base, .len = 16 };
	struct vault_count c = { .add = 1 };

	tell(CALL(VAULT_HASH, d) == -1, "memory of the enclave is not taken for this program's");
	d.data = base - 8;
	tell(CALL(VAULT_HASH, d) == -1, "nor what begins before it");
	d.data = base + size - 1;
	tell(CALL(VAULT_HASH, d) == -1, "nor its last byte");
	d.data = UINT64_MAX - 7;
	tell(CALL(VAULT_HASH, d) == -1, "nor what wraps around");
	tell(rd_encl_call(vault, VAULT_COUNT, (void *)(base + 0x5000), sizeof(c), NULL, error) ==
		     -EINVAL,
	     "an argument inside is refused");
	tell(rd_encl_call(vault, VAULT_COUNT, &c, sizeof(c) - 1, NULL, error) == -EINVAL,
	     "an argument of another size is refused");
	tell(rd_encl_call(vault, 99, &c, sizeof(c), NULL, error) == -EINVAL,
	     "a call that is not there is refused");
}

/* --- the host's side of the enclave's own calls --- */

static int64_t answer(void *ctx, void *args, size_t size)
{
	struct vault_count c = { .add = 0 };
	uint64_t *words = args;

	if (size != 16 || rd_encl_call(vault, VAULT_COUNT, &c, sizeof(c), NULL, error))
		return -1;
	words[1] = words[0] + 1;
	++*(int *)ctx;
	return 77;
}

static void ocalls(const int *answered)
{
	struct vault_ask a = { .question = 41 };

	tell(CALL(VAULT_ASK, a) == 0 && a.answer == 42 && a.result == 77 && *answered == 1,
	     "the enclave calls this program, which calls the enclave");
	tell(a.result_of_missing == -ENOSYS, "what this program does not have is told");
}

/* --- exceptions --- */

static void exceptions(void)
{
	struct vault_cpuid c = { .leaf = 7 };
	struct vault_probe p = { 0 };
	uint8_t *page =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t start;

	tell(!CALL(VAULT_CPUID, c) && c.eax == (7 ^ CPUID_ANSWER) && c.r15 == 0x1122334455667788,
	     "CPUID inside is the handler's");
	start = now_ns();
	for (unsigned int n = 0; n < ROUNDS; n++)
		CALL(VAULT_CPUID, c);
	printf("# a call with an exception takes %lu ns\n",
	       (unsigned long)((now_ns() - start) / ROUNDS));
	page[12] = 0x5a;
	p.address = (uintptr_t)page + 12;
	tell(!CALL(VAULT_PROBE, p) && !p.faulted && p.value == 0x5a, "the enclave reads outside");
	munmap(page, 4096);
	tell(!CALL(VAULT_PROBE, p) && p.faulted && p.fault >> 12 == (uintptr_t)page >> 12,
	     "and survives that there is nothing");
}

/* --- what the enclave has --- */

static void evidence(void)
{
	struct vault_report r = { .data = "of this run" }, other = r;
	struct vault_key k = { .policy = 1 }, k2 = k, k3 = { .policy = 1, .id = { 1 } };
	struct rd_kit_report body;
	static const uint8_t nothing[32];

	tell(!CALL(VAULT_REPORT, r), "the enclave reports");
	memcpy(&body, r.report, sizeof(r.report));
	tell(!memcmp(body.reportdata, "of this run", 12) && memcmp(body.mrenclave, nothing, 32) &&
		     memcmp(body.mac, nothing, 16),
	     "with the data of the call, a measurement and a MAC");
	printf("# MRENCLAVE ");
	for (unsigned int n = 0; n < 32; n++)
		printf("%02x", body.mrenclave[n]);
	printf("\n");
	CALL(VAULT_REPORT, other);
	tell(!memcmp(r.report, other.report, sizeof(r.report)), "twice the same");
	tell(!CALL(VAULT_KEY, k) && !CALL(VAULT_KEY, k2) && !memcmp(k.hash, k2.hash, 32) &&
		     memcmp(k.hash, nothing, 32),
	     "a sealing key is the same each time");
	tell(!CALL(VAULT_KEY, k3) && memcmp(k.hash, k3.hash, 32), "and another with another ID");
}

static void heap(void)
{
	struct vault_heap h = { .rounds = 5000 };

	tell(!CALL(VAULT_HEAP, h) && h.wrong == 0, "the heap gives what it has, once");
}

static void cpu_state(void)
{
	struct vault_cpu_state s;
	uint32_t bad = 0x7f80, mxcsr; /* rounds toward zero */
	uint16_t control = 0x0f7f, back; /* the same */
	uint64_t dirt = 0x4141414141414141;

	asm volatile("ldmxcsr %0; fldcw %1" : : "m"(bad), "m"(control));
	asm volatile("movq %0, %%xmm15" : : "r"(dirt) : "xmm15");
	CALL(VAULT_CPU_STATE, s);
	asm volatile("stmxcsr %0; fnstcw %1" : "=m"(mxcsr), "=m"(back));
	asm volatile("ldmxcsr %0; fninit" : : "m"((uint32_t){ 0x1f80 }));
	tell(s.mxcsr == 0x1f80 && s.x87_control == 0x37f && !(s.rflags & 0x40400) && !s.xmm15[0] &&
		     !s.xmm15[1],
	     "the enclave starts with a clean CPU");
	tell(mxcsr == bad && back == control, "this program has its own back");
}

static void death(void)
{
	struct vault_count c = { .add = 1 };

	tell(rd_encl_call(vault, VAULT_CRASH, &c, sizeof(c), NULL, error) == -EFAULT,
	     "an exception that no one deals with is the end");
	tell(rd_encl_call(vault, VAULT_COUNT, &c, sizeof(c), NULL, error) == -EFAULT,
	     "of all threads");
}

static void altered(const char *elf, const char *sig)
{
	char path[] = "/tmp/vault_sig_XXXXXX";
	uint8_t bytes[1808];
	int fd = mkstemp(path);
	FILE *f = fopen(sig, "rb");
	bool ok = fd >= 0 && f && fread(bytes, sizeof(bytes), 1, f) == 1;

	bytes[960] ^= 1; /* of the measurement */
	ok = ok && (f = freopen(path, "wb", f)) && fwrite(bytes, sizeof(bytes), 1, f) == 1;
	if (f)
		fclose(f);
	tell(ok && !rd_encl_load(elf, path, NULL, error),
	     "a signature that was altered starts nothing");
	remove(path);
}

int main(int argc, char **argv)
{
	static rd_encl_ocall_fn *const ocalls_here[] = { [VAULT_OCALL_ANSWER] = answer };
	int answered = 0;
	struct rd_encl_options options = { .ocalls = ocalls_here, .n_ocalls = 1, .ctx = &answered };

	if (argc != 3) {
		fprintf(stderr, "usage: vault_host ENCLAVE SIGNATURE\n");
		return 2;
	}
	vault = rd_encl_load(argv[1], argv[2], &options, error);
	tell(vault != NULL, "the enclave is loaded and started");
	if (!vault)
		return 1;
	counts();
	counts_together();
	digests();
	refusals();
	ocalls(&answered);
	exceptions();
	evidence();
	heap();
	cpu_state();
	death();
	rd_encl_unload(vault);
	altered(argv[1], argv[2]);
	printf("# %d failures\n", failures);
	return failures ? 1 : 0;
}
