/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The EPC of a VM whose guest may have enclaves (--epc): its size, its place above the memory, and
 * the calls that make it.
 */
#ifndef RD_TOOLS_SGX_H
#define RD_TOOLS_SGX_H

#include "kmod/uapi/redoubt_sgx.h"

#include <stdbool.h>
#include <stdint.h>

#define RD_EPC_MIN (1ull << 20)
#define RD_EPC_MAX (4ull << 30)

/* rd_epc_parse - the value of --epc. A status. */
int rd_epc_parse(const char *value, uint64_t *size);

/*
 * rd_epc_place - where an EPC of SIZE bytes begins in a guest with MEMORY bytes and ADDRESS_BITS
 * of guest-physical address (at most 52). False: there is no room.
 */
bool rd_epc_place(uint64_t memory, uint64_t size, uint32_t address_bits, uint64_t *base);

/*
 * rd_epc_create - give VM_FD, which has its memory and no vCPU, the EPC BASE with SIZE bytes, and
 * learn in INFO what guests may be told. NODE is for messages. A status.
 */
int rd_epc_create(int vm_fd, const char *node, uint64_t base, uint64_t size,
		  struct rd_vm_sgx_info *info);

#endif
