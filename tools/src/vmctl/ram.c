// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping of guest memory. The mapping is aligned so that host and guest 2 MiB pages coincide:
 * only then can the hypervisor back the guest with large pages.
 */
#include "tools/src/vmctl/ram.h"

#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE (2 * RD_MIB)

void rd_ram_split(struct rd_ram *ram, uint64_t size)
{
	memset(ram, 0, sizeof(*ram));
	ram->size = size;
	ram->low_size = size < RD_RAM_GAP_START ? size : RD_RAM_GAP_START;
	ram->high_size = size - ram->low_size;
}

int rd_ram_map(struct rd_ram *ram, uint64_t size, bool merge)
{
	void *map;

	rd_ram_split(ram, size);
	ram->map_len = size + LARGE_PAGE;
	map = mmap(NULL, ram->map_len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return rd_fail(RD_HOST_ERROR, "no %llu MiB of memory for the guest: %s",
			       (unsigned long long)(size / RD_MIB), strerror(errno));
	ram->map = map;
	ram->host = (uint8_t *)rd_align_up((uintptr_t)map, LARGE_PAGE);
	/* Large pages, a lean core dump and merging are wishes: a host without them still works. */
	(void)madvise(ram->host, size, MADV_HUGEPAGE);
	(void)madvise(ram->host, size, MADV_DONTDUMP);
	if (merge)
		(void)madvise(ram->host, size, MADV_MERGEABLE);
	return RD_OK;
}

void rd_ram_unmap(struct rd_ram *ram)
{
	if (ram->map)
		munmap(ram->map, ram->map_len);
	memset(ram, 0, sizeof(*ram));
}

void *rd_ram_at(const struct rd_ram *ram, uint64_t gpa, uint64_t len)
{
	if (!ram->host || gpa > ram->low_size || len > ram->low_size - gpa)
		return NULL;
	return ram->host + gpa;
}

void *rd_ram_range(const struct rd_ram *ram, uint64_t gpa, uint64_t len)
{
	uint64_t off = gpa - RD_RAM_HIGH_START;

	if (!ram->host || !len)
		return NULL;
	if (gpa < ram->low_size && len <= ram->low_size - gpa)
		return ram->host + gpa;
	if (gpa >= RD_RAM_HIGH_START && off < ram->high_size && len <= ram->high_size - off)
		return ram->host + ram->low_size + off;
	return NULL;
}

bool rd_ram_ask(const struct rd_ram *ram, const void *host, uint64_t len)
{
	uint64_t off = (uint64_t)((const uint8_t *)host - ram->host);

	if (off >= ram->low_size)
		off += RD_RAM_HIGH_START - ram->low_size;
	return !len || ram->ask(ram->ask_ctx, off, len);
}
