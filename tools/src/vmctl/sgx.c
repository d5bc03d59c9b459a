// SPDX-License-Identifier: GPL-2.0-only
/*
 * The EPC. Invariant: it lies above 4 GiB and above all memory, so that it meets neither a memory
 * slot nor a device, and every large page of the guest's that it touches is all its own.
 */
#include "tools/src/vmctl/sgx.h"

#include "tools/src/vmctl/ram.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#define ALIGN_MIN (2 * RD_MIB)
#define ALIGN_MAX RD_GIB
#define ADDRESS_BITS_MAX 52u
#define LEAF_SGX1 (1u << 0)

int rd_epc_parse(const char *value, uint64_t *size)
{
	if (!rd_parse_size(value, size))
		return rd_fail(RD_USAGE, "--epc: a size such as 64M or 1G, not \"%s\"", value);
	if (*size < RD_EPC_MIN || *size > RD_EPC_MAX)
		return rd_fail(RD_USAGE, "--epc: from %lluM to %lluG, not \"%s\"",
			       RD_EPC_MIN / RD_MIB, RD_EPC_MAX / RD_GIB, value);
	if (*size % 4096)
		return rd_fail(RD_USAGE, "--epc: a multiple of 4K, not \"%s\"", value);
	return RD_OK;
}

bool rd_epc_place(uint64_t memory, uint64_t size, uint32_t address_bits, uint64_t *base)
{
	uint64_t top = 1ull << (address_bits < ADDRESS_BITS_MAX ? address_bits : ADDRESS_BITS_MAX);
	uint64_t align = ALIGN_MIN;
	struct rd_ram ram;

	rd_ram_split(&ram, memory);
	if (top <= RD_RAM_HIGH_START || ram.high_size > top - RD_RAM_HIGH_START)
		return false;
	while (align < size && align < ALIGN_MAX)
		align *= 2;
	*base = rd_align_up(RD_RAM_HIGH_START + ram.high_size, align);
	/* Rounding stays below the top, which is a multiple of every alignment. */
	return size <= top - *base;
}

static int set_failed(const char *node)
{
	switch (errno) {
	case ENOTTY:
		return rd_fail(RD_USAGE, "--epc: %s has no enclaves for guests", node);
	case EOPNOTSUPP:
		return rd_fail(RD_HOST_ERROR,
			       "--epc: the host lacks AES-GCM or CMAC (modprobe gcm cmac)");
	default:
		return rd_fail(RD_HOST_ERROR, "RD_VM_SET_EPC: %s", strerror(errno));
	}
}

int rd_epc_create(int vm_fd, const char *node, uint64_t base, uint64_t size,
		  struct rd_vm_sgx_info *info)
{
	struct rd_vm_epc epc = { .base = base, .size = size };

	if (ioctl(vm_fd, RD_VM_SET_EPC, &epc) < 0)
		return set_failed(node);
	if (ioctl(vm_fd, RD_VM_GET_SGX_INFO, info) < 0)
		return rd_fail(RD_HOST_ERROR, "RD_VM_GET_SGX_INFO: %s", strerror(errno));
	if (!(info->sgx_leaves & LEAF_SGX1))
		return rd_fail(RD_USAGE, "--epc: %s cannot run enclaves yet", node);
	return RD_OK;
}
