// SPDX-License-Identifier: GPL-2.0-only
/*
 * The runtime of an enclave: what entry.S calls, and the functions of enclave.h that need no file
 * of their own.
 *
 * Invariant: the first thread that comes in applies the relocations and makes the heap while the
 * others wait; before that, nothing that has an address in it is read. An enclave that is dead
 * returns from every entry at once.
 */
#include "tools/enclave-kit/inside/enclave.h"
#include "tools/enclave-kit/inside/heap.h"
#include "tools/enclave-kit/inside/range.h"

#define HIDDEN __attribute__((visibility("hidden")))

struct leaving {
	uint64_t why, what; /* RAX and RDX */
};

struct rela {
	uint64_t offset, type;
	int64_t addend;
};

#define RELA_RELATIVE 8u

struct leaving rd_kit_call(uint64_t what, uint64_t args, uint64_t size, uint64_t base);
struct leaving rd_kit_interrupted(uint64_t base);
int64_t rd_kit_leave_for_ocall(uint64_t number, uint64_t size);
_Noreturn void __stack_chk_fail(void);

HIDDEN extern const struct rela rd_kit_rela[], rd_kit_rela_end[];
HIDDEN uint8_t rd_kit_dead;
static uint64_t dead_reason = RD_KIT_DEAD_BY_ITSELF;
static enum { UNTOUCHED, STARTING, STARTED } state;
static bool heap_locked;
static struct rd_kit_heap heap;

#define AT_GS(place)                                                                               \
	({                                                                                         \
		uint64_t v_;                                                                       \
		asm volatile("movq %%gs:%c1, %0" : "=r"(v_) : "i"(place));                         \
		v_;                                                                                \
	})

static const struct rd_kit_thread *thread(void)
{
	return (const struct rd_kit_thread *)AT_GS(RD_KIT_T_LINEAR);
}

static uint64_t base_of(const struct rd_kit_thread *t)
{
	return (uint64_t)t - t->self;
}

/* Nothing that follows a check is done before its outcome is known. */
static void checked(void)
{
	asm volatile("lfence" : : : "memory");
}

_Noreturn void rd_die(void)
{
	__atomic_store_n(&rd_kit_dead, 1, __ATOMIC_SEQ_CST);
	for (;;)
		asm volatile("ud2");
}

_Noreturn void __stack_chk_fail(void)
{
	rd_die();
}

static bool is_dead(void)
{
	return __atomic_load_n(&rd_kit_dead, __ATOMIC_SEQ_CST);
}

/* For another thread, unless it is none that will ever be done. */
static void wait(void)
{
	if (is_dead())
		rd_die();
	asm volatile("pause");
}

static struct leaving leave(uint64_t why, uint64_t what)
{
	return (struct leaving){ why, what };
}

/* --- the first entry --- */

static void relocate(uint64_t base)
{
	size_t n = ((uintptr_t)rd_kit_rela_end - (uintptr_t)rd_kit_rela) / sizeof(struct rela);

	for (const struct rela *r = rd_kit_rela; n--; r++) {
		if (r->type != RELA_RELATIVE)
			rd_die();
		*(uint64_t *)(base + r->offset) = base + (uint64_t)r->addend;
	}
}

static void start(void)
{
	const struct rd_kit_thread *t = thread();
	int expected = UNTOUCHED;

	if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == STARTED)
		return;
	if (__atomic_compare_exchange_n((int *)&state, &expected, STARTING, false, __ATOMIC_SEQ_CST,
					__ATOMIC_SEQ_CST)) {
		relocate(base_of(t));
		rd_kit_heap_init(&heap, (void *)(base_of(t) + t->heap), t->heap_size);
		__atomic_store_n(&state, STARTED, __ATOMIC_SEQ_CST);
	}
	while (__atomic_load_n(&state, __ATOMIC_ACQUIRE) != STARTED)
		wait();
}

/* --- calls --- */

static struct leaving call_row(const struct rd_ecall *row, uint64_t args, uint64_t size)
{
	_Alignas(16) uint8_t copy[RD_KIT_ARGS_MAX];
	int64_t result;

	if (!row->call)
		return leave(RD_KIT_OUT_REFUSED, RD_KIT_NO_SUCH_CALL);
	if (size != row->size)
		return leave(RD_KIT_OUT_REFUSED, RD_KIT_BAD_SIZE);
	if (!rd_copy_in(copy, args, row->size))
		return leave(RD_KIT_OUT_REFUSED, RD_KIT_BAD_ADDRESS);
	result = row->call(copy);
	rd_copy_out(args, copy, row->size);
	rd_wipe(copy, row->size);
	return leave(RD_KIT_OUT_RETURN, (uint64_t)result);
}

struct leaving rd_kit_call(uint64_t what, uint64_t args, uint64_t size, uint64_t base)
{
	(void)base;
	if (is_dead())
		return leave(RD_KIT_OUT_DEAD, dead_reason);
	start();
	if (what >= rd_kit_n_ecalls)
		return leave(RD_KIT_OUT_REFUSED, RD_KIT_NO_SUCH_CALL);
	checked();
	return call_row(&rd_kit_ecalls[what], args, size);
}

/* On the stack for exceptions a thread has no way to leave but by the end of the handler. */
static bool handles_exception(void)
{
	const struct rd_kit_thread *t = thread();
	uint64_t end = base_of(t) + t->stack + t->stack_size;

	return end - (uint64_t)__builtin_frame_address(0) <= RD_KIT_EXC_STACK;
}

int64_t rd_ocall(unsigned int number, void *args, size_t size)
{
	uint64_t area = AT_GS(RD_KIT_T_AREA);
	int64_t result;

	if (handles_exception())
		rd_die();
	if (size > RD_KIT_ARGS_MAX || size > AT_GS(RD_KIT_T_AREA_SIZE) ||
	    !rd_copy_out(area, args, size))
		return -1;
	result = rd_kit_leave_for_ocall(number, size);
	/* Another thread may have ended the enclave meanwhile. */
	if (is_dead())
		rd_die();
	rd_copy_in(args, area, size);
	return result;
}

/* --- exceptions --- */

__attribute__((weak)) bool rd_on_exception(struct rd_exception *e)
{
	(void)e;
	return false;
}

struct leaving rd_kit_interrupted(uint64_t base)
{
	const struct rd_kit_thread *t = (void *)(base + AT_GS(RD_KIT_T_SELF));
	uint64_t end = base + t->ssa + (uint64_t)t->ssa_frame_pages * 4096;
	struct rd_kit_gprs *regs = (struct rd_kit_gprs *)end - 1;
	const struct rd_kit_exinfo *info = (const struct rd_kit_exinfo *)regs - 1;
	struct rd_exception e = { .vector = (uint8_t)regs->exitinfo, .regs = regs };

	if (is_dead())
		return leave(RD_KIT_OUT_DEAD, dead_reason);
	/*
	 * An interrupt, an exception that was dealt with, or one that the CPU does not tell
	 * enclaves of: the host may come in as it likes.
	 */
	if (!(regs->exitinfo & RD_KIT_EXITINFO_VALID))
		return leave(RD_KIT_OUT_RESUME, 0);
	regs->exitinfo = 0;
	/* These two are told only of enclaves that have EXINFO. */
	if (e.vector == 13 || e.vector == 14) {
		e.has_address = true;
		e.address = info->maddr;
		e.error = info->errcd;
	}
	if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == STARTED && rd_on_exception(&e))
		return leave(RD_KIT_OUT_RESUME, 1);
	dead_reason = e.vector;
	__atomic_store_n(&rd_kit_dead, 1, __ATOMIC_SEQ_CST);
	return leave(RD_KIT_OUT_DEAD, dead_reason);
}

/* --- the host's memory --- */

bool rd_outside(uint64_t addr, size_t n)
{
	const struct rd_kit_thread *t = thread();

	return rd_kit_range_outside(base_of(t), t->enclave_size, addr, n);
}

bool rd_inside(const void *p, size_t n)
{
	const struct rd_kit_thread *t = thread();

	return rd_kit_range_inside(base_of(t), t->enclave_size, (uint64_t)p, n);
}

bool rd_copy_in(void *to, uint64_t from, size_t n)
{
	if (!rd_outside(from, n))
		return false;
	checked();
	memcpy(to, (const void *)from, n);
	return true;
}

bool rd_copy_out(uint64_t to, const void *from, size_t n)
{
	if (!rd_outside(to, n))
		return false;
	checked();
	memcpy((void *)to, from, n);
	return true;
}

/* --- the heap --- */

static void lock_heap(void)
{
	while (__atomic_test_and_set(&heap_locked, __ATOMIC_ACQUIRE))
		wait();
}

static void unlock_heap(void)
{
	__atomic_clear(&heap_locked, __ATOMIC_RELEASE);
}

void *malloc(size_t n)
{
	void *p;

	lock_heap();
	p = rd_kit_heap_alloc(&heap, n);
	unlock_heap();
	return p;
}

void *calloc(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	p = malloc(bytes);
	/* Not malloc() and memset() in one to the compiler, which would call this function. */
	asm volatile("" : "+r"(p));
	return p ? memset(p, 0, bytes) : NULL;
}

void free(void *p)
{
	bool was_there;

	if (!p)
		return;
	lock_heap();
	was_there = rd_kit_heap_free(&heap, p);
	unlock_heap();
	if (!was_there)
		rd_die();
}

/* --- the CPU --- */

void rd_random(void *p, size_t n)
{
	for (size_t done = 0; done < n; done += sizeof(uint64_t)) {
		uint64_t word;
		bool ok = false;

		do {
			asm volatile("rdrand %0; setc %1" : "=r"(word), "+q"(ok) : : "cc");
		} while (!ok);
		memcpy((uint8_t *)p + done, &word, n - done < 8 ? n - done : 8);
	}
}

/* The CPU wants operands of its own alignment, which our types have. */
void rd_report(const struct rd_kit_targetinfo *target, const uint8_t data[64],
	       struct rd_kit_report *report)
{
	_Alignas(128) uint8_t aligned[64];

	memcpy(aligned, data, sizeof(aligned));
	asm volatile("enclu" : : "a"(0), "b"(target), "c"(aligned), "d"(report) : "memory", "cc");
}

uint32_t rd_getkey(const struct rd_kit_keyrequest *request, uint8_t key[16])
{
	_Alignas(16) uint8_t aligned[16] = { 0 };
	uint32_t error = 1;

	asm volatile("enclu" : "+a"(error) : "b"(request), "c"(aligned) : "memory", "cc");
	memcpy(key, aligned, sizeof(aligned));
	rd_wipe(aligned, sizeof(aligned));
	return error;
}

uint32_t rd_thread_index(void)
{
	return thread()->index;
}

_Static_assert(offsetof(struct rd_kit_thread, self) == RD_KIT_T_SELF, "self");
_Static_assert(offsetof(struct rd_kit_thread, tcs) == RD_KIT_T_TCS, "tcs");
_Static_assert(offsetof(struct rd_kit_thread, stack) == RD_KIT_T_STACK, "stack");
_Static_assert(offsetof(struct rd_kit_thread, stack_size) == RD_KIT_T_STACK_SIZE, "stack_size");
_Static_assert(sizeof(struct rd_kit_thread) <= RD_KIT_T_OUT_SP, "places of entry.S");
