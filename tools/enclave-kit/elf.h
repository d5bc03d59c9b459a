/* SPDX-License-Identifier: GPL-2.0-only */
/* Between layout.c and elf.c. */
#ifndef RD_KIT_ELF_H
#define RD_KIT_ELF_H

#include "tools/enclave-kit/layout.h"

/*
 * rd_kit_elf_read - segments, what kind of file it is, and the note if there is one, to L. What the
 * note says is not looked at, but an entry of 0 becomes the file's. False with l->error.
 */
bool rd_kit_elf_read(struct rd_kit_layout *l, const uint8_t *file, size_t len, bool *has_note);

/* rd_kit_fail - say why in l->error; false. */
bool rd_kit_fail(struct rd_kit_layout *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
