// SPDX-License-Identifier: GPL-2.0-only
/* The made-up enclave: bytes that are never 0 where the file has some. */
#include "tests/unit/enclave_sign/made_elf.h"

static void load(Elf64_Phdr *p, u32 flags, u64 at, u64 offset, u64 filesz, u64 memsz)
{
	*p = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = flags,
		.p_offset = offset,
		.p_vaddr = MADE_BASE + at,
		.p_filesz = filesz,
		.p_memsz = memsz,
		.p_align = 0x1000,
	};
}

static void part(Elf64_Phdr *p, u32 type, u64 offset, u64 size, u64 align)
{
	*p = (Elf64_Phdr){
		.p_type = type,
		.p_offset = offset,
		.p_filesz = size,
		.p_memsz = size,
		.p_align = align,
	};
}

static void head(struct made_elf *e)
{
	memset(e, 0, sizeof(*e));
	for (size_t n = 0x1000; n < sizeof(e->bytes); n++)
		e->bytes[n] = (u8)(1 + n % 251);
	e->head = (Elf64_Ehdr){
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = MADE_BASE + MADE_ENTRY,
		.e_phoff = offsetof(struct made_elf, load),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 6,
	};
}

void made_elf(struct made_elf *e)
{
	head(e);
	load(&e->load[0], PF_R, 0, MADE_CONST, 0x1234, 0x1234);
	load(&e->load[1], PF_R | PF_X, 0x2010, MADE_CODE, 0x800, 0x800);
	load(&e->load[2], PF_R | PF_W, 0x5f00, MADE_DATA, 0x200, 0x1800);
	part(&e->note, PT_NOTE, offsetof(struct made_elf, the_note), sizeof(e->the_note), 4);
	part(&e->dynamic, PT_DYNAMIC, offsetof(struct made_elf, dyn), sizeof(e->dyn), 8);
	part(&e->spare, PT_GNU_STACK, 0, 0, 0);
	e->dyn[0].d_tag = DT_SYMTAB;
	e->the_note = (struct rd_kit_note){ RD_KIT_NOTE_HEAD, .image = {
								      .magic = RD_KIT_MAGIC,
								      .version = RD_KIT_VERSION,
								      .threads = 2,
								      .nssa = 2,
								      .ssa_frame_pages = 3,
								      .stack_pages = 2,
								      .heap_pages = 3,
							      } };
}

void made_raw(struct made_elf *e, unsigned int n)
{
	head(e);
	memset(e->bytes + 0x1000, 0, n * sizeof(struct rd_tcs));
	load(&e->load[0], PF_R | PF_W, 0, 0x1000, n * 0x1000, n * 0x1000);
	load(&e->load[1], PF_R | PF_X, 0x2000, 0x3000, 0x1000, 0x1000);
	load(&e->load[2], PF_R | PF_W, 0x3000, 0x4000, 0x10, 0x1000);
}
