/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small machine around the emulator: a few pages of memory, a device window, ports, segments.
 * Invariant: every callback checks its whole range before it changes anything, as the interface
 * demands.
 */
#ifndef RD_TESTS_UNIT_EMUL_ENV_H
#define RD_TESTS_UNIT_EMUL_ENV_H

#include "vmm/emul.h"

enum {
	CODE = 0x10000,  /* two pages; CS base outside long and flat modes */
	DATA = 0x20000,  /* four pages, writable */
	STACK = 0x30000, /* one page */
	RODATA = 0x40000,
	DEVICE = 0x50000, /* one page: reads may have to be asked for */
	TABLES = 0x60000, /* GDT at 0, LDT at 0x800, TSS at 0x1000; supervisor only */
	PAGES = 0x80,
};

enum { PG_R = 1, PG_W = 2, PG_SYSTEM = 4, PG_DEVICE = 8 };

/* Flag bits by name, for expectations. */
enum {
	F_C = 1,
	F_P = 4,
	F_A = 0x10,
	F_Z = 0x40,
	F_S = 0x80,
	F_I = 0x200,
	F_D = 0x400,
	F_O = 0x800,
	F_ARITH = 0x8d5
};

struct env {
	struct rd_emul e;
	struct kvm_segment seg[RD_NR_SEG];
	struct kvm_dtable gdt;
	u64 cr[16], dr[16];
	u8 vec[16][32];
	u8 page[PAGES][4096];
	u8 perm[PAGES];

	unsigned int device_retries;              /* so many device reads answer RETRY first */
	unsigned int device_reads, device_writes; /* carried out */
	u64 port_value;                           /* what IN reads; counts up per item */
	unsigned int port_retries, port_limit;    /* RETRY first; at most so many items at a time */
	unsigned int port_calls, port_items;
	u8 port_log[8192];
	unsigned int lost_races;                  /* so many exchanges find something else */
	unsigned int cas_calls, writes, probes;
	u64 invalidated;
};

extern struct env env;

/*
 * Mode with its usual segments; distinct register values, RDI = data, RSI = data + 0x1000, RSP =
 * middle of the stack.
 */
void env_reset(enum rd_emul_mode mode);

/* Put code (hex digits, spaces allowed) at RIP; the number of bytes. */
unsigned int env_code(const char *hex);

/* env_code(), then run. */
int env_run(const char *hex);

/* Memory by linear address. */
void *env_at(u64 linear);
u64 env_get(u64 linear, unsigned int bytes);
void env_put(u64 linear, u64 v, unsigned int bytes);

/* The result must be this exception, and nothing may have changed since env_code(). */
void env_expect_fault(int result, unsigned int vector, int error);

#endif
