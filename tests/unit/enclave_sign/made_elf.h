/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A made-up enclave as an ELF file in memory: three segments with a gap between them, linked at
 * 0x10000, and a note.
 */
#ifndef RD_TESTS_ENCLAVE_SIGN_MADE_ELF_H
#define RD_TESTS_ENCLAVE_SIGN_MADE_ELF_H

#include "enclave/arch.h"
#include "tools/enclave-kit/image.h"

#include <elf.h>

struct made_elf {
	union {
		u8 bytes[0x6000];
		struct {
			Elf64_Ehdr head;
			Elf64_Phdr load[3], note, dynamic, spare;
			struct rd_kit_note the_note; /* read where note.p_offset says */
			Elf64_Dyn dyn[2];
		};
	};
};

#define MADE_BASE 0x10000ULL
#define MADE_ENTRY 0x2020ULL /* offset */

/* Where the segments' bytes are in the file. */
#define MADE_CONST 0x1000U
#define MADE_CODE 0x3010U
#define MADE_DATA 0x4f00U

void made_elf(struct made_elf *e);

/* The kernel's selftest has such files: no note, the first segment is N pages of type TCS. */
void made_raw(struct made_elf *e, unsigned int n);

#endif
