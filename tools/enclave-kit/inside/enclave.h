/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What code in an enclave of the kit has instead of a C library.
 *
 * An enclave defines its note with RD_ENCLAVE(), its calls with RD_ECALL() and RD_ECALLS(), and may
 * define rd_on_exception(). How it is compiled and linked is in docs/enclave-kit.md.
 *
 * The argument of a call is a struct that is copied in before the function runs and copied out
 * after it, so the host cannot change it meanwhile. Pointers in it are the host's words: what they
 * point to is to be reached by rd_copy_in() and rd_copy_out() alone.
 */
#ifndef RD_KIT_ENCLAVE_H
#define RD_KIT_ENCLAVE_H

#include "tools/enclave-kit/abi.h"
#include "tools/enclave-kit/image.h"
#include "tools/enclave-kit/sgx.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- the enclave's own definitions --- */

/*
 * RD_ENCLAVE(threads, stack pages of each, heap pages, other fields of struct rd_kit_image). The
 * last page of a stack is the one for exceptions.
 */
#define RD_ENCLAVE(n_threads, n_stack, n_heap, ...)                                                \
	_Static_assert((n_stack) >= 2, "a stack, and a page for exceptions");                      \
	__attribute__((section(RD_KIT_NOTE_SECTION), used,                                         \
		       aligned(4))) static const struct rd_kit_note rd_kit_note = {                \
		RD_KIT_NOTE_HEAD,                                                                  \
		.image = { .magic = RD_KIT_MAGIC,                                                  \
			   .version = RD_KIT_VERSION,                                              \
			   .threads = (n_threads),                                                 \
			   .nssa = 2,                                                              \
			   .ssa_frame_pages = 1,                                                   \
			   .stack_pages = (n_stack),                                               \
			   .heap_pages = (n_heap),                                                 \
			   .miscselect = 1, /* page faults say where */                            \
			   __VA_ARGS__ },                                                          \
	}

struct rd_ecall {
	int64_t (*call)(void *args);
	size_t size;
};

/* RD_ECALL(name, type): int64_t name(type *args) becomes a call. */
#define RD_ECALL(name, type)                                                                       \
	_Static_assert(sizeof(type) <= RD_KIT_ARGS_MAX, #type " is too long for an argument");     \
	static int64_t name##_ecall(void *args)                                                    \
	{                                                                                          \
		return name((type *)args);                                                         \
	}                                                                                          \
	enum { name##_ecall_size = sizeof(type) }

#define RD_ECALL_ROW(name)                                                                         \
	{                                                                                          \
		.call = name##_ecall, .size = name##_ecall_size                                    \
	}

/* RD_ECALLS([NUMBER] = RD_ECALL_ROW(name), ...); a number without a row is no call. */
#define RD_ECALLS(...)                                                                             \
	const struct rd_ecall rd_kit_ecalls[] = { __VA_ARGS__ };                                   \
	const size_t rd_kit_n_ecalls = sizeof(rd_kit_ecalls) / sizeof(rd_kit_ecalls[0])

extern const struct rd_ecall rd_kit_ecalls[];
extern const size_t rd_kit_n_ecalls;

struct rd_exception {
	uint8_t vector;
	bool has_address; /* page faults and #GP, where the note asks for EXINFO */
	uint64_t address;
	uint32_t error;
	struct rd_kit_gprs *regs; /* of what was interrupted; changes take effect */
};

/*
 * rd_on_exception - true: go on with *e->regs. On a stack of 4 KiB; no OCALL, no malloc(), no lock
 * that what was interrupted may hold. The host can bring about any exception at any place. The
 * default knows none, and then the enclave is dead.
 */
bool rd_on_exception(struct rd_exception *e);

/* --- the host's memory --- */

/* rd_outside - are all N bytes at ADDR in the host's address space, none in the enclave's? */
bool rd_outside(uint64_t addr, size_t n);
bool rd_inside(const void *p, size_t n);

/* Copy once; false, and nothing copied, if not all is outside. */
bool rd_copy_in(void *to, uint64_t from, size_t n);
bool rd_copy_out(uint64_t to, const void *from, size_t n);

/*
 * rd_ocall - have the host carry out its function NUMBER on a copy of ARGS, which comes back
 * changed by it, or not at all if the host's exchange area is too small (-1). Result and
 * contents are the host's word.
 */
int64_t rd_ocall(unsigned int number, void *args, size_t size);

/* --- the enclave's own --- */

void *malloc(size_t n); /* NULL: no room */
void *calloc(size_t n, size_t size);
void free(void *p); /* what is no allocation ends the enclave */

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *p, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
/* Takes as long for equal bytes as for others. */
bool rd_equal(const void *a, const void *b, size_t n);
/* Not optimized away. */
void rd_wipe(void *p, size_t n);

/* rd_random - N bytes from the CPU. */
void rd_random(void *p, size_t n);

/* rd_report - EREPORT. Returns nothing: what it takes is checked by types. */
void rd_report(const struct rd_kit_targetinfo *target, const uint8_t data[64],
	       struct rd_kit_report *report);
/* rd_getkey - EGETKEY: 0, or an error code of the architecture. */
uint32_t rd_getkey(const struct rd_kit_keyrequest *request, uint8_t key[16]);

uint32_t rd_thread_index(void);

/* rd_die - wipe nothing, answer no call any more. */
_Noreturn void rd_die(void);

#endif
