// SPDX-License-Identifier: GPL-2.0-only
/*
 * The example of an enclave: a counter and a key that no one outside can read or set, and a call
 * for each thing that the kit offers. vault_host.c is its host.
 */
#include "tools/enclave-kit/example/vault.h"

#include "tools/enclave-kit/inside/enclave.h"
#include "tools/enclave-kit/inside/sha256.h"

RD_ENCLAVE(3, 5, 32);

static uint64_t counter;
static uint8_t key[32];
static bool key_there;

static int64_t count(struct vault_count *a)
{
	a->total = __atomic_add_fetch(&counter, a->add, __ATOMIC_SEQ_CST);
	return 0;
}

/* The host's memory, each byte read once. */
static bool feed(struct rd_sha256 *s, uint64_t from, uint64_t len)
{
	uint8_t part[256];

	/* All of it is looked at first: a hash of half of it helps no one. */
	if (!rd_outside(from, len))
		return false;
	while (len) {
		size_t n = len < sizeof(part) ? len : sizeof(part);

		if (!rd_copy_in(part, from, n))
			return false;
		rd_sha256_add(s, part, n);
		from += n;
		len -= n;
	}
	return true;
}

static int64_t hash(struct vault_digest *a)
{
	struct rd_sha256 s;

	rd_sha256_init(&s);
	if (!feed(&s, a->data, a->len))
		return -1;
	rd_sha256_end(&s, a->digest);
	return 0;
}

/* One thread draws the key, the others wait. */
static void make_key(void)
{
	static bool locked;

	while (__atomic_test_and_set(&locked, __ATOMIC_ACQUIRE))
		asm volatile("pause");
	if (!key_there)
		rd_random(key, sizeof(key));
	key_there = true;
	__atomic_clear(&locked, __ATOMIC_RELEASE);
}

static int64_t mac(struct vault_digest *a)
{
	struct rd_hmac h;

	make_key();
	rd_hmac_init(&h, key, sizeof(key));
	if (!feed(&h.inner, a->data, a->len)) {
		rd_wipe(&h, sizeof(h));
		return -1;
	}
	rd_hmac_end(&h, a->digest);
	return 0;
}

static void own_target(struct rd_kit_targetinfo *target)
{
	static const struct rd_kit_targetinfo nobody;
	static const uint8_t nothing[64];
	struct rd_kit_report report;

	rd_report(&nobody, nothing, &report);
	memset(target, 0, sizeof(*target));
	memcpy(target->mrenclave, report.mrenclave, sizeof(target->mrenclave));
	target->attributes = report.attributes;
	target->miscselect = report.miscselect;
}

static int64_t report(struct vault_report *a)
{
	static const uint8_t nothing[sizeof(a->target)];
	struct rd_kit_targetinfo target;
	struct rd_kit_report r;

	memcpy(&target, a->target, sizeof(target));
	if (!memcmp(a->target, nothing, sizeof(nothing)))
		own_target(&target);
	/* What the CPU checks would be an exception: reserved bytes of the host's making. */
	memset(target.reserved2, 0, sizeof(target.reserved2));
	memset(target.reserved3, 0, sizeof(target.reserved3));
	target.reserved1 = 0;
	rd_report(&target, a->data, &r);
	memcpy(a->report, &r, sizeof(a->report));
	return 0;
}

static int64_t seal_key(struct vault_key *a)
{
	struct rd_kit_keyrequest request = {
		.keyname = RD_KIT_KEY_SEAL,
		.keypolicy = a->policy & (RD_KIT_POLICY_MRENCLAVE | RD_KIT_POLICY_MRSIGNER),
		.attributemask = { .flags = ~0ULL, .xfrm = ~0ULL },
		.miscmask = ~0U,
	};
	struct rd_sha256 s;
	uint8_t sealing[16];
	uint32_t error;

	memcpy(request.keyid, a->id, sizeof(request.keyid));
	error = rd_getkey(&request, sealing);
	if (error)
		return error;
	rd_sha256_init(&s);
	rd_sha256_add(&s, sealing, sizeof(sealing));
	rd_sha256_end(&s, a->hash);
	rd_wipe(sealing, sizeof(sealing));
	return 0;
}

/* --- exceptions --- */

extern const uint8_t probe_at[], probe_on[];
static uint64_t probe_fault;

#define CPUID_ANSWER 0x56415541u

static bool is_cpuid(uint64_t rip)
{
	static const uint8_t bytes[2] = { 0x0f, 0xa2 };

	return rd_inside((const void *)rip, 2) && !memcmp((const void *)rip, bytes, 2);
}

bool rd_on_exception(struct rd_exception *e)
{
	if (e->vector == 6 && is_cpuid(e->regs->rip)) {
		e->regs->rax ^= CPUID_ANSWER;
		e->regs->rip += 2;
		return true;
	}
	if (e->vector == 14 && e->regs->rip == (uint64_t)probe_at) {
		probe_fault = e->has_address ? e->address : 0;
		e->regs->rax = ~0ULL;
		e->regs->rip = (uint64_t)probe_on;
		return true;
	}
	return false;
}

static int64_t cpuid(struct vault_cpuid *a)
{
	register uint64_t kept asm("r15") = 0x1122334455667788;
	uint32_t eax = a->leaf, ebx, ecx = 0, edx;

	asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx), "+r"(kept));
	a->eax = eax;
	a->r15 = kept;
	return 0;
}

/* A function of its own, so that the labels are there once. */
static __attribute__((noinline)) uint64_t probe_byte(uint64_t address)
{
	uint64_t value;

	asm volatile("probe_at:\n\t"
		     "movzbl (%1), %%eax\n"
		     "probe_on:"
		     : "=&a"(value)
		     : "r"(address)
		     : "memory");
	return value;
}

static int64_t probe(struct vault_probe *a)
{
	uint64_t value;

	if (!rd_outside(a->address, 1))
		return -1;
	value = probe_byte(a->address);
	a->faulted = value == ~0ULL;
	a->value = (uint8_t)value;
	a->fault = a->faulted ? probe_fault : 0;
	return 0;
}

static int64_t crash(struct vault_count *a)
{
	(void)a;
	asm volatile("ud2");
	return 0;
}

/* --- the rest --- */

static int64_t ask(struct vault_ask *a)
{
	uint64_t words[2] = { a->question, 0 };

	a->result = rd_ocall(VAULT_OCALL_ANSWER, words, sizeof(words));
	a->answer = words[1];
	a->result_of_missing = rd_ocall(VAULT_OCALL_MISSING, words, sizeof(words));
	return 0;
}

static int64_t heap(struct vault_heap *a)
{
	uint8_t *piece[16] = { NULL };
	uint8_t draw[2];
	void *large;

	a->wrong = 0;
	for (uint64_t n = 0; n < a->rounds; n++) {
		unsigned int k = n % 16;

		if (piece[k] && (piece[k][0] != k || piece[k][piece[k][1]] != 0xa5))
			a->wrong++;
		free(piece[k]);
		rd_random(draw, sizeof(draw));
		piece[k] = malloc(256 + draw[0] * 16U);
		if (!piece[k])
			continue;
		piece[k][0] = (uint8_t)k;
		piece[k][1] = draw[1] | 2;
		piece[k][piece[k][1]] = 0xa5;
	}
	for (unsigned int k = 0; k < 16; k++)
		free(piece[k]);
	/* All in one piece again. */
	large = calloc(1, 100 * 1024);
	a->wrong += !large;
	free(large);
	return 0;
}

static int64_t cpu_state(struct vault_cpu_state *a)
{
	uint16_t control;
	uint64_t xmm[2];

	asm volatile("movups %%xmm15, %0" : "=m"(xmm));
	asm volatile("pushfq; popq %0" : "=r"(a->rflags));
	asm volatile("stmxcsr %0" : "=m"(a->mxcsr));
	asm volatile("fnstcw %0" : "=m"(control));
	a->x87_control = control;
	memcpy(a->xmm15, xmm, sizeof(xmm));
	return 0;
}

RD_ECALL(count, struct vault_count);
RD_ECALL(hash, struct vault_digest);
RD_ECALL(mac, struct vault_digest);
RD_ECALL(report, struct vault_report);
RD_ECALL(seal_key, struct vault_key);
RD_ECALL(cpuid, struct vault_cpuid);
RD_ECALL(probe, struct vault_probe);
RD_ECALL(ask, struct vault_ask);
RD_ECALL(heap, struct vault_heap);
RD_ECALL(cpu_state, struct vault_cpu_state);
RD_ECALL(crash, struct vault_count);

RD_ECALLS([VAULT_COUNT] = RD_ECALL_ROW(count), [VAULT_HASH] = RD_ECALL_ROW(hash),
	  [VAULT_MAC] = RD_ECALL_ROW(mac), [VAULT_REPORT] = RD_ECALL_ROW(report),
	  [VAULT_KEY] = RD_ECALL_ROW(seal_key), [VAULT_CPUID] = RD_ECALL_ROW(cpuid),
	  [VAULT_PROBE] = RD_ECALL_ROW(probe), [VAULT_ASK] = RD_ECALL_ROW(ask),
	  [VAULT_HEAP] = RD_ECALL_ROW(heap), [VAULT_CPU_STATE] = RD_ECALL_ROW(cpu_state),
	  [VAULT_CRASH] = RD_ECALL_ROW(crash));
