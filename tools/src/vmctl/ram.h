/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory: one private mapping, seen by the guest as a part below 3 GiB and, when there is
 * more, a part that starts at 4 GiB. The gap between belongs to the interrupt controllers.
 */
#ifndef RD_TOOLS_RAM_H
#define RD_TOOLS_RAM_H

#include <stdbool.h>
#include <stdint.h>

#define RD_RAM_GAP_START (3ull << 30)
#define RD_RAM_HIGH_START (4ull << 30)
#define RD_RAM_MIN (16ull << 20)
#define RD_RAM_MAX (1ull << 40)

struct rd_ram {
	uint8_t *host;		/* start of guest physical address 0 */
	uint64_t size;
	uint64_t low_size;	/* bytes at address 0 */
	uint64_t high_size;	/* bytes at RD_RAM_HIGH_START */
	void *map;		/* what munmap() wants back */
	uint64_t map_len;
	/*
	 * Write traces (traces.h): while there are any, a device asks before it writes to guest
	 * memory, and leaves it when it is told no.
	 */
	uint32_t traced;	/* atomic */
	bool (*ask)(void *ctx, uint64_t gpa, uint64_t len);
	void *ask_ctx;
};

/* rd_ram_split - fill in the sizes for SIZE bytes of memory; no mapping. */
void rd_ram_split(struct rd_ram *ram, uint64_t size);

/*
 * rd_ram_map - get the memory, zeroed on first touch; with merge the host may let equal pages of
 * several machines be one (KSM, where its operator runs it). Returns a status.
 */
int rd_ram_map(struct rd_ram *ram, uint64_t size, bool merge);

/* rd_ram_unmap - give it back; harmless on memory that was never mapped. */
void rd_ram_unmap(struct rd_ram *ram);

/* rd_ram_at - host address of LEN bytes of low memory at GPA, NULL when not all are mapped. */
void *rd_ram_at(const struct rd_ram *ram, uint64_t gpa, uint64_t len);

/*
 * rd_ram_range - host address of LEN bytes of memory anywhere in the guest, for devices: NULL when
 * a byte of them is outside memory, when the range wraps or crosses the gap, or when LEN is 0.
 */
void *rd_ram_range(const struct rd_ram *ram, uint64_t gpa, uint64_t len);

/* rd_ram_ask - the part of rd_ram_may_write() for memory that is traced. */
bool rd_ram_ask(const struct rd_ram *ram, const void *host, uint64_t len);

/* rd_ram_may_write - whether a device may write the LEN bytes of guest memory at HOST. */
static inline bool rd_ram_may_write(const struct rd_ram *ram, const void *host, uint64_t len)
{
	return __builtin_expect(!__atomic_load_n(&ram->traced, __ATOMIC_RELAXED), 1) ||
	       rd_ram_ask(ram, host, len);
}

#endif
